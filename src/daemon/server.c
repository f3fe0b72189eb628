/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/error.h"
#include "frames.h"
#include "gate.h"
#include "handshake.h"
#include "log.h"

/*
 * How much room one user, and all users together, may take. Root is counted on
 * its own, so that nobody else can lock it out.
 */
#define CONNECTIONS_PER_USER 16
#define CONNECTIONS_OF_USERS 256
#define CONNECTIONS_OF_ROOT 256
/* Calls that a connection may have waiting, replies not yet read included. */
#define CALLS_WAITING 16
/* What a call may be long: a user's, and one that applies a thousand filters. */
#define MESSAGE_MAX_OF_USERS (1024 * 1024)
#define MESSAGE_MAX (32 * 1024 * 1024)
/* A connection that takes nothing off its queue for so long is closed. */
#define STALL_CHECK_SECONDS 15
#define CALLER_KEY "netfil-caller"

/* Shared with the threads in which connections authenticate. */
struct NetfilServer {
	char *socket_path;
	char *guid;
	NetfilServerHandler handler;
	GSocketService *service;
	GCancellable *stopping;
	GHashTable *peers; /* Peer; main context alone */
	guint stall_check;

	GMutex lock;
	GHashTable *connections; /* uid -> count; under the lock */
	guint users, root;       /* sums; under the lock */
};

typedef struct {
	NetfilServer *server;
	GDBusConnection *connection;
	guint filter;
	uid_t uid;
	int calls;         /* waiting; atomic */
	gboolean flushing; /* since the last check */
} Peer;

/* Room, and who is there. */

static gboolean room_take(NetfilServer *server, uid_t uid)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&server->lock);
	gpointer key = GUINT_TO_POINTER(uid);
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(server->connections, key));

	if (uid == 0 ? server->root >= CONNECTIONS_OF_ROOT
		     : count >= CONNECTIONS_PER_USER || server->users >= CONNECTIONS_OF_USERS)
		return FALSE;
	g_hash_table_insert(server->connections, key, GUINT_TO_POINTER(count + 1));
	*(uid == 0 ? &server->root : &server->users) += 1;
	return TRUE;
}

static void room_give(NetfilServer *server, uid_t uid)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&server->lock);
	gpointer key = GUINT_TO_POINTER(uid);
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(server->connections, key));

	if (count > 1)
		g_hash_table_insert(server->connections, key, GUINT_TO_POINTER(count - 1));
	else
		g_hash_table_remove(server->connections, key);
	*(uid == 0 ? &server->root : &server->users) -= 1;
}

NetfilCaller *netfil_server_caller(GDBusConnection *connection)
{
	return g_object_get_data(G_OBJECT(connection), CALLER_KEY);
}

/* Connections that are let in: from here on, the main context. */

static NetfilServer *server_ref(NetfilServer *server)
{
	return g_atomic_rc_box_acquire(server);
}

static void server_clear(gpointer data)
{
	NetfilServer *server = data;

	g_object_unref(server->stopping);
	g_hash_table_unref(server->peers);
	g_hash_table_unref(server->connections);
	g_mutex_clear(&server->lock);
	g_free(server->guid);
	g_free(server->socket_path);
}

static void server_unref(NetfilServer *server)
{
	g_atomic_rc_box_release_full(server, server_clear);
}

static void peer_clear(gpointer data)
{
	Peer *peer = data;

	room_give(peer->server, peer->uid);
	g_object_unref(peer->connection);
	server_unref(peer->server);
}

static void peer_unref(gpointer data)
{
	g_atomic_rc_box_release_full(data, peer_clear);
}

/* GDBus looks whether a call says its object and method, but not of which type they are, and
 * goes on with NULL. */
static gboolean is_call(GDBusMessage *message)
{
	return g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL &&
	       g_dbus_message_get_path(message) && g_dbus_message_get_member(message);
}

static gboolean expects_reply(GDBusMessage *message)
{
	return is_call(message) &&
	       !(g_dbus_message_get_flags(message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
}

static gboolean is_reply(GDBusMessage *message)
{
	GDBusMessageType type = g_dbus_message_get_message_type(message);

	return type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN || type == G_DBUS_MESSAGE_TYPE_ERROR;
}

/*
 * Runs in GDBus' thread for each message read and, going out, as its turn to be
 * written comes: so the difference is what waits on behalf of the peer. Nothing
 * but calls that want an answer is taken, as all else could not be counted off.
 */
static GDBusMessage *count_calls(GDBusConnection *connection, GDBusMessage *message,
				 gboolean incoming, gpointer data)
{
	Peer *peer = data;

	if (!incoming) {
		if (is_reply(message))
			g_atomic_int_add(&peer->calls, -1);
		return message;
	}
	if (expects_reply(message)) {
		int waiting = g_atomic_int_add(&peer->calls, 1);

		if (waiting < CALLS_WAITING && !netfil_gate_refuses_set(connection, message))
			return message;
		if (waiting == CALLS_WAITING) {
			netfil_log_limited("closing a connection of uid %u: too many calls at once",
					   peer->uid);
			g_dbus_connection_close(connection, NULL, NULL, NULL);
		}
	}
	g_object_unref(message);
	return NULL;
}

static void on_flushed(GObject *connection, GAsyncResult *result, gpointer data)
{
	Peer *peer = data;

	/* An error means that it is closed: on_closed() sees to that. */
	g_dbus_connection_flush_finish(G_DBUS_CONNECTION(connection), result, NULL);
	peer->flushing = FALSE;
	peer_unref(peer);
}

static gboolean check_stalls(gpointer data)
{
	NetfilServer *server = data;
	GHashTableIter iter;
	Peer *peer;

	g_hash_table_iter_init(&iter, server->peers);
	while (g_hash_table_iter_next(&iter, (gpointer *)&peer, NULL)) {
		if (peer->flushing) {
			netfil_log_limited("closing a connection of uid %u: it does not read",
					   peer->uid);
			g_dbus_connection_close(peer->connection, NULL, NULL, NULL);
			continue;
		}
		peer->flushing = TRUE;
		g_dbus_connection_flush(peer->connection, NULL, on_flushed,
					g_atomic_rc_box_acquire(peer));
	}
	return G_SOURCE_CONTINUE;
}

static void peer_forget(Peer *peer)
{
	NetfilServer *server = peer->server;

	g_signal_handlers_disconnect_by_data(peer->connection, peer);
	g_dbus_connection_remove_filter(peer->connection, peer->filter);
	server->handler.closed(peer->connection, server->handler.data);
}

static void on_closed(GDBusConnection *connection, gboolean vanished, GError *error, Peer *peer)
{
	NetfilServer *server = peer->server;

	(void)connection;
	(void)vanished;
	(void)error;
	peer_forget(peer);
	g_hash_table_remove(server->peers, peer);
	if (g_hash_table_size(server->peers) == 0)
		g_clear_handle_id(&server->stall_check, g_source_remove);
}

/* In the main context, from admit(). */
static gboolean on_authenticated(gpointer data)
{
	Peer *peer = data;
	NetfilServer *server = peer->server;

	/* Its first bytes may have been nonsense: then "closed" was told before anybody heard. */
	if (g_cancellable_is_cancelled(server->stopping) ||
	    g_dbus_connection_is_closed(peer->connection)) {
		peer_unref(peer);
		return G_SOURCE_REMOVE;
	}
	peer->filter = g_dbus_connection_add_filter(peer->connection, count_calls,
						    g_atomic_rc_box_acquire(peer), peer_unref);
	g_signal_connect(peer->connection, "closed", G_CALLBACK(on_closed), peer);
	g_hash_table_add(server->peers, peer);
	if (!server->stall_check)
		server->stall_check =
		    g_timeout_add_seconds(STALL_CHECK_SECONDS, check_stalls, server);
	server->handler.opened(peer->connection, server->handler.data);
	g_dbus_connection_start_message_processing(peer->connection);
	return G_SOURCE_REMOVE;
}

/* Letting in: a thread for each connection until it has authenticated, so that
 * one which dawdles holds up nobody. */

static GDBusConnection *authenticate(NetfilServer *server, GSocket *socket,
				     const NetfilCaller *caller)
{
	g_autoptr(GIOStream) frames = NULL;

	if (!netfil_handshake(socket, server->guid, server->stopping))
		return NULL;
	frames = netfil_frames_new(socket, caller->admin ? MESSAGE_MAX : MESSAGE_MAX_OF_USERS);
	if (!frames)
		return NULL;
	return g_dbus_connection_new_sync(frames, NULL,
					  G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING, NULL,
					  server->stopping, NULL);
}

static gboolean admit(GThreadedSocketService *service, GSocketConnection *stream, GObject *source,
		      gpointer data)
{
	NetfilServer *server = data;
	GSocket *socket = g_socket_connection_get_socket(stream);
	g_autoptr(NetfilCaller) caller = netfil_caller_of_socket(socket);
	uid_t uid = caller->uid;
	g_autoptr(GDBusConnection) connection = NULL;
	Peer *peer;

	(void)service;
	(void)source;
	if (uid == (uid_t)-1)
		return TRUE;
	if (!room_take(server, uid)) {
		netfil_log_limited("refusing a connection of uid %u: too many are open", uid);
		return TRUE;
	}
	connection = authenticate(server, socket, caller);
	if (!connection) {
		room_give(server, uid);
		return TRUE;
	}
	g_object_set_data_full(G_OBJECT(connection), CALLER_KEY, g_steal_pointer(&caller),
			       (GDestroyNotify)netfil_caller_unref);
	peer = g_atomic_rc_box_new0(Peer);
	peer->server = server_ref(server);
	peer->uid = uid;
	peer->connection = g_steal_pointer(&connection);
	g_idle_add_full(G_PRIORITY_DEFAULT, on_authenticated, peer, NULL);
	return TRUE;
}

static gboolean listen_at(NetfilServer *server, GError **error)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(server->socket_path);
	g_autoptr(GError) raw = NULL;

	g_unlink(server->socket_path);
	g_socket_listener_set_backlog(G_SOCKET_LISTENER(server->service), SOMAXCONN);
	if (!g_socket_listener_add_address(G_SOCKET_LISTENER(server->service), address,
					   G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL,
					   NULL, &raw)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "cannot listen at %s (%s): set NETFIL_RUNTIME_DIR", server->socket_path,
			    raw->message);
		return FALSE;
	}
	/* Reading is open to all; who may change is decided call by call. */
	if (g_chmod(server->socket_path, 0666) < 0) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "cannot open %s to all (%s): set NETFIL_RUNTIME_DIR",
			    server->socket_path, g_strerror(errno));
		return FALSE;
	}
	return TRUE;
}

NetfilServer *netfil_server_start(const char *socket_path, const NetfilServerHandler *handler,
				  GError **error)
{
	NetfilServer *server = g_atomic_rc_box_new0(NetfilServer);

	g_mutex_init(&server->lock);
	server->socket_path = g_strdup(socket_path);
	server->guid = g_dbus_generate_guid();
	server->handler = *handler;
	server->stopping = g_cancellable_new();
	server->peers = g_hash_table_new_full(NULL, NULL, peer_unref, NULL);
	server->connections = g_hash_table_new(NULL, NULL);
	server->service = g_threaded_socket_service_new(-1);
	/* Its threads may outlast the server's stop, so the service holds it too. */
	g_signal_connect_data(server->service, "run", G_CALLBACK(admit), server_ref(server),
			      (GClosureNotify)(void (*)(void))server_unref, 0);
	if (listen_at(server, error))
		return server;
	netfil_server_stop(server);
	return NULL;
}

void netfil_server_stop(NetfilServer *server)
{
	GHashTableIter iter;
	Peer *peer;

	g_cancellable_cancel(server->stopping);
	g_socket_service_stop(server->service);
	g_socket_listener_close(G_SOCKET_LISTENER(server->service));
	g_clear_object(&server->service);
	g_unlink(server->socket_path);
	g_clear_handle_id(&server->stall_check, g_source_remove);
	g_hash_table_iter_init(&iter, server->peers);
	while (g_hash_table_iter_next(&iter, (gpointer *)&peer, NULL)) {
		peer_forget(peer);
		g_dbus_connection_close_sync(peer->connection, NULL, NULL);
		g_hash_table_iter_remove(&iter);
	}
	server_unref(server);
}
