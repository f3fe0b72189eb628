/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Reads a size in bytes: digits, an optional fraction, an optional unit
 * (B, k/K, M, G, T, P: powers of 1000; Ki, Mi, Gi, Ti, Pi: of 1024; each with an
 * optional B, any case). "25M" is 25,000,000; "25MiB" 26,214,400; "1.5k" 1,500.
 * A fraction of a byte, a sign, an exponent or a value of 2^64 and more is
 * refused with NETFIL_ERROR_INVALID. "0" and "unlimited" give 0. */
gboolean netfil_size_parse(const char *text, guint64 *bytes, GError **error);

/* "25.0 MB": for people, three figures, powers of 1000, rounded down (so that less
 * than a cap never reads as the cap). Below 1000: "999 B". Caller frees. */
char *netfil_size_format(guint64 bytes);

/* "25,000,000": every digit, grouped by commas whatever the locale. Caller frees. */
char *netfil_size_exact(guint64 bytes);

/* The shortest text that netfil_size_parse reads back to the same number
 * ("25M", "1500"). Caller frees. */
char *netfil_size_canonical(guint64 bytes);
