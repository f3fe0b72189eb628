/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Instants (seconds since the epoch) for people, in their time zone. Callers free. */

/* By a format of g_date_time_format(). */
char *netfil_when(gint64 seconds, const char *format);

/* As short as tells it from now: "07:00" of the next 24 hours, else "2026-12-24 07:00". */
char *netfil_when_short(gint64 seconds);

typedef enum {
	NETFIL_WHEN_MINUTES,
	NETFIL_WHEN_HOURS,
	NETFIL_WHEN_DAYS,
} NetfilWhenUnit;

/* What is left until then, in the unit that people would use: its whole count, 0 if under a
 * minute. */
NetfilWhenUnit netfil_when_unit(gint64 seconds, gint64 *count);

/* "12 days", "3 hours", "5 minutes", "under a minute": what is left until then. */
char *netfil_when_left(gint64 seconds);
