/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "words.h"

#include <string.h>

#define SEPARATORS " ,\t\n"
#define QUOTE '"'

/* Up to the closing quote, or the end of what is still being typed. */
static const char *read_quoted(const char *at, GString *value)
{
	for (; *at; at++) {
		if (*at == QUOTE && *++at != QUOTE)
			return at;
		g_string_append_c(value, *at);
	}
	return at;
}

static const char *read_plain(const char *at, GString *value)
{
	gsize length = strcspn(at, SEPARATORS);

	g_string_append_len(value, at, (gssize)length);
	return at + length;
}

char **netfil_words_split(const char *text)
{
	GPtrArray *values = g_ptr_array_new();

	while (*(text += strspn(text, SEPARATORS))) {
		GString *value = g_string_new(NULL);

		text = *text == QUOTE ? read_quoted(text + 1, value) : read_plain(text, value);
		g_ptr_array_add(values, g_string_free(value, FALSE));
	}
	g_ptr_array_add(values, NULL);
	return (char **)g_ptr_array_free(values, FALSE);
}

static void append(GString *text, const char *value)
{
	if (*value && *value != QUOTE && !strpbrk(value, SEPARATORS)) {
		g_string_append(text, value);
		return;
	}
	g_string_append_c(text, QUOTE);
	for (; *value; value++) {
		if (*value == QUOTE)
			g_string_append_c(text, QUOTE);
		g_string_append_c(text, *value);
	}
	g_string_append_c(text, QUOTE);
}

char *netfil_words_join(const char *const *values)
{
	GString *text = g_string_new(NULL);

	for (; *values; values++) {
		if (text->len)
			g_string_append_c(text, ' ');
		append(text, *values);
	}
	return g_string_free(text, FALSE);
}
