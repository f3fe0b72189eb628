/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "number.h"

#define DIGITS_MAX 19 /* never 2^64 */

gboolean netfil_number_parse(const char *text, gsize length, guint64 max, guint64 *number)
{
	if (length == 0 || length > DIGITS_MAX || (length > 1 && text[0] == '0'))
		return FALSE;
	*number = 0;
	for (gsize i = 0; i < length; i++) {
		if (!g_ascii_isdigit(text[i]))
			return FALSE;
		*number = *number * 10 + (guint64)(text[i] - '0');
	}
	return *number <= max;
}
