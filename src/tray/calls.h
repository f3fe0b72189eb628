/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/periods.h"
#include "core/cycle.h"
#include "model.h"

/* The calls of the tray, in words of its own. All end with netfil_model_call_finish() but the
 * last two. */

void netfil_call_add(NetfilModel *model, const char *name, GVariant *specification,
		     GAsyncReadyCallback callback, gpointer data);
void netfil_call_set(NetfilModel *model, const char *name, GVariant *changes,
		     GAsyncReadyCallback callback, gpointer data);
void netfil_call_switch(NetfilModel *model, const char *const *names, gboolean on,
			GAsyncReadyCallback callback, gpointer data);
void netfil_call_remove(NetfilModel *model, const char *name, GAsyncReadyCallback callback,
			gpointer data);
void netfil_call_reset(NetfilModel *model, const char *name, GAsyncReadyCallback callback,
		       gpointer data);

/* More of the cap that is nearest, in this cycle alone; without a cap nothing is changed. */
void netfil_call_top_up(NetfilModel *model, const char *name, const char *size,
			GAsyncReadyCallback callback, gpointer data);

/* Of NetfilPeriod, however many pages that takes; as netfil_client_history() and _apps(). */
void netfil_call_history(NetfilModel *model, const char *name, NetfilBy by, gint64 from, gint64 to,
			 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
void netfil_call_apps(NetfilModel *model, gint64 from, gint64 to, GCancellable *cancellable,
		      GAsyncReadyCallback callback, gpointer data);
GArray *netfil_call_periods_finish(NetfilModel *model, GAsyncResult *result, GError **error);
