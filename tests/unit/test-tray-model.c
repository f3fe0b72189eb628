/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib/gstdio.h>
#include <unistd.h>

#include "expect.h"
#include "fake-netfild.h"
#include "tray/calls.h"
#include "tray/model.h"

#define PATIENCE_MS 15000

typedef struct {
	char *folder, *socket;
	FakeNetfild *fake;
	NetfilModel *model;
	GString *heard; /* what the model told: a word each */
} Fixture;

static NetfilStatus *make(const char *name, guint64 id)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(name);
	NetfilStatus *status;

	g_assert_true(netfil_spec_put(spec, "ip", "192.0.2.1", NULL));
	g_assert_true(netfil_spec_put(spec, "total", "1M", NULL));
	status = netfil_status_new(spec);
	status->id = id;
	status->state = NETFIL_STATE_ON;
	return status;
}

static void put(Fixture *fixture, const char *name, guint64 id, gint64 unlimited_until)
{
	g_autoptr(NetfilStatus) status = make(name, id);

	status->unlimited_until = unlimited_until;
	fake_netfild_put(fixture->fake, status);
}

static void on_up_changed(NetfilModel *model, Fixture *fixture)
{
	g_string_append(fixture->heard, netfil_model_is_up(model) ? "up " : "down ");
}

static void on_added(NetfilModel *model, const NetfilStatus *status, Fixture *fixture)
{
	(void)model;
	g_string_append_printf(fixture->heard, "+%s ", status->spec->name);
}

static void on_removed(NetfilModel *model, const NetfilStatus *status, Fixture *fixture)
{
	(void)model;
	g_string_append_printf(fixture->heard, "-%s ", status->spec->name);
}

static void on_changed(NetfilModel *model, const NetfilStatus *before, const NetfilStatus *now,
		       Fixture *fixture)
{
	(void)model;
	g_string_append_printf(fixture->heard, "%s:%" G_GUINT64_FORMAT ">%" G_GUINT64_FORMAT " ",
			       now->spec->name, before->used[NETFIL_TOTAL],
			       now->used[NETFIL_TOTAL]);
}

static void on_trouble_changed(NetfilModel *model, Fixture *fixture)
{
	g_string_append_printf(fixture->heard, "trouble=%s ", netfil_model_trouble(model));
}

static void start_model(Fixture *fixture, const char *bus)
{
	fixture->model = netfil_model_new(fixture->socket, bus);
	g_signal_connect(fixture->model, "up-changed", G_CALLBACK(on_up_changed), fixture);
	g_signal_connect(fixture->model, "added", G_CALLBACK(on_added), fixture);
	g_signal_connect(fixture->model, "removed", G_CALLBACK(on_removed), fixture);
	g_signal_connect(fixture->model, "changed", G_CALLBACK(on_changed), fixture);
	g_signal_connect(fixture->model, "trouble-changed", G_CALLBACK(on_trouble_changed),
			 fixture);
	netfil_model_start(fixture->model);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->folder = g_dir_make_tmp("nf-model-XXXXXX", NULL);
	fixture->socket = g_build_filename(fixture->folder, "bus", NULL);
	fixture->heard = g_string_new(NULL);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_object_unref(fixture->model);
	g_clear_pointer(&fixture->fake, fake_netfild_free);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_unlink(fixture->socket);
	g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
	g_free(fixture->socket);
	g_free(fixture->folder);
	g_string_free(fixture->heard, TRUE);
}

static gboolean on_late(gpointer late)
{
	*(gboolean *)late = TRUE;
	return G_SOURCE_REMOVE;
}

/* Until exactly this was told, and nothing else. */
static void hears(Fixture *fixture, const char *expected)
{
	gboolean late = FALSE;
	guint timer = g_timeout_add(PATIENCE_MS, on_late, &late);

	while (!late && fixture->heard->len < strlen(expected))
		g_main_context_iteration(NULL, TRUE);
	if (!late)
		g_source_remove(timer);
	g_assert_cmpstr(fixture->heard->str, ==, expected);
	g_string_truncate(fixture->heard, 0);
}

static void test_list(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) list = NULL;

	(void)data;
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	put(fixture, "b", 2, 0);
	put(fixture, "a", 1, 0);
	start_model(fixture, NULL);
	g_assert_false(netfil_model_is_up(fixture->model));
	while (!netfil_model_is_up(fixture->model))
		g_main_context_iteration(NULL, TRUE);
	g_assert_nonnull(strstr(fixture->heard->str, "+a "));
	g_assert_nonnull(strstr(fixture->heard->str, "+b "));
	g_assert_true(g_str_has_suffix(fixture->heard->str, " up "));
	list = netfil_model_list(fixture->model);
	g_assert_cmpuint(list->len, ==, 2);
	g_assert_cmpstr(((NetfilStatus *)list->pdata[0])->spec->name, ==, "a");
	g_assert_nonnull(netfil_model_find(fixture->model, "b"));
	g_assert_null(netfil_model_find(fixture->model, "c"));
}

/* More than one page. */
static void test_pages(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) list = NULL;

	(void)data;
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	for (guint i = 0; i < 1003; i++) {
		g_autofree char *name = g_strdup_printf("f%04u", i);

		put(fixture, name, i, 0);
	}
	start_model(fixture, NULL);
	while (!netfil_model_is_up(fixture->model))
		g_main_context_iteration(NULL, TRUE);
	list = netfil_model_list(fixture->model);
	g_assert_cmpuint(list->len, ==, 1003);
}

static void tells_changes(Fixture *fixture)
{
	put(fixture, "a", 1, 0);
	hears(fixture, "+a ");
	fake_netfild_use(fixture->fake, "a", 10, 5);
	hears(fixture, "a:0>15 ");
	g_assert_cmpuint(netfil_model_find(fixture->model, "a")->used[NETFIL_IN], ==, 10);
	/* A Changed that says nothing new is not told; the next thing is. */
	fake_netfild_put(fixture->fake, netfil_model_find(fixture->model, "a"));
	fake_netfild_trouble(fixture->fake, "disk full: make room");
	hears(fixture, "trouble=disk full: make room ");
	fake_netfild_trouble(fixture->fake, "");
	hears(fixture, "trouble= ");
	put(fixture, "a", 1, 12345); /* both as a property and by Changed: once */
	hears(fixture, "a:15>0 ");
	g_assert_cmpint(netfil_model_find(fixture->model, "a")->unlimited_until, ==, 12345);
	fake_netfild_remove(fixture->fake, "a");
	hears(fixture, "-a ");
	g_assert_null(netfil_model_find(fixture->model, "a"));
}

static void test_changes(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	start_model(fixture, NULL);
	hears(fixture, "up ");
	tells_changes(fixture);
}

static void go_away(Fixture *fixture)
{
	g_clear_pointer(&fixture->fake, fake_netfild_free);
	hears(fixture, "down ");
}

/* What it knew stays; when netfild is back, it tells what differs. */
static void test_comes_back(Fixture *fixture, gconstpointer data)
{
	(void)data;
	start_model(fixture, NULL);
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	hears(fixture, "up ");
	put(fixture, "a", 1, 0);
	hears(fixture, "+a ");
	put(fixture, "b", 2, 0);
	hears(fixture, "+b ");
	go_away(fixture);
	g_assert_nonnull(netfil_model_find(fixture->model, "a"));
	g_unlink(fixture->socket);
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	put(fixture, "a", 1, 0);
	hears(fixture, "-b up ");
	go_away(fixture);
	g_unlink(fixture->socket);
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	put(fixture, "a", 3, 0); /* another one of that name */
	hears(fixture, "-a +a up ");
}

/* Not GTestDBus: its watcher is a fork that ends as if it were the test. */
static char *bus_socket(Fixture *fixture)
{
	return g_build_filename(fixture->folder, "system", NULL);
}

static char *bus_address(Fixture *fixture)
{
	g_autofree char *socket = bus_socket(fixture);

	return g_strconcat("unix:path=", socket, NULL);
}

/* It tells its address once it listens. */
static GSubprocess *start_bus(Fixture *fixture)
{
	g_autofree char *address = bus_address(fixture);
	g_autofree char *listen = g_strconcat("--address=", address, NULL);
	g_autoptr(GError) error = NULL;
	GSubprocess *bus = g_subprocess_new(
	    G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
	    "dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address", listen, NULL);
	char byte;

	g_assert_no_error(error);
	g_assert_cmpint(
	    g_input_stream_read(g_subprocess_get_stdout_pipe(bus), &byte, 1, NULL, NULL), ==, 1);
	return bus;
}

static void stop_bus(Fixture *fixture, GSubprocess *bus)
{
	g_autofree char *socket = bus_socket(fixture);

	g_subprocess_force_exit(bus);
	g_subprocess_wait(bus, NULL, NULL);
	g_unlink(socket);
}

static void test_system_bus(Fixture *fixture, gconstpointer data)
{
	g_autofree char *address = bus_address(fixture);
	g_autoptr(GSubprocess) bus = start_bus(fixture);

	(void)data;
	start_model(fixture, address);
	fixture->fake = fake_netfild_on_bus(address);
	hears(fixture, "up ");
	tells_changes(fixture);
	go_away(fixture);
	fixture->fake = fake_netfild_on_bus(address);
	hears(fixture, "up ");
	tells_changes(fixture); /* each thing once, though it is the second time */
	stop_bus(fixture, bus);
	hears(fixture, "down ");
}

/* The bus itself goes and comes again. */
static void test_bus_restarts(Fixture *fixture, gconstpointer data)
{
	g_autofree char *address = bus_address(fixture);

	(void)data;
	for (guint round = 0; round < 2; round++) {
		g_autoptr(GSubprocess) bus = start_bus(fixture);

		fixture->fake = fake_netfild_on_bus(address);
		if (!fixture->model)
			start_model(fixture, address);
		hears(fixture, "up ");
		stop_bus(fixture, bus);
		hears(fixture, "down ");
		g_clear_pointer(&fixture->fake, fake_netfild_free);
	}
}

static void keep(GObject *source, GAsyncResult *result, gpointer data)
{
	(void)source;
	*(GAsyncResult **)data = g_object_ref(result);
}

static GAsyncResult *wait_for(GAsyncResult **result)
{
	while (!*result)
		g_main_context_iteration(NULL, TRUE);
	return *result;
}

static void test_denied(Fixture *fixture, gconstpointer data)
{
	const char *const names[] = {"a", NULL};
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	start_model(fixture, NULL);
	hears(fixture, "up ");
	netfil_call_switch(fixture->model, names, FALSE, keep, &result);
	g_assert_null(netfil_model_call_finish(fixture->model, wait_for(&result), &error));
	expect_error(&error, NETFIL_ERROR_DENIED, "you may not: ask an administrator");
	g_assert_cmpuint(fake_netfild_refused(fixture->fake), ==, 1);
	g_assert_true(fake_netfild_may_ask(fixture->fake));
}

static void test_calls_in_vain(Fixture *fixture, gconstpointer data)
{
	const char *const names[] = {"a", NULL};
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	start_model(fixture, NULL);
	netfil_call_switch(fixture->model, names, FALSE, keep, &result);
	g_assert_null(netfil_model_call_finish(fixture->model, wait_for(&result), &error));
	expect_error(&error, NETFIL_ERROR_NOT_FOUND, "netfild is not running");
}

static void test_history(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GArray) periods = NULL;

	(void)data;
	fixture->fake = fake_netfild_on_socket(fixture->socket);
	start_model(fixture, NULL);
	hears(fixture, "up ");
	netfil_call_history(fixture->model, "a", NETFIL_BY_DAY, 1000, 0, NULL, keep, &result);
	periods = netfil_call_periods_finish(fixture->model, wait_for(&result), NULL);
	g_assert_cmpuint(periods->len, ==, 3);
	for (guint i = 0; i < 3; i++) {
		const NetfilPeriod *period = &g_array_index(periods, NetfilPeriod, i);

		g_assert_cmpstr(period->name, ==, "a");
		g_assert_cmpint(period->start, ==, 1000 + i);
		g_assert_cmpuint(period->in, ==, i + 1);
		g_assert_cmpuint(period->out, ==, i + 2);
	}
}

#define ADD(name, function)                                                                        \
	g_test_add("/tray-model/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("list", test_list);
	ADD("pages", test_pages);
	ADD("changes", test_changes);
	ADD("comes-back", test_comes_back);
	ADD("system-bus", test_system_bus);
	ADD("bus-restarts", test_bus_restarts);
	ADD("denied", test_denied);
	ADD("calls-in-vain", test_calls_in_vain);
	ADD("history", test_history);
	return g_test_run();
}
