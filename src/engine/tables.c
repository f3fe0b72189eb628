// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tables.h"

#include <string.h>

struct NetfilTable {
	NetfilKernel *kernel;
	NetfilSets *sets;
	const char *map;
	GHashTable *numbers; /* GBytes -> set number */
};

NetfilTable *netfil_table_new(NetfilKernel *kernel, NetfilSets *sets, const char *map,
			      gsize key_size)
{
	NetfilMaps *maps = netfil_kernel_maps(kernel);
	g_autoptr(GByteArray) keys = netfil_maps_keys(maps, map, key_size);
	NetfilTable *table = g_new0(NetfilTable, 1);

	table->kernel = kernel;
	table->sets = sets;
	table->map = map;
	table->numbers =
	    g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
	for (gsize at = 0; at < keys->len; at += key_size) {
		guint32 number;

		if (!netfil_maps_get(maps, map, keys->data + at, &number))
			continue;
		netfil_sets_adopt(sets, number);
		g_hash_table_insert(table->numbers, g_bytes_new(keys->data + at, key_size),
				    GUINT_TO_POINTER(number));
	}
	return table;
}

void netfil_table_free(NetfilTable *table)
{
	if (!table)
		return;
	g_hash_table_unref(table->numbers);
	g_free(table);
}

GHashTable *netfil_wanted_new(void)
{
	return g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
				     g_free);
}

struct netfil_set *netfil_wanted_get(GHashTable *wanted, gconstpointer key, gsize size)
{
	GBytes *bytes = g_bytes_new(key, size);
	struct netfil_set *set = g_hash_table_lookup(wanted, bytes);

	if (set) {
		g_bytes_unref(bytes);
		return set;
	}
	set = g_new0(struct netfil_set, 1);
	g_hash_table_insert(wanted, bytes, set);
	return set;
}

static gboolean write_one(NetfilTable *table, GBytes *key, const struct netfil_set *set,
			  GError **error)
{
	NetfilMaps *maps = netfil_kernel_maps(table->kernel);
	gpointer old = NULL;
	gboolean known = g_hash_table_lookup_extended(table->numbers, key, NULL, &old);
	guint32 number;

	if (!netfil_sets_hold(table->sets, set, &number, error))
		return FALSE;
	if (known && GPOINTER_TO_UINT(old) == number) {
		netfil_sets_release(table->sets, number);
		return TRUE;
	}
	if (!netfil_maps_put(maps, table->map, g_bytes_get_data(key, NULL), &number, error)) {
		netfil_sets_release(table->sets, number);
		return FALSE;
	}
	g_hash_table_replace(table->numbers, g_bytes_ref(key), GUINT_TO_POINTER(number));
	if (known)
		netfil_sets_release(table->sets, GPOINTER_TO_UINT(old));
	return TRUE;
}

static void delete_unwanted(NetfilTable *table, GHashTable *wanted)
{
	NetfilMaps *maps = netfil_kernel_maps(table->kernel);
	GHashTableIter iter;
	gpointer key, number;

	g_hash_table_iter_init(&iter, table->numbers);
	while (g_hash_table_iter_next(&iter, &key, &number)) {
		if (g_hash_table_contains(wanted, key))
			continue;
		netfil_maps_delete(maps, table->map, g_bytes_get_data(key, NULL));
		netfil_sets_release(table->sets, GPOINTER_TO_UINT(number));
		g_hash_table_iter_remove(&iter);
	}
}

gboolean netfil_table_apply(NetfilTable *table, GHashTable *wanted, GError **error)
{
	GHashTableIter iter;
	gpointer key, set;

	g_hash_table_iter_init(&iter, wanted);
	while (g_hash_table_iter_next(&iter, &key, &set))
		if (!write_one(table, key, set, error))
			return FALSE;
	delete_unwanted(table, wanted);
	return TRUE;
}

gboolean netfil_array_apply(NetfilSets *sets, guint32 *memory, const struct netfil_set *wanted,
			    guint length, GError **error)
{
	for (guint i = 0; i < length; i++) {
		guint32 *at = &memory[2 * i], old = *at, number;

		if (!netfil_sets_hold(sets, &wanted[i], &number, error))
			return FALSE;
		__atomic_store_n(at, number, __ATOMIC_RELEASE);
		netfil_sets_release(sets, old);
	}
	return TRUE;
}
