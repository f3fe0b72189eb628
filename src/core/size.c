/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "error.h"
#include "quote.h"
#include "size.h"

#define SIZE_HINT "use a number with an optional unit, like 25M or 1.5GiB"

typedef struct {
	const char *name;
	guint base;
	guint power;
} Unit;

/* In the order in which netfil_size_canonical() prefers texts of one length. */
static const Unit units[] = {
    {"", 1, 0},      {"k", 1000, 1},  {"M", 1000, 2},  {"G", 1000, 3},
    {"T", 1000, 4},  {"P", 1000, 5},  {"Ki", 1024, 1}, {"Mi", 1024, 2},
    {"Gi", 1024, 3}, {"Ti", 1024, 4}, {"Pi", 1024, 5},
};

/* "", "k", "KiB", "b": a unit's name with an optional B behind it, in any case. */
static const Unit *find_unit(const char *text)
{
	gsize length = strlen(text);

	if (length > 0 && g_ascii_tolower(text[length - 1]) == 'b')
		length--;
	for (guint i = 0; i < G_N_ELEMENTS(units); i++)
		if (strlen(units[i].name) == length &&
		    g_ascii_strncasecmp(units[i].name, text, length) == 0)
			return &units[i];
	return NULL;
}

/* FALSE: the number is 2^64 or more. */
static gboolean read_whole(const char *digits, gsize length, guint64 *value)
{
	*value = 0;
	for (gsize i = 0; i < length; i++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, digits[i] - '0', value))
			return FALSE;
	return TRUE;
}

/* Multiplies the decimal digits behind the point by the base, in place. Returns
 * what moves in front of the point, which is less than the base. */
static guint multiply_fraction(char *digits, gsize length, guint base)
{
	guint carry = 0;

	for (gsize i = length; i-- > 0;) {
		guint product = (guint)(digits[i] - '0') * base + carry;

		digits[i] = (char)('0' + product % 10);
		carry = product / 10;
	}
	return carry;
}

/* Exact for any number of digits: 2^-50 PiB is a byte, and has 50 of them.
 * FALSE: 2^64 and more. What is left of the fraction stays in its digits. */
static gboolean multiply(guint64 *whole, char *fraction, gsize length, const Unit *unit)
{
	for (guint i = 0; i < unit->power; i++) {
		guint carry = multiply_fraction(fraction, length, unit->base);

		if (__builtin_mul_overflow(*whole, unit->base, whole) ||
		    __builtin_add_overflow(*whole, carry, whole))
			return FALSE;
	}
	return TRUE;
}

gboolean netfil_size_parse(const char *text, guint64 *bytes, GError **error)
{
	gsize whole_length = strspn(text, "0123456789");
	gboolean point = text[whole_length] == '.';
	g_autofree char *fraction = g_strdup(text + whole_length + point);
	gsize length = point ? strspn(fraction, "0123456789") : 0;
	const Unit *unit = find_unit(fraction + length);
	guint64 value;

	if (g_ascii_strcasecmp(text, "unlimited") == 0) {
		*bytes = 0;
		return TRUE;
	}
	if (whole_length == 0 || (point && length == 0) || !unit)
		return netfil_set_invalid(error, text, -1, "is not a size: " SIZE_HINT);
	if (!read_whole(text, whole_length, &value) || !multiply(&value, fraction, length, unit))
		return netfil_set_invalid(error, text, -1,
					  "is too large: use at most %" G_GUINT64_FORMAT
					  " bytes, or unlimited",
					  G_MAXUINT64);
	if (strspn(fraction, "0") < length)
		return netfil_set_invalid(error, text, -1,
					  "is not a whole number of bytes: use fewer "
					  "digits behind the point");
	*bytes = value;
	return TRUE;
}

char *netfil_size_format(guint64 bytes)
{
	static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	guint64 unit = 1000;
	guint i = 0;
	guint hundredths;

	if (bytes < 1000)
		return g_strdup_printf("%u B", (guint)bytes);
	for (; bytes / unit >= 1000; i++)
		unit *= 1000;
	/* Rounded down: 24,999,999 bytes used of 25.0 MB must not look spent. */
	hundredths = (guint)(bytes / (unit / 100));
	if (hundredths < 1000)
		return g_strdup_printf("%u.%02u %s", hundredths / 100, hundredths % 100, names[i]);
	if (hundredths < 10000)
		return g_strdup_printf("%u.%u %s", hundredths / 100, hundredths / 10 % 10,
				       names[i]);
	return g_strdup_printf("%u %s", hundredths / 100, names[i]);
}

char *netfil_size_exact(guint64 bytes)
{
	g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
	gsize length = strlen(digits);
	GString *text = g_string_new(NULL);

	for (gsize i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			g_string_append_c(text, ',');
		g_string_append_c(text, digits[i]);
	}
	return g_string_free(text, FALSE);
}

/* The number in this unit, all digits: each unit's are finite, as 1024 divides a
 * power of 10. */
static GString *format_in(guint64 bytes, const Unit *unit)
{
	GString *text = g_string_new(NULL);
	guint64 factor = 1;
	guint64 rest;

	for (guint i = 0; i < unit->power; i++)
		factor *= unit->base;
	g_string_append_printf(text, "%" G_GUINT64_FORMAT, bytes / factor);
	rest = bytes % factor;
	if (rest > 0)
		g_string_append_c(text, '.');
	for (; rest > 0; rest %= factor) {
		rest *= 10; /* below 10 * 2^50 */
		g_string_append_c(text, (char)('0' + rest / factor));
	}
	return g_string_append(text, unit->name);
}

char *netfil_size_canonical(guint64 bytes)
{
	GString *best = format_in(bytes, &units[0]);

	for (guint i = 1; i < G_N_ELEMENTS(units); i++) {
		GString *text = format_in(bytes, &units[i]);

		if (text->len < best->len) {
			g_string_free(best, TRUE);
			best = text;
		} else {
			g_string_free(text, TRUE);
		}
	}
	return g_string_free(best, FALSE);
}
