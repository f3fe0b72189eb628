/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* How many calls wait on the system bus, by sender and by user: no one of them is to keep
 * netfild from answering the others. Any thread. */
typedef struct NetfilRoom NetfilRoom;

NetfilRoom *netfil_room_new(void);
NetfilRoom *netfil_room_ref(NetfilRoom *room);
void netfil_room_unref(NetfilRoom *room);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilRoom, netfil_room_unref)

/* A call came. FALSE: there are too many; this one counts too until it has its answer. */
gboolean netfil_room_enter(NetfilRoom *room, const char *bus_name);
/* A call was answered. */
void netfil_room_leave(NetfilRoom *room, const char *bus_name);

/* Whose a name is; root has room by itself. */
void netfil_room_know(NetfilRoom *room, const char *bus_name, uid_t uid);
/* The name is gone, and its calls with it. */
void netfil_room_forget(NetfilRoom *room, const char *bus_name);
