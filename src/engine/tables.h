/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "sets.h"

/*
 * A kernel map whose values are set numbers, held against what it should be: only
 * what differs is written, the new before the old is taken away.
 */
typedef struct NetfilTable NetfilTable;

/* Takes in what stands in the map already. */
NetfilTable *netfil_table_new(NetfilKernel *kernel, NetfilSets *sets, const char *map,
			      gsize key_size);
void netfil_table_free(NetfilTable *table);

/* What the map should be: GBytes key -> struct netfil_set *, both owned. */
GHashTable *netfil_wanted_new(void);
struct netfil_set *netfil_wanted_get(GHashTable *wanted, gconstpointer key, gsize size);

gboolean netfil_table_apply(NetfilTable *table, GHashTable *wanted, GError **error);

/* The same for an array of set numbers in mapped memory, 8 bytes apart: `wanted` has
 * `length` sets. */
gboolean netfil_array_apply(NetfilSets *sets, guint32 *memory, const struct netfil_set *wanted,
			    guint length, GError **error);
