/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/top-model.h"
#include "expect.h"

#define SECOND G_USEC_PER_SEC

static char *name_of(guint32 uid)
{
	return g_strdup(uid == 0 ? "root" : uid == 1000 ? "alice" : "other");
}

static void add(GArray *sockets, guint64 cookie, guint32 pid, guint32 uid, const char *exe,
		const char *remote, guint64 in, guint64 out)
{
	NetfilSocketUsage usage = {
	    .cookie = cookie, .pid = pid, .start = pid, .uid = uid, .in = in, .out = out};

	usage.exe = g_strdup(exe);
	g_assert_true(netfil_prefix_parse(remote, &usage.remote, NULL));
	g_array_append_val(sockets, usage);
}

static void update(NetfilTop *top, GArray *sockets, GPtrArray *statuses, gint64 now)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();

	netfil_top_update(top, sockets, statuses ? statuses : none, name_of, now);
}

/* "NAME DETAIL SOCKETS in/out rates in/out totals", a line a row. */
static void expect_rows(NetfilTop *top, NetfilTopGroup group, NetfilTopSort sort,
			const char *search, const char *expected)
{
	g_autoptr(GPtrArray) rows = netfil_top_rows(top, group, sort, search);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < rows->len; i++) {
		const NetfilTopRow *row = rows->pdata[i];

		g_string_append_printf(text, "%s|%s|%s %u %.0f/%.0f %u/%u\n", row->name,
				       row->detail, row->value ? row->value : "-", row->sockets,
				       row->rate[0], row->rate[1], (guint)row->total[0],
				       (guint)row->total[1]);
	}
	g_assert_cmpstr(text->str, ==, expected);
}

/* What was there when watching began is no rate; what a socket moved is in all groups. */
static void test_groups(void)
{
	g_autoptr(NetfilTop) top = netfil_top_new();
	g_autoptr(GArray) first = netfil_socket_usages_new();
	g_autoptr(GArray) second = netfil_socket_usages_new();
	guint64 total[2];
	double rate[2];

	add(first, 1, 10, 1000, "/usr/bin/curl", "192.0.2.1", 100, 10);
	update(top, first, NULL, SECOND);
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_RATE, NULL,
		    "curl|10 alice|10 1 0/0 100/10\n");
	add(second, 1, 10, 1000, "/usr/bin/curl", "192.0.2.1", 300, 20);
	add(second, 2, 10, 1000, "/usr/bin/curl", "2001:db8::1", 50, 5);
	add(second, 3, 11, 0, "/usr/bin/curl", "192.0.2.1", 1000, 0);
	add(second, 4, 0, G_MAXUINT32, "", "192.0.2.1", 7, 0);
	update(top, second, NULL, 3 * SECOND);
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_RATE, NULL,
		    "curl|11 root|11 1 500/0 1000/0\n"
		    "curl|10 alice|10 2 125/8 350/25\n"
		    "(nobody known)||- 1 4/0 7/0\n");
	expect_rows(top, NETFIL_TOP_EXE, NETFIL_TOP_BY_RATE, NULL,
		    "/usr/bin/curl||/usr/bin/curl 3 625/8 1350/25\n"
		    "(not known)||- 1 4/0 7/0\n");
	expect_rows(top, NETFIL_TOP_USER, NETFIL_TOP_BY_OUT, NULL,
		    "alice|1000|1000 2 125/8 350/25\n"
		    "root|0|0 1 500/0 1000/0\n"
		    "(nobody known)||- 1 4/0 7/0\n");
	expect_rows(top, NETFIL_TOP_REMOTE, NETFIL_TOP_BY_NAME, NULL,
		    "192.0.2.1||192.0.2.1 3 604/5 1307/20\n"
		    "2001:db8::1||2001:db8::1 1 25/2 50/5\n");
	netfil_top_sum(top, rate, total);
	g_assert_cmpuint(total[0], ==, 1357);
	g_assert_cmpuint(total[1], ==, 25);
	g_assert_cmpfloat(rate[0], ==, 628.5);
}

/* What a socket that is closed moved stays in the totals; another one is not taken for it. */
static void test_closed(void)
{
	g_autoptr(NetfilTop) top = netfil_top_new();
	g_autoptr(GArray) one = netfil_socket_usages_new();
	g_autoptr(GArray) none = netfil_socket_usages_new();
	g_autoptr(GArray) other = netfil_socket_usages_new();

	add(one, 1, 10, 0, "/bin/a", "192.0.2.1", 100, 10);
	update(top, one, NULL, SECOND);
	update(top, none, NULL, 2 * SECOND);
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_RATE, NULL,
		    "a|10 root|10 0 0/0 100/10\n");
	add(other, 2, 10, 0, "/bin/a", "192.0.2.1", 40, 4);
	update(top, other, NULL, 3 * SECOND);
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_RATE, NULL,
		    "a|10 root|10 1 40/4 140/14\n");
	/* Watching ended and began anew meanwhile: counters of the same socket start from 0. */
	g_array_index(other, NetfilSocketUsage, 0).in = 5;
	g_array_index(other, NetfilSocketUsage, 0).out = 4;
	update(top, other, NULL, 4 * SECOND);
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_TOTAL, NULL,
		    "a|10 root|10 1 5/0 145/14\n");
}

static void test_search(void)
{
	g_autoptr(NetfilTop) top = netfil_top_new();
	g_autoptr(GArray) sockets = netfil_socket_usages_new();

	add(sockets, 1, 10, 1000, "/bin/Alpha", "192.0.2.1", 1, 0);
	add(sockets, 2, 11, 0, "/bin/beta", "192.0.2.1", 1, 0);
	update(top, sockets, NULL, SECOND);
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_NAME, "ALPHA",
		    "Alpha|10 alice|10 1 0/0 1/0\n");
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_NAME, "root",
		    "beta|11 root|11 1 0/0 1/0\n");
	expect_rows(top, NETFIL_TOP_PROCESS, NETFIL_TOP_BY_NAME, "nobody", "");
}

static NetfilStatus *filter(guint64 used, guint64 counted)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("plan");
	NetfilStatus *status;

	g_assert_true(netfil_spec_put(spec, "ip", "192.0.2.1", NULL));
	g_assert_true(netfil_spec_put(spec, "total", "1000", NULL));
	status = netfil_status_new(spec);
	status->used[NETFIL_IN] = status->used[NETFIL_TOTAL] = used;
	status->counted.in = counted;
	return status;
}

/* Rates are of what only rises; what is shown is of the cycle. */
static void test_filters(void)
{
	g_autoptr(NetfilTop) top = netfil_top_new();
	g_autoptr(GArray) none = netfil_socket_usages_new();
	g_autoptr(GPtrArray) statuses =
	    g_ptr_array_new_with_free_func((GDestroyNotify)netfil_status_free);

	g_ptr_array_add(statuses, filter(900, 5000));
	update(top, none, statuses, SECOND);
	expect_rows(top, NETFIL_TOP_FILTER, NETFIL_TOP_BY_RATE, NULL,
		    "plan|100 B left|- 1 0/0 900/0\n");
	g_ptr_array_set_size(statuses, 0);
	g_ptr_array_add(statuses, filter(20, 5120)); /* a cycle turned between */
	update(top, none, statuses, 2 * SECOND);
	expect_rows(top, NETFIL_TOP_FILTER, NETFIL_TOP_BY_RATE, NULL,
		    "plan|980 B left|- 1 120/0 20/0\n");
	g_ptr_array_set_size(statuses, 0);
	update(top, none, statuses, 3 * SECOND);
	expect_rows(top, NETFIL_TOP_FILTER, NETFIL_TOP_BY_RATE, NULL, "");
}

static void test_words(void)
{
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < NETFIL_TOP_GROUPS; i++)
		g_assert_cmpint(netfil_top_group_parse(netfil_top_group_name(i), NULL), ==, i);
	for (int i = 0; i < NETFIL_TOP_SORTS; i++)
		g_assert_cmpint(netfil_top_sort_parse(netfil_top_sort_name(i), NULL), ==, i);
	g_assert_cmpint(netfil_top_group_parse("colour", &error), ==, -1);
	expect_error(&error, NETFIL_ERROR_INVALID, "process, exe, user, remote, filter");
	g_assert_cmpint(netfil_top_sort_parse("", &error), ==, -1);
	expect_error(&error, NETFIL_ERROR_INVALID, "rate, in, out, total, name");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/top/groups", test_groups);
	g_test_add_func("/top/closed", test_closed);
	g_test_add_func("/top/search", test_search);
	g_test_add_func("/top/filters", test_filters);
	g_test_add_func("/top/words", test_words);
	return g_test_run();
}
