/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Points in time as people write them. */
#include <string.h>

#include "cycle.h"
#include "number.h"
#include "quote.h"
#include "zone.h"

#define MINUTE 60
#define WEEK (7 * NETFIL_DAY)
#define ZONE_MAX (18 * NETFIL_HOUR)

/* What a text names: a wall time, or an instant if it has a zone. */
typedef struct {
	gboolean has_date, has_clock, has_offset;
	gint64 date, clock; /* seconds */
	gint64 offset;      /* east of UTC */
} Point;

/* Reads exactly two digits up to `max`, and moves on. */
static gboolean read_two(const char **text, guint max, gint64 *number)
{
	const char *digits = *text;

	if (!g_ascii_isdigit(digits[0]) || !g_ascii_isdigit(digits[1]))
		return FALSE;
	*number = (digits[0] - '0') * 10 + (digits[1] - '0');
	*text += 2;
	return *number <= max;
}

static gboolean skip(const char **text, const char *any)
{
	if (**text == '\0' || !strchr(any, **text))
		return FALSE;
	*text += 1;
	return TRUE;
}

/* "2026-11-23"; FALSE also for days that no calendar has. */
static gboolean read_date(const char **text, gint64 *date)
{
	gint64 century, year, month, day;
	g_autoptr(GDateTime) midnight = NULL;

	if (!read_two(text, 98, &century) || !read_two(text, 99, &year) || !skip(text, "-") ||
	    !read_two(text, 12, &month) || !skip(text, "-") || !read_two(text, 31, &day) ||
	    century * 100 + year < 2)
		return FALSE;
	midnight = g_date_time_new_utc((int)(century * 100 + year), (int)month, (int)day, 0, 0, 0);
	*date = midnight ? g_date_time_to_unix(midnight) : 0;
	return midnight != NULL;
}

/* "18:00" or "18:00:30" */
static gboolean read_clock(const char **text, gint64 *clock)
{
	gint64 hours, minutes;
	gint64 seconds = 0;

	if (!read_two(text, 23, &hours) || !skip(text, ":") || !read_two(text, 59, &minutes) ||
	    (skip(text, ":") && !read_two(text, 59, &seconds)))
		return FALSE;
	*clock = hours * NETFIL_HOUR + minutes * MINUTE + seconds;
	return TRUE;
}

/* "Z", "+01:00" */
static gboolean read_offset(const char **text, gint64 *offset)
{
	gboolean west = **text == '-';
	gint64 hours, minutes;

	*offset = 0;
	if (skip(text, "Zz"))
		return TRUE;
	if (!skip(text, "+-") || !read_two(text, ZONE_MAX / NETFIL_HOUR, &hours) ||
	    !skip(text, ":") || !read_two(text, 59, &minutes))
		return FALSE;
	*offset = (hours * NETFIL_HOUR + minutes * MINUTE) * (west ? -1 : 1);
	return TRUE;
}

/* A date, a clock, or both and maybe a zone; and nothing behind. */
static gboolean read_point(const char *text, Point *point)
{
	*point = (Point){.has_date = strcspn(text, "-") == strlen("2026")};
	if (point->has_date && !read_date(&text, &point->date))
		return FALSE;
	point->has_clock = !point->has_date || skip(&text, " Tt");
	if (point->has_clock && !read_clock(&text, &point->clock))
		return FALSE;
	point->has_offset = point->has_date && point->has_clock && *text;
	if (point->has_offset && !read_offset(&text, &point->offset))
		return FALSE;
	return *text == '\0';
}

/* The next time after `now` at which the clock shows this. */
static gint64 next_clock(gint64 clock, GTimeZone *zone, gint64 now)
{
	gint64 wall = netfil_floor(netfil_zone_wall(zone, now), NETFIL_DAY) + clock;

	while (netfil_zone_time(zone, wall) <= now)
		wall += NETFIL_DAY;
	return netfil_zone_time(zone, wall);
}

static gint64 point_time(const Point *point, GTimeZone *zone, gint64 now)
{
	gint64 wall = point->date + point->clock;

	if (!point->has_date)
		return next_clock(point->clock, zone, now);
	return point->has_offset ? wall - point->offset : netfil_zone_time(zone, wall);
}

/* "now", and the days around it from their first instant on. */
static gboolean parse_word(const char *text, GTimeZone *zone, gint64 now, gint64 *time)
{
	static const char *const days[] = {"yesterday", "today", "tomorrow"};
	gint64 today = netfil_floor(netfil_zone_wall(zone, now), NETFIL_DAY);

	for (gint64 i = 0; i < (gint64)G_N_ELEMENTS(days); i++)
		if (g_ascii_strcasecmp(text, days[i]) == 0) {
			*time = netfil_zone_time(zone, today + (i - 1) * NETFIL_DAY);
			return TRUE;
		}
	*time = now;
	return g_ascii_strcasecmp(text, "now") == 0;
}

/* "+90m", "-3d". Days and weeks are to the same time of the day. */
static gboolean parse_distance(const char *text, GTimeZone *zone, gint64 now, gint64 *time)
{
	static const char units[] = "smhdw";
	static const gint64 lengths[] = {1, MINUTE, NETFIL_HOUR, NETFIL_DAY, WEEK};
	gsize length = strlen(text);
	const char *unit;
	guint64 number;
	gint64 each, distance;

	if ((text[0] != '+' && text[0] != '-') || length < 3)
		return FALSE;
	unit = strchr(units, g_ascii_tolower(text[length - 1]));
	if (!unit)
		return FALSE;
	each = lengths[unit - units];
	if (!netfil_number_parse(text + 1, length - 2, (guint64)(NETFIL_TIME_MAX / each), &number))
		return FALSE;
	distance = (gint64)number * each * (text[0] == '-' ? -1 : 1);
	if (*unit == 'd' || *unit == 'w')
		*time = netfil_zone_time(zone, netfil_zone_wall(zone, now) + distance);
	else
		*time = now + distance;
	return TRUE;
}

/* "@1795449600" */
static gboolean parse_epoch(const char *text, gint64 *time)
{
	guint64 seconds;

	if (text[0] != '@' ||
	    !netfil_number_parse(text + 1, strlen(text + 1), (guint64)NETFIL_TIME_MAX, &seconds))
		return FALSE;
	*time = (gint64)seconds;
	return TRUE;
}

gboolean netfil_time_parse(const char *text, GTimeZone *zone, gint64 now, gint64 *time,
			   GError **error)
{
	gint64 found;
	Point point;

	now = CLAMP(now, NETFIL_TIME_MIN, NETFIL_TIME_MAX);
	if (!parse_word(text, zone, now, &found) && !parse_distance(text, zone, now, &found) &&
	    !parse_epoch(text, &found)) {
		if (!read_point(text, &point))
			return netfil_set_invalid(
			    error, text, -1,
			    "is not a point in time: use one like 2026-11-23, \"2026-11-23 "
			    "18:00\", 18:00, tomorrow, +2h or @1795449600");
		found = point_time(&point, zone, now);
	}
	if (found < NETFIL_TIME_MIN || found > NETFIL_TIME_MAX)
		return netfil_set_invalid(error, text, -1,
					  "is too far away: use a year from 2 to 9898");
	*time = found;
	return TRUE;
}

char *netfil_time_iso(gint64 seconds)
{
	g_autoptr(GDateTime) time = seconds ? g_date_time_new_from_unix_utc(seconds) : NULL;

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}
