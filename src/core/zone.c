/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "zone.h"

/* No zone has been further from UTC. */
#define OFFSET_MAX (26 * NETFIL_HOUR)

static int interval_at(GTimeZone *zone, gint64 time)
{
	return g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, time);
}

static gint64 offset_at(GTimeZone *zone, gint64 time)
{
	return g_time_zone_get_offset(zone, interval_at(zone, time));
}

/* The first instant after `from` of another interval, or `until`. GLib tells which
 * interval an instant is in, and not when that ends. */
static gint64 interval_end(GTimeZone *zone, gint64 from, gint64 until)
{
	int interval = interval_at(zone, from);

	if (interval_at(zone, until) == interval)
		return until;
	while (until - from > 1) {
		gint64 middle = from + (until - from) / 2;

		if (interval_at(zone, middle) == interval)
			from = middle;
		else
			until = middle;
	}
	return until;
}

gint64 netfil_zone_wall(GTimeZone *zone, gint64 time)
{
	return time + offset_at(zone, time);
}

gint64 netfil_zone_time(GTimeZone *zone, gint64 wall)
{
	gint64 time = wall - OFFSET_MAX;

	while (netfil_zone_wall(zone, time) < wall)
		time = interval_end(zone, time, wall - offset_at(zone, time));
	return time;
}

gint64 netfil_zone_change(GTimeZone *zone, gint64 from, gint64 until)
{
	gint64 offset = offset_at(zone, from);

	while (from < until && offset_at(zone, from) == offset)
		from = interval_end(zone, from, until);
	return from;
}

gint64 netfil_floor(gint64 number, gint64 step)
{
	gint64 rest = number % step;

	return number - rest - (rest < 0 ? step : 0);
}
