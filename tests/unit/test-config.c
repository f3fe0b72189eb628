/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/config.h"
#include "expect.h"

static NetfilKeyFile *read_text(NetfilConfig *config, const char *text)
{
	tell("file:", text);
	return netfil_config_read(config, text, strlen(text));
}

static void test_defaults(void)
{
	g_autoptr(NetfilConfig) config = netfil_config_new();
	g_autoptr(NetfilKeyFile) file = read_text(config, "# nothing\n[netfild]\n");

	g_assert_cmpuint(file->mistakes->len, ==, 0);
	g_assert_null(config->cgroup);
	g_assert_cmpint(config->durability, ==, NETFIL_DURABILITY_DEFAULT);
	g_assert_true(config->apps);
	g_assert_cmpint(config->system_bus, ==, NETFIL_AUTO);
	g_assert_cmpint(config->log, ==, NETFIL_LOG_TO_AUTO);
	g_assert_cmpstr(config->events_user, ==, "nobody");
	g_assert_cmpuint(config->events_timeout, ==, 10);
}

static void test_values(void)
{
	g_autoptr(NetfilConfig) config = netfil_config_new();
	g_autoptr(NetfilKeyFile) file =
	    read_text(config, " [ netfild ]\r\ncgroup = /a/../b/\ndurability=strict\napps=no\n"
			      "system-bus=no\nlog = journal\nevents-user=alice\n"
			      "events-timeout=3600");

	g_assert_cmpuint(file->mistakes->len, ==, 0);
	g_assert_cmpstr(config->cgroup, ==, "/b");
	g_assert_cmpint(config->durability, ==, NETFIL_DURABILITY_STRICT);
	g_assert_false(config->apps);
	g_assert_cmpint(config->system_bus, ==, NETFIL_NO);
	g_assert_cmpint(config->log, ==, NETFIL_LOG_TO_JOURNAL);
	g_assert_cmpstr(config->events_user, ==, "alice");
	g_assert_cmpuint(config->events_timeout, ==, 3600);
	g_assert_true(netfil_config_put(config, "system-bus", "yes", NULL));
	g_assert_cmpint(config->system_bus, ==, NETFIL_YES);
	g_assert_true(netfil_config_put(config, "log", "stderr", NULL));
	g_assert_cmpint(config->log, ==, NETFIL_LOG_TO_STDERR);
}

static void test_mistakes(void)
{
	static const struct {
		const char *text, *expected; /* lines "LINE part of the message", all there are */
	} cases[] = {
	    {"apps=no\n", "1 before the first section"},
	    {"[netfild\napps=maybe\n", "1 has no end"},
	    {"[Netfild]\nx=y\n[b]\n", "1 is not a section\n3 is not a section"},
	    {"[netfild]\n[netfild]\n", "2 is there twice, first in line 1"},
	    {"[netfild]\napps=no\napps=maybe\n", "3 is there twice, first in line 2"},
	    {"[netfild]\nhello\n", "2 is no line of a section"},
	    {"[netfild]\nApps=no\n", "2 is not a key of netfild: use one of cgroup, durability"},
	    {"[netfild]\napps=\nlog=;\n", "2 has no value\n3 is not a value of log"},
	    {"[netfild]\napps=yes;no\n", "2 has several values"},
	    {"[netfild]\napps=true\nlog=Journal\nsystem-bus=\\\\\n",
	     "2 is not a value of apps: use one of no, yes\n3 use one of auto, journal, stderr\n"
	     "4 use one of no, yes, auto"},
	    {"[netfild]\ncgroup=a/b\ndurability=none\n", "2 absolute path\n3 \"none\""},
	    {"[netfild]\nevents-user=-a\n", "2 \"-a\""},
	    {"[netfild]\nevents-timeout=0\n", "2 use 1 to 3600 seconds"},
	    {"[netfild]\nevents-timeout=3601\n", "2 use 1 to 3600 seconds"},
	    {"[netfild]\nevents-timeout=1s\n", "2 use 1 to 3600 seconds"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(NetfilConfig) config = netfil_config_new();
		g_autoptr(NetfilKeyFile) file = read_text(config, cases[i].text);
		g_auto(GStrv) lines = g_strsplit(cases[i].expected, "\n", -1);

		for (guint j = 0; j < file->mistakes->len; j++) {
			const NetfilMistake *mistake =
			    &g_array_index(file->mistakes, NetfilMistake, j);
			GError *error = g_error_new_literal(NETFIL_ERROR, 0, mistake->text);
			char *part;

			g_assert_nonnull(lines[j]);
			g_assert_cmpuint(mistake->line, ==, g_ascii_strtoull(lines[j], &part, 10));
			expect_error(&error, 0, part + 1);
		}
		g_assert_cmpuint(file->mistakes->len, ==, g_strv_length(lines));
	}
}

/* What is wrong leaves what was there. */
static void test_put(void)
{
	g_autoptr(NetfilConfig) config = netfil_config_new();
	GError *error = NULL;

	g_assert_false(netfil_config_put(config, "events-user", "-a", &error));
	expect_error(&error, NETFIL_ERROR_INVALID, "\"-a\"");
	g_assert_cmpstr(config->events_user, ==, "nobody");
	g_assert_false(netfil_config_put(config, "cgroup", "", &error));
	expect_error(&error, NETFIL_ERROR_INVALID, "absolute path");
	g_assert_null(config->cgroup);
	g_assert_false(netfil_config_put(config, "colour", "red", &error));
	expect_error(&error, NETFIL_ERROR_INVALID, "\"colour\" is not a key");
}

static void test_compare(void)
{
	static const char *const changes[][2] = {
	    {"cgroup", "/a"},         {"durability", "strict"}, {"apps", "no"},
	    {"system-bus", "no"},     {"log", "stderr"},        {"events-user", "alice"},
	    {"events-timeout", "11"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autoptr(NetfilConfig) a = netfil_config_new();
		g_autoptr(NetfilConfig) b = netfil_config_new();
		g_auto(GStrv) same = netfil_config_compare(a, b);
		g_auto(GStrv) keys = NULL;

		g_assert_cmpuint(g_strv_length(same), ==, 0);
		g_assert_true(netfil_config_put(b, changes[i][0], changes[i][1], NULL));
		keys = netfil_config_compare(a, b);
		g_assert_cmpuint(g_strv_length(keys), ==, 1);
		g_assert_cmpstr(keys[0], ==, changes[i][0]);
	}
}

static void test_any_bytes(void)
{
	static const char *const pieces[] = {"[netfild]", "[x]",      "\n",
					     "apps=",     "no",       ";",
					     "\\",        " ",        "#",
					     "log=",      "auto",     "\xc3",
					     "\r\n",      "cgroup=/", "events-timeout=",
					     "7"};

	for (guint i = 0; i < 20000; i++) {
		g_autoptr(NetfilConfig) config = netfil_config_new();
		g_autoptr(GString) text = g_string_new(NULL);
		g_autoptr(NetfilKeyFile) file = NULL;

		for (guint n = g_test_rand_int_range(0, 30); n > 0; n--)
			g_string_append(text,
					pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
		file = netfil_config_read(config, text->str, text->len);
		for (guint j = 0; j < file->mistakes->len; j++)
			g_assert_cmpuint(g_array_index(file->mistakes, NetfilMistake, j).line, >,
					 0);
		g_assert_cmpuint(config->events_timeout, <=, 3600);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/defaults", test_defaults);
	g_test_add_func("/config/values", test_values);
	g_test_add_func("/config/mistakes", test_mistakes);
	g_test_add_func("/config/put", test_put);
	g_test_add_func("/config/compare", test_compare);
	g_test_add_func("/config/any-bytes", test_any_bytes);
	return g_test_run();
}
