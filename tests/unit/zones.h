/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* A time zone of the package tzdata, which is needed here. */
static inline GTimeZone *zone_named(const char *name)
{
	GTimeZone *zone = g_time_zone_new_identifier(name);

	if (!zone)
		g_error("no time zone %s: install tzdata", name);
	return zone;
}

/* "2026-11-23T18:00:00+01:00" */
static inline gint64 instant(const char *text)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);

	if (!time)
		g_error("no instant: %s", text);
	return g_date_time_to_unix(time);
}

/* The same text again, so that a failure can be read. */
static inline char *instant_text(GTimeZone *zone, gint64 time)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time);
	g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, zone) : NULL;

	return local ? g_date_time_format(local, "%Y-%m-%dT%H:%M:%S%:z") : g_strdup("none");
}
