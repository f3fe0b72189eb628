/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tray/member-news.h"

#define QUIET_MS 50

/* What was told, a line each. */
static void on_tell(const char *name, guint percent, const GPtrArray *members, guint count,
		    gpointer data)
{
	GString *told = data;

	g_string_append_printf(told, "%s %u %u", name, percent, count);
	for (guint i = 0; i < members->len; i++)
		g_string_append_printf(told, " %s", (const char *)members->pdata[i]);
	g_string_append_c(told, '\n');
}

static void reach(NetfilModel *model, const char *name, const char *member)
{
	g_signal_emit_by_name(model, "member-reached", name, member);
}

static void expect(GString *told, const char *lines)
{
	g_assert_cmpstr(told->str, ==, lines);
	g_string_truncate(told, 0);
}

static void test_many_are_told_together(void)
{
	g_autoptr(GString) told = g_string_new(NULL);
	g_autoptr(NetfilModel) model = netfil_model_new(NULL, NULL);
	NetfilMemberNews *news = netfil_member_news_new(model, QUIET_MS, on_tell, told);

	reach(model, "one", "192.0.2.1");
	expect(told, "one 0 1 192.0.2.1\n");
	g_signal_emit_by_name(model, "member-warned", "one", "192.0.2.9", 80);
	expect(told, "one 80 1 192.0.2.9\n");
	reach(model, "other", "a\nb"); /* filters do not wait for one another */
	expect(told, "other 0 1 a\\x0ab\n");
	for (guint i = 2; i < 1002; i++) {
		g_autofree char *member = g_strdup_printf("m%u", i);

		reach(model, "one", member);
	}
	expect(told, "");
	while (!told->len)
		g_main_context_iteration(NULL, TRUE);
	expect(told, "one 0 1000 m2 m3 m4\n");
	reach(model, "one", "late"); /* it is quiet again after those */
	expect(told, "");
	while (!told->len)
		g_main_context_iteration(NULL, TRUE);
	expect(told, "one 0 1 late\n");
	netfil_member_news_free(news);
}

static void test_heard_once(void)
{
	g_autoptr(GString) told = g_string_new(NULL);
	g_autoptr(NetfilModel) model = netfil_model_new(NULL, NULL);
	NetfilMemberNews *news = netfil_member_news_new(model, QUIET_MS, on_tell, told);

	g_assert_false(netfil_member_news_heard(news, "one"));
	reach(model, "one", "a");
	reach(model, "one", "b");
	g_signal_emit_by_name(model, "member-warned", "other", "c", 80);
	g_assert_true(netfil_member_news_heard(news, "one"));
	g_assert_false(netfil_member_news_heard(news, "one"));
	g_assert_false(netfil_member_news_heard(news, "other"));
	reach(model, "one", "d");
	g_signal_emit_by_name(model, "up-changed");
	g_assert_false(netfil_member_news_heard(news, "one"));
	netfil_member_news_free(news);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tray-members/many-are-told-together", test_many_are_told_together);
	g_test_add_func("/tray-members/heard-once", test_heard_once);
	return g_test_run();
}
