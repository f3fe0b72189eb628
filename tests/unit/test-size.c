/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/size.h"
#include "expect.h"

#define SEED 20240514
#define ROUNDS 20000

#define KIB G_GUINT64_CONSTANT(1024)

static void test_good(void)
{
	static const struct {
		const char *text;
		guint64 bytes;
	} cases[] = {
	    {"0", 0},
	    {"0M", 0},
	    {"0.0", 0},
	    {"unlimited", 0},
	    {"1", 1},
	    {"12B", 12},
	    {"12b", 12},
	    {"007", 7},
	    {"25M", 25000000},
	    {"25m", 25000000},
	    {"25MB", 25000000},
	    {"25MiB", 26214400},
	    {"25mib", 26214400},
	    {"25MIB", 26214400},
	    {"25Mi", 26214400},
	    {"1k", 1000},
	    {"1K", 1000},
	    {"1Ki", KIB},
	    {"1G", 1000000000},
	    {"1Gi", KIB * KIB * KIB},
	    {"1T", G_GUINT64_CONSTANT(1000000000000)},
	    {"1Ti", KIB * KIB * KIB * KIB},
	    {"1P", G_GUINT64_CONSTANT(1000000000000000)},
	    {"1Pi", KIB * KIB * KIB * KIB * KIB},
	    {"1.5k", 1500},
	    {"1.5GiB", G_GUINT64_CONSTANT(1610612736)},
	    {"1.000B", 1},
	    {"0.001k", 1},
	    {"1.000000001G", 1000000001},
	    {"1.00000000100000000000000000000000000000G", 1000000001},
	    {"0.0009765625Ki", 1},
	    /* 2^-50, the smallest fraction that is a whole byte */
	    {"0.00000000000000088817841970012523233890533447265625Pi", 1},
	    {"18446744073709551615", G_MAXUINT64},
	    {"18446744073709551615.0", G_MAXUINT64},
	    {"18446744073709551.615k", G_MAXUINT64},
	    {"18446.744073709551615P", G_MAXUINT64},
	    {"16383.99999999999999911182158029987476766109466552734375Pi", G_MAXUINT64},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		guint64 bytes = 42;

		netfil_size_parse(cases[i].text, &bytes, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(bytes, ==, cases[i].bytes);
	}
}

static void expect_refused(const char *text, const char *part)
{
	g_autoptr(GError) error = NULL;
	guint64 bytes = 42;

	tell("refused:", text);
	g_assert_false(netfil_size_parse(text, &bytes, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	g_assert_cmpuint(bytes, ==, 42);
	g_assert_false(netfil_size_parse(text, &bytes, NULL));
}

static void test_refused(void)
{
	static const char *const words[] = {
	    "",     " ",     "  ",     "M",          "B",     "-1",     "+5",    "1e99",
	    "1e3",  "12XB",  "12BB",   "12iB",       "12i",   "12Mo",   "12MBi", "12E",
	    "0x10", "1,000", "1_000",  " 5",         "5 ",    "5 M",    "5\n",   "1.",
	    ".5",   "1.M",   "1.5.5M", "1.-5k",      "1..5M", "inf",    "nan",   "25M ",
	    "-0",   "1/2",   "٣",      "unlimitedB", "5\xff", "25MiBB",
	};
	static const char *const fractions[] = {
	    "0.5",
	    "1.5B",
	    "0.0001k",
	    "1.0000000001G",
	    "0.1Ki",
	    "1.0001Ki",
	    "0.000000000000000888178419700125232338905334472656251Pi",
	    "0.1234567890123456789012345678901234567890P",
	};
	static const char *const large[] = {
	    "18446744073709551616",
	    "18446744073709551616.0",
	    "18446744073709551.616k",
	    "18446744073709551615k",
	    "18447P",
	    "16384Pi",
	    "16384PiB",
	    "99999999999999999999999999999999999999999999",
	};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		expect_refused(words[i], "is not a size: use a number");
	for (guint i = 0; i < G_N_ELEMENTS(fractions); i++)
		expect_refused(fractions[i], "is not a whole number of bytes: ");
	for (guint i = 0; i < G_N_ELEMENTS(large); i++)
		expect_refused(large[i], "is too large: ");
}

/* Whatever comes in, a message stays one short line. */
static void test_message(void)
{
	g_autofree char *endless = g_strnfill(100000, 'x');
	g_autoptr(GError) error = NULL;
	guint64 bytes;

	netfil_size_parse("12XB", &bytes, &error);
	g_assert_cmpstr(error->message, ==,
			"\"12XB\" is not a size: use a number with an optional unit, like 25M or "
			"1.5GiB");
	g_clear_error(&error);
	netfil_size_parse(endless, &bytes, &error);
	expect_error(&error, NETFIL_ERROR_INVALID, "xxx...\" is not a size: ");
	netfil_size_parse("1\n\x1b[2J\xe2\x80\xa8\xff", &bytes, &error);
	expect_error(&error, NETFIL_ERROR_INVALID, "\"1\\x0a\\x1b[2J\\xe2\\x80\\xa8\\xff\"");
	memset(endless, 1, 1000);
	netfil_size_parse(endless, &bytes, &error);
	g_assert_cmpuint(strlen(error->message), <, 150);
	expect_error(&error, NETFIL_ERROR_INVALID, "\\x01...\" is not a size: ");
	netfil_size_parse("zwölf", &bytes, &error);
	expect_error(&error, NETFIL_ERROR_INVALID, "\"zwölf\"");
}

static void test_format(void)
{
	static const struct {
		guint64 bytes;
		const char *text, *exact;
	} cases[] = {
	    {0, "0 B", "0"},
	    {1, "1 B", "1"},
	    {999, "999 B", "999"},
	    {1000, "1.00 kB", "1,000"},
	    {1009, "1.00 kB", "1,009"},
	    {1010, "1.01 kB", "1,010"},
	    {9999, "9.99 kB", "9,999"},
	    {10000, "10.0 kB", "10,000"},
	    {99999, "99.9 kB", "99,999"},
	    {100000, "100 kB", "100,000"},
	    {999999, "999 kB", "999,999"},
	    {1000000, "1.00 MB", "1,000,000"},
	    {24999999, "24.9 MB", "24,999,999"},
	    {25000000, "25.0 MB", "25,000,000"},
	    {G_GUINT64_CONSTANT(50000000000), "50.0 GB", "50,000,000,000"},
	    {G_GUINT64_CONSTANT(2000000000000), "2.00 TB", "2,000,000,000,000"},
	    {G_GUINT64_CONSTANT(999999999999999), "999 TB", "999,999,999,999,999"},
	    {G_GUINT64_CONSTANT(1000000000000000), "1.00 PB", "1,000,000,000,000,000"},
	    {G_MAXUINT64, "18.4 EB", "18,446,744,073,709,551,615"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = netfil_size_format(cases[i].bytes);
		g_autofree char *exact = netfil_size_exact(cases[i].bytes);

		g_assert_cmpstr(text, ==, cases[i].text);
		g_assert_cmpstr(exact, ==, cases[i].exact);
	}
}

static void test_canonical(void)
{
	static const struct {
		guint64 bytes;
		const char *text;
	} cases[] = {
	    {0, "0"},
	    {7, "7"},
	    {1000, "1k"},
	    {1024, "1Ki"},
	    {1500, "1500"},
	    {1536, "1536"},
	    {15500, "15500"},
	    {155000, "155k"},
	    {1500000, "1.5M"},
	    {25000000, "25M"},
	    {26214400, "25Mi"},
	    {1610612736, "1.5Gi"},
	    {1234567, "1234567"},
	    {G_GUINT64_CONSTANT(50000000000), "50G"},
	    {G_GUINT64_CONSTANT(1) << 63, "8192Pi"},
	    {G_MAXUINT64, "18446744073709551615"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = netfil_size_canonical(cases[i].bytes);

		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

/* Short, round and odd numbers of every magnitude. */
static guint64 random_size(GRand *random)
{
	guint64 bits = ((guint64)g_rand_int(random) << 32) | g_rand_int(random);
	guint64 bytes = bits >> g_rand_int_range(random, 0, 64);
	guint64 base = g_rand_boolean(random) ? 1000 : 1024;

	for (int i = g_rand_int_range(random, 0, 4); i > 0 && bytes < G_MAXUINT64 / base; i--)
		bytes *= base;
	return bytes;
}

static void test_round_trip(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(SEED);

	for (guint i = 0; i < ROUNDS; i++) {
		guint64 bytes = random_size(random);
		g_autofree char *text = netfil_size_canonical(bytes);
		g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
		g_autoptr(GError) error = NULL;
		guint64 again = ~bytes;

		netfil_size_parse(text, &again, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(again, ==, bytes);
		g_assert_cmpuint(strlen(text), <=, strlen(digits));
	}
}

/* What is shown is never more than there is, and less by no more than 1 %. */
static void test_format_is_close(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(SEED);

	for (guint i = 0; i < ROUNDS; i++) {
		guint64 bytes = random_size(random);
		g_autofree char *text = netfil_size_format(bytes);
		char *unit = strchr(text, ' ');
		guint64 shown;

		g_assert_cmpuint(strlen(text), <=, 7);
		if (strstr(text, "EB")) /* no unit for input */
			continue;
		memmove(unit, unit + 1, strlen(unit));
		g_assert_true(netfil_size_parse(text, &shown, NULL));
		g_assert_cmpuint(shown, <=, bytes);
		g_assert_cmpuint(bytes - shown, <=, bytes / 100);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/size/good", test_good);
	g_test_add_func("/size/refused", test_refused);
	g_test_add_func("/size/message", test_message);
	g_test_add_func("/size/format", test_format);
	g_test_add_func("/size/canonical", test_canonical);
	g_test_add_func("/size/round-trip", test_round_trip);
	g_test_add_func("/size/format-is-close", test_format_is_close);
	return g_test_run();
}
