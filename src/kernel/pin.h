/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "netfil/abi.h"

/* Pins: <dir>/maps-VERSION/NAME and <dir>/links/NAME, in a bpffs. The version is that
 * of the types in the maps (netfil/abi.h): a netfil with others makes maps of its own,
 * and goes on from the ledger. */
#define NETFIL_PIN_MAPS "maps-" G_STRINGIFY(NETFIL_ABI_VERSION)

/* Makes the folders, and mounts a bpffs at `dir` where no bpffs lies above it. */
gboolean netfil_pin_prepare(const char *dir, GError **error);

/* "<dir>/<kind>/<name>"; caller frees. */
char *netfil_pin_path(const char *dir, const char *kind, const char *name);

/* Names of the pinned links. */
GPtrArray *netfil_pin_links(const char *dir);

/* Takes all pins and their folders away, those of other versions' maps too. What nobody
 * else holds open comes off with them. */
gboolean netfil_pin_remove(const char *dir, GError **error);
