/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Other people's words in messages: one line, valid UTF-8, of bounded length.
 * A length of -1 means that the text ends with a NUL. */

/* Control characters, line separators and bytes that are not UTF-8 become \xNN;
 * what goes beyond about `max` characters becomes "...". Caller frees. */
char *netfil_escape(const char *text, gssize length, guint max);

/* The same for about 60 characters, within plain double quotes. */
char *netfil_quote(const char *text, gssize length);

/* TRUE if the text is UTF-8 and has nothing that would break a line or a screen. */
gboolean netfil_text_is_plain(const char *text);

/* Raises NETFIL_ERROR_INVALID with the text, quoted, in front of the format:
 * '"12XB" is not a size: use …'. Returns FALSE, so that a caller can return it. */
gboolean netfil_set_invalid(GError **error, const char *text, gssize length, const char *format,
			    ...) G_GNUC_PRINTF(4, 5);
