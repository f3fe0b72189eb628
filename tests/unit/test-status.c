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
	status->state = NETFIL_STATE_EXHAUSTED;
	status->used[NETFIL_IN] = 1;
	status->used[NETFIL_OUT] = 2;
	status->used[NETFIL_TOTAL] = 3;
	status->refused_bytes = 4;
	status->refused_packets = 5;
	status->reset_bytes = 6;
	status->reset_packets = 7;
	status->cycle_started = -8;
	return status;
}

static const char printed[] =
    "{'name': <'web'>, 'id': <uint64 18446744073709551615>, 'state': <'exhausted'>, "
    "'spec': <{'ip': ['192.0.2.0/24'], 'total': ['25000000'], 'on-limit': ['reject'], "
    "'on': ['true']}>, 'used': <(uint64 1, uint64 2, uint64 3)>, "
    "'refused': <(uint64 4, uint64 5)>, 'resets': <(uint64 6, uint64 7)>, "
    "'started': <int64 -8>}";

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

	g_assert_true(status->spec != spec);
	g_assert_cmpstr(status->spec->name, ==, "web");
	g_assert_cmpint(status->state, ==, NETFIL_STATE_OFF);
	g_assert_cmpuint(status->used[NETFIL_TOTAL], ==, 0);
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
	static const char *const keys[] = {"name", "id",      "state",  "spec",
					   "used", "refused", "resets", "started"};

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

static void expect_fraction(const guint64 cap[3], const guint64 used[3], double expected)
{
	g_autoptr(NetfilStatus) status = make();

	memcpy(status->spec->cap, cap, sizeof status->spec->cap);
	memcpy(status->used, used, sizeof status->used);
	g_assert_cmpfloat_with_epsilon(netfil_status_fraction(status), expected, 1e-12);
}

static void test_fraction(void)
{
	const guint64 used[] = {10, 20, 30};

	expect_fraction((guint64[]){0, 0, 0}, used, -1);
	expect_fraction((guint64[]){100, 0, 0}, used, 0.1);
	expect_fraction((guint64[]){0, 0, 120}, used, 0.25);
	expect_fraction((guint64[]){100, 40, 120}, used, 0.5);
	expect_fraction((guint64[]){10, 0, 0}, used, 1);
	expect_fraction((guint64[]){5, 0, 0}, used, 1); /* lowered below what is used */
	expect_fraction((guint64[]){5, 0, 0}, (guint64[]){0, 0, 0}, 0);
	expect_fraction((guint64[]){0, 0, G_MAXUINT64}, (guint64[]){0, 0, G_MAXUINT64 / 2}, 0.5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/status/new", test_new);
	g_test_add_func("/status/variant", test_variant);
	g_test_add_func("/status/states", test_states);
	g_test_add_func("/status/nonsense", test_nonsense);
	g_test_add_func("/status/more-keys", test_more_keys);
	g_test_add_func("/status/noise", test_noise);
	g_test_add_func("/status/fraction", test_fraction);
	return g_test_run();
}
