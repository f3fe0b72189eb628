/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Exactly the digits of a number up to max: no sign, blank or leading zero. Private to
 * core. */
gboolean netfil_number_parse(const char *text, gsize length, guint64 max, guint64 *number);
