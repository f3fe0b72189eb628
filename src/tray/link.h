/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/*
 * A way to netfild that mends itself: its own socket, or else its name on the system bus.
 * Waits for whichever comes, without asking again and again, and never blocks.
 *
 * Signals:
 *   "up"   ()   netfil_link_connection() is there
 *   "down" ()   it is gone
 */
#define NETFIL_TYPE_LINK (netfil_link_get_type())
G_DECLARE_FINAL_TYPE(NetfilLink, netfil_link, NETFIL, LINK, GObject)

/* Paths of the socket, and the address of the bus; either may be NULL. */
NetfilLink *netfil_link_new(const char *socket, const char *bus);

/* Call once signals are connected. */
void netfil_link_start(NetfilLink *link);

/* NULL while it is down. */
GDBusConnection *netfil_link_connection(NetfilLink *link);

/* Whom to call: NULL on netfild's own socket, where nobody has a name. */
const char *netfil_link_peer(NetfilLink *link);
