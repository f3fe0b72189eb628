/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/status.h"
#include "expect.h"

static NetfilStatus *make(void)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("web");
	NetfilStatus *status;

	g_assert_true(netfil_spec_put(spec, "ip", "192.0.2.0/24", NULL));
	g_assert_true(netfil_spec_put(spec, "total", "25M", NULL));
	status = netfil_status_new(spec);
	status->id = G_MAXUINT64;
	status->owner = 1000;
	status->state = NETFIL_STATE_EXHAUSTED;
	status->used[NETFIL_IN] = 1;
	status->used[NETFIL_OUT] = 2;
	status->used[NETFIL_TOTAL] = 3;
	status->refused_bytes = 4;
	status->refused_packets = 5;
	status->reset_bytes = 6;
	status->reset_packets = 7;
	status->counted = (NetfilCounters){21, 22, 23, 24, 25, 26};
	status->cycle_started = -8;
	status->cycle_ends = 9;
	status->extra[NETFIL_IN] = -10;
	status->extra[NETFIL_OUT] = 11;
	status->extra[NETFIL_TOTAL] = -12;
	status->forfeited = 13;
	status->unlimited_until = 14;
	status->free_until = 15;
	status->forecast = 16;
	g_array_append_vals(status->warned, (guint8[]){80, 95}, 2);
	netfil_status_take_lists(status,
				 g_variant_new_parsed("[('/a', uint64 3, uint64 216, 'why')]"));
	status->members = 31;
	status->members_at_cap = 32;
	memcpy(status->others, (guint64[]){33, 34, 35}, sizeof(status->others));
	return status;
}

static const char printed[] =
    "{'name': <'web'>, 'id': <uint64 18446744073709551615>, 'owner': <uint32 1000>, "
    "'state': <'exhausted'>, 'spec': <{'ip': ['192.0.2.0/24'], 'total': ['25000000'], 'on-limit': "
    "['reject'], "
    "'on': ['true']}>, 'used': <(uint64 1, uint64 2, uint64 3)>, "
    "'refused': <(uint64 4, uint64 5)>, 'resets': <(uint64 6, uint64 7)>, "
    "'counted': <(uint64 21, uint64 22, uint64 23, uint64 24, uint64 25, uint64 26)>, "
    "'started': <int64 -8>, 'ends': <int64 9>, 'extra': <(int64 -10, int64 11, int64 -12)>, "
    "'forfeited': <uint64 13>, 'unlimited-until': <int64 14>, 'free-until': <int64 15>, "
    "'forecast': <int64 16>, 'warned': <[byte 0x50, 0x5f]>, "
    "'lists': <[('/a', uint64 3, uint64 216, 'why')]>, "
    "'members': <(uint32 31, uint32 32)>, 'others': <(uint64 33, uint64 34, uint64 35)>}";

static void expect_status(const NetfilStatus *status, const char *expected)
{
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_status_to_variant(status));
	g_autofree char *text = g_variant_print(variant, TRUE);

	g_assert_cmpstr(text, ==, expected);
}

static void test_new(void)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("web");
	g_autoptr(NetfilStatus) status = netfil_status_new(spec);

	g_assert_true(status->spec == spec);
	g_assert_cmpstr(status->spec->name, ==, "web");
	g_assert_cmpint(status->state, ==, NETFIL_STATE_OFF);
	g_assert_cmpuint(status->used[NETFIL_TOTAL], ==, 0);
	g_assert_cmpuint(status->warned->len, ==, 0);
	netfil_status_free(NULL);
}

static void test_variant(void)
{
	g_autoptr(NetfilStatus) status = make();
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_status_to_variant(status));
	g_autoptr(NetfilStatus) again = NULL;
	g_autoptr(GError) error = NULL;

	expect_status(status, printed);
	again = netfil_status_from_variant(variant, &error);
	g_assert_no_error(error);
	expect_status(again, printed);
	g_assert_cmpuint(again->refused_packets, ==, 5);
	g_assert_cmpuint(again->reset_bytes, ==, 6);
	g_assert_cmpuint(again->counted.in, ==, 21);
	g_assert_cmpuint(again->counted.reset_packets, ==, 26);
}

static void test_copy(void)
{
	g_autoptr(NetfilStatus) status = make();
	g_autoptr(NetfilStatus) copy = netfil_status_copy(status);

	expect_status(copy, printed);
	g_assert_true(netfil_status_equal(status, copy));
	g_array_append_vals(copy->warned, (guint8[]){99}, 1);
	g_assert_false(netfil_status_equal(status, copy));
	g_array_set_size(copy->warned, 2);
	copy->refused_packets++;
	g_assert_false(netfil_status_equal(status, copy));
	copy->refused_packets--;
	copy->members_at_cap++;
	g_assert_false(netfil_status_equal(status, copy));
	copy->members_at_cap--;
	copy->others[NETFIL_OUT]++;
	g_assert_false(netfil_status_equal(status, copy));
}

static void test_states(void)
{
	static const char *const names[] = {"off", "on", "exhausted", "waiting"};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(NetfilStatus) status = make();
		g_autoptr(NetfilStatus) again = NULL;
		g_autoptr(GVariant) variant = NULL;

		status->state = (NetfilState)i;
		g_assert_cmpstr(netfil_state_name(status->state), ==, names[i]);
		variant = g_variant_ref_sink(netfil_status_to_variant(status));
		again = netfil_status_from_variant(variant, NULL);
		g_assert_nonnull(again);
		g_assert_cmpint(again->state, ==, i);
	}
}

static void expect_refused(GVariant *variant, const char *part)
{
	g_autoptr(GVariant) sunk = g_variant_ref_sink(variant);
	g_autoptr(GError) error = NULL;

	g_assert_null(netfil_status_from_variant(sunk, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
}

/* The good status with one key removed (value NULL) or replaced. */
static GVariant *spoil(const char *key, GVariant *value)
{
	g_autoptr(NetfilStatus) status = make();
	g_autoptr(GVariant) good = g_variant_ref_sink(netfil_status_to_variant(status));
	GVariantDict dict;

	g_variant_dict_init(&dict, good);
	g_assert_true(g_variant_dict_remove(&dict, key));
	if (value)
		g_variant_dict_insert_value(&dict, key, value);
	return g_variant_dict_end(&dict);
}

static void test_nonsense(void)
{
	static const char *const keys[] = {
	    "name",   "id",        "owner",           "state",      "spec",
	    "used",   "refused",   "resets",          "started",    "ends",
	    "extra",  "forfeited", "unlimited-until", "free-until", "forecast",
	    "warned", "counted",   "members",         "others"};

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autofree char *quoted = g_strdup_printf("\"%s\" is missing", keys[i]);

		expect_refused(spoil(keys[i], NULL), quoted);
		expect_refused(spoil(keys[i], g_variant_new_boolean(TRUE)), quoted);
		expect_refused(spoil(keys[i], g_variant_new_parsed("@a{sv} {}")), quoted);
	}
	expect_refused(spoil("used", g_variant_new_parsed("(uint64 1, uint64 2)")), "\"used\"");
	expect_refused(spoil("used", g_variant_new_parsed("(1, 2, 3)")), "\"used\"");
	expect_refused(spoil("state", g_variant_new_string("asleep")), "\"asleep\" is not a");
	expect_refused(spoil("name", g_variant_new_string("a b")), "is not a filter's name");
	expect_refused(spoil("spec", g_variant_new_parsed("{'pid': ['x']}")), "\"x\"");
	expect_refused(spoil("spec", g_variant_new_parsed("{'x': ['x']}")), "\"x\" is not a key");
	expect_refused(g_variant_new_parsed("@a{sv} {}"), "is missing");
	expect_refused(g_variant_new_parsed("{'name': 'web'}"), "\"a{ss}\" is not the type");
	expect_refused(g_variant_new_string("web"), "is not the type");
}

/* Keys of later versions do not harm. */
static void test_more_keys(void)
{
	g_autoptr(GVariant) variant =
	    g_variant_ref_sink(spoil("name", g_variant_new_string("web")));
	g_autoptr(NetfilStatus) status = NULL;
	g_autoptr(GVariant) more = NULL;
	GVariantDict dict;

	g_variant_dict_init(&dict, variant);
	g_variant_dict_insert(&dict, "colour", "s", "red");
	more = g_variant_ref_sink(g_variant_dict_end(&dict));
	status = netfil_status_from_variant(more, NULL);
	g_assert_nonnull(status);
	expect_status(status, printed);
}

/* Bytes of any content read as a{sv}, as from a broken peer: no crash. */
static void test_noise(void)
{
	g_autoptr(NetfilStatus) status = make();
	g_autoptr(GVariant) good = g_variant_ref_sink(netfil_status_to_variant(status));
	g_autoptr(GRand) random = g_rand_new_with_seed(20240514);
	gsize size = g_variant_get_size(good);

	for (guint i = 0; i < 3000; i++) {
		guint8 *data = g_memdup2(g_variant_get_data(good), size);
		g_autoptr(GVariant) noise = NULL;
		g_autoptr(NetfilStatus) read = NULL;
		g_autoptr(GError) error = NULL;

		for (int n = g_rand_int_range(random, 1, 8); n > 0; n--)
			data[g_rand_int_range(random, 0, (gint32)size)] =
			    (guint8)g_rand_int(random);
		noise = g_variant_ref_sink(g_variant_new_from_data(G_VARIANT_TYPE_VARDICT, data,
								   size, FALSE, g_free, data));
		read = netfil_status_from_variant(noise, &error);
		g_assert_true((read != NULL) != (error != NULL));
		if (error)
			expect_error(&error, NETFIL_ERROR_INVALID, "");
	}
}

/* Nothing was warned of; and what a peer says of it, however much. */
static void test_warned(void)
{
	g_autoptr(GVariant) none =
	    g_variant_ref_sink(spoil("warned", g_variant_new_parsed("@ay []")));
	g_autoptr(GVariant) some =
	    g_variant_ref_sink(spoil("warned", g_variant_new_parsed("[byte 0, 255, 7]")));
	g_autoptr(NetfilStatus) empty = netfil_status_from_variant(none, NULL);
	g_autoptr(NetfilStatus) full = netfil_status_from_variant(some, NULL);

	g_assert_cmpuint(empty->warned->len, ==, 0);
	g_assert_cmpuint(full->warned->len, ==, 3);
	g_assert_cmpuint(g_array_index(full->warned, guint8, 1), ==, 255);
}

static void test_tightest(void)
{
	static const struct {
		guint64 cap[NETFIL_DIRECTIONS];
		gint64 extra[NETFIL_DIRECTIONS];
		guint64 used[NETFIL_DIRECTIONS];
		int tightest;
		guint64 limit;
		double fraction;
	} cases[] = {
	    {{0, 0, 0}, {0, 0, 0}, {10, 20, 30}, -1, 0, -1},
	    {{0, 0, 0}, {5, 5, 5}, {10, 20, 30}, -1, 0, -1},
	    {{100, 0, 0}, {0, 0, 0}, {10, 20, 30}, NETFIL_IN, 100, 0.1},
	    {{0, 0, 120}, {0, 0, 0}, {10, 20, 30}, NETFIL_TOTAL, 120, 0.25},
	    {{100, 40, 120}, {0, 0, 0}, {10, 20, 30}, NETFIL_OUT, 40, 0.5},
	    {{10, 0, 0}, {0, 0, 0}, {10, 20, 30}, NETFIL_IN, 10, 1},
	    {{5, 0, 0}, {0, 0, 0}, {10, 20, 30}, NETFIL_IN, 5, 1}, /* lowered below it */
	    {{15, 5, 25}, {0, 0, 0}, {10, 20, 30}, NETFIL_OUT, 5, 1},
	    {{5, 0, 0}, {0, 0, 0}, {0, 0, 0}, NETFIL_IN, 5, 0},
	    {{5, 5, 5}, {0, 0, 0}, {0, 0, 0}, NETFIL_IN, 5, 0},
	    {{0, 0, G_MAXUINT64}, {0, 0, 0}, {0, 0, G_MAXUINT64 / 2}, 2, G_MAXUINT64, 0.5},
	    /* topped up, and cut down */
	    {{100, 40, 0}, {0, 160, 0}, {20, 20, 40}, NETFIL_IN, 100, 0.2},
	    {{100, 40, 0}, {-60, 0, 0}, {30, 20, 50}, NETFIL_IN, 40, 0.75},
	    {{100, 0, 0}, {-100, 0, 0}, {0, 0, 0}, NETFIL_IN, 1, 0},
	    {{100, 0, 0}, {-200, 0, 0}, {3, 0, 3}, NETFIL_IN, 1, 1},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(NetfilStatus) status = make();
		int tightest = cases[i].tightest;

		g_test_message("case %u", i);
		memcpy(status->spec->cap, cases[i].cap, sizeof status->spec->cap);
		memcpy(status->extra, cases[i].extra, sizeof status->extra);
		memcpy(status->used, cases[i].used, sizeof status->used);
		g_assert_cmpint(netfil_status_tightest(status), ==, tightest);
		g_assert_cmpfloat_with_epsilon(netfil_status_fraction(status), cases[i].fraction,
					       1e-12);
		if (tightest >= 0)
			g_assert_cmpuint(netfil_status_limit(status, (guint)tightest), ==,
					 cases[i].limit);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/status/new", test_new);
	g_test_add_func("/status/variant", test_variant);
	g_test_add_func("/status/copy", test_copy);
	g_test_add_func("/status/states", test_states);
	g_test_add_func("/status/nonsense", test_nonsense);
	g_test_add_func("/status/more-keys", test_more_keys);
	g_test_add_func("/status/noise", test_noise);
	g_test_add_func("/status/warned", test_warned);
	g_test_add_func("/status/tightest", test_tightest);
	return g_test_run();
}
