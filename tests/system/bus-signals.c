/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bus-signals SOCKET ADDRESS PORT: how long a change takes to be told, on netfild's own socket
 * and on the system bus. Makes each change itself, the last of them by sending beyond a cap
 * of datagrams to ADDRESS, and reads one clock before the change and when the signal is
 * there. A line for each signal and bus: its name, the bus, the least microseconds of some
 * rounds.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME "org.netfil.Netfil1"
#define MANAGER NAME ".Manager"
#define PATH "/org/netfil/Netfil1"
#define FILTER "probe"
#define ROUNDS 5
#define PATIENCE_SECONDS 30 /* for all */

enum { OWN, SYSTEM, BUSES };
enum { ADDED, CHANGED, PROPERTIES, REACHED, REMOVED, SIGNALS };

static const char *const bus_names[] = {"own", "system"};
static const char *const signal_names[] = {"Added", "Changed", "PropertiesChanged", "CapReached",
					   "Removed"};

static GDBusConnection *buses[BUSES];
static gint64 arrived[BUSES][SIGNALS]; /* of this change; 0: not yet */
static gint64 least[BUSES][SIGNALS];

static void on_signal(GDBusConnection *connection, const char *sender, const char *path,
		      const char *interface, const char *name, GVariant *parameters, gpointer data)
{
	int bus = connection == buses[SYSTEM];

	(void)sender;
	(void)path;
	(void)interface;
	(void)parameters;
	(void)data;
	for (guint i = 0; i < SIGNALS; i++)
		if (g_str_equal(name, signal_names[i]) && !arrived[bus][i])
			arrived[bus][i] = g_get_monotonic_time();
}

/* Settings are told, not only what was used. */
static void on_properties(GDBusConnection *connection, const char *sender, const char *path,
			  const char *interface, const char *name, GVariant *parameters,
			  gpointer data)
{
	g_autoptr(GVariant) properties = g_variant_get_child_value(parameters, 1);
	g_autoptr(GVariant) value = g_variant_lookup_value(properties, "Specification", NULL);

	if (value)
		on_signal(connection, sender, path, interface, name, parameters, data);
}

static void subscribe(GDBusConnection *bus, const char *sender)
{
	g_dbus_connection_signal_subscribe(bus, sender, MANAGER, NULL, PATH, NULL, 0, on_signal,
					   NULL, NULL);
	g_dbus_connection_signal_subscribe(bus, sender, "org.freedesktop.DBus.Properties",
					   "PropertiesChanged", NULL, NAME ".Filter", 0,
					   on_properties, NULL, NULL);
}

static GVariant *call(GDBusConnection *bus, const char *method, GVariant *parameters)
{
	g_autoptr(GError) error = NULL;
	GVariant *answer =
	    g_dbus_connection_call_sync(bus, bus == buses[SYSTEM] ? NAME : NULL, PATH, MANAGER,
					method, parameters, NULL, 0, -1, NULL, &error);

	if (!answer)
		errx(1, "%s: %s", method, error->message);
	return answer;
}

static void on_called(GObject *bus, GAsyncResult *result, gpointer method)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer =
	    g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);

	if (!answer)
		errx(1, "%s: %s", (char *)method, error->message);
}

/* netfild may still be at what the change before brought about. */
static gint64 begin(void)
{
	g_variant_unref(call(buses[OWN], "Trouble", NULL));
	while (g_main_context_iteration(NULL, FALSE))
		;
	memset(arrived, 0, sizeof(arrived));
	return g_get_monotonic_time();
}

static gint64 change(const char *method, GVariant *parameters)
{
	gint64 begun = begin();

	g_dbus_connection_call(buses[OWN], NULL, PATH, MANAGER, method, parameters, NULL, 0, -1,
			       NULL, on_called, (gpointer)method);
	return begun;
}

static gint64 reach_cap(int fd)
{
	static const char datagram[1000];
	gint64 before = begin();

	for (guint i = 0; i < 1000; i++) {
		before = g_get_monotonic_time();
		/* Nobody listens there, which is told too. */
		if (send(fd, datagram, sizeof(datagram), 0) < 0 && errno == EPERM)
			return before;
	}
	errx(1, "the cap does not hold");
}

static void await(guint signal, gint64 begun)
{
	for (guint bus = 0; bus < BUSES; bus++) {
		while (!arrived[bus][signal])
			g_main_context_iteration(NULL, TRUE);
		if (!least[bus][signal] || arrived[bus][signal] - begun < least[bus][signal])
			least[bus][signal] = arrived[bus][signal] - begun;
	}
}

static GVariant *specification(const char *text)
{
	return g_variant_new_parsed(text);
}

static void run_round(const char *address, int fd)
{
	g_autofree char *add =
	    g_strdup_printf("('" FILTER "', {'ip': ['%s'], 'out': ['5000']})", address);
	gint64 begun = change("Add", specification(add));

	await(ADDED, begun);
	begun = change("Set", specification("('" FILTER "', {'out': ['6000']})"));
	await(CHANGED, begun);
	await(PROPERTIES, begun);
	await(REACHED, reach_cap(fd));
	begun = change("Remove", specification("(['" FILTER "'],)"));
	await(REMOVED, begun);
}

static void connect_buses(const char *path)
{
	g_autofree char *address = g_strconcat("unix:path=", path, NULL);

	buses[OWN] = g_dbus_connection_new_for_address_sync(
	    address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, NULL);
	buses[SYSTEM] = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
	if (!buses[OWN] || !buses[SYSTEM])
		errx(1, "no bus");
	subscribe(buses[OWN], NULL);
	subscribe(buses[SYSTEM], NAME);
	/* The answer comes behind those to the subscriptions. */
	g_variant_unref(call(buses[SYSTEM], "Trouble", NULL));
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 4 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		errx(2, "usage: bus-signals SOCKET ADDRESS PORT");
	to.sin_port = htons((unsigned short)atoi(argv[3]));
	if (connect(fd, (void *)&to, sizeof(to)) < 0)
		err(1, "%s", argv[2]);
	alarm(PATIENCE_SECONDS);
	connect_buses(argv[1]);
	for (guint i = 0; i < ROUNDS; i++)
		run_round(argv[2], fd);
	for (guint bus = 0; bus < BUSES; bus++)
		for (guint i = 0; i < SIGNALS; i++)
			g_print("%s %s %" G_GINT64_FORMAT "\n", signal_names[i], bus_names[bus],
				least[bus][i]);
	return EXIT_SUCCESS;
}
