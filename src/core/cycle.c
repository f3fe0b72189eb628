/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When cycles, hours and periods begin and end. */
#include "cycle.h"
#include "zone.h"

/*
 * A cycle turns at wall times: 0:00 of its days, for instance. Its boundaries are the
 * instants at which the clock first shows these or more, so that they are in order
 * whatever is done to the clock, and a day that has no 0:00 still begins.
 */
typedef struct {
	guint month_day;     /* MONTH; else 0 */
	gint64 origin, step; /* all others turn each `step` from this wall time on */
	gint64 anchor;       /* DAYS: the instant of `origin`, which the clock may show twice */
} Calendar;

/* Monday, 1970-01-05 */
#define MONDAY (4 * NETFIL_DAY)

/* The wall time at which the cycle turns in the month that is `months` after the one of
 * this wall time. */
static gint64 month_turn(gint64 wall, int months, guint at)
{
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(wall);
	int month = g_date_time_get_year(date) * 12 + g_date_time_get_month(date) - 1 + months;
	GDateMonth in_year = (GDateMonth)(month % 12 + 1);
	GDateYear year = (GDateYear)(month / 12);
	guint day = MIN(at, g_date_get_days_in_month(in_year, year));
	g_autoptr(GDateTime) turn = g_date_time_new_utc((int)year, (int)in_year, (int)day, 0, 0, 0);

	return g_date_time_to_unix(turn);
}

static Calendar make_calendar(const NetfilCycle *cycle, GTimeZone *zone, gint64 anchor)
{
	switch (cycle->unit) {
	case NETFIL_CYCLE_WEEK:
		return (Calendar){.origin = MONDAY + (gint64)(cycle->at - 1) * NETFIL_DAY,
				  .step = 7 * NETFIL_DAY};
	case NETFIL_CYCLE_MONTH:
		return (Calendar){.month_day = cycle->at};
	case NETFIL_CYCLE_DAYS:
		anchor = CLAMP(anchor, NETFIL_TIME_MIN, NETFIL_TIME_MAX);
		return (Calendar){.origin = netfil_zone_wall(zone, anchor),
				  .step = (gint64)cycle->at * NETFIL_DAY,
				  .anchor = anchor};
	default:
		return (Calendar){.step = NETFIL_DAY};
	}
}

/* The last turn at or before this wall time. */
static gint64 turn_before(const Calendar *calendar, gint64 wall)
{
	gint64 turn;

	if (!calendar->month_day)
		return calendar->origin + netfil_floor(wall - calendar->origin, calendar->step);
	turn = month_turn(wall, 0, calendar->month_day);
	return turn <= wall ? turn : month_turn(wall, -1, calendar->month_day);
}

static gint64 turn_after(const Calendar *calendar, gint64 turn)
{
	if (calendar->month_day)
		return month_turn(turn, 1, calendar->month_day);
	return turn + calendar->step;
}

static gint64 time_of(const Calendar *calendar, GTimeZone *zone, gint64 turn)
{
	if (calendar->anchor && turn == calendar->origin)
		return calendar->anchor;
	return netfil_zone_time(zone, turn);
}

/* The boundaries around `now`: *start is at or before it, *end after it. */
static void find_turns(const Calendar *calendar, GTimeZone *zone, gint64 now, gint64 *start,
		       gint64 *end)
{
	gint64 turn = turn_before(calendar, netfil_zone_wall(zone, now));
	gint64 next;

	/* The clock shows this hour twice, and the anchor is in the second one. */
	if (time_of(calendar, zone, turn) > now)
		turn = turn_before(calendar, turn - 1);
	next = turn_after(calendar, turn);
	/* The clock has been set back from beyond the next turn. */
	while (time_of(calendar, zone, next) <= now) {
		turn = next;
		next = turn_after(calendar, turn);
	}
	*start = time_of(calendar, zone, turn);
	*end = time_of(calendar, zone, next);
}

/* An hour ends with the clock's, or when the clock is set: an hour that the clock goes
 * through twice is two, and none is longer than 60 minutes. */
static void find_hour(GTimeZone *zone, gint64 now, gint64 *start, gint64 *end)
{
	gint64 wall = netfil_zone_wall(zone, now);
	gint64 full = now - (wall - netfil_floor(wall, NETFIL_HOUR));
	gint64 change;

	*start = full;
	for (gint64 at = full; (change = netfil_zone_change(zone, at, now + 1)) <= now; at = change)
		*start = change;
	*end = netfil_zone_change(zone, now, full + NETFIL_HOUR);
}

static void find(const NetfilCycle *cycle, GTimeZone *zone, gint64 anchor, gint64 now,
		 gint64 *start, gint64 *end)
{
	Calendar calendar = make_calendar(cycle, zone, anchor);

	now = CLAMP(now, NETFIL_TIME_MIN, NETFIL_TIME_MAX);
	if (cycle->unit == NETFIL_CYCLE_HOUR)
		find_hour(zone, now, start, end);
	else
		find_turns(&calendar, zone, now, start, end);
}

gint64 netfil_cycle_end(const NetfilCycle *cycle, GTimeZone *zone, gint64 anchor, gint64 now)
{
	gint64 start, end;

	if (cycle->unit == NETFIL_CYCLE_NEVER)
		return 0;
	find(cycle, zone, anchor, now, &start, &end);
	return end > now ? end : 0;
}

gint64 netfil_cycle_start(const NetfilCycle *cycle, GTimeZone *zone, gint64 anchor, gint64 now)
{
	gint64 start, end;

	if (cycle->unit == NETFIL_CYCLE_NEVER)
		return anchor;
	find(cycle, zone, anchor, now, &start, &end);
	return start;
}

static gboolean in_hours(const NetfilHours *hours, gint64 wall)
{
	gint64 minute = (wall - netfil_floor(wall, NETFIL_DAY)) / 60;

	if (hours->from < hours->to)
		return minute >= hours->from && minute < hours->to;
	return minute >= hours->from || minute < hours->to;
}

/* The wall time at which the hours end that this wall time is in. */
static gint64 hours_turn(const NetfilHours *hours, gint64 wall)
{
	gint64 turn = netfil_floor(wall, NETFIL_DAY) + hours->to * 60;

	return turn > wall ? turn : turn + NETFIL_DAY;
}

gint64 netfil_hours_end(const NetfilHours *hours, GTimeZone *zone, gint64 now)
{
	gint64 time = CLAMP(now, NETFIL_TIME_MIN, NETFIL_TIME_MAX);
	gint64 wall = netfil_zone_wall(zone, time);

	if (hours->from % (24 * 60) == hours->to % (24 * 60) || !in_hours(hours, wall))
		return 0;
	/* The clock may be set within them, and may be set back into them. */
	while (in_hours(hours, wall)) {
		time = netfil_zone_change(zone, time, time + hours_turn(hours, wall) - wall);
		wall = netfil_zone_wall(zone, time);
	}
	return time > now ? time : 0;
}

static NetfilCycle period_cycle(NetfilBy by)
{
	static const NetfilCycle cycles[] = {
	    [NETFIL_BY_HOUR] = {NETFIL_CYCLE_HOUR, 0},
	    [NETFIL_BY_DAY] = {NETFIL_CYCLE_DAY, 0},
	    [NETFIL_BY_MONTH] = {NETFIL_CYCLE_MONTH, 1},
	};

	g_return_val_if_fail((guint)by < G_N_ELEMENTS(cycles), cycles[NETFIL_BY_HOUR]);
	return cycles[by];
}

gint64 netfil_period_start(NetfilBy by, GTimeZone *zone, gint64 now)
{
	NetfilCycle cycle = period_cycle(by);

	return netfil_cycle_start(&cycle, zone, 0, now);
}

gint64 netfil_period_end(NetfilBy by, GTimeZone *zone, gint64 now)
{
	NetfilCycle cycle = period_cycle(by);

	return netfil_cycle_end(&cycle, zone, 0, now);
}
