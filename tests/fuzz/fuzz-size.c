/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sizes, and rates of throttle=. The input is the text; its first 8 bytes also are a number
 * that is put into words. */
#include <string.h>

#include "core/size.h"
#include "fuzz.h"

/* What is small enough is reckoned with 128 bits; FALSE if it is not. */
static gboolean reckon(const char *text, guint64 *bytes)
{
	static const char units[] = "kMGTP";
	gsize whole = strspn(text, "0123456789");
	gsize digits = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	const char *at = text + whole + (digits ? digits + 1 : 0);
	unsigned __int128 number = 0, divisor = 1;
	const char *unit = *at ? strchr(units, *at) : NULL;
	guint64 base;

	if (whole == 0 || whole + digits > 18 || (*at && !unit))
		return FALSE;
	base = unit && at[1] == 'i' ? 1024 : 1000;
	if (unit && at[1 + (base == 1024)] != '\0')
		return FALSE;
	for (gsize i = 0; i < whole + (digits ? digits + 1 : 0); i++)
		if (text[i] != '.')
			number = number * 10 + (guint)(text[i] - '0');
	for (gsize i = 0; i < digits; i++)
		divisor *= 10;
	for (; unit && unit >= units; unit--)
		number *= base;
	if (number % divisor != 0 || number / divisor > G_MAXUINT64)
		return FALSE;
	*bytes = (guint64)(number / divisor);
	return TRUE;
}

static void expect_words(guint64 bytes)
{
	g_autofree char *decimal = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
	g_autofree char *canonical = netfil_size_canonical(bytes);
	g_autofree char *exact = netfil_size_exact(bytes);
	g_autofree char *shown = netfil_size_format(bytes);
	g_auto(GStrv) groups = g_strsplit(exact, ",", -1);
	g_autofree char *joined = g_strjoinv("", groups);
	guint64 again = 0;

	g_assert_true(netfil_size_parse(canonical, &again, NULL));
	g_assert_cmpuint(again, ==, bytes);
	g_assert_cmpuint(strlen(canonical), <=, strlen(decimal));
	g_assert_cmpstr(joined, ==, decimal);
	/* Rounded down, so the next figure up is beyond it. */
	g_strdelimit(shown, " ", 'x');
	g_assert_cmpuint(strlen(shown), <=, strlen("9.99xMB"));
}

static void try_size(const char *text)
{
	g_autoptr(GError) error = NULL;
	guint64 bytes = 0, expected;
	gboolean known = reckon(text, &expected);

	if (netfil_size_parse(text, &bytes, &error)) {
		expect_words(bytes);
		if (known)
			g_assert_cmpuint(bytes, ==, expected);
	} else {
		g_assert_false(known);
		fuzz_expect_refusal(&error);
	}
}

static void try_rate(const char *text)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("a");
	g_autofree char *value = g_strconcat("throttle=", text, NULL);
	g_autoptr(GError) error = NULL;
	guint64 bytes = 0;

	if (!netfil_spec_put(spec, "on-limit", value, &error)) {
		fuzz_expect_refusal(&error);
		return;
	}
	g_assert_cmpint(spec->on_limit, ==, NETFIL_ON_LIMIT_THROTTLE);
	if (netfil_size_parse(text, &bytes, NULL))
		g_assert_cmpuint(spec->rate, ==, bytes);
	g_assert_cmpuint(spec->rate, >, 0);
	g_assert_true(netfil_spec_put(spec, "user", "a", NULL));
	fuzz_expect_carried(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = fuzz_text(data, size);
	guint64 number = 0;

	memcpy(&number, data, MIN(size, sizeof number));
	expect_words(number);
	try_size(text);
	try_rate(text);
	return 0;
}
