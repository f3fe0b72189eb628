// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Strict durability: the kernel may admit no byte that the ledger has not on disk as
 * granted. A grant is a position of the counter of in and out together; at its end
 * packets are dropped until the next one is on disk, which is asked for half-way.
 *
 * After a crash in which the counters are lost, all that was granted counts as spent.
 */
#include "engine-private.h"

#define CHUNK_FIRST (1ULL << 20)
#define CHUNK_LEAST (256ULL << 10)
#define CHUNK_MOST (1ULL << 30)

/* A chunk that is used up faster is too small, one that lasts longer too large. */
#define LASTS_LEAST (G_USEC_PER_SEC / 4)
#define LASTS_MOST (4 * G_USEC_PER_SEC)

static gboolean has_cap(const NetfilSpec *spec)
{
	return spec->cap[NETFIL_IN] || spec->cap[NETFIL_OUT] || spec->cap[NETFIL_TOTAL];
}

static gboolean is_strict(const NetfilEngine *e, const NetfilSpec *spec)
{
	NetfilDurability durability = spec->durability;

	if (durability == NETFIL_DURABILITY_DEFAULT)
		durability = e->durability;
	return e->ledger && !spec->each && durability == NETFIL_DURABILITY_STRICT && has_cap(spec);
}

static guint64 position(NetfilEngine *e, NetfilFilter *filter)
{
	NetfilCounters now;

	netfil_filter_read(e->kernel, filter, &now);
	return now.in + now.out;
}

static void fit_chunk(NetfilFilter *filter)
{
	gint64 now = g_get_monotonic_time(), lasted = now - filter->granted_at;

	if (!filter->granted_at)
		filter->chunk = CHUNK_FIRST;
	else if (lasted < LASTS_LEAST)
		filter->chunk = MIN(filter->chunk * 2, CHUNK_MOST);
	else if (lasted > LASTS_MOST)
		filter->chunk = MAX(filter->chunk / 2, CHUNK_LEAST);
	filter->granted_at = now;
}

void netfil_grant_prepare(NetfilEngine *e, NetfilFilter *filter)
{
	gboolean before = filter->strict;
	guint64 now;

	filter->strict = is_strict(e, filter->spec);
	filter->chunk = MAX(filter->chunk, CHUNK_LEAST); /* an event for more may be lost */
	if (!filter->strict) {
		filter->granted = 0;
	} else if (!before) {
		now = position(e, filter);
		filter->granted = MAX(filter->granted, now);
	}
}

/* The next grant holds once it is on disk. */
static void grant(NetfilEngine *e, NetfilFilter *filter)
{
	guint64 before = filter->granted, limit = netfil_filter_limit(filter, NETFIL_TOTAL);
	guint64 now = position(e, filter); /* read once: it goes on, and MIN() may look twice */
	g_autoptr(GError) error = NULL;

	fit_chunk(filter);
	filter->granted = MAX(before, MIN(now + filter->chunk, limit));
	/* Where it is as before, the kernel may not know yet: an earlier netfild wrote it down
	 * and was killed. */
	if (filter->granted == before || netfil_record(e, filter, &error))
		netfil_filter_arm(e->kernel, filter);
	else
		filter->granted = before;
	netfil_trouble(e, error);
}

void netfil_grant_event(NetfilEngine *e, NetfilFilter *filter)
{
	if (filter->strict)
		grant(e, filter);
}

void netfil_grant_follow(NetfilEngine *e, NetfilFilter *filter)
{
	if (filter->strict && filter->granted < netfil_filter_limit(filter, NETFIL_TOTAL) &&
	    position(e, filter) + filter->chunk / 2 >= filter->granted)
		grant(e, filter);
}

void netfil_grant_end(NetfilEngine *e, NetfilFilter *filter)
{
	if (!filter->strict)
		return;
	filter->granted = position(e, filter);
	filter->dirty = TRUE;
}

/* What stood in the ledger's grant beyond the counters it knows may have been spent. */
void netfil_grant_forfeit(NetfilFilter *filter, guint64 known)
{
	if (filter->granted > known)
		filter->forfeited += filter->granted - known;
	filter->granted = 0;
}
