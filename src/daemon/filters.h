/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"
#include "gate.h"

/* The filter objects on the bus: one for each of the engine's, on every
 * connection. They show what they are told; they ask nobody. */
typedef struct NetfilFilters NetfilFilters;

/* Their calls go through `gate`. */
NetfilFilters *netfil_filters_new(NetfilGate *gate);
void netfil_filters_free(NetfilFilters *filters);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilFilters, netfil_filters_free)

void netfil_filters_attach(NetfilFilters *filters, GDBusConnection *connection);
void netfil_filters_detach(NetfilFilters *filters, GDBusConnection *connection);

/* Makes the object if there is none, and tells properties that changed. */
void netfil_filters_show(NetfilFilters *filters, const NetfilStatus *status);
void netfil_filters_remove(NetfilFilters *filters, const char *name);
