/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "when.h"

#include "engine/clock.h"

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

char *netfil_when(gint64 seconds, const char *format)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(seconds);
	g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, netfil_clock_zone()) : NULL;

	return local ? g_date_time_format(local, format) : g_strdup("?");
}

char *netfil_when_short(gint64 seconds)
{
	gint64 left = seconds - netfil_clock_seconds();

	return netfil_when(seconds, left >= 0 && left < DAY ? "%R" : "%F %R");
}

NetfilWhenUnit netfil_when_unit(gint64 seconds, gint64 *count)
{
	gint64 left = MAX(seconds - netfil_clock_seconds(), 0);

	if (left >= 2 * DAY) {
		*count = left / DAY;
		return NETFIL_WHEN_DAYS;
	}
	if (left >= 2 * HOUR) {
		*count = left / HOUR;
		return NETFIL_WHEN_HOURS;
	}
	*count = left / MINUTE;
	return NETFIL_WHEN_MINUTES;
}

char *netfil_when_left(gint64 seconds)
{
	static const char *const units[] = {
	    [NETFIL_WHEN_MINUTES] = "minute",
	    [NETFIL_WHEN_HOURS] = "hour",
	    [NETFIL_WHEN_DAYS] = "day",
	};
	gint64 count;
	NetfilWhenUnit unit = netfil_when_unit(seconds, &count);

	if (count == 0)
		return g_strdup("under a minute");
	return g_strdup_printf("%" G_GINT64_FORMAT " %s%s", count, units[unit],
			       count == 1 ? "" : "s");
}
