/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session.h"

#define SOON_MS 100
#define LATER_MS_MAX 10000

typedef struct {
	char *address;
	guint wait_ms;
	void (*back)(gpointer data);
	gpointer data;
} Session;

static void session_free(gpointer data)
{
	Session *session = data;

	g_free(session->address);
	g_free(session);
}

static void try_later(Session *session);

static void on_connected(GObject *source, GAsyncResult *result, gpointer session)
{
	g_autoptr(GDBusConnection) connection =
	    g_dbus_connection_new_for_address_finish(result, NULL);

	(void)source;
	if (connection)
		((Session *)session)->back(((Session *)session)->data);
	else
		try_later(session);
}

static gboolean on_time(gpointer session)
{
	g_dbus_connection_new_for_address(((Session *)session)->address,
					  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
					      G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
					  NULL, NULL, on_connected, session);
	return G_SOURCE_REMOVE;
}

/* Each time later: a session that ends ends us by its display. */
static void try_later(Session *session)
{
	g_timeout_add(session->wait_ms, on_time, session);
	session->wait_ms = MIN(session->wait_ms * 2, LATER_MS_MAX);
}

void netfil_session_survive(GDBusConnection *connection, void (*back)(gpointer data), gpointer data)
{
	Session *session = g_new0(Session, 1);

	session->address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	session->wait_ms = SOON_MS;
	session->back = back;
	session->data = data;
	g_object_set_data_full(G_OBJECT(connection), "netfil-session", session, session_free);
	if (!session->address)
		return;
	g_dbus_connection_set_exit_on_close(connection, FALSE);
	g_signal_connect_swapped(connection, "closed", G_CALLBACK(try_later), session);
}
