/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "spec.h"

typedef enum {
	NETFIL_STATE_OFF,
	NETFIL_STATE_ON,
	NETFIL_STATE_EXHAUSTED, /* a single segment did not fit */
	NETFIL_STATE_WAITING,	/* on, but nothing there to match: no such unit, interface, process … */
} NetfilState;

/* What should not happen, and is counted if it does. */
typedef enum {
	NETFIL_LOSS_OVERMATCHED, /* packets refused: more than NETFIL_MATCH_MAX filters matched */
	NETFIL_LOSS_UNTAGGED,	 /* sockets without an owner, for want of memory */
	NETFIL_LOSS_UNTRACKED,	 /* processes and cgroups not followed, for want of memory */
	NETFIL_LOSSES,
} NetfilLoss;

/* A filter and where it stands: what list, show, watch and the bus tell. */
typedef struct {
	NetfilSpec *spec;
	guint64 id;
	NetfilState state;
	guint64 used[NETFIL_DIRECTIONS]; /* bytes since the cycle began; total = in + out */
	guint64 refused_bytes, refused_packets;
	guint64 reset_bytes, reset_packets; /* resets that passed a spent cap; not in used */
	gint64 cycle_started; /* seconds since the epoch */
} NetfilStatus;

NetfilStatus *netfil_status_new(const NetfilSpec *spec); /* copies the spec */
void netfil_status_free(NetfilStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilStatus, netfil_status_free)

const char *netfil_state_name(NetfilState state);

/* a{sv}: "spec" (a{sas}, as netfil_spec_to_variant), "name", "id", "state", "used" (ttt),
 * "refused" (tt: bytes, packets), "resets" (tt), "started" x. Floating reference. */
GVariant *netfil_status_to_variant(const NetfilStatus *status);
NetfilStatus *netfil_status_from_variant(GVariant *variant, GError **error);

/* The share of the tightest cap that is used, 0 to 1; -1 without a cap. */
double netfil_status_fraction(const NetfilStatus *status);
