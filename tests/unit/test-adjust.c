/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/adjust.h"
#include "expect.h"

static GVariant *changes(const char *text)
{
	return g_variant_ref_sink(g_variant_new_parsed(text));
}

static void expect_split(const char *text, const NetfilAdjust *expected, const char *left)
{
	g_autoptr(GVariant) variant = changes(text);
	g_autoptr(GVariant) rest = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *shown = NULL;
	NetfilAdjust adjust = {.used = 42};

	tell("changes:", text);
	netfil_adjust_split(variant, &adjust, &rest, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		g_assert_cmpint(adjust.top_up[i], ==, expected->top_up[i]);
	g_assert_cmpint(adjust.has_used, ==, expected->has_used);
	g_assert_cmpuint(adjust.used, ==, expected->used);
	g_assert_cmpint(adjust.has_unlimited_until, ==, expected->has_unlimited_until);
	g_assert_cmpint(adjust.unlimited_until, ==, expected->unlimited_until);
	g_assert_cmpstr(g_variant_get_type_string(rest), ==, "a{sas}");
	shown = g_variant_print(rest, FALSE);
	g_assert_cmpstr(shown, ==, left);
}

static void test_split(void)
{
	expect_split("@a{sas} {}", &(NetfilAdjust){0}, "{}");
	expect_split("{'total': ['+5G']}", &(NetfilAdjust){{0, 0, 5000000000}}, "{}");
	expect_split("{'in': ['+1'], 'out': ['-1.5k']}", &(NetfilAdjust){{1, -1500, 0}}, "{}");
	expect_split("{'in': ['5G'], 'out': ['-1k'], 'total': ['unlimited']}",
		     &(NetfilAdjust){{0, -1000, 0}}, "{'in': ['5G'], 'total': ['unlimited']}");
	expect_split("@a{sas} {'in': [], 'exe': ['+a', '-b'], 'used': ['12.3G']}",
		     &(NetfilAdjust){.has_used = TRUE, .used = 12300000000},
		     "{'in': [], 'exe': ['+a', '-b']}");
	expect_split("{'used': ['0'], 'unlimited-until': ['0']}",
		     &(NetfilAdjust){.has_used = TRUE, .has_unlimited_until = TRUE}, "{}");
	expect_split("{'unlimited-until': ['1795449600'], 'colour': ['red']}",
		     &(NetfilAdjust){.has_unlimited_until = TRUE, .unlimited_until = 1795449600},
		     "{'colour': ['red']}");
	expect_split("{'in': ['+9223372036854775807'], 'out': ['-9223372036854775807']}",
		     &(NetfilAdjust){{G_MAXINT64, -G_MAXINT64, 0}}, "{}");
	expect_split("{'in': ['1', '2']}", &(NetfilAdjust){0}, "{'in': ['1', '2']}");
}

static void expect_refused(const char *text, const char *part)
{
	g_autoptr(GVariant) variant = changes(text);
	g_autoptr(GError) error = NULL;
	GVariant *rest = NULL;
	NetfilAdjust adjust = {.used = 42};

	tell("refused:", text);
	g_assert_false(netfil_adjust_split(variant, &adjust, &rest, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	g_assert_null(rest);
	g_assert_cmpuint(adjust.used, ==, 42);
	g_assert_false(adjust.has_used);
}

static void test_refused(void)
{
	expect_refused("{'exe': '/a'}", "\"a{ss}\" is not the type of a filter: use a{sas}");
	expect_refused("{'total': ['+']}", "is not a size: ");
	expect_refused("{'total': ['+5X']}", "\"5X\" is not a size: ");
	expect_refused("{'total': ['+-5G']}", "is not a size: ");
	expect_refused("{'total': ['+0']}", "\"+0\" changes nothing: use ");
	expect_refused("{'total': ['+unlimited']}", "changes nothing: use ");
	expect_refused("{'in': ['+9223372036854775808']}", "is too large: use at most 92233720368");
	expect_refused("{'in': ['-9223372036854775808']}", "is too large: ");
	expect_refused("{'in': ['+1', '+2']}", "\"in\" has several values: give one");
	expect_refused("{'in': ['1', '+2']}", "\"in\" has several values: give one");
	expect_refused("{'used': ['1', '2']}", "\"used\" has several values: give one");
	expect_refused("@a{sas} {'used': []}", "\"used\" has no value: give one");
	expect_refused("@a{sas} {'unlimited-until': []}", "has no value: give one");
	expect_refused("{'used': ['unlimited']}", "is nothing that can be used: ");
	expect_refused("{'used': ['+5G']}", "\"+5G\" is not a size: ");
	expect_refused("{'used': ['7'], 'unlimited-until': ['tomorrow']}", "is not an instant: ");
	expect_refused("{'unlimited-until': ['-1']}", "is not an instant: use seconds since ");
	expect_refused("{'unlimited-until': ['+2h']}", "is not an instant: ");
	expect_refused("{'unlimited-until': ['']}", "is not an instant: ");
	expect_refused("{'unlimited-until': ['9223372036854775807']}", "is not an instant: ");
}

/* Which caps a filter has, where a top-up of each direction fits, and what a carrier's
 * figure is about. */
static void test_check(void)
{
	static const char *const names[] = {"in", "out", "total"};
	static const guint figures[] = {
	    [0] = NETFIL_TOTAL,
	    [1 << NETFIL_IN] = NETFIL_IN,
	    [1 << NETFIL_OUT] = NETFIL_OUT,
	    [1 << NETFIL_IN | 1 << NETFIL_OUT] = NETFIL_TOTAL,
	    [1 << NETFIL_TOTAL] = NETFIL_TOTAL,
	    [5] = NETFIL_TOTAL,
	    [6] = NETFIL_TOTAL,
	    [7] = NETFIL_TOTAL,
	};

	for (guint caps = 0; caps < 8; caps++) {
		g_autoptr(NetfilSpec) spec = netfil_spec_new("web");

		for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
			spec->cap[i] = caps >> i & 1 ? 1000 : 0;
		g_assert_cmpuint(netfil_adjust_direction(spec), ==, figures[caps]);
		for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
			g_autofree char *part =
			    g_strdup_printf("filter web has no %s cap to top up: ", names[i]);
			NetfilAdjust adjust = {.has_used = TRUE, .has_unlimited_until = TRUE};
			g_autoptr(GError) error = NULL;

			g_assert_true(netfil_adjust_check(&adjust, spec, NULL));
			adjust.top_up[i] = -5;
			g_assert_cmpint(netfil_adjust_check(&adjust, spec, &error), ==,
					spec->cap[i] > 0);
			if (error)
				expect_error(&error, NETFIL_ERROR_INVALID, part);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/adjust/split", test_split);
	g_test_add_func("/adjust/refused", test_refused);
	g_test_add_func("/adjust/check", test_check);
	return g_test_run();
}
