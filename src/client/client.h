/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

#include "core/change.h"
#include "core/status.h"

/*
 * The daemon, over its bus. All that cli and tray see of it. Calls are answered
 * before they return; errors are NETFIL_ERROR with the daemon's own message.
 *
 * Signals, on the main context of the thread that connected:
 *   "added"       (const char *name)
 *   "removed"     (const char *name)
 *   "changed"     (NetfilStatus *status)   settings, state or on/off
 *   "cap-reached" (const char *name, const char *direction)
 *   "warned"      (const char *name, guint percent, const char *direction)
 *   "cycle-started" (const char *name, gint64 started)
 *   "trouble"     (const char *what)       see netfil_client_trouble(); "": it is over
 *   "closed"      ()                       the daemon went away; the client is spent
 */
#define NETFIL_TYPE_CLIENT (netfil_client_get_type())
G_DECLARE_FINAL_TYPE(NetfilClient, netfil_client, NETFIL, CLIENT, GObject)

/* NETFIL_ERROR_NOT_FOUND: no daemon is there. */
NetfilClient *netfil_client_connect(GError **error);

const char *netfil_client_version(NetfilClient *client);

/* Of NetfilStatus, by name: all of them, however many pages that takes. */
GPtrArray *netfil_client_list(NetfilClient *client, GError **error);
NetfilStatus *netfil_client_get(NetfilClient *client, const char *name, GError **error);

gboolean netfil_client_add(NetfilClient *client, const NetfilSpec *spec, GError **error);
/* `changes` is an a{sas}; a floating reference is taken over. */
gboolean netfil_client_set(NetfilClient *client, const char *name, GVariant *changes,
			   GError **error);
/* Each takes all names or none. */
gboolean netfil_client_switch(NetfilClient *client, const char *const *names, gboolean on,
			      GError **error);
gboolean netfil_client_reset(NetfilClient *client, const char *const *names, GError **error);
gboolean netfil_client_remove(NetfilClient *client, const char *const *names, GError **error);

/* Of NetfilChange: see the method Apply. `specs`: of NetfilSpec. */
GPtrArray *netfil_client_apply(NetfilClient *client, const GPtrArray *specs, gboolean prune,
			       gboolean dry_run, GError **error);

/* NETFIL_ERROR_INVALID: there are mistakes in filters.d or netfil.conf. */
gboolean netfil_client_reload(NetfilClient *client, GError **error);

/* a(sbbbss): name, there, used, required, what for, what is lost. */
GVariant *netfil_client_doctor(NetfilClient *client, GError **error);

/* Traffic whose owner is not known, by direction (in, out); and NETFIL_LOSSES counts. */
gboolean netfil_client_unattributed(NetfilClient *client, guint64 bytes[2], guint64 packets[2],
				    guint64 losses[NETFIL_LOSSES], GError **error);

/* What a filter or an application moved in a period. */
typedef struct {
	char *name;  /* the filter's, or the executable's path ("": traffic without an owner, "*":
			applications for which there was no room) */
	guint32 uid; /* of an application; G_MAXUINT32: none */
	gint64 start, end; /* seconds since the epoch; end is excluded */
	guint64 in, out;
	guint64 refused_bytes, refused_packets; /* of a filter */
} NetfilPeriod;

/* Of NetfilPeriod, by start, then name (g_array_unref): however many pages that takes.
 * from and to: seconds since the epoch, 0: no bound. name NULL: all filters. `by` of
 * applications: -1 for one sum each. */
GArray *netfil_client_history(NetfilClient *client, const char *name, NetfilBy by, gint64 from,
			      gint64 to, GError **error);
GArray *netfil_client_apps(NetfilClient *client, int by, gint64 from, gint64 to, GError **error);

/* What is wrong with the ledger or filters.d, and since when; "" if nothing is. Caller frees. */
char *netfil_client_trouble(NetfilClient *client, gint64 *since, GError **error);
