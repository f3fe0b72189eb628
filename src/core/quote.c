/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "error.h"
#include "quote.h"

#define QUOTE_MAX 60

static gboolean breaks_line(gunichar c)
{
	GUnicodeType type = g_unichar_type(c);

	return type == G_UNICODE_CONTROL || type == G_UNICODE_LINE_SEPARATOR ||
	       type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

/* FALSE also for -1 and -2, which stand for bytes that are not UTF-8. */
static gboolean is_shown(gunichar c)
{
	return g_unichar_isprint(c) && !breaks_line(c);
}

char *netfil_escape(const char *text, gssize length, guint max)
{
	const char *end = text + (length < 0 ? strlen(text) : (gsize)length);
	GString *escaped = g_string_new(NULL);
	guint shown = 0;

	while (text < end && shown < max) {
		gunichar c = g_utf8_get_char_validated(text, end - text);

		if (is_shown(c)) {
			g_string_append_unichar(escaped, c);
			text = g_utf8_next_char(text);
			shown += 1;
		} else {
			g_string_append_printf(escaped, "\\x%02x", (guchar)*text);
			text += 1;
			shown += 4;
		}
	}
	if (text < end)
		g_string_append(escaped, "...");
	return g_string_free(escaped, FALSE);
}

char *netfil_quote(const char *text, gssize length)
{
	g_autofree char *escaped = netfil_escape(text, length, QUOTE_MAX);

	return g_strconcat("\"", escaped, "\"", NULL);
}

gboolean netfil_text_is_plain(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return FALSE;
	for (; *text; text = g_utf8_next_char(text))
		if (breaks_line(g_utf8_get_char(text)))
			return FALSE;
	return TRUE;
}

gboolean netfil_set_invalid(GError **error, const char *text, gssize length, const char *format,
			    ...)
{
	g_autofree char *quoted = NULL;
	g_autofree char *message = NULL;
	va_list arguments;

	if (!error)
		return FALSE;
	quoted = netfil_quote(text, length);
	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID, "%s %s", quoted, message);
	return FALSE;
}
