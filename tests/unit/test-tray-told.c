/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib/gstdio.h>

#include "tray/face.h"
#include "tray/told.h"

static NetfilStatus *make(const char *every)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("web");
	NetfilStatus *status;

	g_assert_true(netfil_spec_put(spec, "ip", "192.0.2.0/24", NULL));
	g_assert_true(netfil_spec_put(spec, "total", "100", NULL));
	g_assert_true(netfil_spec_put(spec, "every", every, NULL));
	status = netfil_status_new(spec);
	status->id = 7;
	status->state = NETFIL_STATE_ON;
	status->cycle_started = 1000;
	return status;
}

static void warn(NetfilStatus *status, guint8 percent)
{
	g_array_append_val(status->warned, percent);
}

/* As a tray that is started anew finds it. */
static void expect_news(const char *path, const NetfilStatus *status, guint warned,
			gboolean reached, gboolean cycle)
{
	g_autoptr(NetfilTold) told = netfil_told_open(path);
	NetfilNews news = netfil_told_news(told, status);

	g_assert_cmpuint(news.warned, ==, warned);
	g_assert_cmpint(news.reached, ==, reached);
	g_assert_cmpint(news.cycle, ==, cycle);
	news = netfil_told_news(told, status);
	g_assert_cmpuint(news.warned, ==, 0);
	g_assert_false(news.reached);
	g_assert_false(news.cycle);
}

static char *folder_new(char **path)
{
	char *folder = g_dir_make_tmp("nf-told-XXXXXX", NULL);

	*path = g_build_filename(folder, "state", "told", NULL);
	return folder;
}

static void folder_remove(const char *folder, const char *path)
{
	g_autofree char *inner = g_path_get_dirname(path);

	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(g_rmdir(inner), ==, 0);
	g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void test_once(void)
{
	g_autoptr(NetfilStatus) status = make("month");
	g_autofree char *path = NULL;
	g_autofree char *folder = folder_new(&path);

	expect_news(path, status, 0, FALSE, FALSE);
	warn(status, 80);
	expect_news(path, status, 80, FALSE, FALSE);
	warn(status, 95);
	status->state = NETFIL_STATE_EXHAUSTED;
	expect_news(path, status, 95, TRUE, FALSE);
	status->state = NETFIL_STATE_OFF;
	expect_news(path, status, 0, FALSE, FALSE);
	status->state = NETFIL_STATE_EXHAUSTED;
	expect_news(path, status, 0, FALSE, FALSE);
	status->state = NETFIL_STATE_ON; /* topped up */
	expect_news(path, status, 0, FALSE, FALSE);
	status->state = NETFIL_STATE_EXHAUSTED;
	expect_news(path, status, 0, TRUE, FALSE);
	status->state = NETFIL_STATE_ON;
	status->cycle_started = 2000;
	g_array_set_size(status->warned, 0);
	expect_news(path, status, 0, FALSE, TRUE);
	warn(status, 80);
	expect_news(path, status, 80, FALSE, FALSE);
	folder_remove(folder, path);
}

/* What happened before there was a tray is told, but that a cycle began is not. */
static void test_first(void)
{
	g_autoptr(NetfilStatus) status = make("day");
	g_autofree char *path = NULL;
	g_autofree char *folder = folder_new(&path);

	warn(status, 50);
	status->state = NETFIL_STATE_EXHAUSTED;
	expect_news(path, status, 50, TRUE, FALSE);
	folder_remove(folder, path);
}

static void test_reset(void)
{
	g_autoptr(NetfilStatus) status = make("never");
	g_autofree char *path = NULL;
	g_autofree char *folder = folder_new(&path);

	expect_news(path, status, 0, FALSE, FALSE);
	status->cycle_started = 2000;
	expect_news(path, status, 0, FALSE, FALSE);
	folder_remove(folder, path);
}

static void test_forget(void)
{
	g_autoptr(NetfilStatus) status = make("day");
	g_autoptr(NetfilTold) told = NULL;
	g_autofree char *path = NULL;
	g_autofree char *folder = folder_new(&path);

	warn(status, 50);
	expect_news(path, status, 50, FALSE, FALSE);
	told = netfil_told_open(path);
	netfil_told_forget(told, status);
	expect_news(path, status, 50, FALSE, FALSE);
	folder_remove(folder, path);
}

static void test_members(void)
{
	g_autofree char *path = NULL, *folder = folder_new(&path);
	g_autoptr(NetfilTold) told = netfil_told_open(path);
	g_autoptr(NetfilStatus) status = make("day");

	status->spec->each = NETFIL_EACH_IP;
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 0);
	status->members = 9;
	status->members_at_cap = 2;
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 2);
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 0);
	status->members_at_cap = 1; /* one was reset, and is there again */
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 0);
	status->members_at_cap = 2;
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 0);
	g_clear_pointer(&told, netfil_told_free);
	told = netfil_told_open(path); /* a restart */
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 0);
	status->members_at_cap = 3;
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 3);
	status->cycle_started++;
	status->members_at_cap = 1;
	g_assert_cmpuint(netfil_told_news(told, status).members, ==, 1);
	folder_remove(folder, path);
}

static NetfilFace face(NetfilStatus *one, NetfilStatus *other, gboolean is_up, const char *trouble)
{
	g_autoptr(GPtrArray) statuses = g_ptr_array_new();

	if (one)
		g_ptr_array_add(statuses, one);
	if (other)
		g_ptr_array_add(statuses, other);
	return netfil_face(is_up, trouble, statuses);
}

static void test_face(void)
{
	g_autoptr(NetfilStatus) one = make("day");
	g_autoptr(NetfilStatus) other = make("day");

	g_assert_cmpint(face(NULL, NULL, TRUE, ""), ==, NETFIL_FACE_OFF);
	g_assert_cmpint(face(one, NULL, TRUE, ""), ==, NETFIL_FACE_ON);
	g_assert_cmpint(face(one, NULL, FALSE, ""), ==, NETFIL_FACE_AWAY);
	g_assert_cmpint(face(one, NULL, TRUE, "disk full: make room"), ==, NETFIL_FACE_AWAY);
	other->state = NETFIL_STATE_OFF;
	g_assert_cmpint(face(other, NULL, TRUE, ""), ==, NETFIL_FACE_OFF);
	g_assert_cmpint(face(other, one, TRUE, ""), ==, NETFIL_FACE_ON);
	warn(other, 80); /* it is off */
	g_assert_cmpint(face(one, other, TRUE, ""), ==, NETFIL_FACE_ON);
	warn(one, 80);
	g_assert_cmpint(face(one, other, TRUE, ""), ==, NETFIL_FACE_WARNED);
	other->state = NETFIL_STATE_ON;
	other->members_at_cap = 1;
	g_assert_cmpint(face(one, other, TRUE, ""), ==, NETFIL_FACE_REACHED);
	other->members_at_cap = 0;
	other->state = NETFIL_STATE_EXHAUSTED;
	g_assert_cmpint(face(one, other, TRUE, ""), ==, NETFIL_FACE_REACHED);
	other->state = NETFIL_STATE_ON;
	other->used[NETFIL_TOTAL] = 100; /* at a cap that stops nothing */
	g_assert_cmpint(face(other, one, TRUE, ""), ==, NETFIL_FACE_REACHED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tray-told/once", test_once);
	g_test_add_func("/tray-told/first", test_first);
	g_test_add_func("/tray-told/reset", test_reset);
	g_test_add_func("/tray-told/forget", test_forget);
	g_test_add_func("/tray-told/members", test_members);
	g_test_add_func("/tray-face", test_face);
	return g_test_run();
}
