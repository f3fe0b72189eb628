// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What time does to filters: cycles turn, hours become free, snoozes end, warnings are due. */
#include "engine-private.h"

#include <string.h>

#include "clock.h"

/* A clock that is set back by less is put up with, so that no boundary is passed twice. */
#define SET_BACK_SECONDS (24 * 60 * 60)
#define PAST_DRIFT_SECONDS 60 /* that a clock is corrected by without being set */

typedef struct {
	NetfilEngine *engine;
	NetfilFilter *filter;
	GTimeZone *zone;
	gint64 now;
	gboolean changed; /* where it stands */
	gboolean turned;
} Turn;

static guint64 left_of(const NetfilFilter *filter, const NetfilCounters *used, guint direction)
{
	const guint64 amounts[] = {used->in, used->out, used->in + used->out};
	guint64 limit = netfil_cap_with(filter->spec->cap[direction], filter->extra[direction]);
	guint64 spent = amounts[direction] + filter->forfeited;

	return limit > spent ? limit - spent : 0;
}

NetfilLedgerCycle netfil_turn_close(const NetfilFilter *filter, const NetfilCounters *at,
				    gint64 ended)
{
	NetfilLedgerCycle closed = {
	    .filter = filter->id,
	    .started = filter->started,
	    .ended = ended,
	    .used = netfil_counters_less(at, &filter->base),
	};

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		closed.limit[i] = netfil_cap_with(filter->spec->cap[i], filter->extra[i]);
	return closed;
}

/* The cycle ends and the next begins at one reading of the counters. */
static void turn(Turn *t, gint64 due)
{
	NetfilFilter *filter = t->filter;
	const NetfilSpec *spec = filter->spec;
	gint64 started = netfil_cycle_start(&spec->every, t->zone, filter->started, t->now);
	gint64 left[NETFIL_DIRECTIONS] = {0};
	NetfilLedgerCycle closed;
	NetfilCounters at;

	netfil_filter_read(t->engine->kernel, filter, &at);
	closed = netfil_turn_close(filter, &at, due);
	for (guint i = 0; spec->rollover && i < NETFIL_DIRECTIONS; i++)
		left[i] = left_of(filter, &closed.used, i);
	started = MAX(started, due);
	netfil_filter_restart(filter, &at, started,
			      netfil_cycle_end(&spec->every, t->zone, started, t->now));
	memcpy(filter->extra, left, sizeof(left));
	if (filter->keyed)
		netfil_filter_arm(t->engine->kernel, filter); /* as near to the reading as can be */
	g_array_set_size(filter->warned, 0);
	g_array_append_val(t->engine->closed, closed);
	t->changed = t->turned = TRUE;
}

/* The clock shows a time long before the cycle began: it was wrong then, or is wrong now, as
 * that of a machine without a battery is until it has asked. So the cycle goes on as it is,
 * and ends if the clock as it is now passes a boundary by itself. */
static void follow_past(Turn *t)
{
	NetfilFilter *filter = t->filter;

	gint64 booted = t->now - g_get_monotonic_time() / G_USEC_PER_SEC;

	/* Set once more: what it jumped over did not pass. */
	if (!filter->past_ends || ABS(booted - filter->past_booted) > PAST_DRIFT_SECONDS)
		filter->past_ends =
		    netfil_cycle_end(&filter->spec->every, t->zone, filter->started, t->now);
	filter->past_booted = booted;
	if (t->now < filter->past_ends)
		return;
	turn(t, filter->past_ends);
	filter->past_ends = 0;
}

static void follow_cycle(Turn *t)
{
	NetfilFilter *filter = t->filter;

	if (!filter->ends)
		return;
	if (t->now < filter->started - SET_BACK_SECONDS) {
		follow_past(t);
		return;
	}
	filter->past_ends = 0;
	if (t->now >= filter->ends)
		turn(t, filter->ends);
}

static void follow_free_hours(Turn *t)
{
	NetfilFilter *filter = t->filter;
	gint64 ends = netfil_hours_end(&filter->spec->free, t->zone, t->now);

	if (filter->free_until)
		netfil_filter_take_free(t->engine->kernel, filter);
	else if (ends)
		netfil_filter_read(t->engine->kernel, filter, &filter->free_at);
	if (ends != filter->free_until)
		t->changed = TRUE;
	filter->free_until = ends;
}

static void follow_snooze(Turn *t)
{
	NetfilFilter *filter = t->filter;

	if (!filter->unlimited_until || t->now < filter->unlimited_until)
		return;
	filter->unlimited_until = 0;
	t->changed = TRUE;
}

/* ---- warnings ---- */

static gboolean is_reached(const NetfilStatus *status, guint direction, guint percent)
{
	return (unsigned __int128)status->used[direction] * 100 >=
	       (unsigned __int128)netfil_status_limit(status, direction) * percent;
}

static gboolean was_warned(const NetfilFilter *filter, guint8 percent)
{
	for (guint i = 0; i < filter->warned->len; i++)
		if (g_array_index(filter->warned, guint8, i) == percent)
			return TRUE;
	return FALSE;
}

static void follow_warnings(Turn *t)
{
	NetfilFilter *filter = t->filter;
	g_autoptr(NetfilStatus) status = NULL;
	int direction;

	if (!filter->spec->warn->len || !filter->spec->on || filter->keyed)
		return; /* members are warned of when they are heard */
	status = netfil_filter_usage(t->engine->kernel, filter);
	direction = netfil_status_tightest(status);
	if (direction < 0)
		return;
	for (guint i = 0; i < filter->spec->warn->len; i++) {
		guint8 percent = g_array_index(filter->spec->warn, guint8, i);
		NetfilWarning warning = {filter->id,      percent, direction,
					 filter->started, t->now,  FALSE};

		if (was_warned(filter, percent) || !is_reached(status, direction, percent))
			continue;
		g_array_append_val(filter->warned, percent);
		g_array_append_val(t->engine->warnings, warning);
	}
}

/* ---- all of it ---- */

/* Where the clock stands before the cycle began, its end is not looked for there. */
static gint64 end_of(const NetfilFilter *filter, GTimeZone *zone, gint64 now)
{
	return netfil_cycle_end(&filter->spec->every, zone, filter->started,
				MAX(now, filter->started));
}

void netfil_turn_begin(NetfilEngine *e, NetfilFilter *filter)
{
	GTimeZone *zone = netfil_clock_zone();
	gint64 now = netfil_clock_seconds();
	gint64 free_until = netfil_hours_end(&filter->spec->free, zone, now);

	/* A turn that is due, as after the machine was off, is still to come. */
	if (!filter->ends || now < filter->ends || filter->spec->every.unit == NETFIL_CYCLE_NEVER)
		filter->ends = end_of(filter, zone, now);
	filter->past_ends = 0;
	if (free_until && free_until != filter->free_until)
		netfil_filter_read(e->kernel, filter, &filter->free_at);
	filter->free_until = free_until;
}

static void follow(Turn *t)
{
	NetfilEngine *e = t->engine;

	if (t->filter->keyed)
		netfil_keyed_hear(t->filter->keyed);
	follow_free_hours(t);
	follow_warnings(t); /* of the cycle that may be about to end */
	follow_cycle(t);
	follow_snooze(t);
	if (t->changed || netfil_filter_is_unlimited(t->filter))
		netfil_filter_arm(e->kernel, t->filter);
	if (t->changed) {
		t->filter->dirty = TRUE;
		netfil_cap_follow(e, t->filter);
	}
	netfil_grant_follow(e, t->filter);
}

/* Where the zone changed, cycles end by the new one; none ends because of it. */
static void follow_zone(NetfilEngine *e, GTimeZone *zone, gint64 now)
{
	const char *name = g_time_zone_get_identifier(zone);
	GHashTableIter iter;
	gpointer value;

	if (!g_strcmp0(name, e->zone_name))
		return;
	g_free(e->zone_name);
	e->zone_name = g_strdup(name);
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		filter->ends = end_of(filter, zone, now);
		filter->dirty = TRUE;
	}
}

/* Warnings of a cycle that ended come before the next one. */
static void emit_all(NetfilEngine *e, const GArray *turns, const GArray *warnings)
{
	for (guint i = 0; i < warnings->len; i++)
		netfil_emit_warned(e, &g_array_index(warnings, NetfilWarning, i));
	for (guint i = 0; i < turns->len; i++) {
		const Turn *t = &g_array_index(turns, Turn, i);

		if (t->turned)
			netfil_emit_cycle_started(e, t->filter);
		if (t->changed)
			netfil_emit_changed(e, t->filter);
	}
}

/* Writes what is due and then tells: what was told once is not told again, whatever
 * happens. */
static void write_and_tell(NetfilEngine *e, const GArray *turns)
{
	g_autoptr(GArray) warnings = g_array_new(FALSE, FALSE, sizeof(NetfilWarning));

	for (guint i = 0; i < e->warnings->len; i++) {
		NetfilWarning *warning = &g_array_index(e->warnings, NetfilWarning, i);

		if (!warning->told)
			g_array_append_val(warnings, *warning);
		warning->told = TRUE;
	}
	netfil_checkpoint(e);
	emit_all(e, turns, warnings);
}

void netfil_turn_warn(NetfilEngine *e, NetfilFilter *filter)
{
	g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(Turn));
	Turn t = {.engine = e, .filter = filter, .now = netfil_clock_seconds()};
	guint before = e->warnings->len;

	follow_warnings(&t);
	if (e->warnings->len > before)
		write_and_tell(e, none);
}

void netfil_turn_all(NetfilEngine *e)
{
	g_autoptr(GArray) turns = g_array_new(FALSE, FALSE, sizeof(Turn));
	GTimeZone *zone = netfil_clock_zone();
	gint64 now = netfil_clock_seconds();
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter)) {
		Turn t = {.engine = e, .filter = filter, .zone = zone, .now = now};

		follow(&t);
		if (t.changed)
			g_array_append_val(turns, t);
	}
	follow_zone(e, zone, now);
	write_and_tell(e, turns);
	netfil_relist(e);
}
