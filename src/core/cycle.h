/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * When cycles turn, which hours are free, and how history is cut into periods. All
 * instants are seconds since the epoch; all calendars are those of the time zone that
 * is given. Nothing here asks what time it is.
 */

typedef enum {
	NETFIL_CYCLE_NEVER, /* the default: one cycle without an end */
	NETFIL_CYCLE_HOUR,
	NETFIL_CYCLE_DAY,
	NETFIL_CYCLE_WEEK,
	NETFIL_CYCLE_MONTH,
	NETFIL_CYCLE_DAYS, /* N days from when it began, to the same time of the day */
} NetfilCycleUnit;

typedef struct {
	NetfilCycleUnit unit;
	guint at; /* WEEK: 1 (Monday) to 7; MONTH: 1 to 31, in a shorter month its last
		     day; DAYS: how many, 1 to 3650; else 0 */
} NetfilCycle;

/* never, hour, day, week, week@sun, month, month@14, 30d. Any case. */
gboolean netfil_cycle_parse(const char *text, NetfilCycle *cycle, GError **error);

/* What netfil_cycle_parse() reads back to the same: "week" for week@mon, "month" for
 * month@1. Caller frees. */
char *netfil_cycle_format(const NetfilCycle *cycle);

/* The first boundary after `now`, 0 for never and beyond the year 9899. `anchor`: when the
 * cycle at hand began; matters for DAYS alone, where boundaries are whole multiples from
 * it, also backwards. HOUR: at each full hour of the clock, and where it is set. */
gint64 netfil_cycle_end(const NetfilCycle *cycle, GTimeZone *zone, gint64 anchor, gint64 now);

/* The last boundary at or before `now`; for NEVER, `anchor`. */
gint64 netfil_cycle_start(const NetfilCycle *cycle, GTimeZone *zone, gint64 anchor, gint64 now);

/* Hours that do not count: minutes of the day; `from` included, `to` not. from > to
 * goes over midnight. from == to: none. */
typedef struct {
	guint16 from, to;
} NetfilHours;

/* "01:00-07:00"; "24:00" may stand at the end; "none". A whole day is refused. */
gboolean netfil_hours_parse(const char *text, NetfilHours *hours, GError **error);
char *netfil_hours_format(const NetfilHours *hours);

/* When the free hours that `now` is in end; 0 if it is in none. By the wall clock: where
 * it is set an hour forward within them, they are an hour shorter. */
gint64 netfil_hours_end(const NetfilHours *hours, GTimeZone *zone, gint64 now);

/* What history is shown by. */
typedef enum {
	NETFIL_BY_HOUR,
	NETFIL_BY_DAY,
	NETFIL_BY_MONTH,
	NETFIL_BY_CYCLE, /* of the filter: no netfil_period_…() */
} NetfilBy;

const char *netfil_by_name(NetfilBy by); /* "hour" … */
gboolean netfil_by_parse(const char *text, NetfilBy *by, GError **error);

/* The hour, day or month of the zone that `now` is in, and when it ends. */
gint64 netfil_period_start(NetfilBy by, GTimeZone *zone, gint64 now);
gint64 netfil_period_end(NetfilBy by, GTimeZone *zone, gint64 now);

/* A point in time as people write it: "2026-11-23", "2026-11-23 18:00[:30]" (or with T,
 * and a zone: Z, +01:00), "18:00" (the next one after now), "today", "tomorrow",
 * "yesterday" (midnight), "now", "+90m" "+2h" "+3d" "+1w" and with "-" (from now),
 * "@1795449600". */
gboolean netfil_time_parse(const char *text, GTimeZone *zone, gint64 now, gint64 *time,
			   GError **error);

/* "2024-05-01T12:00:00Z"; NULL for 0. Caller frees. */
char *netfil_time_iso(gint64 seconds);

/* When a cap of `cap` bytes will be reached if usage goes on as since `started`; 0 if it
 * will not be before `ends` (0: no end) or within ten years, or nothing is used yet or
 * the first minute is not over. `now` if it is reached. */
gint64 netfil_forecast(gint64 started, gint64 ends, gint64 now, guint64 used, guint64 cap);
