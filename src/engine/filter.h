/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"
#include "keyed.h"
#include "ledger/ledger.h"
#include "presence.h"
#include "rules.h"

/* Where a filter stands in its cycle: what a change that fails puts back. */
typedef struct {
	gint64 started, ends;            /* of the cycle, seconds since the epoch; ends 0: never */
	gint64 extra[NETFIL_DIRECTIONS]; /* bytes by which this cycle's caps differ */
	guint64 forfeited;               /* bytes that count as spent, granted before a power cut */
	gint64 unlimited_until;          /* seconds since the epoch; 0: caps are kept */
	guint64 base_in, base_out;       /* NetfilFilter.base */
	guint32 owner;
} NetfilStanding;

/* A filter as the engine runs it. */
typedef struct NetfilFilter {
	gint64 id; /* of the ledger, or counted up where there is none */
	NetfilSpec *spec;
	guint32 owner; /* user id; not 0: what it does to processes, this user could do */
	guint slot;
	NetfilRule *rule; /* NULL: a frame filter */
	NetfilFrameFilter frame;
	NetfilRule *except_rule;   /* a frame filter's, for addresses that it leaves out */
	NetfilCounters base;       /* the slot's counters when the cycle began */
	guint64 read_in, read_out; /* the slot's, as they were last read */
	gint64 started, ends;
	gint64 past_ends, past_booted; /* where the clock stands long before `started`: see
					  turn.c */
	gint64 extra[NETFIL_DIRECTIONS];
	guint64 forfeited;
	gint64 unlimited_until;
	gint64 free_until;      /* end of the free hours that it is in; 0: in none */
	NetfilCounters free_at; /* the counters up to which free hours were taken off */
	GArray *warned;         /* guint8, percents of which was warned in this cycle */

	/* What the ledger knows. */
	NetfilCounters kept, kept_base; /* `used` and `base` */
	NetfilCounters recorded;        /* the counters up to which history holds them */
	NetfilCounters recording;       /* the same, of a transaction that is under way */
	gboolean dirty;                 /* the row is to be written as a whole */

	/* Strict durability: see grant.c. */
	gboolean strict;
	guint64 granted;   /* of in + out counters; 0: no grants */
	guint64 chunk;     /* bytes, of the next grant */
	gint64 granted_at; /* monotonic, microseconds */

	NetfilKeyed *keyed; /* its members; NULL: it has none */

	guint told; /* bits of the caps that were told to be reached */

	/* A frame filter with `reject`: on the sockets of its interfaces, see cap.c. */
	guint sockets_slot;
	NetfilRule *sockets_rule;
	gint64 due;                  /* the cap acts then, monotonic microseconds; 0: not */
	guint wait;                  /* milliseconds from a knock until it acts */
	struct NetfilPaused *paused; /* whom it paused, see pause.h; NULL: nobody */
	char *downed;                /* interfaces that it took down, see down.h; NULL: none */
	GPtrArray *condemned;        /* of NetfilCondemned: got SIGTERM, SIGKILL follows */
	guint kill_source;

	/* With until-exit: see ended.c. */
	gint64 ended_at; /* monotonic, microseconds: since when nothing moved after the end of its
			    processes; 0: they run */
	guint64 ended_with; /* bytes in and out of the slot then */
} NetfilFilter;

NetfilFilter *netfil_filter_new(const NetfilSpec *spec);
void netfil_filter_free(NetfilFilter *filter);

NetfilStanding netfil_filter_standing(const NetfilFilter *filter);
void netfil_filter_stand(NetfilFilter *filter, const NetfilStanding *standing);

/* The slot's counters at one moment between the call and its return: free of charges
 * that are undone a moment later. */
void netfil_filter_read(NetfilKernel *kernel, NetfilFilter *filter, NetfilCounters *counters);

/* Since the cycle began. */
void netfil_filter_used(NetfilKernel *kernel, NetfilFilter *filter, NetfilCounters *used);

/* This cycle's cap in the slot's own terms: what used[direction] may reach;
 * NETFIL_NO_LIMIT without a cap. */
guint64 netfil_filter_limit(const NetfilFilter *filter, guint direction);

/* Writes limits and policy into the slot. A cap that was raised is no longer
 * exhausted (if it is, the next packet says so); one with no byte left is. */
void netfil_filter_arm(NetfilKernel *kernel, NetfilFilter *filter);

/* Takes what the filter moved since free_at off what it used. */
void netfil_filter_take_free(NetfilKernel *kernel, NetfilFilter *filter);

/* Starts a cycle where the counters stood `at`: what was used since then is used, extras and
 * forfeits are gone; `warned` stays. Arm afterwards. */
void netfil_filter_restart(NetfilFilter *filter, const NetfilCounters *at, gint64 started,
			   gint64 ends);

NetfilCounters netfil_counters_less(const NetfilCounters *a, const NetfilCounters *b);
NetfilCounters netfil_counters_plus(const NetfilCounters *a, const NetfilCounters *b);

/* Bits, 1 << enum netfil_direction, of the caps at which a single segment was refused. */
guint netfil_filter_exhausted(NetfilKernel *kernel, const NetfilFilter *filter);

/* The caps are not kept for now: free hours, or a snooze. */
gboolean netfil_filter_is_unlimited(const NetfilFilter *filter);

/* Numbers alone: no state, no forecast. */
NetfilStatus *netfil_filter_usage(NetfilKernel *kernel, NetfilFilter *filter);
NetfilStatus *netfil_filter_status(NetfilKernel *kernel, NetfilFilter *filter,
				   NetfilPresence *presence);
