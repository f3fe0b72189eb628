/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "link.h"

#include "client/bus.h"

#define BUS_NAME "org.netfil.Netfil1"
#define SOON_MS 100
#define LATER_MS_MAX 10000

struct _NetfilLink {
	GObject parent_instance;
	char *socket, *bus; /* the socket's path; the bus's address */
	GCancellable *cancellable;
	GFileMonitor *monitor; /* of the socket */
	guint retry;
	guint wait_ms;
	gboolean trying;

	GDBusConnection *connection; /* up */
	const char *peer;

	GDBusConnection *bus_connection; /* may be there while netfild is not */
	guint watch;
};

enum {
	UP,
	DOWN,
	SIGNALS,
};

static guint signals[SIGNALS];

G_DEFINE_FINAL_TYPE(NetfilLink, netfil_link, G_TYPE_OBJECT)

static void try(NetfilLink *link);

/* One connection or the other. */

static void drop(GDBusConnection **connection, NetfilLink *link)
{
	if (!*connection)
		return;
	g_signal_handlers_disconnect_by_data(*connection, link);
	g_dbus_connection_close(*connection, NULL, NULL, NULL);
	g_clear_object(connection);
}

static void go_down(NetfilLink *link)
{
	if (!link->connection)
		return;
	if (link->peer)
		g_clear_object(&link->connection);
	else
		drop(&link->connection, link);
	link->peer = NULL;
	g_signal_emit(link, signals[DOWN], 0);
}

static void go_up(NetfilLink *link, GDBusConnection *connection, const char *peer)
{
	link->connection = g_object_ref(connection);
	link->peer = peer;
	link->wait_ms = SOON_MS;
	g_signal_emit(link, signals[UP], 0);
}

static gboolean on_retry(gpointer link)
{
	((NetfilLink *)link)->retry = 0;
	try(link);
	return G_SOURCE_REMOVE;
}

/* Each time later, as what tells of netfild's coming is the monitor and the bus: this is for
 * what they miss. */
static void try_later(NetfilLink *link)
{
	if (link->retry || link->connection)
		return;
	link->retry = g_timeout_add(link->wait_ms, on_retry, link);
	link->wait_ms = MIN(link->wait_ms * 2, LATER_MS_MAX);
}

static void on_socket_event(NetfilLink *link, GFile *file, GFile *other, GFileMonitorEvent event)
{
	(void)file;
	(void)other;
	if (link->connection || event == G_FILE_MONITOR_EVENT_DELETED)
		return;
	g_clear_handle_id(&link->retry, g_source_remove);
	link->wait_ms = SOON_MS;
	try_later(link);
}

static void on_socket_closed(NetfilLink *link)
{
	go_down(link);
	try_later(link);
}

/* The system bus. */

static void on_name_appeared(GDBusConnection *connection, const char *name, const char *owner,
			     gpointer data)
{
	NetfilLink *link = data;

	(void)name;
	(void)owner;
	if (!link->connection)
		go_up(link, connection, BUS_NAME);
}

static void on_name_vanished(GDBusConnection *connection, const char *name, gpointer data)
{
	NetfilLink *link = data;

	(void)connection;
	(void)name;
	if (link->peer)
		go_down(link);
	try_later(link);
}

static void on_bus_closed(NetfilLink *link)
{
	g_clear_handle_id(&link->watch, g_bus_unwatch_name);
	if (link->peer)
		go_down(link);
	drop(&link->bus_connection, link);
	try_later(link);
}

static void on_bus_connected(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	GDBusConnection *connection = g_dbus_connection_new_for_address_finish(result, &error);
	NetfilLink *link;

	(void)source;
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return; /* the link is gone */
	link = data;
	link->trying = FALSE;
	if (!connection) {
		try_later(link);
		return;
	}
	link->bus_connection = connection;
	g_signal_connect_swapped(connection, "closed", G_CALLBACK(on_bus_closed), link);
	link->watch =
	    g_bus_watch_name_on_connection(connection, BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
					   on_name_appeared, on_name_vanished, link, NULL);
}

static void try_bus(NetfilLink *link)
{
	if (!link->bus || link->bus_connection) {
		link->trying = FALSE;
		try_later(link);
		return;
	}
	g_dbus_connection_new_for_address(link->bus,
					  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
					      G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
					  NULL, link->cancellable, on_bus_connected, link);
}

/* netfild's own socket. */

static void on_socket_connected(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDBusConnection) connection =
	    g_dbus_connection_new_for_address_finish(result, &error);
	NetfilLink *link;

	(void)source;
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	link = data;
	if (!connection) {
		try_bus(link);
		return;
	}
	link->trying = FALSE;
	if (link->connection) /* by the bus, meanwhile */
		return;
	g_signal_connect_swapped(connection, "closed", G_CALLBACK(on_socket_closed), link);
	go_up(link, connection, NULL);
}

static void try(NetfilLink *link)
{
	g_autofree char *escaped = NULL;
	g_autofree char *address = NULL;

	if (link->connection || link->trying)
		return;
	link->trying = TRUE;
	if (!link->socket || !g_file_test(link->socket, G_FILE_TEST_EXISTS)) {
		try_bus(link);
		return;
	}
	escaped = g_dbus_address_escape_value(link->socket);
	address = g_strconcat("unix:path=", escaped, NULL);
	g_dbus_connection_new_for_address(address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT,
					  NULL, link->cancellable, on_socket_connected, link);
}

/* The object. */

static void netfil_link_dispose(GObject *object)
{
	NetfilLink *link = NETFIL_LINK(object);

	g_cancellable_cancel(link->cancellable);
	g_clear_handle_id(&link->retry, g_source_remove);
	g_clear_handle_id(&link->watch, g_bus_unwatch_name);
	if (link->monitor)
		g_signal_handlers_disconnect_by_data(link->monitor, link);
	g_clear_object(&link->monitor);
	if (link->peer)
		g_clear_object(&link->connection);
	drop(&link->connection, link);
	drop(&link->bus_connection, link);
	G_OBJECT_CLASS(netfil_link_parent_class)->dispose(object);
}

static void netfil_link_finalize(GObject *object)
{
	NetfilLink *link = NETFIL_LINK(object);

	g_object_unref(link->cancellable);
	g_free(link->socket);
	g_free(link->bus);
	G_OBJECT_CLASS(netfil_link_parent_class)->finalize(object);
}

static void netfil_link_class_init(NetfilLinkClass *class)
{
	G_OBJECT_CLASS(class)->dispose = netfil_link_dispose;
	G_OBJECT_CLASS(class)->finalize = netfil_link_finalize;
	signals[UP] = g_signal_new("up", NETFIL_TYPE_LINK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				   G_TYPE_NONE, 0);
	signals[DOWN] = g_signal_new("down", NETFIL_TYPE_LINK, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
				     NULL, G_TYPE_NONE, 0);
}

static void netfil_link_init(NetfilLink *link)
{
	link->cancellable = g_cancellable_new();
	link->wait_ms = SOON_MS;
}

NetfilLink *netfil_link_new(const char *socket, const char *bus)
{
	NetfilLink *link = g_object_new(NETFIL_TYPE_LINK, NULL);

	netfil_bus_register_errors();
	link->socket = g_strdup(socket);
	link->bus = g_strdup(bus);
	return link;
}

void netfil_link_start(NetfilLink *link)
{
	g_autoptr(GFile) file = link->socket ? g_file_new_for_path(link->socket) : NULL;

	if (file)
		link->monitor = g_file_monitor_file(file, G_FILE_MONITOR_NONE, NULL, NULL);
	if (link->monitor)
		g_signal_connect_swapped(link->monitor, "changed", G_CALLBACK(on_socket_event),
					 link);
	try(link);
}

GDBusConnection *netfil_link_connection(NetfilLink *link)
{
	return link->connection;
}

const char *netfil_link_peer(NetfilLink *link)
{
	return link->peer;
}
