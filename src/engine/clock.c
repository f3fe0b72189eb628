// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "clock.h"

#include <string.h>

#define LOCALTIME "/etc/localtime"
#define ZONEINFO "zoneinfo/"

static gint64 offset(void)
{
	const char *path = g_getenv("NETFIL_CLOCK_OFFSET");
	g_autofree char *text = NULL;

	if (!path || !g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	return g_ascii_strtoll(text, NULL, 10);
}

gint64 netfil_clock_now(void)
{
	return g_get_real_time() + offset() * G_USEC_PER_SEC;
}

gint64 netfil_clock_seconds(void)
{
	return netfil_clock_now() / G_USEC_PER_SEC;
}

/* The zone's name; NULL where the system has none. */
static char *zone_name(void)
{
	const char *set = g_getenv("TZ");
	g_autofree char *target = NULL;
	const char *name;

	if (set && *set)
		return g_strdup(set);
	target = g_file_read_link(LOCALTIME, NULL);
	name = target ? strstr(target, ZONEINFO) : NULL;
	return name ? g_strdup(name + strlen(ZONEINFO)) : NULL;
}

/* g_time_zone_new_local() would never notice that the link leads elsewhere by now. */
GTimeZone *netfil_clock_zone(void)
{
	static GTimeZone *zone;
	static char *name;
	g_autofree char *now = zone_name();

	if (zone && !g_strcmp0(now, name))
		return zone;
	g_clear_pointer(&zone, g_time_zone_unref);
	zone = now ? g_time_zone_new_identifier(now) : NULL;
	if (!zone)
		zone = g_time_zone_new_local();
	g_free(name);
	name = g_steal_pointer(&now);
	return zone;
}
