/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "expect-spec.h"

#define SEED 20240514
#define ROUNDS 500
#define VALUES_MAX 4096

static char *print(const NetfilSpec *spec)
{
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_spec_to_variant(spec));

	g_assert_cmpstr(g_variant_get_type_string(variant), ==, "a{sas}");
	return g_variant_print(variant, FALSE);
}

static void expect_spec(const NetfilSpec *spec, const char *expected)
{
	g_autofree char *text = print(spec);

	g_assert_cmpstr(text, ==, expected);
}

static GVariant *changes(const char *text)
{
	return g_variant_ref_sink(g_variant_new_parsed(text));
}

static void expect_refused(const char *key, const char *value, const char *part)
{
	g_autoptr(NetfilSpec) spec = make("pid=1 exe=/a total=5");
	g_autoptr(NetfilSpec) same = netfil_spec_copy(spec);
	g_autofree char *before = print(same);
	g_autoptr(GError) error = NULL;

	tell(key, value);
	g_assert_false(netfil_spec_put(spec, key, value, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	expect_spec(spec, before);
}

static void test_new(void)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("web");

	g_assert_cmpstr(spec->name, ==, "web");
	g_assert_true(spec->on);
	g_assert_false(spec->loopback);
	g_assert_cmpint(spec->on_limit, ==, NETFIL_ON_LIMIT_REJECT);
	expect_spec(spec, "{'on-limit': ['reject'], 'on': ['true']}");
	netfil_spec_free(NULL);
}

static void test_names(void)
{
	static const char *const good[] = {"a", "7", "web", "Web-2.eth0:in_x@host", "a-", NULL};
	static const char *const bad[] = {"",    "-a", ".a", "_a",  "@a",    ":a",   "a b", "a/b",
					  "a\n", "ä",  "a,", "a=b", "a\xff", "../x", NULL};
	g_autofree char *most = g_strnfill(64, 'x');
	g_autofree char *more = g_strnfill(65, 'x');
	g_autoptr(GError) error = NULL;

	for (guint i = 0; good[i]; i++)
		g_assert_true(netfil_spec_name_check(good[i], NULL));
	for (guint i = 0; bad[i]; i++) {
		g_assert_false(netfil_spec_name_check(bad[i], &error));
		expect_error(&error, NETFIL_ERROR_INVALID, "is not a filter's name: ");
	}
	g_assert_true(netfil_spec_name_check(most, NULL));
	g_assert_false(netfil_spec_name_check(more, NULL));
}

static void test_all_keys(void)
{
	g_autoptr(NetfilSpec) spec =
	    make("on=false loopback=true on-limit=kill total=25M out=1.5k in=1 interface=wl* "
		 "interface=eth0 proto=tcp port=80 port=8000-8080 ip-file=/etc/list "
		 "ip=192.0.2.0/24 ip=::1 unit=nginx cgroup=/a/b user=alice exe=/bin/sh pid=4711");

	expect_spec(spec, "{'pid': ['4711'], 'exe': ['/bin/sh'], 'user': ['alice'], "
			  "'cgroup': ['/a/b'], 'unit': ['nginx.service'], "
			  "'ip': ['192.0.2.0/24', '::1'], 'ip-file': ['/etc/list'], "
			  "'port': ['80', '8000-8080'], 'proto': ['tcp'], "
			  "'interface': ['wl*', 'eth0'], 'in': ['1'], 'out': ['1500'], "
			  "'total': ['25000000'], 'on-limit': ['kill'], 'loopback': ['true'], "
			  "'on': ['false']}");
	g_assert_cmpint(g_array_index(spec->pids, gint64, 0), ==, 4711);
	g_assert_cmpuint(g_array_index(spec->ports, NetfilPortRange, 1).first, ==, 8000);
	g_assert_cmpuint(g_array_index(spec->ports, NetfilPortRange, 1).last, ==, 8080);
	g_assert_cmpuint(g_array_index(spec->protos, guint8, 0), ==, 6);
	g_assert_cmpuint(g_array_index(spec->prefixes, NetfilPrefix, 0).length, ==, 120);
	g_assert_cmpuint(spec->cap[NETFIL_IN], ==, 1);
	g_assert_cmpuint(spec->cap[NETFIL_OUT], ==, 1500);
	g_assert_cmpuint(spec->cap[NETFIL_TOTAL], ==, 25000000);
}

static void test_put_again(void)
{
	g_autoptr(NetfilSpec) spec =
	    make("pid=1 pid=2 pid=1 exe=/a exe=/a unit=x unit=x.service ip=10.0.0.1 "
		 "ip=::ffff:10.0.0.1/128 port=80 port=80-80 proto=tcp proto=6 proto=TCP "
		 "proto=icmpv6 proto=ipv6-icmp in=1 in=2 on=false on=true total=7 total=unlimited");

	expect_spec(spec, "{'pid': ['1', '2'], 'exe': ['/a'], 'unit': ['x.service'], "
			  "'ip': ['10.0.0.1'], 'port': ['80'], 'proto': ['tcp', 'icmpv6'], "
			  "'in': ['2'], 'on-limit': ['reject'], 'on': ['true']}");
}

static void test_keys_refused(void)
{
	static const char *const selectors[] = {
	    "pid",    "exe",   "user",      "cgroup",   "unit",     "ip",        "ip-file",
	    "port",   "proto", "interface", "in",       "on-limit", "on",        "loopback",
	    "except", "warn",  "every",     "rollover", "free",     "durability"};

	expect_refused("colour", "red",
		       "\"colour\" is not a key of a filter: use one of pid, exe,");
	expect_refused("", "red", "is not a key");
	expect_refused("PID", "1", "is not a key");
	expect_refused("name", "x", "is not a key");
	for (guint i = 0; i < G_N_ELEMENTS(selectors); i++) {
		expect_refused(selectors[i], "", selectors[i]);
		expect_refused(selectors[i], "/a\nb", selectors[i]);
		expect_refused(selectors[i], "/a\x1b", selectors[i]);
		expect_refused(selectors[i], "/\xff", selectors[i]); /* the bus takes UTF-8 only */
	}
}

static void test_pids(void)
{
	g_autoptr(NetfilSpec) spec = make("pid=1 pid=4194304");
	static const char *const bad[] = {"0",  "-1",  "+1",         " 1",  "1 ",
					  "01", "0x1", "4194305",    "1e3", "99999999999999999999",
					  "x",  "1,2", "4294967297", "1.0", "18446744073709551617"};

	g_assert_cmpuint(spec->pids->len, ==, 2);
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("pid", bad[i], "is not a process: ");
}

static void test_paths(void)
{
	g_autofree char *most = g_strnfill(4095, '/');
	g_autofree char *more = g_strnfill(4096, 'x');
	g_autoptr(NetfilSpec) spec = make("exe=/usr/bin/wget exe=/Ä exe=/a/../b");

	g_assert_cmpuint(spec->exes->len, ==, 3);
	g_assert_true(netfil_spec_put(spec, "exe", "/with blank", NULL));
	more[0] = most[4094] = 'x';
	more[0] = '/';
	g_assert_true(netfil_spec_put(spec, "ip-file", most, NULL));
	expect_refused("exe", more, "is too long");
	expect_refused("exe", "wget", "\"wget\" is not an absolute path: ");
	expect_refused("exe", "./wget", "is not an absolute path: ");
	expect_refused("exe", "/", "names a folder: ");
	expect_refused("exe", "/usr/bin/", "names a folder: ");
	expect_refused("ip-file", "list.txt", "is not an absolute path: ");
}

static void test_users(void)
{
	static const char *const bad[] = {"a:b", "a/b",        "-a", "+a",         " a",
					  "a ",  "4294967295", "01", "99999999999"};
	g_autofree char *most = g_strnfill(256, 'x');
	g_autofree char *more = g_strnfill(257, 'x');
	g_autoptr(NetfilSpec) spec = make(
	    "user=alice user=0 user=4294967294 user=www-data user=DOM\\eve user=a@b user=jörg");

	g_assert_cmpuint(spec->users->len, ==, 7);
	g_assert_true(netfil_spec_put(spec, "user", most, NULL));
	expect_refused("user", more, "is not a user: ");
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("user", bad[i], "is not a user: ");
}

static void test_cgroups(void)
{
	static const char *const bad[] = {"a",     "a/b",   "/a/",  "//",   "//a", "/a//b", "/..",
					  "/a/..", "/../a", "/./a", "/a/.", "..",  "."};
	g_autofree char *most = g_strnfill(255, 'x');
	g_autofree char *more = g_strnfill(256, 'x');
	g_autoptr(NetfilSpec) spec = make("cgroup=/ cgroup=/a cgroup=/user.slice/u-1000.slice "
					  "cgroup=/a..b/...");

	g_assert_cmpuint(spec->cgroups->len, ==, 4);
	most[0] = more[0] = '/';
	g_assert_true(netfil_spec_put(spec, "cgroup", most, NULL));
	expect_refused("cgroup", more, "is too long");
	expect_refused("cgroup", "/sys/fs/cgroup/user.slice", "leave out /sys/fs/cgroup");
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("cgroup", bad[i], "is not a cgroup: ");
}

static void test_units(void)
{
	static const char *const bad[] = {"a/b", "/a", "a b", "a*", ".service", ".", "a$", "ä"};
	g_autofree char *most = g_strnfill(247, 'x');
	g_autofree char *more = g_strnfill(248, 'x');
	g_autoptr(NetfilSpec) spec =
	    make("unit=nginx unit=nginx.service unit=user.slice unit=a.scope "
		 "unit=my.app unit=getty@tty1 unit=dev-sda\\x2d1.swap");

	expect_spec(spec, "{'unit': ['nginx.service', 'user.slice', 'a.scope', 'my.app.service', "
			  "'getty@tty1.service', 'dev-sda\\\\x2d1.swap'], "
			  "'on-limit': ['reject'], 'on': ['true']}");
	g_assert_true(netfil_spec_put(spec, "unit", most, NULL));
	expect_refused("unit", more, "is too long");
	expect_refused("unit", "apt.timer", "without processes: ");
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("unit", bad[i], "is not a unit: ");
}

static void test_ports(void)
{
	static const char *const bad[] = {"0",         "65536", "-1",      "80-",  "-80",
					  "80-90-100", "80 ",   "http",    "0-80", "1-65536",
					  "080",       "80:90", "80 - 90", "+80",  "-"};
	g_autoptr(NetfilSpec) spec = make("port=1 port=65535 port=1-65535 port=7-8");

	g_assert_cmpuint(spec->ports->len, ==, 4);
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("port", bad[i], "is not a port: ");
	expect_refused("port", "8080-8000", "runs backwards: ");
}

static void test_protos(void)
{
	static const struct {
		const char *text, *shown;
		guint8 number;
	} good[] = {
	    {"icmp", "icmp", 1},
	    {"igmp", "igmp", 2},
	    {"tcp", "tcp", 6},
	    {"UDP", "udp", 17},
	    {"17", "udp", 17},
	    {"dccp", "dccp", 33},
	    {"gre", "gre", 47},
	    {"esp", "esp", 50},
	    {"ah", "ah", 51},
	    {"icmpv6", "icmpv6", 58},
	    {"ipv6-icmp", "icmpv6", 58},
	    {"sctp", "sctp", 132},
	    {"udplite", "udplite", 136},
	    {"0", "0", 0},
	    {"255", "255", 255},
	};
	static const char *const bad[] = {"256", "-1", "06", "tcpp", "tc", " tcp", "ip", "tcp,udp"};

	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(NetfilSpec) spec = netfil_spec_new("test");
		g_autofree char *text = NULL;
		g_autofree char *expected = g_strconcat("proto ", good[i].shown, NULL);

		g_assert_true(netfil_spec_put(spec, "proto", good[i].text, NULL));
		g_assert_cmpuint(g_array_index(spec->protos, guint8, 0), ==, good[i].number);
		text = netfil_spec_selector_text(spec);
		g_assert_cmpstr(text, ==, expected);
	}
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("proto", bad[i], "is not a protocol: ");
}

static void test_interfaces(void)
{
	static const char *const bad[] = {"a/b", "a b", "a:1", ".", "..", "sixteen-bytes-xx"};
	g_autofree char *most = g_strnfill(64, '*');
	g_autofree char *more = g_strnfill(65, '*');
	g_autoptr(NetfilSpec) spec = make("interface=eth0 interface=fifteen-bytes-x interface=* "
					  "interface=wl?[0-9] interface=[!l]* interface=eth0.100");

	g_assert_cmpuint(spec->interfaces->len, ==, 6);
	g_assert_true(netfil_spec_put(spec, "interface", most, NULL));
	expect_refused("interface", more, "is not an interface: ");
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("interface", bad[i], "is not an interface: ");
}

static void test_settings(void)
{
	expect_refused("total", "12XB", "\"12XB\" is not a size: ");
	expect_refused("in", "-1", "is not a size: ");
	expect_refused("out", "0.5", "is not a whole number");
	expect_refused("on-limit", "stop", "\"stop\" is not a policy for the limit: use reject, ");
	expect_refused("on-limit", "REJECT", "is not a policy");
	expect_refused("loopback", "yes", "\"yes\" is not a value of loopback: use true or false");
	expect_refused("on", "1", "is not a value of on: ");
}

static void test_policies(void)
{
	g_autoptr(NetfilSpec) cleared = make("on-limit=throttle=5k");
	g_autoptr(GVariant) none = changes("@a{sas} {'on-limit': []}");
	static const char *const names[] = {"reject",   "drop",   "kill", "pause",
					    "throttle", "notify", "down"};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(NetfilSpec) spec = make("on-limit=throttle=5k");
		g_autofree char *text = NULL;

		g_assert_cmpstr(netfil_on_limit_name((NetfilOnLimit)i), ==, names[i]);
		if (i == NETFIL_ON_LIMIT_THROTTLE)
			continue;
		g_assert_true(netfil_spec_put(spec, "on-limit", names[i], NULL));
		g_assert_cmpint(spec->on_limit, ==, i);
		g_assert_cmpuint(spec->rate, ==, 0);
		text = netfil_spec_on_limit_text(spec);
		g_assert_cmpstr(text, ==, names[i]);
	}
	g_assert_true(netfil_spec_update(cleared, none, NULL));
	g_assert_cmpuint(cleared->rate, ==, 0);
}

static void test_throttle(void)
{
	static const struct {
		const char *value;
		guint64 rate;
		const char *text, *told;
	} cases[] = {
	    {"throttle=125k", 125000, "throttle=125k", "throttle=125000"},
	    {"throttle=125k/s", 125000, "throttle=125k", "throttle=125000"},
	    {"throttle=125kB/s", 125000, "throttle=125k", "throttle=125000"},
	    {"throttle=1000", 1000, "throttle=1k", "throttle=1000"},
	    {"throttle=1001/s", 1001, "throttle=1001", "throttle=1001"},
	    {"throttle=1.5MiB", 1572864, "throttle=1.5Mi", "throttle=1572864"},
	    {"throttle=18446744073709551615", G_MAXUINT64, "throttle=18446744073709551615",
	     "throttle=18446744073709551615"},
	};
	static const char *const sizes[] = {"throttle=",    "throttle=/s",    "throttle=fast",
					    "throttle=-5k", "throttle=5k/h",  "throttle=5k/s/s",
					    "throttle=5 k", "throttle=1Mbit", "throttle==5k"};
	static const char *const slow[] = {"throttle=0", "throttle=unlimited", "throttle=999",
					   "throttle=0.5k/s"};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(NetfilSpec) spec = netfil_spec_new("test");
		g_autofree char *text = NULL;
		g_autofree char *told =
		    g_strdup_printf("{'on-limit': ['%s'], 'on': ['true']}", cases[i].told);

		g_assert_true(netfil_spec_put(spec, "on-limit", cases[i].value, NULL));
		g_assert_cmpint(spec->on_limit, ==, NETFIL_ON_LIMIT_THROTTLE);
		g_assert_cmpuint(spec->rate, ==, cases[i].rate);
		text = netfil_spec_on_limit_text(spec);
		g_assert_cmpstr(text, ==, cases[i].text);
		expect_spec(spec, told);
	}
	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
		expect_refused("on-limit", sizes[i], "is not a size: ");
	for (guint i = 0; i < G_N_ELEMENTS(slow); i++)
		expect_refused("on-limit", slow[i],
			       "is too slow: use at least 1000 bytes a second, ");
	expect_refused("on-limit", "throttle", "\"throttle\" has no rate: give one ");
	expect_refused("on-limit", "throttled", "is not a policy");
	expect_refused("on-limit", "pause=5k", "is not a policy");
}

static void test_warn(void)
{
	static const char *const bad[] = {"0", "101", "-1", "+1",  "08",     "80%",  "8.5",
					  "x", "80,", ",",  "80,", "80, 95", "80,x", "256"};
	g_autoptr(NetfilSpec) spec = make("total=5 warn=95 warn=80,1,95 warn=100,80");
	g_autoptr(NetfilSpec) full = make("warn=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15");
	g_autoptr(GError) error = NULL;

	expect_spec(spec, "{'total': ['5'], 'on-limit': ['reject'], "
			  "'warn': ['1', '80', '95', '100'], 'on': ['true']}");
	g_assert_cmpuint(g_array_index(spec->warn, guint8, 3), ==, 100);
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		expect_refused("warn", bad[i], "is not a percentage to warn at: ");
	/* all of a value, or nothing */
	g_assert_false(netfil_spec_put(full, "warn", "16,17", &error));
	expect_error(&error, NETFIL_ERROR_FULL, "warn has more than 16 values: give fewer");
	g_assert_cmpuint(full->warn->len, ==, 15);
	g_assert_true(netfil_spec_put(full, "warn", "16,16,1", NULL));
	g_assert_cmpuint(full->warn->len, ==, 16);
}

static void test_cycles(void)
{
	g_autoptr(NetfilSpec) spec =
	    make("every=Month@14 rollover=true free=22:00-07:00 durability=strict");

	expect_spec(spec, "{'on-limit': ['reject'], 'every': ['month@14'], 'rollover': ['true'], "
			  "'free': ['22:00-07:00'], 'durability': ['strict'], 'on': ['true']}");
	g_assert_cmpint(spec->every.unit, ==, NETFIL_CYCLE_MONTH);
	g_assert_cmpuint(spec->every.at, ==, 14);
	g_assert_true(spec->rollover);
	g_assert_cmpuint(spec->free.from, ==, 22 * 60);
	g_assert_cmpuint(spec->free.to, ==, 7 * 60);
	g_assert_cmpint(spec->durability, ==, NETFIL_DURABILITY_STRICT);
	expect_refused("every", "fortnight", "\"fortnight\" is not a cycle: ");
	expect_refused("rollover", "yes", "\"yes\" is not a value of rollover: ");
	expect_refused("free", "1-7", "\"1-7\" is not a span of hours: ");
	expect_refused("free", "00:00-24:00", "is a whole day");
	expect_refused("durability", "safe",
		       "\"safe\" is not a durability: use checkpoint, strict or default");
}

static void test_defaults(void)
{
	static const char *const names[] = {"default", "checkpoint", "strict"};
	g_autoptr(NetfilSpec) spec = make("every=never rollover=false free=none "
					  "durability=default on-limit=reject loopback=false");

	expect_spec(spec, "{'on-limit': ['reject'], 'on': ['true']}");
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		g_assert_cmpstr(netfil_durability_name((NetfilDurability)i), ==, names[i]);
}

static void test_excepts(void)
{
	g_autoptr(NetfilSpec) spec =
	    make("except=10.1.0.0/16 except=10.1.0.0/16 except=fd00::/8 interface=eth0");

	expect_spec(spec, "{'interface': ['eth0'], 'except': ['10.1.0.0/16', 'fd00::/8'], "
			  "'on-limit': ['reject'], 'on': ['true']}");
	g_assert_cmpuint(g_array_index(spec->excepts, NetfilPrefix, 1).length, ==, 8);
	g_assert_cmpuint(spec->prefixes->len, ==, 0);
	expect_refused("except", "10.1.0.1/16", "10.1.0.0/16");
	expect_refused("except", "lan", "\"lan\" is not ");
}

static void test_copy(void)
{
	g_autoptr(NetfilSpec) spec =
	    make("pid=1 exe=/a user=b cgroup=/c unit=d ip=10.0.0.1 ip-file=/e port=5 proto=tcp "
		 "interface=f except=::1 in=1 out=2 total=3 on-limit=throttle=5k warn=80 every=30d "
		 "rollover=true free=01:00-02:00 durability=strict loopback=true on=false");
	g_autofree char *before = print(spec);
	g_autoptr(NetfilSpec) copy = netfil_spec_copy(spec);

	expect_spec(copy, before);
	g_assert_cmpstr(copy->name, ==, "test");
	/* a change of the copy is not one of the original */
	g_assert_true(netfil_spec_put(copy, "pid", "2", NULL));
	g_assert_true(netfil_spec_put(copy, "ip", "10.0.0.2", NULL));
	g_assert_true(netfil_spec_put(copy, "except", "10.0.0.2", NULL));
	g_assert_true(netfil_spec_put(copy, "warn", "5", NULL));
	g_ptr_array_set_size(copy->exes, 0);
	g_ptr_array_set_size(copy->interfaces, 0);
	expect_spec(spec, before);
}

static void expect_update(const char *words, const char *change, const char *expected)
{
	g_autoptr(NetfilSpec) spec = make(words);
	g_autoptr(GVariant) variant = changes(change);
	g_autoptr(GError) error = NULL;

	netfil_spec_update(spec, variant, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(spec->name, ==, "test");
	expect_spec(spec, expected);
}

static void test_update(void)
{
	expect_update("pid=1 in=5", "@a{sas} {}",
		      "{'pid': ['1'], 'in': ['5'], 'on-limit': ['reject'], 'on': ['true']}");
	expect_update("pid=1 in=5", "{'pid': ['2', '3', '2'], 'exe': ['/a']}",
		      "{'pid': ['2', '3'], 'exe': ['/a'], 'in': ['5'], 'on-limit': ['reject'], "
		      "'on': ['true']}");
	expect_update("pid=1 exe=/a ip=::1", "@a{sas} {'pid': [], 'ip': [], 'exe': ['/a']}",
		      "{'exe': ['/a'], 'on-limit': ['reject'], 'on': ['true']}");
	expect_update("in=1 out=2 total=3", "{'in': ['unlimited'], 'out': ['0'], 'total': ['1M']}",
		      "{'total': ['1000000'], 'on-limit': ['reject'], 'on': ['true']}");
	/* an empty list is the default */
	expect_update("in=1 on=false on-limit=kill loopback=true",
		      "@a{sas} {'in': [], 'on': [], 'on-limit': [], 'loopback': []}",
		      "{'on-limit': ['reject'], 'on': ['true']}");
	expect_update("except=::1 warn=80 every=day rollover=true free=01:00-02:00 "
		      "durability=strict on-limit=throttle=5k",
		      "@a{sas} {'except': [], 'warn': [], 'every': [], 'rollover': [], "
		      "'free': [], 'durability': [], 'on-limit': []}",
		      "{'on-limit': ['reject'], 'on': ['true']}");
	expect_update("warn=80,95", "{'warn': ['90', '50']}",
		      "{'on-limit': ['reject'], 'warn': ['50', '90'], 'on': ['true']}");
	expect_update("loopback=true", "{'loopback': ['false'], 'on-limit': ['drop']}",
		      "{'on-limit': ['drop'], 'on': ['true']}");
}

static void expect_update_refused(const char *change, int code, const char *part)
{
	g_autoptr(NetfilSpec) spec = make("pid=1 in=5 on=false except=::1 warn=80");
	g_autofree char *before = print(spec);
	g_autoptr(GVariant) variant = changes(change);
	g_autoptr(GError) error = NULL;

	g_assert_false(netfil_spec_update(spec, variant, &error));
	expect_error(&error, code, part);
	expect_spec(spec, before);
}

static void test_update_refused(void)
{
	const int invalid = NETFIL_ERROR_INVALID;

	expect_update_refused("{'exe': ['/a'], 'colour': ['red']}", invalid, "\"colour\"");
	expect_update_refused("@a{sas} {'exe': ['/a'], 'colour': []}", invalid, "\"colour\"");
	expect_update_refused("{'pid': ['2'], 'exe': ['a']}", invalid, "\"a\" is not an absolute");
	expect_update_refused("{'warn': ['5'], 'except': ['::2'], 'exe': ['a']}", invalid, "\"a\"");
	expect_update_refused("{'pid': ['2', 'x']}", invalid, "\"x\" is not a process");
	expect_update_refused("{'pid': ['2'], 'in': ['1', '2']}", invalid, "\"in\" has several");
	expect_update_refused("{'on': ['true', 'true']}", invalid, "\"on\" has several");
	expect_update_refused("{'on-limit': ['drop', 'kill']}", invalid, "several values: ");
	expect_update_refused("{'exe': '/a'}", invalid, "\"a{ss}\" is not the type");
	expect_update_refused("{'exe': <['/a']>}", invalid, "a{sas}");
	expect_update_refused("'exe'", invalid, "a{sas}");
	expect_update_refused("{'exe': ['/a\\nb']}", invalid, "\"/a\\x0ab\"");
}

/* count values of ip, from 10.0.0.0 on */
static GVariant *many(guint count)
{
	GVariantBuilder values;

	g_variant_builder_init(&values, G_VARIANT_TYPE_STRING_ARRAY);
	for (guint i = 0; i < count; i++)
		g_variant_builder_add(&values, "s", "10.0.0.0");
	return g_variant_ref_sink(g_variant_new_parsed("{'ip': %as}", &values));
}

static void test_full(void)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("test");
	g_autoptr(GVariant) most = many(VALUES_MAX);
	g_autoptr(GVariant) more = many(VALUES_MAX + 1);
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < VALUES_MAX; i++) {
		g_autofree char *ip = g_strdup_printf("10.0.%u.%u", i >> 8, i & 255);
		g_autofree char *exe = g_strdup_printf("/%u", i);

		g_assert_true(netfil_spec_put(spec, "ip", ip, NULL));
		g_assert_true(netfil_spec_put(spec, "exe", exe, NULL));
	}
	g_assert_true(netfil_spec_put(spec, "ip", "10.0.0.7", NULL)); /* is there */
	g_assert_false(netfil_spec_put(spec, "ip", "10.1.0.0", &error));
	expect_error(&error, NETFIL_ERROR_FULL, "ip has more than 4096 values: ");
	g_assert_false(netfil_spec_put(spec, "exe", "/x", &error));
	expect_error(&error, NETFIL_ERROR_FULL, "exe has more than 4096 values: ");
	g_assert_cmpuint(spec->prefixes->len, ==, VALUES_MAX);

	g_assert_false(netfil_spec_update(spec, more, &error));
	expect_error(&error, NETFIL_ERROR_FULL, "ip has more than 4096 values: ");
	g_assert_cmpuint(spec->prefixes->len, ==, VALUES_MAX);
	g_assert_true(netfil_spec_update(spec, most, NULL));
	g_assert_cmpuint(spec->prefixes->len, ==, 1);
}

static const char *const samples[] = {
    "pid=1",
    "pid=77",
    "exe=/bin/sh",
    "exe=/b c",
    "user=0",
    "user=eve",
    "cgroup=/",
    "cgroup=/a/b",
    "unit=a",
    "unit=b.slice",
    "ip=::/0",
    "ip=0.0.0.0/0",
    "ip=2001:db8::/32",
    "ip=::1",
    "ip=192.0.2.9",
    "ip-file=/l",
    "port=80",
    "port=1-65535",
    "proto=udp",
    "proto=253",
    "proto=58",
    "interface=lo",
    "interface=wl[0-9]*",
    "in=1",
    "in=25M",
    "out=1.5GiB",
    "total=18446744073709551615",
    "total=1k",
    "on-limit=kill",
    "on-limit=drop",
    "on-limit=pause",
    "on-limit=throttle=1.5M",
    "on-limit=notify",
    "on-limit=down",
    "user=*",
    "each=ip",
    "each=interface",
    "max-members=5",
    "except=::1",
    "except=10.0.0.0/8",
    "warn=80,95",
    "warn=7",
    "every=hour",
    "every=week@sun",
    "every=month@31",
    "every=90d",
    "rollover=true",
    "free=22:00-24:00",
    "free=23:30-01:15",
    "durability=strict",
    "durability=checkpoint",
    "loopback=true",
    "on=false",
};

static void test_round_trip(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(SEED);

	for (guint i = 0; i < ROUNDS; i++) {
		g_autoptr(NetfilSpec) spec = netfil_spec_new("test");
		g_autoptr(NetfilSpec) again = make("pid=5 user=x in=9 on=false loopback=true");
		g_autoptr(GVariant) variant = NULL;
		g_autofree char *before = NULL;
		g_autoptr(GError) error = NULL;

		for (int n = g_rand_int_range(random, 0, 20); n > 0; n--) {
			guint pick = (guint)g_rand_int_range(random, 0, G_N_ELEMENTS(samples));
			g_auto(GStrv) word = g_strsplit(samples[pick], "=", 2);

			netfil_spec_put(spec, word[0], word[1], &error);
			g_assert_no_error(error);
		}
		before = print(spec);
		variant = netfil_spec_to_variant(spec); /* floating: update takes no reference */
		netfil_spec_update(spec, variant, &error);
		g_assert_no_error(error);
		expect_spec(spec, before);

		/* and over another one, whose other keys are cleared */
		g_clear_pointer(&again, netfil_spec_free);
		again = netfil_spec_new("test");
		netfil_spec_update(again, variant, &error);
		g_assert_no_error(error);
		expect_spec(again, before);
	}
}

static void test_check(void)
{
	g_autoptr(NetfilSpec) nameless = make("pid=1");
	static const char *const selectors[] = {
	    "pid=1",  "exe=/a",     "user=a", "cgroup=/a", "unit=a",
	    "ip=::1", "ip-file=/a", "port=1", "proto=tcp", "interface=lo",
	};

	for (guint i = 0; i < G_N_ELEMENTS(selectors); i++) {
		g_autofree char *kill = g_strconcat(selectors[i], " on-limit=kill", NULL);
		g_autofree char *pause = g_strconcat(selectors[i], " on-limit=pause", NULL);
		g_autofree char *down = g_strconcat(selectors[i], " on-limit=down", NULL);

		expect_check(selectors[i], NULL); /* no cap is needed: it counts */
		expect_check(kill, i < 5 ? NULL : "names no process to kill: add pid");
		expect_check(pause, i < 5 ? NULL : "names no process to pause: add pid");
		expect_check(down, i == 9 ? NULL : "is not about whole interfaces, which down ");
	}
	expect_check("", "has no selector: add pid");
	expect_check("total=5 loopback=true on-limit=kill", "has no selector: add pid");
	expect_check("pid=1 ip=::1 port=80 proto=tcp interface=eth0 on-limit=kill", NULL);
	expect_check("port=80 proto=icmp", "has a port, but its protocols have none: ");
	expect_check("pid=1 port=80 proto=icmp proto=gre proto=0", "has a port, but");
	expect_check("port=80 proto=icmp proto=udp", NULL);
	expect_check("port=80 proto=sctp", NULL);
	expect_check("port=80 proto=dccp", NULL);
	expect_check("port=80 proto=udplite", NULL);
	expect_check("proto=icmp", NULL);
	expect_check("except=10.0.0.0/8 total=5", "has no selector: add pid");
	expect_check("interface=eth0 except=10.0.0.0/8 on-limit=down", NULL);
	expect_check("interface=eth0 ip=::1 on-limit=down", "which down takes down: ");
	expect_check("port=80 on-limit=throttle=5k", NULL);
	expect_check("port=80 on-limit=notify", NULL);
	expect_check("pid=1 rollover=true total=5", "has no cycle to roll over into: add every");
	expect_check("pid=1 rollover=true every=day", "has no cap to roll over: add in, ");
	expect_check("pid=1 rollover=true every=day out=5", NULL);
	expect_check("pid=1 warn=80", "has no cap to warn of: add in, ");
	expect_check("pid=1 warn=80 in=5", NULL);
	expect_check("pid=1 free=01:00-02:00 every=1d durability=strict", NULL);
	g_free(nameless->name);
	nameless->name = g_strdup("a b");
	g_assert_false(netfil_spec_check(nameless, NULL));
}

static void expect_type(const char *words, NetfilSpecType type, gboolean loopback)
{
	g_autoptr(NetfilSpec) spec = make(words);

	tell("spec", words);
	g_assert_cmpint(netfil_spec_type(spec), ==, type);
	g_assert_cmpint(netfil_spec_has_owner(spec), ==, type == NETFIL_SPEC_SOCKET);
	g_assert_cmpint(netfil_spec_counts_loopback(spec), ==, loopback);
}

static void test_type(void)
{
	expect_type("interface=eth0", NETFIL_SPEC_INTERFACE, FALSE);
	expect_type("interface=eth0 except=10.0.0.1", NETFIL_SPEC_INTERFACE, FALSE);
	expect_type("interface=eth0 except=127.0.0.1", NETFIL_SPEC_INTERFACE, FALSE);
	expect_type("interface=lo", NETFIL_SPEC_INTERFACE, FALSE);
	expect_type("interface=lo loopback=true", NETFIL_SPEC_INTERFACE, TRUE);
	expect_type("interface=eth0 ip=10.0.0.1", NETFIL_SPEC_IP, FALSE);
	expect_type("interface=eth0 ip-file=/a", NETFIL_SPEC_IP, FALSE);
	expect_type("interface=eth0 port=80", NETFIL_SPEC_IP, FALSE);
	expect_type("interface=eth0 proto=tcp", NETFIL_SPEC_IP, FALSE);
	expect_type("interface=eth0 pid=1", NETFIL_SPEC_SOCKET, FALSE);
	expect_type("ip=127.0.0.1", NETFIL_SPEC_IP, TRUE);
	expect_type("ip=10.0.0.1 ip=::1", NETFIL_SPEC_IP, TRUE);
	expect_type("ip=0.0.0.0/0 ip=::/0", NETFIL_SPEC_IP, FALSE);
	expect_type("port=80 loopback=true", NETFIL_SPEC_IP, TRUE);
	expect_type("pid=1", NETFIL_SPEC_SOCKET, FALSE);
	expect_type("exe=/a", NETFIL_SPEC_SOCKET, FALSE);
	expect_type("user=a", NETFIL_SPEC_SOCKET, FALSE);
	expect_type("cgroup=/", NETFIL_SPEC_SOCKET, FALSE);
	expect_type("unit=a ip=10.0.0.1", NETFIL_SPEC_SOCKET, FALSE);
	expect_type("unit=a ip=127.0.0.0/8", NETFIL_SPEC_SOCKET, TRUE);
}

static void expect_words(const char *words, const char *expected)
{
	g_autoptr(NetfilSpec) spec = make(words);
	g_autofree char *text = netfil_spec_selector_text(spec);

	g_assert_cmpstr(text, ==, expected);
}

static void test_selector_text(void)
{
	expect_words("", "");
	expect_words("total=5 loopback=true", "");
	expect_words("ip=192.0.2.0/24 pid=4711", "pid 4711, ip 192.0.2.0/24");
	expect_words("port=80 port=8000-8080 proto=tcp", "port 80 or 8000-8080, proto tcp");
	expect_words("pid=1 pid=2 pid=3 pid=4", "pid 1 or 2 or 3 or 4");
	expect_words("pid=1 pid=2 pid=3 pid=4 pid=5 pid=6 unit=a",
		     "pid 1 or 2 or 3 or 4 or 2 more, unit a.service");
	expect_words("except=10.1.0.0/16 ip=10.0.0.0/8 warn=5 every=day",
		     "ip 10.0.0.0/8, except 10.1.0.0/16");
	expect_words("interface=eth0 except=10.0.0.0/8 except=fd00::/8",
		     "interface eth0, except 10.0.0.0/8 or fd00::/8");
	expect_words("exe=/a user=b cgroup=/c ip-file=/d interface=wl*",
		     "exe /a, user b, cgroup /c, ip-file /d, interface wl*");
}

static void test_cap_with(void)
{
	static const struct {
		guint64 cap;
		gint64 extra;
		guint64 expected;
	} cases[] = {
	    {0, 0, 0},
	    {0, 5, 0},
	    {0, -5, 0},
	    {10, 0, 10},
	    {10, 5, 15},
	    {10, -5, 5},
	    {10, -9, 1},
	    {10, -10, 1},
	    {10, -11, 1},
	    {10, G_MININT64, 1},
	    {10, G_MAXINT64, (guint64)G_MAXINT64 + 10},
	    {G_MAXUINT64, 0, G_MAXUINT64},
	    {G_MAXUINT64, 1, G_MAXUINT64},
	    {G_MAXUINT64 - 1, G_MAXINT64, G_MAXUINT64},
	    {G_MAXUINT64 - 5, 5, G_MAXUINT64},
	    {G_MAXUINT64, G_MININT64, (guint64)G_MAXINT64},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpuint(netfil_cap_with(cases[i].cap, cases[i].extra), ==,
				 cases[i].expected);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec/new", test_new);
	g_test_add_func("/spec/names", test_names);
	g_test_add_func("/spec/all-keys", test_all_keys);
	g_test_add_func("/spec/put-again", test_put_again);
	g_test_add_func("/spec/keys-refused", test_keys_refused);
	g_test_add_func("/spec/pids", test_pids);
	g_test_add_func("/spec/paths", test_paths);
	g_test_add_func("/spec/users", test_users);
	g_test_add_func("/spec/cgroups", test_cgroups);
	g_test_add_func("/spec/units", test_units);
	g_test_add_func("/spec/ports", test_ports);
	g_test_add_func("/spec/protos", test_protos);
	g_test_add_func("/spec/interfaces", test_interfaces);
	g_test_add_func("/spec/settings", test_settings);
	g_test_add_func("/spec/policies", test_policies);
	g_test_add_func("/spec/throttle", test_throttle);
	g_test_add_func("/spec/warn", test_warn);
	g_test_add_func("/spec/cycles", test_cycles);
	g_test_add_func("/spec/defaults", test_defaults);
	g_test_add_func("/spec/excepts", test_excepts);
	g_test_add_func("/spec/cap-with", test_cap_with);
	g_test_add_func("/spec/copy", test_copy);
	g_test_add_func("/spec/update", test_update);
	g_test_add_func("/spec/update-refused", test_update_refused);
	g_test_add_func("/spec/full", test_full);
	g_test_add_func("/spec/round-trip", test_round_trip);
	g_test_add_func("/spec/check", test_check);
	g_test_add_func("/spec/type", test_type);
	g_test_add_func("/spec/selector-text", test_selector_text);
	return g_test_run();
}
