/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "caller.h"

/* Who is behind the unique names on the system bus: the bus daemon is asked once for each,
 * and a name that leaves the bus is forgotten. */
typedef struct NetfilSenders NetfilSenders;

typedef struct {
	void (*came)(NetfilCaller *caller, gpointer data);
	void (*went)(const char *bus_name, gboolean had_come, gpointer data);
	gpointer data;
} NetfilSendersHandler;

NetfilSenders *netfil_senders_new(GDBusConnection *bus, const NetfilSendersHandler *handler);
/* All go. */
void netfil_senders_free(NetfilSenders *senders);

/* NULL: not known yet. `came` or `went` is called when the bus daemon has answered. */
NetfilCaller *netfil_senders_find(NetfilSenders *senders, const char *bus_name);
