/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Members, and questions for them, as the bus carries them. */
#include "core/member.h"
#include "expect.h"

static void test_variant(void)
{
	g_autoptr(GArray) members = netfil_members_new(), again = netfil_members_new();
	NetfilMember one = {g_strdup("192.0.2.1"), 1, G_MAXUINT64, 3, 4, 5};
	NetfilMember two = {g_strdup(NETFIL_MEMBER_OTHERS), 0, 0, 0, 0, 0};
	g_autoptr(GVariant) variant = NULL;
	const NetfilMember *read;

	g_array_append_val(members, one);
	g_array_append_val(members, two);
	variant = g_variant_ref_sink(netfil_members_to_variant(members));
	g_assert_cmpstr(g_variant_get_type_string(variant), ==, "a(sttttu)");
	netfil_members_take(again, variant);
	g_assert_cmpuint(again->len, ==, 2);
	read = &g_array_index(again, NetfilMember, 0);
	g_assert_cmpstr(read->name, ==, "192.0.2.1");
	g_assert_cmpuint(read->in, ==, 1);
	g_assert_cmpuint(read->out, ==, G_MAXUINT64);
	g_assert_cmpuint(read->refused_bytes, ==, 3);
	g_assert_cmpuint(read->refused_packets, ==, 4);
	g_assert_cmpuint(read->reached, ==, 5);
	g_assert_cmpstr(g_array_index(again, NetfilMember, 1).name, ==, "(others)");
}

static void expect_query(const NetfilMemberQuery *query, const char *expected)
{
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_member_query_to_variant(query));
	g_auto(NetfilMemberQuery) again = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) wanted = g_variant_ref_sink(g_variant_new_parsed(expected));

	g_assert_cmpuint(g_variant_n_children(variant), ==, g_variant_n_children(wanted));
	g_assert_true(netfil_member_query_read(&again, wanted, &error));
	g_assert_no_error(error);
	netfil_member_query_clear(&again);
	again = (NetfilMemberQuery){0};
	g_assert_true(netfil_member_query_read(&again, variant, &error));
	g_assert_no_error(error);
	g_assert_cmpint(again.sort, ==, query->sort);
	g_assert_cmpint(again.reverse, ==, query->reverse);
	g_assert_cmpstr(again.match, ==, query->match);
	g_assert_cmpuint(again.limit, ==, query->limit);
	g_assert_cmpstr(again.after, ==, query->after);
}

static void test_query(void)
{
	const NetfilMemberQuery none = {0};
	const NetfilMemberQuery all = {NETFIL_MEMBER_BY_REFUSED, TRUE, (char *)"10.", 7,
				       (char *)"5:a:b"};

	expect_query(&none, "@a{sv} {}");
	expect_query(&all, "{'sort': <'refused'>, 'reverse': <true>, 'match': <'10.'>,"
			   " 'limit': <uint32 7>, 'after': <'5:a:b'>}");
}

static void test_query_refused(void)
{
	static const char *const bad[] = {
	    "{'sort': <'age'>}", "{'sort': <1>}",  "{'reverse': <'yes'>}", "{'match': <true>}",
	    "{'limit': <'7'>}",  "{'limit': <7>}", "{'after': <'7'>}",     "{'after': <'7:'>}",
	    "{'after': <':a'>}", "{'after': <7>}", "{'colour': <'red'>}",  "{'after': <'-1:a'>}",
	    "{'after': <''>}",
	};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GVariant) variant = g_variant_ref_sink(g_variant_new_parsed(bad[i]));
		g_auto(NetfilMemberQuery) query = {0};
		g_autoptr(GError) error = NULL;

		tell("query", bad[i]);
		g_assert_false(netfil_member_query_read(&query, variant, &error));
		expect_error(&error, NETFIL_ERROR_INVALID, ": use ");
	}
}

static void test_sorts(void)
{
	static const char *const names[] = {"total", "key", "in", "out", "refused"};
	static const guint64 values[] = {3, 0, 1, 2, 4};
	const NetfilMember member = {(char *)"a", 1, 2, 4, 5, 0};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		NetfilMemberSort sort;

		g_assert_true(netfil_member_sort_parse(names[i], &sort, NULL));
		g_assert_cmpstr(netfil_member_sort_name(sort), ==, names[i]);
		g_assert_cmpuint(netfil_member_value(&member, sort), ==, values[i]);
	}
}

static void test_cursor(void)
{
	const NetfilMember member = {(char *)"2001:db8::1", 1, G_MAXUINT64 - 1, 0, 0, 0};
	g_autofree char *cursor = netfil_member_cursor(&member, NETFIL_MEMBER_BY_TOTAL);
	const char *name;
	guint64 value;

	g_assert_cmpstr(cursor, ==, "18446744073709551615:2001:db8::1");
	g_assert_true(netfil_member_cursor_parse(cursor, &value, &name, NULL));
	g_assert_cmpuint(value, ==, G_MAXUINT64);
	g_assert_cmpstr(name, ==, "2001:db8::1");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/member/variant", test_variant);
	g_test_add_func("/member/query", test_query);
	g_test_add_func("/member/query-refused", test_query_refused);
	g_test_add_func("/member/sorts", test_sorts);
	g_test_add_func("/member/cursor", test_cursor);
	return g_test_run();
}
