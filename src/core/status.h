/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "counters.h"
#include "netfil/types.h"
#include "spec.h"

/* What should not happen, and is counted if it does. */
typedef enum {
	NETFIL_LOSS_OVERMATCHED, /* packets refused: more than NETFIL_MATCH_MAX filters matched */
	NETFIL_LOSS_UNTAGGED,    /* sockets without an owner, for want of memory */
	NETFIL_LOSS_UNTRACKED,   /* processes and cgroups not followed, for want of memory */
	NETFIL_LOSSES,
} NetfilLoss;

/* What list, show, watch and the bus tell. */
struct _NetfilStatus {
	NetfilSpec *spec;
	guint64 id;
	guint32 owner; /* user id; who made it may change it, beside administrators */
	NetfilState state;
	guint64 used[NETFIL_DIRECTIONS]; /* bytes since the cycle began; total = in + out */
	guint64 refused_bytes, refused_packets;
	guint64 reset_bytes, reset_packets; /* resets that passed a spent cap; not in used */
	NetfilCounters counted; /* since the filter was added, whatever cycles and resets there
				   were: these only rise */
	gint64 cycle_started;   /* seconds since the epoch */
	gint64 cycle_ends;      /* 0: never */
	gint64 extra[NETFIL_DIRECTIONS]; /* bytes by which this cycle's caps differ: top-ups,
					    and what was left of the cycle before */
	guint64 forfeited;      /* bytes in each used[] that may not have been: granted before a
				   power cut, and not known to be unspent. Then in + out is more
				   than total. */
	gint64 unlimited_until; /* seconds since the epoch; 0: caps are kept */
	gint64 free_until;      /* seconds since the epoch, while hours are free; else 0 */
	gint64 forecast;        /* when the nearest cap will be reached; 0: not in this cycle */
	GArray *warned;         /* guint8, percents of which was warned in this cycle */
	GVariant *lists;        /* NETFIL_LISTS_TYPE: the path of each ip-file, how many prefixes
				   of it are in force, bytes that they take in the kernel, and
				   why the file's present version is not in force, or "" */

	/* With `each`: caps are of each member, and used is the sum of all. */
	guint32 members, members_at_cap;
	guint64 others[NETFIL_DIRECTIONS]; /* used by those beyond max-members, who share a cap */
};

#define NETFIL_LISTS_TYPE "a(stts)"

/* Takes them over; floating or not. */
void netfil_status_take_lists(NetfilStatus *status, GVariant *lists);

NetfilStatus *netfil_status_new(NetfilSpec *spec); /* shares the spec */

/* Whether both say the same, of a spec that is shared. */
gboolean netfil_status_equal(const NetfilStatus *a, const NetfilStatus *b);

/* (tttttt), in their order. Floating reference. */
GVariant *netfil_counters_to_variant(const NetfilCounters *counters);

const char *netfil_direction_name(guint direction); /* enum netfil_direction */
const char *netfil_spec_type_name(NetfilSpecType type);

/* This cycle's cap: spec->cap and extra; 0: none. Where extra takes all away, 1. */
guint64 netfil_status_limit(const NetfilStatus *status, guint direction);

/* The direction of the cap that is nearest to its end; -1 without a cap of the whole. */
int netfil_status_tightest(const NetfilStatus *status);

/* a{sv}: "spec" (a{sas}, as netfil_spec_to_variant), "name", "id", "owner" (u), "state",
 * "used" (ttt), "refused" (tt: bytes, packets), "resets" (tt), "counted" (tttttt), "started" x,
 * "ends" x, "extra" (xxx), "forfeited" t, "unlimited-until" x, "free-until" x, "forecast" x,
 * "warned" ay, "lists" a(stts),
 * "members" (uu: how many, how many at their cap), "others" (ttt). Floating reference. */
GVariant *netfil_status_to_variant(const NetfilStatus *status);
NetfilStatus *netfil_status_from_variant(GVariant *variant, GError **error);

/* The share of the tightest cap that is used, 0 to 1; -1 without a cap. */
double netfil_status_fraction(const NetfilStatus *status);
