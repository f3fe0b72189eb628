/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* A bar of `width` columns that is full only when the fraction reaches 1, and
 * shows something as soon as there is something. A negative fraction gives
 * blanks. Caller frees. */
char *netfil_bar(double fraction, guint width, gboolean unicode);

/* "49%": rounded down, so that 100% is really all. Caller frees. */
char *netfil_bar_percent(double fraction);
