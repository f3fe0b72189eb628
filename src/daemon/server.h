/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "caller.h"

/*
 * netfild's own socket: lets local users in by their kernel credentials, keeps
 * any one of them from taking all room, and hands each connection over. It knows
 * nothing of filters.
 */
typedef struct NetfilServer NetfilServer;

typedef struct {
	/* Both on the main context. Messages are not read before `opened` returns. */
	void (*opened)(GDBusConnection *connection, gpointer data);
	void (*closed)(GDBusConnection *connection, gpointer data);
	gpointer data;
} NetfilServerHandler;

/* Replaces a socket that a dead daemon left behind: hold the instance first. */
NetfilServer *netfil_server_start(const char *socket_path, const NetfilServerHandler *handler,
				  GError **error);
/* Closes every connection and removes the socket. */
void netfil_server_stop(NetfilServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilServer, netfil_server_stop)

/* Who is behind a connection; NULL: it is none of a server's. */
NetfilCaller *netfil_server_caller(GDBusConnection *connection);
