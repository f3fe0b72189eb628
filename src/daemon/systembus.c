/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "systembus.h"

#include "client/bus.h"

/* How long after one attempt to connect the next one follows: ever longer, up to this. */
#define PAUSE_MAX_SECONDS 30

struct NetfilSystemBus {
	NetfilServerHandler handler;
	GDBusConnection *connection; /* NULL: none */
	GCancellable *connecting;
	guint name, pause;
	guint pause_seconds;
};

static void connect_to_bus(NetfilSystemBus *bus);

static gboolean on_pause_over(gpointer data)
{
	NetfilSystemBus *bus = data;

	bus->pause = 0;
	connect_to_bus(bus);
	return G_SOURCE_REMOVE;
}

static void connect_later(NetfilSystemBus *bus)
{
	bus->pause = g_timeout_add_seconds(bus->pause_seconds, on_pause_over, bus);
	bus->pause_seconds = MIN(2 * bus->pause_seconds, PAUSE_MAX_SECONDS);
}

static void on_name_acquired(GDBusConnection *connection, const char *name, gpointer bus)
{
	(void)connection;
	(void)bus;
	g_message("on the system bus as %s", name);
}

static void on_name_lost(GDBusConnection *connection, const char *name, gpointer bus)
{
	(void)bus;
	if (connection && !g_dbus_connection_is_closed(connection))
		g_warning("%s is not to be had on the system bus: another netfild has it, or "
			  "%s.conf is not where the bus looks for policies",
			  name, name);
}

static void disconnect(NetfilSystemBus *bus)
{
	g_clear_handle_id(&bus->name, g_bus_unown_name);
	g_signal_handlers_disconnect_by_data(bus->connection, bus);
	bus->handler.closed(bus->connection, bus->handler.data);
	g_clear_object(&bus->connection);
}

static void on_closed(GDBusConnection *connection, gboolean vanished, GError *error,
		      NetfilSystemBus *bus)
{
	(void)connection;
	(void)vanished;
	(void)error;
	g_message("the system bus is gone: waiting for it");
	disconnect(bus);
	bus->pause_seconds = 1;
	connect_later(bus);
}

static void on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	GDBusConnection *connection = g_dbus_connection_new_for_address_finish(result, &error);
	NetfilSystemBus *bus = data;

	(void)source;
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return; /* `bus` is no more */
	if (!connection) {
		g_debug("no system bus: %s", error->message);
		connect_later(bus);
		return;
	}
	bus->connection = connection;
	g_signal_connect(connection, "closed", G_CALLBACK(on_closed), bus);
	/* What the name stands for is there when it is. */
	bus->handler.opened(connection, bus->handler.data);
	bus->name =
	    g_bus_own_name_on_connection(connection, NETFIL_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_NONE,
					 on_name_acquired, on_name_lost, bus, NULL);
}

/* A connection of its own: who shares GIO's shares its end. */
static void connect_to_bus(NetfilSystemBus *bus)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, &error);

	if (!address) {
		g_debug("no system bus: %s", error->message);
		connect_later(bus);
		return;
	}
	g_dbus_connection_new_for_address(address,
					  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
					      G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
					  NULL, bus->connecting, on_connected, bus);
}

NetfilSystemBus *netfil_system_bus_start(const NetfilServerHandler *handler)
{
	NetfilSystemBus *bus = g_new0(NetfilSystemBus, 1);

	bus->handler = *handler;
	bus->connecting = g_cancellable_new();
	bus->pause_seconds = 1;
	connect_to_bus(bus);
	return bus;
}

void netfil_system_bus_stop(NetfilSystemBus *bus)
{
	g_cancellable_cancel(bus->connecting);
	g_object_unref(bus->connecting);
	g_clear_handle_id(&bus->pause, g_source_remove);
	if (bus->connection) {
		g_autoptr(GDBusConnection) connection = g_object_ref(bus->connection);

		disconnect(bus);
		g_dbus_connection_close_sync(connection, NULL, NULL);
	}
	g_free(bus);
}
