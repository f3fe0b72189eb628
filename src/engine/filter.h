/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"
#include "ledger/ledger.h"
#include "rules.h"

#define NETFIL_NO_SLOT G_MAXUINT

/* A filter as the engine runs it. */
typedef struct {
	gint64 id; /* of the ledger, or counted up where there is none */
	NetfilSpec *spec;
	guint slot;
	NetfilRule *rule; /* NULL: a frame filter */
	NetfilFrameFilter frame;
	NetfilCounters base; /* the slot's counters when the cycle began */
	gint64 started;	     /* of the cycle, seconds since the epoch */
	NetfilCounters kept; /* what the ledger knows */
	/* A frame filter with `reject`: on the sockets of its interfaces, see cap.c. */
	guint sockets_slot;
	NetfilRule *sockets_rule;
	gboolean reset_due;  /* connections are to be ended soon */
	GPtrArray *condemned; /* of NetfilCondemned: got SIGTERM, SIGKILL follows */
	guint kill_source;
} NetfilFilter;

NetfilFilter *netfil_filter_new(const NetfilSpec *spec);
void netfil_filter_free(NetfilFilter *filter);

/* The slot's counters at one moment between the call and its return: free of charges
 * that are undone a moment later. */
void netfil_filter_read(NetfilKernel *kernel, const NetfilFilter *filter, NetfilCounters *counters);

/* Since the cycle began. */
void netfil_filter_used(NetfilKernel *kernel, const NetfilFilter *filter, NetfilCounters *used);

/* Writes limits and policy into the slot. A cap that was raised is no longer
 * exhausted (if it is, the next packet says so); one with no byte left is. */
void netfil_filter_arm(NetfilKernel *kernel, NetfilFilter *filter);

/* Starts a cycle now: usage is 0. Arm afterwards. */
void netfil_filter_restart(NetfilKernel *kernel, NetfilFilter *filter);

/* Bits, 1 << enum netfil_direction, of the caps at which a single segment was refused. */
guint netfil_filter_exhausted(NetfilKernel *kernel, const NetfilFilter *filter);

NetfilStatus *netfil_filter_status(NetfilKernel *kernel, const NetfilFilter *filter);
