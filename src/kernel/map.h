/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

struct bpf_object;

/*
 * The maps, shared by all objects by their names: the first object that is loaded
 * makes a map (or takes it from its pin), the others get the same one.
 */
typedef struct NetfilMaps NetfilMaps;

NetfilMaps *netfil_maps_new(const char *bpffs_dir_or_null);
void netfil_maps_free(NetfilMaps *maps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilMaps, netfil_maps_free)

/* Possible CPUs: what each has to itself in a map is there so many times. */
guint netfil_kernel_cpus(void);

/* Call before the object is loaded, and after. */
gboolean netfil_maps_lend(NetfilMaps *maps, struct bpf_object *object, GError **error);
void netfil_maps_collect(NetfilMaps *maps, struct bpf_object *object);

/* The map's descriptor, which stays the maps'; -1: no such map. */
int netfil_maps_fd(NetfilMaps *maps, const char *name);

/* Kernel memory that it takes: of a hash's elements without their share of the buckets. */
gsize netfil_map_bytes(int fd);

/* The memory of a BPF_F_MMAPABLE array, for as long as `maps` lives. Elements are
 * 8 bytes apart at least. */
gpointer netfil_maps_memory(NetfilMaps *maps, const char *name, GError **error);

gboolean netfil_maps_put(NetfilMaps *maps, const char *name, gconstpointer key, gconstpointer value,
			 GError **error);
void netfil_maps_delete(NetfilMaps *maps, const char *name, gconstpointer key);

/* Many at once: keys and values one behind the other. Returns how many were put, in their order;
 * fewer than `count`: an error. */
guint netfil_maps_put_many(NetfilMaps *maps, const char *name, gconstpointer keys, gsize key_size,
			   gconstpointer values, gsize value_size, guint count, GError **error);
void netfil_maps_delete_many(NetfilMaps *maps, const char *name, gconstpointer keys, gsize key_size,
			     guint count);
void netfil_maps_empty(NetfilMaps *maps, const char *name, gsize key_size);
gboolean netfil_maps_get(NetfilMaps *maps, const char *name, gconstpointer key, gpointer value);

/* Takes the next value out of a queue; FALSE: it is empty. netfil_maps_put() without a key
 * puts one in. */
gboolean netfil_maps_pop(NetfilMaps *maps, const char *name, gpointer value);

/* All keys, one behind the other, as they stood; keys that come or go meanwhile may
 * be missed or seen twice. */
GByteArray *netfil_maps_keys(NetfilMaps *maps, const char *name, gsize key_size);

/* The same with their values, of a hash or a trie: each element that stays is seen once. */
typedef void (*NetfilMapFunc)(gconstpointer key, gconstpointer value, gpointer data);
void netfil_maps_each(NetfilMaps *maps, const char *name, gsize key_size, gsize value_size,
		      NetfilMapFunc func, gpointer data);
