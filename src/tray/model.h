/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

#include "core/status.h"

/*
 * The filters of netfild, as they are now: read once, then kept by its signals. Survives
 * netfild's and the bus's going away: what it knew stays, and when they are back only what
 * differs is told. Nothing here blocks.
 *
 * Signals:
 *   "up-changed" ()   netfil_model_is_up(); once it is up, all filters are there
 *   "added"   (const NetfilStatus *status)
 *   "removed" (const NetfilStatus *status)   as it was last
 *   "changed" (const NetfilStatus *before, const NetfilStatus *now)
 *   "trouble-changed" ()   netfil_model_trouble()
 *   "member-reached" (const char *name, const char *member)   of a filter with `each`, now
 *   "member-warned"  (const char *name, const char *member, guint percent)
 */
#define NETFIL_TYPE_MODEL (netfil_model_get_type())
G_DECLARE_FINAL_TYPE(NetfilModel, netfil_model, NETFIL, MODEL, GObject)

/* See netfil_link_new(). */
NetfilModel *netfil_model_new(const char *socket, const char *bus);

/* Call once signals are connected. */
void netfil_model_start(NetfilModel *model);

gboolean netfil_model_is_up(NetfilModel *model);

/* Of const NetfilStatus, by name; the model's, valid until the main loop runs again.
 * g_ptr_array_unref(). */
GPtrArray *netfil_model_list(NetfilModel *model);
const NetfilStatus *netfil_model_find(NetfilModel *model, const char *name); /* or NULL */

/* The ledger's, in one line; "" if there is none. */
const char *netfil_model_trouble(NetfilModel *model);

/* Calls a method of the manager; `changes`: one for which netfild may have the user asked.
 * `arguments`: a tuple, NULL for none; a floating reference is taken over. Errors are
 * NETFIL_ERROR with netfild's own message. */
void netfil_model_call(NetfilModel *model, const char *method, GVariant *arguments,
		       gboolean changes, GCancellable *cancellable, GAsyncReadyCallback callback,
		       gpointer data);
GVariant *netfil_model_call_finish(NetfilModel *model, GAsyncResult *result, GError **error);
