/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * What time it is, and where: asked here alone, so that tests can say. NETFIL_CLOCK_OFFSET
 * names a file with a number of seconds by which the clock is to be off; it is read anew at
 * each question.
 */

/* Microseconds since the epoch. */
gint64 netfil_clock_now(void);

/* Seconds since the epoch. */
gint64 netfil_clock_seconds(void);

/* The time zone of $TZ, else of /etc/localtime, as it is now. Owned by the clock, valid
 * until the next call. */
GTimeZone *netfil_clock_zone(void);
