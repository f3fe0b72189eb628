/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * Instants and what the clock on the wall shows at them. A wall time is in seconds, as
 * if the zone were UTC. Private to core.
 */

/* Between the two every calendar has dates: years 2 to 9899. */
#define NETFIL_TIME_MIN G_GINT64_CONSTANT(-62104060800)
#define NETFIL_TIME_MAX G_GINT64_CONSTANT(250246627199)

#define NETFIL_HOUR 3600
#define NETFIL_DAY (24 * NETFIL_HOUR)

gint64 netfil_zone_wall(GTimeZone *zone, gint64 time);

/* The first instant at which the clock shows this or more: where it is set forward over
 * it, that is when; where it is shown twice, the first. Never falls as `wall` rises. */
gint64 netfil_zone_time(GTimeZone *zone, gint64 wall);

/* The first instant after `from` at which the clock is set forward or back; `until` if
 * that is not before it. */
gint64 netfil_zone_change(GTimeZone *zone, gint64 from, gint64 until);

/* The last multiple of `step` at or before this. */
gint64 netfil_floor(gint64 number, gint64 step);
