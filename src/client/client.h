/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

#include "core/change.h"
#include "core/member.h"
#include "core/socket-usage.h"
#include "core/status.h"
#include "periods.h"

/*
 * netfild, over its bus. All that cli and tray see of it. What programs of others may use
 * stands in netfil/netfil.h; this is the rest, which may change.
 */
#include "netfil/netfil.h"

/*
 * Two signals more, beside "cap-reached" and "warned":
 *   "cap-reached-of" (NetfilClient *, const char *name, const char *direction,
 *                     const char *member, gpointer data)
 *   "warned-of"      (NetfilClient *, const char *name, guint percent, const char *direction,
 *                     const char *member, gpointer data)
 * The member is "" where it is of the filter as a whole.
 */

gboolean netfil_client_add_spec(NetfilClient *client, const NetfilSpec *spec, GError **error);

/* Both take an a{sas}, whose floating reference is taken over. */
gboolean netfil_client_add_values(NetfilClient *client, const char *name, GVariant *specification,
				  GError **error);
gboolean netfil_client_change(NetfilClient *client, const char *name, GVariant *changes,
			      GError **error);

/* Of NetfilChange: see the method Apply. `specs`: of NetfilSpec. */
GPtrArray *netfil_client_apply(NetfilClient *client, const GPtrArray *specs, gboolean prune,
			       gboolean dry_run, GError **error);

/* Of NetfilMember (g_array_unref), a page; `*next` (caller frees) is the cursor of the next one,
 * NULL after the last; *total: how many match, these and those behind them. */
GArray *netfil_client_members(NetfilClient *client, const char *name,
			      const NetfilMemberQuery *query, char **next, guint *total,
			      GError **error);
gboolean netfil_client_reset_member(NetfilClient *client, const char *name, const char *key,
				    GError **error);

/* NETFIL_ERROR_INVALID: there are mistakes in filters.d or netfil.conf. */
gboolean netfil_client_reload(NetfilClient *client, GError **error);

/* a(sbbbss): name, there, used, required, what for, what is lost. */
GVariant *netfil_client_doctor(NetfilClient *client, GError **error);

/* Traffic whose owner is not known, by direction (in, out); and NETFIL_LOSSES counts. */
gboolean netfil_client_unattributed(NetfilClient *client, guint64 bytes[2], guint64 packets[2],
				    guint64 losses[NETFIL_LOSSES], GError **error);

/* Of NetfilPeriod, by start, then name (g_array_unref): however many pages that takes.
 * from and to: seconds since the epoch, 0: no bound. name NULL: all filters. `by` of
 * applications: -1 for one sum each. */
GArray *netfil_client_history(NetfilClient *client, const char *name, NetfilBy by, gint64 from,
			      gint64 to, GError **error);
GArray *netfil_client_apps(NetfilClient *client, int by, gint64 from, gint64 to, GError **error);

/* Of NetfilSocketUsage, by cookie (g_array_unref): see the method Sockets. */
GArray *netfil_client_sockets(NetfilClient *client, GError **error);

/* What is wrong with the ledger or filters.d, and since when; "" if nothing is. Caller frees. */
char *netfil_client_trouble(NetfilClient *client, gint64 *since, GError **error);
