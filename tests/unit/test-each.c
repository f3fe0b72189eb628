/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filters with a cap for each member, and those that take any owner. */
#include "core/adjust.h"
#include "core/filter-file.h"
#include "expect-spec.h"

static void expect_refused(const char *key, const char *value, const char *part)
{
	g_autoptr(NetfilSpec) spec = make("ip=::1 each=ip max-members=7");
	g_autoptr(GError) error = NULL;

	tell(key, value);
	g_assert_false(netfil_spec_put(spec, key, value, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	g_assert_cmpint(spec->each, ==, NETFIL_EACH_IP);
	g_assert_cmpuint(spec->max_members, ==, 7);
}

static void test_keys(void)
{
	g_autoptr(NetfilSpec) spec = make("max-members=1000000 each=user each=ip");
	g_autoptr(NetfilSpec) copy = netfil_spec_copy(spec);
	g_autoptr(NetfilSpec) plain = make("");
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_spec_to_variant(copy));
	g_autofree char *text = g_variant_print(variant, FALSE);

	g_assert_cmpstr(text, ==,
			"{'each': ['ip'], 'max-members': ['1000000'], 'on-limit': ['reject'], "
			"'on': ['true']}");
	g_assert_cmpuint(netfil_spec_max_members(spec), ==, 1000000);
	g_assert_cmpint(plain->each, ==, NETFIL_EACH_NONE);
	g_assert_cmpuint(netfil_spec_max_members(plain), ==, 10000);
	expect_refused("each", "none", "is nothing of which each could have a cap: ");
	expect_refused("each", "port", "is nothing of which each could have a cap: ");
	expect_refused("each", "IP", "is nothing of which each could have a cap: ");
	expect_refused("each", "", "each");
	expect_refused("max-members", "0", "use a number from 1 to 1000000");
	expect_refused("max-members", "1000001", "use a number from 1 to 1000000");
	expect_refused("max-members", "-1", "use a number from 1 to 1000000");
	expect_refused("max-members", "1k", "use a number from 1 to 1000000");
	expect_refused("max-members", "", "max-members");
}

static void test_update(void)
{
	g_autoptr(NetfilSpec) spec = make("ip=::1 each=ip max-members=7");
	g_autoptr(GVariant) clear =
	    g_variant_ref_sink(g_variant_new_parsed("{'each': @as [], 'max-members': @as []}"));
	g_autoptr(GVariant) twice =
	    g_variant_ref_sink(g_variant_new_parsed("{'each': ['ip', 'user']}"));
	g_autoptr(GError) error = NULL;

	g_assert_false(netfil_spec_update(spec, twice, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, "has several values: ");
	g_assert_true(netfil_spec_update(spec, clear, NULL));
	g_assert_cmpint(spec->each, ==, NETFIL_EACH_NONE);
	g_assert_cmpuint(spec->max_members, ==, 0);
}

static void test_text(void)
{
	g_autoptr(NetfilSpec) spec = make("ip=10.0.0.0/8 each=ip");
	g_autofree char *text = netfil_spec_selector_text(spec);

	g_assert_cmpstr(text, ==, "ip 10.0.0.0/8, each ip");
}

static void test_any(void)
{
	g_autoptr(NetfilSpec) spec = make("exe=* user=* cgroup=*");
	static const char *const others[] = {"unit", "interface", "ip", "ip-file", "pid"};

	g_assert_true(netfil_texts_have_any(spec->exes));
	g_assert_true(netfil_texts_have_any(spec->users));
	g_assert_true(netfil_texts_have_any(spec->cgroups));
	g_assert_false(netfil_texts_have_any(spec->units));
	g_assert_cmpint(netfil_spec_type(spec), ==, NETFIL_SPEC_SOCKET);
	expect_check("user=*", NULL);
	expect_check("user=* on-limit=kill", NULL);
	for (guint i = 0; i < G_N_ELEMENTS(others); i++)
		if (!g_str_equal(others[i], "interface")) /* a glob */
			expect_refused(others[i], "*", "");
	expect_refused("exe", "/bin/", "");
	expect_refused("exe", "**", "");
	expect_refused("cgroup", "**", "");
}

static void expect_each(const char *words, NetfilEach expected, const char *refusal)
{
	g_autoptr(NetfilSpec) spec = make(words);
	NetfilEach each = NETFIL_EACH_NONE;
	g_autoptr(GError) error = NULL;
	gboolean good = netfil_spec_each_of_selectors(spec, &each, &error);

	tell("spec", words);
	if (refusal) {
		g_assert_false(good);
		expect_error(&error, NETFIL_ERROR_INVALID, refusal);
	} else {
		g_assert_no_error(error);
		g_assert_cmpint(each, ==, expected);
	}
}

static void test_short(void)
{
	expect_each("ip=::1", NETFIL_EACH_IP, NULL);
	expect_each("ip-file=/l ip=::1 port=80 proto=tcp pid=1 unit=a", NETFIL_EACH_IP, NULL);
	expect_each("user=*", NETFIL_EACH_USER, NULL);
	expect_each("exe=/a exe=/b", NETFIL_EACH_EXE, NULL);
	expect_each("cgroup=/a", NETFIL_EACH_CGROUP, NULL);
	expect_each("interface=wl*", NETFIL_EACH_INTERFACE, NULL);
	expect_each("", NETFIL_EACH_NONE, "there is no selector that each could be about: ");
	expect_each("port=80 pid=1", NETFIL_EACH_NONE, "there is no selector that each could");
	expect_each("user=* ip=::1", NETFIL_EACH_NONE, "several selectors could be meant: ");
}

static void test_check(void)
{
	expect_check("ip=::/0 each=ip", NULL);
	expect_check("pid=1 each=ip", NULL);
	expect_check("port=80 each=ip", NULL);
	expect_check("interface=eth0 each=interface", NULL);
	expect_check("user=a interface=eth0 each=interface", NULL);
	expect_check("port=80 each=interface", NULL);
	expect_check("interface=eth0 each=ip", "but counts whole frames");
	expect_check("interface=eth0 ip=::/0 each=ip", NULL);
	expect_check("user=* each=user max-members=5", NULL);
	expect_check("user=* each=exe", NULL);
	expect_check("unit=a each=cgroup", NULL);
	expect_check("ip=::/0 each=user", "but takes traffic of nobody too: ");
	expect_check("ip=::/0 each=exe", "but takes traffic of nobody too: ");
	expect_check("interface=eth0 each=cgroup", "but takes traffic of nobody too: ");
	expect_check("user=* max-members=5", "has max-members, but no members: ");
	expect_check("user=* each=user total=5 on-limit=drop warn=80 every=day free=01:00-02:00",
		     NULL);
	expect_check("user=* each=user total=5 on-limit=throttle=1k loopback=true", NULL);
	expect_check("user=* each=user total=5 on-limit=notify durability=checkpoint", NULL);
	expect_check("user=* each=user total=5 on-limit=kill", "would be stopped for one: ");
	expect_check("user=* each=user total=5 on-limit=pause", "would be stopped for one: ");
	expect_check("interface=eth0 each=interface total=5 on-limit=down", "takes down all");
	expect_check("user=* each=user total=5 durability=strict", "grants are made to whole");
	expect_check("user=* each=user total=5 every=day rollover=true", "leave out rollover");
}

static void expect_adjust(const char *changes, const char *refusal)
{
	g_autoptr(NetfilSpec) spec = make("user=* each=user in=5 out=5 total=5");
	g_autoptr(GVariant) variant = g_variant_ref_sink(g_variant_new_parsed(changes));
	g_autoptr(GVariant) rest = NULL;
	g_autoptr(GError) error = NULL;
	NetfilAdjust adjust;

	tell("changes", changes);
	g_assert_true(netfil_adjust_split(variant, &adjust, &rest, NULL));
	g_assert_cmpint(netfil_adjust_check(&adjust, spec, &error), ==, !refusal);
	if (refusal)
		expect_error(&error, NETFIL_ERROR_INVALID, refusal);
}

static void test_adjust(void)
{
	expect_adjust("{'total': ['+5']}", NULL);
	expect_adjust("{'in': ['-5']}", NULL);
	expect_adjust("{'used': ['5']}", "each has its own usage: ");
	expect_adjust("{'unlimited-until': ['1893456000']}", NULL);
	expect_adjust("{'total': ['5']}", NULL);
}

static void test_file(void)
{
	static const char text[] = "[customers]\nip=10.0.0.0/8\neach=ip\nmax-members=5\ntotal=5G\n"
				   "[users]\nuser=*\neach=user\n";
	NetfilFilterFile *file = netfil_filter_file_read(text, strlen(text)), *again;
	g_autofree char *written = NULL;

	g_assert_cmpuint(file->mistakes->len, ==, 0);
	g_assert_cmpuint(file->specs->len, ==, 2);
	written = netfil_filter_file_write(file->specs);
	g_assert_nonnull(strstr(written, "\nuser=*\neach=user\n"));
	g_assert_nonnull(strstr(written, "\neach=ip\nmax-members=5\ntotal=5G\n"));
	again = netfil_filter_file_read(written, strlen(written));
	for (guint i = 0; i < 2; i++) {
		g_auto(GStrv) differ =
		    netfil_spec_compare(file->specs->pdata[i], again->specs->pdata[i]);

		g_assert_null(differ[0]);
	}
	netfil_filter_file_free(file);
	netfil_filter_file_free(again);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/each/keys", test_keys);
	g_test_add_func("/each/update", test_update);
	g_test_add_func("/each/text", test_text);
	g_test_add_func("/each/any", test_any);
	g_test_add_func("/each/short", test_short);
	g_test_add_func("/each/check", test_check);
	g_test_add_func("/each/adjust", test_adjust);
	g_test_add_func("/each/file", test_file);
	return g_test_run();
}
