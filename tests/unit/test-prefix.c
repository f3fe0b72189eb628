/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/prefix.h"
#include "expect.h"

#define SEED 20240514
#define ROUNDS 5000

static NetfilPrefix parse(const char *text)
{
	g_autoptr(GError) error = NULL;
	NetfilPrefix prefix = {0};

	netfil_prefix_parse(text, &prefix, &error);
	g_assert_no_error(error);
	return prefix;
}

static void test_good(void)
{
	static const struct {
		const char *text, *again; /* NULL: the same */
		guint8 length;
	} cases[] = {
	    {"192.0.2.1", NULL, 128},
	    {"192.0.2.1/32", "192.0.2.1", 128},
	    {"192.0.2.0/24", NULL, 120},
	    {"10.0.0.0/8", NULL, 104},
	    {"128.0.0.0/1", NULL, 97},
	    {"0.0.0.0/0", NULL, 96},
	    {"0.0.0.0", NULL, 128},
	    {"255.255.255.255", NULL, 128},
	    {"::ffff:1.2.3.4", "1.2.3.4", 128},
	    {"::FFFF:102:304", "1.2.3.4", 128},
	    {"::ffff:10.0.0.0/104", "10.0.0.0/8", 104},
	    {"::ffff:0:0/96", "0.0.0.0/0", 96},
	    {"::/0", NULL, 0},
	    {"::", NULL, 128},
	    {"::1", NULL, 128},
	    {"::1/128", "::1", 128},
	    {"2001:db8::/32", NULL, 32},
	    {"2001:DB8:0:0::/33", "2001:db8::/33", 33},
	    {"fe80::/10", NULL, 10},
	    {"8000::/1", NULL, 1},
	    {"2001:db8:1:2:3:4:5:6", NULL, 128},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", NULL, 127},
	    {"0001:0002:0003:0004:0005:0006:7.8.9.10", "1:2:3:4:5:6:708:90a", 128},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		NetfilPrefix prefix = parse(cases[i].text);
		g_autofree char *text = netfil_prefix_format(&prefix);

		g_assert_cmpuint(prefix.length, ==, cases[i].length);
		g_assert_cmpstr(text, ==, cases[i].again ? cases[i].again : cases[i].text);
	}
}

static void test_bytes(void)
{
	static const guint8 four[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
	static const guint8 six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0xf};
	NetfilPrefix prefix = parse("192.0.2.1");

	g_assert_cmpmem(prefix.address, 16, four, 16);
	prefix = parse("2001:db8::f");
	g_assert_cmpmem(prefix.address, 16, six, 16);
}

static void expect_refused(const char *text, const char *part)
{
	g_autoptr(GError) error = NULL;
	NetfilPrefix prefix = {.length = 42};

	tell("refused:", text);
	g_assert_false(netfil_prefix_parse(text, &prefix, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	g_assert_cmpuint(prefix.length, ==, 42);
}

static void test_refused(void)
{
	static const char *const addresses[] = {
	    "",
	    " ",
	    "/",
	    "/8",
	    "10.1",
	    "10",
	    "10.0.0.0.0",
	    "256.0.0.1",
	    "010.0.0.1",
	    "0x0a.0.0.1",
	    "10.0.0.1 ",
	    " 10.0.0.1",
	    "10.0.0.1\n",
	    "10.0.0.-1",
	    "example.org",
	    ":",
	    ":::",
	    "1::2::3",
	    "12345::",
	    "::g",
	    "[::1]",
	    "1.2.3.4:80",
	    "1:2:3:4:5:6:7",
	    "1:2:3:4:5:6:7:8:9",
	    "10.0.0.1-10.0.0.2",
	    "10/8",
	    "*",
	    "\xff\xff",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	static const char *const lengths[] = {
	    "10.0.0.0/",
	    "10.0.0.0/33",
	    "10.0.0.0/-1",
	    "10.0.0.0/+8",
	    "10.0.0.0/08",
	    "10.0.0.0/8 ",
	    "10.0.0.0/ 8",
	    "10.0.0.0/8/8",
	    "10.0.0.0/255.0.0.0",
	    "10.0.0.0/x",
	    "10.0.0.0/4294967304",
	    "10.0.0.0/104",
	    "::/129",
	    "::/-1",
	    "::/",
	    "::/1000",
	};

	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++)
		expect_refused(addresses[i], "is not an address or prefix: use ");
	for (guint i = 0; i < G_N_ELEMENTS(lengths); i++)
		expect_refused(lengths[i], "has no such prefix length: use /0 to /");
	expect_refused("10.0.0.0/33", "/32");
	expect_refused("::/129", "/128");
	expect_refused("fe80::1%eth0", "zone");
	expect_refused("fe80::%1/64", "zone");
}

static void test_host_bits(void)
{
	expect_refused("10.0.0.1/8", ": use 10.0.0.0/8 or 10.0.0.1");
	expect_refused("192.0.2.128/24", ": use 192.0.2.0/24 or 192.0.2.128");
	expect_refused("255.255.255.255/31", ": use 255.255.255.254/31 or ");
	expect_refused("1.2.3.4/0", ": use 0.0.0.0/0 or 1.2.3.4");
	expect_refused("2001:db8::1/32", ": use 2001:db8::/32 or 2001:db8::1");
	expect_refused("::1/0", ": use ::/0 or ::1");
	/* meant as IPv4 */
	expect_refused("::ffff:192.0.2.1/24", ": use 192.0.2.0/24 or 192.0.2.1");
	expect_refused("::ffff:192.0.2.1/104", ": use 192.0.0.0/8 or 192.0.2.1");
	expect_refused("::ffff:192.0.2.1/64", ": use 192.0.2.1 or 192.0.2.1");
}

static gboolean contains(const char *outer, const char *inner)
{
	NetfilPrefix a = parse(outer);
	NetfilPrefix b = parse(inner);

	return netfil_prefix_contains(&a, &b);
}

static void test_contains(void)
{
	g_assert_true(contains("10.0.0.0/8", "10.0.0.0/8"));
	g_assert_true(contains("10.0.0.0/8", "10.255.255.255"));
	g_assert_true(contains("10.0.0.0/8", "10.128.0.0/9"));
	g_assert_false(contains("10.0.0.0/8", "10.0.0.0/7"));
	g_assert_false(contains("10.0.0.0/8", "11.0.0.0/8"));
	g_assert_false(contains("10.0.0.0/9", "10.128.0.0/9"));
	g_assert_false(contains("10.0.0.0/9", "10.0.0.0/8"));
	g_assert_true(contains("0.0.0.0/0", "192.0.2.1"));
	g_assert_false(contains("0.0.0.0/0", "2001:db8::1"));
	g_assert_false(contains("0.0.0.0/0", "::1"));
	g_assert_true(contains("::/0", "0.0.0.0/0")); /* everything, as prefix.h says */
	g_assert_true(contains("::/0", "2001:db8::/32"));
	g_assert_false(contains("2000::/3", "192.0.2.1"));
	g_assert_true(contains("2001:db8::/33", "2001:db8:7fff::/48"));
	g_assert_false(contains("2001:db8::/33", "2001:db8:8000::/48"));
}

static gboolean is_loopback(const char *text)
{
	NetfilPrefix prefix = parse(text);

	return netfil_prefix_is_loopback(&prefix);
}

static gboolean is_ipv4(const char *text)
{
	NetfilPrefix prefix = parse(text);

	return netfil_prefix_is_ipv4(&prefix);
}

static void test_sorts(void)
{
	g_assert_true(is_loopback("127.0.0.1"));
	g_assert_true(is_loopback("127.0.0.0/8"));
	g_assert_true(is_loopback("127.255.255.255"));
	g_assert_true(is_loopback("::1"));
	g_assert_true(is_loopback("::ffff:127.0.0.1"));
	g_assert_false(is_loopback("126.0.0.0/7"));
	g_assert_false(is_loopback("128.0.0.1"));
	g_assert_false(is_loopback("0.0.0.0/0"));
	g_assert_false(is_loopback("::/127"));
	g_assert_false(is_loopback("::2"));
	g_assert_false(is_loopback("::/0"));
	g_assert_true(is_ipv4("0.0.0.0/0"));
	g_assert_true(is_ipv4("::ffff:1.2.3.4"));
	g_assert_false(is_ipv4("::1.2.3.4"));
	g_assert_false(is_ipv4("::/0"));
	g_assert_false(is_ipv4("::fffe:0:0/95"));
}

static void test_compare(void)
{
	static const char *const ordered[] = {
	    "::/0",          "::",
	    "::1",           "0.0.0.0/0",
	    "0.0.0.0/1",     "10.0.0.0/8",
	    "10.0.0.0/9",    "10.0.0.0",
	    "10.0.0.1",      "255.255.255.255",
	    "2001:db8::/32", "2001:db8::/48",
	};

	for (guint i = 0; i < G_N_ELEMENTS(ordered); i++)
		for (guint j = 0; j < G_N_ELEMENTS(ordered); j++) {
			NetfilPrefix a = parse(ordered[i]);
			NetfilPrefix b = parse(ordered[j]);
			int order = netfil_prefix_compare(&a, &b);

			g_assert_cmpint((order > 0) - (order < 0), ==, (i > j) - (i < j));
		}
}

static void test_round_trip(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(SEED);

	for (guint i = 0; i < ROUNDS; i++) {
		gboolean four = g_rand_boolean(random);
		NetfilPrefix prefix = {0}, again;
		g_autofree char *text = NULL;

		prefix.length = (guint8)g_rand_int_range(random, four ? 96 : 0, 129);
		for (guint bit = 0; bit < prefix.length; bit++)
			if (four && bit < 96 ? bit >= 80 : g_rand_boolean(random))
				prefix.address[bit / 8] |= (guint8)(0x80 >> bit % 8);
		text = netfil_prefix_format(&prefix);
		again = parse(text);
		g_assert_cmpmem(&again, sizeof again, &prefix, sizeof prefix);
		g_assert_true((strchr(text, '.') != NULL) >= four);
	}
}

static void expect_prefixes(GArray *prefixes, const char *expected)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < prefixes->len; i++) {
		g_autofree char *one =
		    netfil_prefix_format(&g_array_index(prefixes, NetfilPrefix, i));

		g_string_append_printf(text, "%s%s", i > 0 ? " " : "", one);
	}
	g_assert_cmpstr(text->str, ==, expected);
}

static void expect_sorted(const char *text, const char *expected, guint branches)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));

	g_assert_true(netfil_prefix_list_parse("list", text, strlen(text), prefixes, NULL));
	netfil_prefix_sort(prefixes);
	expect_prefixes(prefixes, expected);
	g_assert_cmpuint(netfil_prefix_branches(prefixes), ==, branches);
}

static void test_sort(void)
{
	expect_sorted("192.0.2.1", "192.0.2.1", 0);
	expect_sorted("192.0.2.1\n192.0.2.1", "192.0.2.1", 0);
	/* .0 and .1 part behind 31 bits, these and .2 behind 30. */
	expect_sorted("192.0.2.1\n192.0.2.0/24\n192.0.2.0", "192.0.2.0/24 192.0.2.0 192.0.2.1", 1);
	expect_sorted("192.0.2.2\n192.0.2.1\n192.0.2.0", "192.0.2.0 192.0.2.1 192.0.2.2", 2);
	expect_sorted("192.0.2.3\n192.0.2.2\n192.0.2.1\n192.0.2.0",
		      "192.0.2.0 192.0.2.1 192.0.2.2 192.0.2.3", 3);
	/* Where they part there is a prefix already. */
	expect_sorted("192.0.2.1\n192.0.2.0/31\n192.0.2.0", "192.0.2.0/31 192.0.2.0 192.0.2.1", 0);
	expect_sorted("192.0.2.0/25\n192.0.2.200\n192.0.2.0/24\n192.0.2.7",
		      "192.0.2.0/24 192.0.2.0/25 192.0.2.7 192.0.2.200", 0);
	expect_sorted("2001:db8::/32\n192.0.2.1\n::/0", "::/0 192.0.2.1 2001:db8::/32", 1);
	expect_sorted("8000::/1\n2001:db8::/32\n192.0.2.1", "192.0.2.1 2001:db8::/32 8000::/1", 2);
}

static void expect_range(const char *first, const char *last, const char *expected)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	NetfilPrefix from = parse(first);
	NetfilPrefix to = parse(last);

	netfil_prefix_range(prefixes, from.address, to.address);
	expect_prefixes(prefixes, expected);
}

static void test_range(void)
{
	expect_range("1.2.3.4", "1.2.3.4", "1.2.3.4");
	expect_range("1.2.3.4", "1.2.3.5", "1.2.3.4/31");
	expect_range("1.2.3.5", "1.2.3.6", "1.2.3.5 1.2.3.6");
	expect_range("1.2.3.4", "1.2.3.9", "1.2.3.4/30 1.2.3.8/31");
	expect_range("10.0.0.0", "10.255.255.255", "10.0.0.0/8");
	expect_range("0.0.0.0", "255.255.255.255", "0.0.0.0/0");
	expect_range("0.0.0.0", "255.255.255.254",
		     "0.0.0.0/1 128.0.0.0/2 192.0.0.0/3 224.0.0.0/4 240.0.0.0/5 248.0.0.0/6 "
		     "252.0.0.0/7 254.0.0.0/8 255.0.0.0/9 255.128.0.0/10 255.192.0.0/11 "
		     "255.224.0.0/12 255.240.0.0/13 255.248.0.0/14 255.252.0.0/15 255.254.0.0/16 "
		     "255.255.0.0/17 255.255.128.0/18 255.255.192.0/19 255.255.224.0/20 "
		     "255.255.240.0/21 255.255.248.0/22 255.255.252.0/23 255.255.254.0/24 "
		     "255.255.255.0/25 255.255.255.128/26 255.255.255.192/27 255.255.255.224/28 "
		     "255.255.255.240/29 255.255.255.248/30 255.255.255.252/31 255.255.255.254");
	expect_range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0");
	expect_range("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::/32");
	expect_range("2001:db8::1", "2001:db8::4", "2001:db8::1 2001:db8::2/127 2001:db8::4");
	/* around the middle, where the carry goes from one word into the other */
	expect_range("::ffff:ffff:ffff:ffff", "0:0:0:1::", "::ffff:ffff:ffff:ffff 0:0:0:1::");
	expect_range("::", "::ffff:ffff:ffff:ffff", "::/64");
	expect_range("::", "0:0:0:1::", "::/64 0:0:0:1::");
	expect_range("::", "0:0:0:1:ffff:ffff:ffff:ffff", "::/63");
	expect_range("::8000:0:0:0", "0:0:0:1:7fff:ffff:ffff:ffff", "::8000:0:0:0/65 0:0:0:1::/65");
}

/* Sets the address to number `n` of the 1024 around a place. */
static void place(guint8 address[16], const guint8 base[16], guint n)
{
	memcpy(address, base, 16);
	address[14] = (guint8)(n >> 8);
	address[15] = (guint8)n;
}

/* The fewest prefixes for [first, last], counted in another way than the code does:
 * halves of a binary tree. */
static guint fewest(guint first, guint last, guint start, guint size)
{
	if (last < start || first >= start + size)
		return 0;
	if (first <= start && start + size - 1 <= last)
		return 1;
	return fewest(first, last, start, size / 2) +
	       fewest(first, last, start + size / 2, size / 2);
}

/* Every address in the range is in just one of the prefixes, no other is in any, and
 * with fewer it cannot be done. */
static void check_range(const guint8 base[16], guint first, guint last)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	guint8 from[16], to[16];

	place(from, base, first);
	place(to, base, last);
	netfil_prefix_range(prefixes, from, to);
	g_assert_cmpuint(prefixes->len, ==, fewest(first, last, 0, 1024));
	for (guint n = 0; n < 1024; n++) {
		NetfilPrefix one = {.length = 128};
		guint hits = 0;

		place(one.address, base, n);
		for (guint i = 0; i < prefixes->len; i++)
			hits +=
			    netfil_prefix_contains(&g_array_index(prefixes, NetfilPrefix, i), &one);
		g_assert_cmpuint(hits, ==, n >= first && n <= last);
	}
}

static void test_range_is_exact(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(SEED);
	NetfilPrefix bases[] = {parse("192.0.0.0"), parse("2001:db8::"), parse("::")};

	for (guint i = 0; i < 200; i++) {
		guint first = (guint)g_rand_int_range(random, 0, 1024);
		guint last = (guint)g_rand_int_range(random, (gint32)first, 1024);

		check_range(bases[i % G_N_ELEMENTS(bases)].address, first, last);
	}
	check_range(bases[0].address, 0, 1023);
	check_range(bases[0].address, 1, 1022);
}

static gboolean read_list(const char *text, gssize length, GArray *prefixes, GError **error)
{
	return netfil_prefix_list_parse("list.txt", text, length < 0 ? strlen(text) : (gsize)length,
					prefixes, error);
}

static void expect_list(const char *text, const char *expected)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	g_autoptr(GError) error = NULL;

	read_list(text, -1, prefixes, &error);
	g_assert_no_error(error);
	expect_prefixes(prefixes, expected);
}

static void test_list(void)
{
	expect_list("192.0.2.1", "192.0.2.1");
	expect_list("192.0.2.1\n", "192.0.2.1");
	expect_list("\n\n192.0.2.0/24\n\n2001:db8::/32\n", "192.0.2.0/24 2001:db8::/32");
	expect_list("\xef\xbb\xbf"
		    "192.0.2.1\r\n192.0.2.2\r\n\r\n",
		    "192.0.2.1 192.0.2.2");
	expect_list("# a list\n  # 10.0.0.0/8\n \t 192.0.2.1 \t # one\n192.0.2.2#two\n",
		    "192.0.2.1 192.0.2.2");
	expect_list("192.0.2.1 # was: 192.0.2.2-192.0.2.3", "192.0.2.1");
	expect_list("1.2.3.4-1.2.3.9", "1.2.3.4/30 1.2.3.8/31");
	expect_list(" 1.2.3.4\t- 1.2.3.5 ", "1.2.3.4/31");
	expect_list("2001:db8::1-2001:db8::2", "2001:db8::1 2001:db8::2");
	expect_list("::-::1", "::/127");
	expect_list("::ffff:1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("1.2.3.4\n1.2.3.4\n", "1.2.3.4 1.2.3.4"); /* as it stands */
}

static void test_list_names(void)
{
	expect_list("Some name:1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("Some name, with: colons:1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("A-b - c-d:1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("Name: 1.2.3.4 - 1.2.3.5 \r\n", "1.2.3.4/31");
	expect_list(":1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("1.2.3.4-1.2.3.9:1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("Caf\xe9 GmbH:1.2.3.4-1.2.3.5", "1.2.3.4/31"); /* Latin-1 */
	expect_list("Café:1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("Company #1:1.2.3.4-1.2.3.5", "1.2.3.4/31");
	expect_list("Company:1.2.3.4-1.2.3.5 # was X:1.2.3.4-1.2.3.9", "1.2.3.4/31");
	expect_list("A very long name, longer than any address has ever been, by far, and more"
		    ":1.2.3.4-1.2.3.5",
		    "1.2.3.4/31");
	expect_list("bad:1.2.3.4-1.2.3.5\n123:1.2.3.4-1.2.3.5", "1.2.3.4/31 1.2.3.4/31");
}

static void expect_list_refused(const char *text, gssize length, const char *part)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	g_autoptr(GError) error = NULL;
	NetfilPrefix before = parse("192.0.2.1");

	g_array_append_val(prefixes, before);
	tell("refused:", text);
	g_assert_false(read_list(text, length, prefixes, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	expect_prefixes(prefixes, "192.0.2.1");
}

static void test_list_refused(void)
{
	expect_list_refused("", -1, "\"list.txt\" names no address: ");
	expect_list_refused("\xef\xbb\xbf", -1, "names no address: ");
	expect_list_refused("# nothing\n\r\n \n", -1, "names no address: ");
	expect_list_refused("1.2.3.4\n\n# x\n1.2.3.400\n1.2.3.4", -1, "list.txt:4: \"1.2.3.400\" ");
	expect_list_refused("1.2.3.4\r\nfoo\r\n", -1, "list.txt:2: \"foo\" is not an address");
	expect_list_refused("10.0.0.1/8", -1, "list.txt:1: \"10.0.0.1/8\" has bits set");
	expect_list_refused("1.2.3.9-1.2.3.4", -1, "runs backwards");
	expect_list_refused("Name:1.2.3.9-1.2.3.4", -1, "runs backwards");
	expect_list_refused("2001:db8::2-2001:db8::1", -1, "runs backwards");
	expect_list_refused("1.2.3.4-2001:db8::1", -1, "mixes IPv4 and IPv6");
	expect_list_refused("::1-1.2.3.4", -1, "mixes IPv4 and IPv6");
	expect_list_refused("1.2.3.0/24-1.2.4.0/24", -1, "is not a range");
	expect_list_refused("1.2.3.4-", -1, "is not a range");
	expect_list_refused("-1.2.3.4", -1, "is not a range");
	expect_list_refused("Name:1.2.3.4-1.2.3.5-1.2.3.6", -1, "is not a range");
	expect_list_refused("Name:1.2.3.4", -1, "is not an address");
	expect_list_refused("Some-name", -1, "is not a range");
	/* the tail of a broken IPv6 address is not an IPv4 range */
	expect_list_refused("2001:db8::1::2-2001:db8::3", -1, "is not a range");
	expect_list_refused("2001:db8::g", -1, "is not an address");
	/* a mistyped address is not a name, whatever its comment says */
	expect_list_refused("1.2.3.400 # x:1.2.3.4-1.2.3.5", -1, "\"1.2.3.400\" is not");
	expect_list_refused("1.2.3.4\n1.2.3.5\0 \n", 17,
			    "list.txt:2: \"1.2.3.5\\x00\" has a NUL byte");
	expect_list_refused("\0", 1, "has a NUL byte");
	expect_list_refused("# \0\n1.2.3.4\n", 12, "has a NUL byte");
	expect_list_refused("1.2.3.4 \x1b[2J", -1, "\"1.2.3.4 \\x1b[2J\"");
}

static void test_list_message(void)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	g_autofree char *endless = g_strnfill(1000000, '#');
	g_autoptr(GError) error = NULL;

	endless[0] = 'x';
	netfil_prefix_list_parse("/a\nb", endless, strlen(endless), prefixes, &error);
	expect_error(&error, NETFIL_ERROR_INVALID, "/a\\x0ab:1: \"x####");
	memset(endless, 'n', strlen(endless));
	netfil_prefix_list_parse(endless, "x", 1, prefixes, &error);
	expect_error(&error, NETFIL_ERROR_INVALID, "nnn...:1: \"x\" is not an address");
	/* the text need not end with a NUL, and what is behind it is not read */
	netfil_prefix_list_parse("list.txt", "1.2.3.45", 7, prefixes, &error);
	g_assert_no_error(error);
	expect_prefixes(prefixes, "1.2.3.4");
}

/* Not a benchmark: shows what grows with the square of the lines. */
static void test_list_long(void)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	guint lines = g_test_slow() ? 1000000 : 100000;
	double seconds;

	for (guint i = 0; i < lines; i++)
		g_string_append_printf(text, "Company %u, Inc.:10.%u.%u.0-10.%u.%u.255\n", i,
				       i >> 8 & 255, i & 255, i >> 8 & 255, i & 255);
	g_test_timer_start();
	read_list(text->str, (gssize)text->len, prefixes, &error);
	seconds = g_test_timer_elapsed();
	g_assert_no_error(error);
	g_assert_cmpuint(prefixes->len, ==, lines);
	g_test_minimized_result(seconds, "%u lines in %.3f s", lines, seconds);
	g_assert_cmpfloat(seconds, <, 20);
}

/* Each of these lines is some 250 prefixes: a small file may not take all memory. */
static void test_list_bomb(void)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	guint a_line;

	g_string_append(text, "2000::1-3fff:ffff:ffff:ffff:ffff:ffff:ffff:fffe\n");
	g_assert_true(netfil_prefix_list_parse("l", text->str, text->len, prefixes, NULL));
	a_line = prefixes->len;
	g_assert_cmpuint(a_line, >, 200);
	g_array_set_size(prefixes, 0);
	for (guint i = 0; i < NETFIL_PREFIXES_MAX / a_line; i++)
		g_string_append(text, "2000::1-3fff:ffff:ffff:ffff:ffff:ffff:ffff:fffe\n");
	g_assert_false(netfil_prefix_list_parse("l", text->str, text->len, prefixes, &error));
	g_assert_nonnull(strstr(error->message, "is too much: all lists together"));
	g_assert_cmpuint(prefixes->len, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/prefix/good", test_good);
	g_test_add_func("/prefix/bytes", test_bytes);
	g_test_add_func("/prefix/refused", test_refused);
	g_test_add_func("/prefix/host-bits", test_host_bits);
	g_test_add_func("/prefix/contains", test_contains);
	g_test_add_func("/prefix/sorts", test_sorts);
	g_test_add_func("/prefix/compare", test_compare);
	g_test_add_func("/prefix/round-trip", test_round_trip);
	g_test_add_func("/prefix/range", test_range);
	g_test_add_func("/prefix/range-is-exact", test_range_is_exact);
	g_test_add_func("/prefix/sort-list", test_sort);
	g_test_add_func("/prefix/list", test_list);
	g_test_add_func("/prefix/list-names", test_list_names);
	g_test_add_func("/prefix/list-refused", test_list_refused);
	g_test_add_func("/prefix/list-message", test_list_message);
	g_test_add_func("/prefix/list-long", test_list_long);
	g_test_add_func("/prefix/list-bomb", test_list_bomb);
	return g_test_run();
}
