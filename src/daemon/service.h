/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "engine/engine.h"

/* The engine on the bus: the manager object and the filter objects. */
typedef struct NetfilService NetfilService;

NetfilService *netfil_service_new(NetfilEngine *engine);
void netfil_service_free(NetfilService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilService, netfil_service_free)

/* What the call Reload does, in place of loading the engine's programs anew. */
typedef gboolean (*NetfilReloadFunc)(gpointer data, GError **error);
void netfil_service_set_reload(NetfilService *service, NetfilReloadFunc reload, gpointer data);

/* Each connection is detached before it, or the service, goes. */
void netfil_service_attach(NetfilService *service, GDBusConnection *connection);
void netfil_service_detach(NetfilService *service, GDBusConnection *connection);
