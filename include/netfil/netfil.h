/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libnetfil: byte caps that the Linux kernel keeps, for programs. It talks to netfild(8)
 * and needs nothing but GLib. docs/library.md has examples; netfil-filters(7) says what a
 * filter matches, what a byte is, and what happens at the cap.
 *
 * A filter is named, and described by settings: a key and a value, both texts, as netfil(1)
 * takes them as options. Keys are
 *
 *   pid exe user cgroup unit        whose traffic (selectors)
 *   ip ip-file port proto interface what traffic (selectors)
 *   except                          but not this
 *   in out total                    caps: "25M" is 25,000,000 bytes, "25MiB" 26,214,400
 *   on-limit every rollover free warn durability loopback until-exit on
 *
 * exe and ip-file take absolute paths, cgroup one from the root of the hierarchy, rollover,
 * loopback, until-exit and on "true" or "false". A selector, except or warn may be there several
 * times, with one value each. At least one selector is needed. Other keys may come.
 *
 * NetfilStatus, its states and the errors are in <netfil/types.h>.
 *
 * All functions are for the thread that connected. They block until netfild has answered; a
 * change is in force when they return. Those that can fail return FALSE or NULL then, with
 * a NETFIL_ERROR whose message is for people, and have changed nothing. Reading is open to
 * every local user; changing is for root, and for whom netfild lets (NETFIL_ERROR_DENIED).
 *
 * What is declared here stays as it is, as long as the library is libnetfil.so.0.
 */
#ifndef NETFIL_NETFIL_H
#define NETFIL_NETFIL_H

#include <glib-object.h>

#include <netfil/types.h>

G_BEGIN_DECLS

typedef enum {
	NETFIL_DIRECTION_IN,
	NETFIL_DIRECTION_OUT,
	NETFIL_DIRECTION_TOTAL, /* both together */
} NetfilDirection;

/*
 * A connection to netfild. g_object_unref() ends it.
 *
 * It tells what happens by signals, on the main context that was the thread's default when
 * it connected. To watch, connect handlers to them and run that context:
 *
 *   "added"         (NetfilClient *, const char *name, gpointer data)
 *   "removed"       (NetfilClient *, const char *name, gpointer data)
 *   "changed"       (NetfilClient *, NetfilStatus *status, gpointer data)
 *                   its settings, or it was switched or reset; not its usage.
 *                   `status` is the client's; netfil_status_copy() keeps it
 *   "cap-reached"   (NetfilClient *, const char *name, const char *direction, gpointer data)
 *                   a packet did not fit below the cap "in", "out" or "total"
 *   "warned"        (NetfilClient *, const char *name, guint percent,
 *                    const char *direction, gpointer data)
 *                   so much of that cap is used
 *   "cycle-started" (NetfilClient *, const char *name, gint64 started, gpointer data)
 *                   usage starts again from 0; seconds since the epoch
 *   "trouble"       (NetfilClient *, const char *what, gpointer data)
 *                   netfild cannot write its ledger; "": it can again
 *   "closed"        (NetfilClient *, gpointer data)
 *                   netfild went away. Caps hold on; this client is spent: unref it, and
 *                   connect again
 */
#define NETFIL_TYPE_CLIENT (netfil_client_get_type())
NETFIL_API G_DECLARE_FINAL_TYPE(NetfilClient, netfil_client, NETFIL, CLIENT, GObject)

/* Connects to netfild: at its own socket ($NETFIL_RUNTIME_DIR/bus, by default
 * /run/netfil/bus) or, if that is not there and NETFIL_RUNTIME_DIR not set, on the system bus.
 * Does not start one. NETFIL_ERROR_NOT_FOUND: none is there. Caller unrefs. */
NETFIL_API NetfilClient *netfil_client_connect(GError **error);

/* The same, to a certain one. `address`: "system" for the system bus, or the D-Bus address of
 * a netfild's own socket, as "unix:path=/run/netfil/bus"; NULL: as above. Caller unrefs. */
NETFIL_API NetfilClient *netfil_client_connect_to(const char *address, GError **error);

/* netfild's version, as "0.1.0". The client's. */
NETFIL_API const char *netfil_client_version(NetfilClient *client);

/* Adds a filter. Keys and values, pairs ended by NULL:
 *
 *   netfil_client_add(client, "build", &error, "pid", "4711", "total", "25M", NULL);
 *
 * NETFIL_ERROR_EXISTS: the name is taken; _INVALID: a key, a value, or the whole does not hold;
 * _NOT_FOUND: the process, user or file is not there; _FULL: there are too many filters. */
NETFIL_API gboolean netfil_client_add(NetfilClient *client, const char *name, GError **error,
				      const char *key, ...) G_GNUC_NULL_TERMINATED;

/* The same with the pairs in an array: key, value, key, value, …, NULL. */
NETFIL_API gboolean netfil_client_add_pairs(NetfilClient *client, const char *name,
					    const char *const *pairs, GError **error);

/* Changes a filter: all values of each key that is given are replaced, "" clears a selector
 * or setting, and "0" a cap. The rest, and usage, stay. Beside a filter's keys it takes those
 * that are for the cycle at hand alone: in, out and total with a sign ("+5G": a top-up), used
 * (a size: what the carrier says) and unlimited-until (seconds since the epoch as a decimal
 * number; "0": no longer). NETFIL_ERROR_NOT_FOUND: there is no such filter. */
NETFIL_API gboolean netfil_client_set(NetfilClient *client, const char *name, GError **error,
				      const char *key, ...) G_GNUC_NULL_TERMINATED;
NETFIL_API gboolean netfil_client_set_pairs(NetfilClient *client, const char *name,
					    const char *const *pairs, GError **error);

/* Each of these takes several names, ended by NULL, and acts on all of them, or on none if one is
 * not there (NETFIL_ERROR_NOT_FOUND). Switched off, a filter neither counts nor refuses, and keeps
 * its usage. Reset, its usage starts again from 0. Removed, its history is gone too. */
NETFIL_API gboolean netfil_client_switch(NetfilClient *client, const char *const *names,
					 gboolean on, GError **error);
NETFIL_API gboolean netfil_client_reset(NetfilClient *client, const char *const *names,
					GError **error);
NETFIL_API gboolean netfil_client_remove(NetfilClient *client, const char *const *names,
					 GError **error);

/* All filters, by name: an array of NetfilStatus that frees them. Caller unrefs
 * (g_ptr_array_unref()). */
NETFIL_API GPtrArray *netfil_client_list(NetfilClient *client, GError **error);

/* One filter; of usage, and of processes that end, there is no signal: ask now and then.
 * NETFIL_ERROR_NOT_FOUND: there is no such filter. Caller frees. */
NETFIL_API NetfilStatus *netfil_client_get(NetfilClient *client, const char *name, GError **error);

/* The status'. */
NETFIL_API const char *netfil_status_get_name(const NetfilStatus *status);

NETFIL_API NetfilState netfil_status_get_state(const NetfilStatus *status);

/* Bytes admitted since the cycle began. */
NETFIL_API guint64 netfil_status_get_used(const NetfilStatus *status, NetfilDirection direction);

/* This cycle's cap in bytes, top-ups included; 0: none. */
NETFIL_API guint64 netfil_status_get_limit(const NetfilStatus *status, NetfilDirection direction);

/* What was refused in this cycle. Either may be NULL. */
NETFIL_API void netfil_status_get_refused(const NetfilStatus *status, guint64 *bytes,
					  guint64 *packets);

/* When this cycle began, and when it ends (0: never). Seconds since the epoch; either may be
 * NULL. */
NETFIL_API void netfil_status_get_cycle(const NetfilStatus *status, gint64 *started, gint64 *ends);

/* Until when caps are not kept, by unlimited-until or in free hours; 0: they are. Seconds since
 * the epoch. */
NETFIL_API gint64 netfil_status_get_unlimited_until(const NetfilStatus *status);

/* When the cap will be reached if usage goes on as in this cycle so far; 0: not in this cycle,
 * or it is. Seconds since the epoch. */
NETFIL_API gint64 netfil_status_get_forecast(const NetfilStatus *status);

/* The values of a key, NULL-terminated, in the form that netfild keeps them in; empty if it is not
 * set. Caller frees (g_strfreev()). */
NETFIL_API char **netfil_status_dup_values(const NetfilStatus *status, const char *key);

/* All selectors in words: "pid 4711, ip 192.0.2.0/24". Caller frees. */
NETFIL_API char *netfil_status_dup_selector(const NetfilStatus *status);

G_END_DECLS

#endif
