/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "expect.h"
#include "metrics/accept.h"
#include "metrics/address.h"
#include "metrics/text.h"

static NetfilStatus *add(NetfilMetrics *metrics, const char *name, const char *key,
			 const char *value)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(name);
	NetfilStatus *status;

	g_assert_true(netfil_spec_put(spec, key, value, NULL));
	status = netfil_status_new(spec);
	g_ptr_array_add(metrics->statuses, status);
	return status;
}

/* Each number another one. */
static void fill(NetfilStatus *status)
{
	g_assert_true(netfil_spec_put(status->spec, "in", "1k", NULL));
	g_assert_true(netfil_spec_put(status->spec, "total", "25M", NULL));
	g_assert_true(netfil_spec_put(status->spec, "on-limit", "throttle=8k", NULL));
	g_assert_true(netfil_spec_put(status->spec, "warn", "80,95", NULL));
	status->state = NETFIL_STATE_EXHAUSTED;
	status->used[NETFIL_IN] = 1;
	status->used[NETFIL_OUT] = 2;
	status->used[NETFIL_TOTAL] = G_MAXUINT64;
	status->refused_bytes = 4; /* of the cycle: not told */
	status->refused_packets = 5;
	status->counted = (NetfilCounters){21, 22, 23, 24, 25, 26};
	status->extra[NETFIL_IN] = 24;
	status->extra[NETFIL_TOTAL] = -1000000;
	status->cycle_started = 1795000000;
	status->cycle_ends = 1796000000;
	status->forfeited = 13;
	status->unlimited_until = 1795500001;
	status->free_until = 1795500002;
	status->forecast = 1795500003;
	g_array_append_vals(status->warned, (guint8[]){80}, 1);
}

/* Its cap is that of each member. */
static void fill_keyed(NetfilStatus *status)
{
	g_assert_true(netfil_spec_put(status->spec, "each", "ip", NULL));
	g_assert_true(netfil_spec_put(status->spec, "total", "5M", NULL));
	status->used[NETFIL_TOTAL] = 9000000;
	status->members = 41;
	status->members_at_cap = 42;
}

static NetfilMetrics *make(void)
{
	NetfilMetrics *metrics = netfil_metrics_new();

	metrics->up = TRUE;
	g_free(metrics->version);
	metrics->version = g_strdup("7.8.9");
	fill(add(metrics, "web", "ip", "192.0.2.0/24"));
	add(metrics, "idle", "interface", "wlan0");
	fill_keyed(add(metrics, "customers", "ip", "198.51.100.0/24"));
	memcpy(metrics->bytes, (guint64[]){31, 32}, sizeof(metrics->bytes));
	memcpy(metrics->packets, (guint64[]){33, 34}, sizeof(metrics->packets));
	metrics->losses[NETFIL_LOSS_OVERMATCHED] = 35;
	metrics->losses[NETFIL_LOSS_UNTAGGED] = 36;
	metrics->losses[NETFIL_LOSS_UNTRACKED] = 37;
	metrics->trouble_since = 1795500004;
	metrics->duration = 12003456;
	return metrics;
}

static char *text_of(const NetfilMetrics *metrics, NetfilExposition exposition)
{
	return g_string_free(netfil_metrics_text(metrics, exposition), FALSE);
}

/* The file of this name beside this one; @VERSION@ is netfil's. */
static void expect_file(const NetfilMetrics *metrics, NetfilExposition exposition, const char *name)
{
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "metrics", name, NULL);
	g_autofree char *got = text_of(metrics, exposition);
	g_autoptr(GString) expected = NULL;
	g_autofree char *content = NULL;
	g_autoptr(GError) error = NULL;

	g_file_get_contents(path, &content, NULL, &error);
	g_assert_no_error(error);
	expected = g_string_new(content);
	g_string_replace(expected, "@VERSION@", NETFIL_VERSION, 0);
	g_assert_cmpstr(got, ==, expected->str);
}

static void test_text(void)
{
	g_autoptr(NetfilMetrics) metrics = make();

	expect_file(metrics, NETFIL_EXPOSITION_TEXT, "all.prom");
}

static void test_openmetrics(void)
{
	g_autoptr(NetfilMetrics) metrics = make();

	expect_file(metrics, NETFIL_EXPOSITION_OPENMETRICS, "all.openmetrics");
}

static void test_down(void)
{
	g_autoptr(NetfilMetrics) metrics = netfil_metrics_new();
	g_autofree char *text = text_of(metrics, NETFIL_EXPOSITION_TEXT);
	g_autofree char *openmetrics = text_of(metrics, NETFIL_EXPOSITION_OPENMETRICS);

	g_assert_cmpstr(text, ==,
			"# HELP netfil_up Whether netfild answered.\n"
			"# TYPE netfil_up gauge\n"
			"netfil_up 0\n"
			"# HELP netfil_build_info This netfil.\n"
			"# TYPE netfil_build_info gauge\n"
			"netfil_build_info{version=\"" NETFIL_VERSION "\"} 1\n");
	g_assert_cmpstr(openmetrics, ==,
			"# HELP netfil_up Whether netfild answered.\n"
			"# TYPE netfil_up gauge\n"
			"netfil_up 0\n"
			"# HELP netfil_build This netfil.\n"
			"# TYPE netfil_build info\n"
			"netfil_build_info{version=\"" NETFIL_VERSION "\"} 1\n"
			"# EOF\n");
	netfil_metrics_free(NULL);
}

/* In whatever order netfild tells them. */
static void test_order(void)
{
	static const char *const names[] = {"b", "a-2", "a", "B", "a.1"};
	g_autofree char *first = NULL;

	for (guint turn = 0; turn < G_N_ELEMENTS(names); turn++) {
		g_autoptr(NetfilMetrics) metrics = netfil_metrics_new();
		g_autofree char *text = NULL;

		metrics->up = TRUE;
		for (guint i = 0; i < G_N_ELEMENTS(names); i++)
			add(metrics, names[(turn + i) % G_N_ELEMENTS(names)], "ip", "192.0.2.1");
		text = text_of(metrics, NETFIL_EXPOSITION_TEXT);
		if (!first)
			first = g_strdup(text);
		g_assert_cmpstr(text, ==, first);
	}
	g_assert_nonnull(strstr(first, "netfil_filter_forfeited_bytes{filter=\"B\"} 0\n"
				       "netfil_filter_forfeited_bytes{filter=\"a\"} 0\n"
				       "netfil_filter_forfeited_bytes{filter=\"a-2\"} 0\n"
				       "netfil_filter_forfeited_bytes{filter=\"a.1\"} 0\n"
				       "netfil_filter_forfeited_bytes{filter=\"b\"} 0\n"));
}

static void expect_label(const char *name, const char *escaped)
{
	g_autoptr(NetfilMetrics) metrics = netfil_metrics_new();
	g_autofree char *expected =
	    g_strdup_printf("\nnetfil_filter_forfeited_bytes{filter=\"%s\"} 0\n", escaped);
	g_autofree char *text = NULL;
	NetfilStatus *status;

	metrics->up = TRUE;
	status = add(metrics, "x", "ip", "192.0.2.1");
	g_free(status->spec->name);
	status->spec->name = g_strdup(name);
	text = text_of(metrics, NETFIL_EXPOSITION_TEXT);
	if (!strstr(text, expected))
		g_error("no %s in %s", expected, text);
}

/* No filter has such a name; but who can tell of what comes over a bus? */
static void test_escapes(void)
{
	expect_label("a.b_c@d:e-f", "a.b_c@d:e-f");
	expect_label("a\"b", "a\\\"b");
	expect_label("a\\b\\", "a\\\\b\\\\");
	expect_label("\n", "\\n");
	expect_label("\"} 1\nnetfil_up 0\n#", "\\\"} 1\\nnetfil_up 0\\n#");
	expect_label("\xc3\xa9\t", "\xc3\xa9\t");
	expect_label("\xff", "\xef\xbf\xbd");
	expect_label("", "");
}

static char *noise(GRand *random)
{
	static const char marks[] = "\"\\\n}{ #,=";
	char *text = g_strnfill(20, 'x');

	for (char *at = text; *at; at++)
		*at = g_rand_boolean(random)
			  ? (char)g_rand_int_range(random, 1, 256)
			  : marks[g_rand_int_range(random, 0, sizeof(marks) - 1)];
	return text;
}

/* Names of any bytes: each line is still a comment or a sample, and there are as many. */
static void test_noise(void)
{
	g_autoptr(GRegex) sample = g_regex_new(
	    "^netfil_[a-z_]+(\\{([a-z_]+=\"([^\"\\\\\\n]|\\\\[\\\\n\"])*\",?)+\\})? [0-9]+$",
	    G_REGEX_OPTIMIZE, 0, NULL);
	g_autoptr(GRand) random = g_rand_new_with_seed(20261125);
	guint expected = 0;

	g_assert_nonnull(sample);
	for (guint round = 0; round < 500; round++) {
		g_autoptr(NetfilMetrics) metrics = netfil_metrics_new();
		NetfilStatus *status = add(metrics, "x", "ip", "192.0.2.1");
		g_auto(GStrv) lines = NULL;
		g_autofree char *text = NULL;

		metrics->up = TRUE;
		g_free(status->spec->name);
		status->spec->name = noise(random);
		text = text_of(metrics, NETFIL_EXPOSITION_TEXT);
		g_assert_true(g_utf8_validate(text, -1, NULL));
		lines = g_strsplit(text, "\n", -1);
		for (guint i = 0; lines[i] && *lines[i]; i++)
			if (lines[i][0] != '#' && !g_regex_match(sample, lines[i], 0, NULL))
				g_error("no sample: %s", lines[i]);
		g_assert_true(!expected || g_strv_length(lines) == expected);
		expected = g_strv_length(lines);
	}
}

static void test_accept(void)
{
	static const struct {
		const char *accept;
		NetfilExposition exposition;
	} cases[] = {
	    {NULL, NETFIL_EXPOSITION_TEXT},
	    {"", NETFIL_EXPOSITION_TEXT},
	    {"*/*", NETFIL_EXPOSITION_TEXT},
	    {"text/html, application/xhtml+xml;q=0.9, */*;q=0.8", NETFIL_EXPOSITION_TEXT},
	    {"application/openmetrics-text", NETFIL_EXPOSITION_OPENMETRICS},
	    {"APPLICATION/OpenMetrics-Text ; Version=1.0.0 ; charset=utf-8",
	     NETFIL_EXPOSITION_OPENMETRICS},
	    /* Prometheus 2.42's, and 3's */
	    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
	     "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	     NETFIL_EXPOSITION_OPENMETRICS},
	    {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
	     "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,"
	     "*/*;q=0.1",
	     NETFIL_EXPOSITION_OPENMETRICS},
	    {"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", NETFIL_EXPOSITION_TEXT},
	    {"text/plain, application/openmetrics-text;q=0.9", NETFIL_EXPOSITION_TEXT},
	    {"text/plain;q=0.1, application/openmetrics-text;q=0.9", NETFIL_EXPOSITION_OPENMETRICS},
	    {"application/openmetrics-text;q=0, */*", NETFIL_EXPOSITION_TEXT},
	    {"application/openmetrics-text;q=0", NETFIL_EXPOSITION_TEXT},
	    {"application/openmetrics-text;q=2", NETFIL_EXPOSITION_TEXT},
	    {"application/openmetrics-text;q=nan", NETFIL_EXPOSITION_TEXT},
	    {"application/openmetrics-text;version=0.0.1", NETFIL_EXPOSITION_TEXT},
	    {"application/openmetrics-text;version=2.0.0", NETFIL_EXPOSITION_TEXT},
	    {"application/json", NETFIL_EXPOSITION_TEXT},
	    {",;,;=;q=;,;version", NETFIL_EXPOSITION_TEXT},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		tell("accept:", cases[i].accept ? cases[i].accept : "(none)");
		g_assert_cmpint(netfil_exposition_accepted(cases[i].accept), ==,
				cases[i].exposition);
	}
	g_assert_cmpstr(netfil_exposition_content_type(NETFIL_EXPOSITION_TEXT), ==,
			"text/plain; version=0.0.4; charset=utf-8");
	g_assert_cmpstr(netfil_exposition_content_type(NETFIL_EXPOSITION_OPENMETRICS), ==,
			"application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static void expect_address(const char *text, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) addresses = netfil_address_parse(text, &error);
	g_autoptr(GString) got = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < addresses->len; i++) {
		g_autofree char *one = g_socket_connectable_to_string(addresses->pdata[i]);

		g_string_append_printf(got, "%s%s", i ? " " : "", one);
	}
	g_assert_cmpstr(got->str, ==, expected);
}

static void test_address(void)
{
	static const char *const wrong[] = {
	    "",
	    ":",
	    "0",
	    "65536",
	    "-1",
	    "+80",
	    " 80",
	    "80 ",
	    "8o",
	    "localhost",
	    "localhost:80",
	    "::1:80",
	    "[::1]",
	    "[::1]80",
	    "[::1:80",
	    "::1]:80",
	    "[127.0.0.1]:80",
	    ":80",
	    "[]:80",
	    "192.0.2:80",
	    "192.0.2.256:80",
	    "192.0.2.1:",
	    "192.0.2.1:0",
	    "[::g]:80",
	    "192.0.2.1:80x",
	    "99999999999999999999",
	};

	expect_address("10477", "127.0.0.1:10477 [::1]:10477");
	expect_address("1", "127.0.0.1:1 [::1]:1");
	expect_address("192.0.2.1:65535", "192.0.2.1:65535");
	expect_address("0.0.0.0:80", "0.0.0.0:80");
	expect_address("[2001:db8::1]:80", "[2001:db8::1]:80");
	expect_address("[::]:80", "[::]:80");
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;

		tell("address:", wrong[i]);
		g_assert_null(netfil_address_parse(wrong[i], &error));
		expect_error(&error, NETFIL_ERROR_INVALID, "use ");
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/metrics/text", test_text);
	g_test_add_func("/metrics/openmetrics", test_openmetrics);
	g_test_add_func("/metrics/down", test_down);
	g_test_add_func("/metrics/order", test_order);
	g_test_add_func("/metrics/escapes", test_escapes);
	g_test_add_func("/metrics/noise", test_noise);
	g_test_add_func("/metrics/accept", test_accept);
	g_test_add_func("/metrics/address", test_address);
	return g_test_run();
}
