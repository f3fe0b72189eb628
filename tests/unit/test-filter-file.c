/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/filter-file.h"
#include "core/quote.h"
#include "expect.h"

static NetfilFilterFile *read_text(const char *text)
{
	tell("file:", text);
	return netfil_filter_file_read(text, strlen(text));
}

/* The filters of the file, in the form of the bus. */
static char *shown(const NetfilFilterFile *file)
{
	GString *words = g_string_new(NULL);

	for (guint i = 0; i < file->specs->len; i++) {
		const NetfilSpec *spec = file->specs->pdata[i];
		g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_spec_to_variant(spec));
		g_autofree char *text = g_variant_print(variant, FALSE);

		g_string_append_printf(words, "%s%s %s", i > 0 ? "\n" : "", spec->name, text);
	}
	return g_string_free(words, FALSE);
}

static void expect_filters(const char *text, const char *expected)
{
	g_autoptr(NetfilFilterFile) file = read_text(text);
	g_autofree char *got = shown(file);

	for (guint i = 0; i < file->mistakes->len; i++)
		g_error("%s", g_array_index(file->mistakes, NetfilMistake, i).text);
	g_assert_cmpstr(got, ==, expected);
}

static void test_read(void)
{
	expect_filters("", "");
	expect_filters("# nothing\n\n   # but this\n", "");
	expect_filters("[a]\nip=192.0.2.1", "a {'ip': ['192.0.2.1'], 'on-limit': ['reject'], "
					    "'on': ['true']}");
	expect_filters("\t[ a ]\r\n \r\n  ip = 192.0.2.1 ;\t192.0.2.2;\r\n# c\r\ntotal=1.5k\r\n"
		       "on=false\r\n[b]\r\ninterface=wl*\r\non-limit=throttle=125k/s\r\n",
		       "a {'ip': ['192.0.2.1', '192.0.2.2'], 'total': ['1500'], 'on-limit': "
		       "['reject'], 'on': ['false']}\n"
		       "b {'interface': ['wl*'], 'on-limit': ['throttle=125000'], 'on': ['true']}");
	expect_filters("[a]\nexe=/a\\;b;/c\\\\d;/e\\s\nwarn=95;80\ntotal=1\n",
		       "a {'exe': ['/a;b', '/c\\\\d', '/e '], 'total': ['1'], 'on-limit': "
		       "['reject'], 'warn': ['80', '95'], 'on': ['true']}");
	expect_filters("[a]\nunit=a\\\\x2db\nwarn=80,95\ntotal=1\n",
		       "a {'unit': ['a\\\\x2db.service'], 'total': ['1'], 'on-limit': ['reject'], "
		       "'warn': ['80', '95'], 'on': ['true']}");
}

/* `expected`: lines "LINE part of the message", all there are. */
static void expect_mistakes_of(const char *text, gsize length, const char *expected)
{
	g_autoptr(NetfilFilterFile) file = netfil_filter_file_read(text, length);
	g_auto(GStrv) lines = g_strsplit(expected, "\n", -1);

	for (guint i = 0; i < file->mistakes->len; i++) {
		const NetfilMistake *mistake = &g_array_index(file->mistakes, NetfilMistake, i);
		GError *error = g_error_new_literal(NETFIL_ERROR, 0, mistake->text);
		char *part;

		tell("mistake:", mistake->text);
		g_assert_nonnull(lines[i]);
		g_assert_cmpuint(mistake->line, ==, g_ascii_strtoull(lines[i], &part, 10));
		expect_error(&error, 0, part + 1);
	}
	g_assert_cmpuint(file->mistakes->len, ==, g_strv_length(lines));
}

static void expect_mistakes(const char *text, const char *expected)
{
	tell("file:", text);
	expect_mistakes_of(text, strlen(text), expected);
}

static void test_mistakes(void)
{
	expect_mistakes("ip=192.0.2.1\n", "1 before the first filter");
	expect_mistakes("[a]\nip=192.0.2.1\nhello\n", "3 is no line of a filter");
	expect_mistakes("[a]\nip=192.0.2.1\n; hello\n", "3 is no line of a filter");
	expect_mistakes("\n[a\nip=192.0.2.1\n[]\nip=192.0.2.1\n[b c]\nip=192.0.2.1\n[",
			"2 has no end\n4 is not a filter's name\n6 is not a filter's name\n"
			"8 has no end");
	expect_mistakes("[a]\nip=192.0.2.1\n[b]\nip=192.0.2.1\n[a]\nip=x\n",
			"5 is there twice, first in line 1\n6 \"x\"");
	expect_mistakes("[a]\nip=192.0.2.1\n\nip=192.0.2.2\n", "4 is there twice, first in line 2");
	expect_mistakes("[a]\nip=192.0.2.1\n[c]\nip=\ntotal=\n[d]\nip=;\n",
			"4 has no value\n5 has no value\n7 no value");
	expect_mistakes("[a]\nip=192.0.2.300;192.0.2.1;x\ntotal=12XB;\ncolour=red;blue\n=4\n",
			"2 \"192.0.2.300\"\n2 \"x\"\n3 \"12XB\"\n4 \"colour\" is not a key\n"
			"5 \"\" is not a key");
	expect_mistakes("[a]\nip=192.0.2.1\ntotal=1;2\nip[de]=192.0.2.2\n",
			"3 has several values\n4 \"ip[de]\" is not a key");
	expect_mistakes("[a]\nexe=/a\\x\n", "2 has a backslash");
	expect_mistakes("[a]\nexe=/a\\x;/b\\\nunit=a\\ ;b\n", "2 has a backslash\n"
							      "3 has a backslash");
	expect_mistakes("[a]\nexe=relative\n", "2 \"relative\"");
	expect_mistakes("[a]\ntotal=1\n[b]\nip=192.0.2.1\non-limit=kill\n",
			"1 has no selector\n3 names no process");
	expect_mistakes("[a]\nip=192.0.2.1\n# \xff is no matter here? it is\n", "3 is not UTF-8");
	expect_mistakes_of("[a]\nuser=a\0b\n", 13, "2 is not UTF-8");
}

static void test_bounds(void)
{
	GString *text = g_string_new(NULL);
	NetfilFilterFile *file;

	for (guint i = 0; i < 100000; i++)
		g_string_append(text, "x\n");
	file = netfil_filter_file_read(text->str, text->len);
	g_assert_cmpuint(file->mistakes->len, ==, 1000);
	netfil_filter_file_free(file);
	g_string_truncate(text, 0);
	for (guint i = 0; i < 10000; i++)
		g_string_append_printf(text, "[a%u]\nip=192.0.2.1\n", i);
	file = netfil_filter_file_read(text->str, text->len);
	g_assert_cmpuint(file->mistakes->len, ==, 1);
	netfil_filter_file_free(file);
	g_string_set_size(text, NETFIL_FILTER_FILE_MAX + 1);
	file = netfil_filter_file_read(text->str, text->len);
	g_assert_cmpuint(file->mistakes->len, ==, 1);
	g_assert_cmpuint(g_array_index(file->mistakes, NetfilMistake, 0).line, ==, 1);
	netfil_filter_file_free(file);
	g_string_free(text, TRUE);
}

static void test_lines(void)
{
	g_autoptr(NetfilFilterFile) file = read_text("#\n[a]\nip=192.0.2.1\n[b]\n\nuser=x\n");

	g_assert_cmpuint(netfil_filter_file_line(file, "a", NULL), ==, 2);
	g_assert_cmpuint(netfil_filter_file_line(file, "a", "ip"), ==, 3);
	g_assert_cmpuint(netfil_filter_file_line(file, "a", "user"), ==, 2);
	g_assert_cmpuint(netfil_filter_file_line(file, "b", "user"), ==, 6);
	g_assert_cmpuint(netfil_filter_file_line(file, "c", "ip"), ==, 0);
}

static void test_write(void)
{
	static const char text[] = "[all]\n"
				   "exe=/a\\;b;/c\\\\d;/e\\s;/f g\n"
				   "user=alice;1000\n"
				   "cgroup=/a/b\n"
				   "unit=a.service\n"
				   "ip=192.0.2.0/24;2001:db8::1\n"
				   "ip-file=/lists/one\n"
				   "port=80;8000-8080\n"
				   "proto=tcp\n"
				   "interface=wl*\n"
				   "except=192.0.2.7\n"
				   "in=1.5M\n"
				   "out=25M\n"
				   "total=18446744073709551615\n"
				   "on-limit=throttle=125k\n"
				   "warn=80;95\n"
				   "every=month@14\n"
				   "rollover=true\n"
				   "free=01:00-07:00\n"
				   "durability=strict\n"
				   "loopback=true\n"
				   "on=false\n"
				   "\n"
				   "[plain]\n"
				   "# This number means the process only as long as it runs.\n"
				   "pid=4711\n";
	g_autoptr(NetfilFilterFile) file = read_text(text);
	g_autofree char *written = netfil_filter_file_write(file->specs);
	const char *first = strchr(written, '[');

	g_assert_cmpuint(file->mistakes->len, ==, 0);
	g_assert_true(g_str_has_prefix(written, "# Filters of netfil"));
	g_assert_cmpstr(first, ==, text);
}

/* Whatever the bytes are: each line that is told is there, and what is read without a mistake
 * is written, and reads back the same. */
static void test_any_bytes(void)
{
	static const char *const pieces[] = {
	    "[a]",  "[b]",    "\n",  "ip=",    "192.0.2.1", ";",     "\\", " ",
	    "#",    "total=", "25M", "on=",    "true",      "unit=", "x",  "\xc3",
	    "\xa4", "[",      "]",   "every=", "day",       "\r\n",  "=",  "exe=/"};

	for (guint i = 0; i < 20000; i++) {
		g_autoptr(GString) text = g_string_new(NULL);
		g_autoptr(NetfilFilterFile) file = NULL, again = NULL;
		g_autofree char *written = NULL, *before = NULL, *after = NULL;

		for (guint n = g_test_rand_int_range(0, 30); n > 0; n--)
			g_string_append(text,
					pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
		file = netfil_filter_file_read(text->str, text->len);
		for (guint j = 0; j < file->mistakes->len; j++)
			g_assert_cmpuint(g_array_index(file->mistakes, NetfilMistake, j).line, >,
					 0);
		written = netfil_filter_file_write(file->specs);
		again = netfil_filter_file_read(written, strlen(written));
		g_assert_cmpuint(again->mistakes->len, ==, 0);
		before = shown(file);
		after = shown(again);
		g_assert_cmpstr(after, ==, before);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/filter-file/read", test_read);
	g_test_add_func("/filter-file/mistakes", test_mistakes);
	g_test_add_func("/filter-file/bounds", test_bounds);
	g_test_add_func("/filter-file/lines", test_lines);
	g_test_add_func("/filter-file/write", test_write);
	g_test_add_func("/filter-file/any-bytes", test_any_bytes);
	return g_test_run();
}
