/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Each call of libnetfil, and each signal that needs no traffic, with a netfild that runs and has
 * no filters: PID [ADDRESS]. library.bats starts it; the last test ends that netfild. */
#include <signal.h>
#include <stdlib.h>

#include <netfil/netfil.h>

typedef struct {
	NetfilClient *client;
	GString *said; /* what signals told */
} Fixture;

static pid_t netfild;
static const char *address; /* NULL: the default */

static void on_name(Fixture *f, const char *name, const char *what)
{
	g_string_append_printf(f->said, "%s %s;", what, name);
}

static void on_added(NetfilClient *client, const char *name, Fixture *f)
{
	(void)client;
	on_name(f, name, "added");
}

static void on_removed(NetfilClient *client, const char *name, Fixture *f)
{
	(void)client;
	on_name(f, name, "removed");
}

static void on_changed(NetfilClient *client, NetfilStatus *status, Fixture *f)
{
	g_autoptr(NetfilStatus) copy = netfil_status_copy(status);

	(void)client;
	on_name(f, netfil_status_get_name(copy), netfil_state_name(netfil_status_get_state(copy)));
}

static void on_closed(NetfilClient *client, Fixture *f)
{
	(void)client;
	on_name(f, "netfild", "closed");
}

static void set_up(Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	f->said = g_string_new(NULL);
	f->client = netfil_client_connect_to(address, &error);
	g_assert_no_error(error);
	g_signal_connect(f->client, "added", G_CALLBACK(on_added), f);
	g_signal_connect(f->client, "removed", G_CALLBACK(on_removed), f);
	g_signal_connect(f->client, "changed", G_CALLBACK(on_changed), f);
	g_signal_connect(f->client, "closed", G_CALLBACK(on_closed), f);
}

static void tear_down(Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_object_unref(f->client);
	g_string_free(f->said, TRUE);
}

static gboolean too_late(gpointer late)
{
	*(gboolean *)late = TRUE;
	return G_SOURCE_REMOVE;
}

static void assert_told(Fixture *f, const char *expected)
{
	gboolean late = FALSE;
	guint timer = g_timeout_add_seconds(15, too_late, &late);

	while (!late && !g_str_equal(f->said->str, expected))
		g_main_context_iteration(NULL, TRUE);
	if (!late)
		g_source_remove(timer);
	g_assert_cmpstr(f->said->str, ==, expected);
	g_string_truncate(f->said, 0);
}

static void assert_values(const NetfilStatus *status, const char *key, const char *expected)
{
	g_auto(GStrv) values = netfil_status_dup_values(status, key);
	g_autofree char *joined = g_strjoinv(" ", values);

	g_assert_cmpstr(joined, ==, expected);
}

static NetfilStatus *get(Fixture *f, const char *name)
{
	g_autoptr(GError) error = NULL;
	NetfilStatus *status = netfil_client_get(f->client, name, &error);

	g_assert_no_error(error);
	return status;
}

static void add_some(Fixture *f, const char *name)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(netfil_client_add(f->client, name, &error, "ip", "192.0.2.0/24", "total",
					"25M", "ip", "2001:db8::1", "every", "month@14", NULL));
	g_assert_no_error(error);
}

static void remove_some(Fixture *f, const char *name)
{
	const char *const names[] = {name, NULL};
	g_autoptr(GError) error = NULL;

	g_assert_true(netfil_client_remove(f->client, names, &error));
	g_assert_no_error(error);
}

static void test_add(Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC, started, ends;
	g_autoptr(NetfilStatus) status = NULL;
	g_autofree char *selector = NULL;
	guint64 bytes = 1, packets = 1;

	add_some(f, "a");
	status = get(f, "a");
	g_assert_cmpstr(netfil_status_get_name(status), ==, "a");
	g_assert_cmpint(netfil_status_get_state(status), ==, NETFIL_STATE_ON);
	g_assert_cmpuint(netfil_status_get_limit(status, NETFIL_DIRECTION_TOTAL), ==, 25000000);
	g_assert_cmpuint(netfil_status_get_limit(status, NETFIL_DIRECTION_IN), ==, 0);
	g_assert_cmpuint(netfil_status_get_used(status, NETFIL_DIRECTION_TOTAL), ==, 0);
	netfil_status_get_refused(status, &bytes, &packets);
	netfil_status_get_refused(status, NULL, NULL);
	g_assert_cmpuint(bytes + packets, ==, 0);
	netfil_status_get_cycle(status, &started, &ends);
	g_assert_true(now - 60 < started && started <= now + 1 && now <= ends);
	netfil_status_get_cycle(status, NULL, NULL);
	g_assert_cmpint(netfil_status_get_unlimited_until(status), ==, 0);
	g_assert_cmpint(netfil_status_get_forecast(status), ==, 0);
	assert_values(status, "ip", "192.0.2.0/24 2001:db8::1");
	assert_values(status, "every", "month@14");
	assert_values(status, "pid", "");
	selector = netfil_status_dup_selector(status);
	g_assert_cmpstr(selector, ==, "ip 192.0.2.0/24 or 2001:db8::1");
	remove_some(f, "a");
	assert_told(f, "added a;removed a;");
}

static void test_set(Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	static const char *const pairs[] = {"ip", "192.0.2.9", "every", "",  "warn",
					    "80", "warn",      "95",    NULL};
	g_autoptr(NetfilStatus) status = NULL;
	g_autoptr(GError) error = NULL;

	add_some(f, "a");
	g_assert_true(netfil_client_set(f->client, "a", &error, "total", "+5M", "used", "12M",
					"unlimited-until", "4102444800", NULL));
	g_assert_no_error(error);
	g_assert_true(netfil_client_set_pairs(f->client, "a", pairs, &error));
	g_assert_no_error(error);
	status = get(f, "a");
	g_assert_cmpuint(netfil_status_get_limit(status, NETFIL_DIRECTION_TOTAL), ==, 30000000);
	g_assert_cmpuint(netfil_status_get_used(status, NETFIL_DIRECTION_TOTAL), ==, 12000000);
	g_assert_cmpint(netfil_status_get_unlimited_until(status), ==, 4102444800);
	assert_values(status, "ip", "192.0.2.9");
	assert_values(status, "warn", "80 95");
	assert_values(status, "every", "");
	remove_some(f, "a");
	assert_told(f, "added a;on a;on a;removed a;");
}

static void test_names(Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	static const char *const both[] = {"a", "b", NULL};
	static const char *const one_is_not_there[] = {"a", "none", NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) list = NULL;

	add_some(f, "b");
	add_some(f, "a");
	g_assert_false(netfil_client_switch(f->client, one_is_not_there, FALSE, &error));
	g_assert_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND);
	g_clear_error(&error);
	g_assert_true(netfil_client_switch(f->client, both, FALSE, &error));
	list = netfil_client_list(f->client, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(list->len, ==, 2);
	for (guint i = 0; i < 2; i++) {
		g_assert_cmpstr(netfil_status_get_name(list->pdata[i]), ==, both[i]);
		g_assert_cmpint(netfil_status_get_state(list->pdata[i]), ==, NETFIL_STATE_OFF);
	}
	g_assert_true(netfil_client_switch(f->client, both, TRUE, &error));
	g_assert_true(netfil_client_reset(f->client, both, &error));
	g_assert_true(netfil_client_remove(f->client, both, &error));
	g_assert_no_error(error);
	assert_told(f, "added b;added a;off a;off b;on a;on b;on a;on b;removed a;"
		       "removed b;");
}

static void assert_refused(Fixture *f, NetfilError code, const char *const *pairs)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(netfil_client_add_pairs(f->client, "a", pairs, &error));
	g_assert_error(error, NETFIL_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, ": ")); /* what to do */
}

static void test_errors(Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	assert_refused(f, NETFIL_ERROR_INVALID, (const char *const[]){NULL});
	assert_refused(f, NETFIL_ERROR_INVALID, (const char *const[]){"ip", NULL});
	assert_refused(f, NETFIL_ERROR_INVALID, (const char *const[]){"ip", "300.1.1.1", NULL});
	assert_refused(f, NETFIL_ERROR_INVALID, (const char *const[]){"ipp", "192.0.2.1", NULL});
	assert_refused(f, NETFIL_ERROR_INVALID, (const char *const[]){"exe", "\xff", NULL});
	assert_refused(f, NETFIL_ERROR_NOT_FOUND, (const char *const[]){"exe", "/none", NULL});
	add_some(f, "a");
	assert_refused(f, NETFIL_ERROR_EXISTS, (const char *const[]){"ip", "192.0.2.1", NULL});
	remove_some(f, "a");
	g_assert_false(netfil_client_set(f->client, "a", NULL, "total", "1M", NULL));
	g_assert_null(netfil_client_get(f->client, "a", &error));
	g_assert_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND);
}

static void test_closed(Fixture *f, G_GNUC_UNUSED gconstpointer data)
{
	g_autofree char *own = g_strdup_printf("unix:path=%s/bus", g_getenv("NETFIL_RUNTIME_DIR"));
	g_autoptr(NetfilClient) other = netfil_client_connect_to(own, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpstr(netfil_client_version(other), ==, NETFIL_VERSION);
	kill(netfild, SIGTERM);
	assert_told(f, "closed netfild;");
	g_assert_null(netfil_client_list(f->client, &error));
	g_assert_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	netfild = argc > 1 ? atoi(argv[1]) : 0;
	address = argc > 2 ? argv[2] : NULL;
	if (netfild < 2)
		return 2;
	g_test_add("/library/add", Fixture, NULL, set_up, test_add, tear_down);
	g_test_add("/library/set", Fixture, NULL, set_up, test_set, tear_down);
	g_test_add("/library/names", Fixture, NULL, set_up, test_names, tear_down);
	g_test_add("/library/errors", Fixture, NULL, set_up, test_errors, tear_down);
	g_test_add("/library/closed", Fixture, NULL, set_up, test_closed, tear_down);
	return g_test_run();
}
