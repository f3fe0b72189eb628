/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <string.h>

#include "core/error.h"
#include "core/quote.h"

/* Checks a message as a program would print it, and clears the error: of this code,
 * one short line of UTF-8 that has the part in it and says what to do. */
static inline void expect_error(GError **error, NetfilError code, const char *part)
{
	const char *message;

	g_assert_error(*error, NETFIL_ERROR, (int)code);
	message = (*error)->message;
	if (!strstr(message, part))
		g_error("no \"%s\" in: %s", part, message);
	g_assert_nonnull(strstr(message, ": "));
	g_assert_true(g_utf8_validate(message, -1, NULL));
	g_assert_cmpuint(g_utf8_strlen(message, -1), <, 500);
	for (const char *at = message; *at; at++)
		g_assert_false(g_ascii_iscntrl(*at));
	g_clear_error(error);
}

/* Tells what a table's case was, also where it would break a line of TAP. */
static inline void tell(const char *what, const char *text)
{
	g_autofree char *quoted = netfil_quote(text, -1);

	g_test_message("%s %s", what, quoted);
}
