// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "pin.h"

#define EACH_AT_ONCE 512

typedef struct {
	int fd;
	gpointer memory;
	gsize size; /* of memory */
} Map;

struct NetfilMaps {
	char *bpffs_dir;
	GHashTable *by_name; /* char * -> Map * */
};

static void map_free(gpointer data)
{
	Map *map = data;

	if (map->memory)
		munmap(map->memory, map->size);
	close(map->fd);
	g_free(map);
}

guint netfil_kernel_cpus(void)
{
	return libbpf_num_possible_cpus();
}

NetfilMaps *netfil_maps_new(const char *bpffs_dir_or_null)
{
	NetfilMaps *maps = g_new0(NetfilMaps, 1);

	maps->bpffs_dir = g_strdup(bpffs_dir_or_null);
	maps->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, map_free);
	return maps;
}

void netfil_maps_free(NetfilMaps *maps)
{
	if (!maps)
		return;
	g_hash_table_unref(maps->by_name);
	g_free(maps->bpffs_dir);
	g_free(maps);
}

#define SHARED_SECTION ".data."

/* The name under which objects share a map, or a variable of such a section; NULL: .rodata, .bss
 * and their like are each object's own. */
static const char *shared_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	if (g_str_has_prefix(name, SHARED_SECTION))
		return name + strlen(SHARED_SECTION);
	return strchr(name, '.') ? NULL : name;
}

static Map *find(NetfilMaps *maps, const char *name)
{
	return g_hash_table_lookup(maps->by_name, name);
}

gboolean netfil_maps_lend(NetfilMaps *maps, struct bpf_object *object, GError **error)
{
	struct bpf_map *map;
	int result = 0;

	bpf_object__for_each_map (map, object) {
		const char *name = shared_name(map);
		Map *known;

		if (!name)
			continue;
		known = find(maps, name);
		if (known) {
			result = bpf_map__reuse_fd(map, known->fd);
		} else if (maps->bpffs_dir) {
			g_autofree char *path =
			    netfil_pin_path(maps->bpffs_dir, NETFIL_PIN_MAPS, name);

			result = bpf_map__set_pin_path(map, path);
		}
		if (result) {
			g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
				    "map %s cannot be shared (%s): see `netfil doctor`", name,
				    g_strerror(-result));
			return FALSE;
		}
	}
	return TRUE;
}

void netfil_maps_collect(NetfilMaps *maps, struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		const char *name = shared_name(map);
		Map *new;

		if (!name || find(maps, name))
			continue;
		new = g_new0(Map, 1);
		new->fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
		g_hash_table_insert(maps->by_name, g_strdup(name), new);
	}
}

int netfil_maps_fd(NetfilMaps *maps, const char *name)
{
	Map *map = find(maps, name);

	return map ? map->fd : -1;
}

gsize netfil_map_bytes(int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", fd);
	g_autofree char *text = NULL;
	unsigned long long bytes = 0;
	const char *at;

	if (g_file_get_contents(path, &text, NULL, NULL) && (at = strstr(text, "memlock:")))
		sscanf(at, "memlock: %llu", &bytes);
	return bytes;
}

gpointer netfil_maps_memory(NetfilMaps *maps, const char *name, GError **error)
{
	Map *map = find(maps, name);
	struct bpf_map_info info = {};
	guint32 length = sizeof(info);
	gpointer memory;
	gsize element, size;

	if (map && map->memory)
		return map->memory;
	if (!map || bpf_obj_get_info_by_fd(map->fd, &info, &length))
		goto failed;
	element = (info.value_size + 7) & ~7UL;
	size = element * info.max_entries;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
	if (memory == MAP_FAILED)
		goto failed;
	map->memory = memory;
	map->size = size;
	return memory;
failed:
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "map %s cannot be mapped into memory (%s): see `netfil doctor`", name,
		    g_strerror(errno));
	return NULL;
}

static gboolean refuse_put(const char *name, GError **error)
{
	g_set_error(error, NETFIL_ERROR,
		    errno == E2BIG || errno == ENOSPC ? NETFIL_ERROR_FULL : NETFIL_ERROR_FAILED,
		    "the kernel took no more %s (%s): remove filters that are not needed", name,
		    g_strerror(errno));
	return FALSE;
}

gboolean netfil_maps_put(NetfilMaps *maps, const char *name, gconstpointer key, gconstpointer value,
			 GError **error)
{
	return !bpf_map_update_elem(netfil_maps_fd(maps, name), key, value, BPF_ANY) ||
	       refuse_put(name, error);
}

/* Where the kernel takes no batches for this kind of map, or stops within one, they go in one
 * by one, which also says why one is refused. */
guint netfil_maps_put_many(NetfilMaps *maps, const char *name, gconstpointer keys, gsize key_size,
			   gconstpointer values, gsize value_size, guint count, GError **error)
{
	const guint8 *key = keys, *value = values;
	int fd = netfil_maps_fd(maps, name);
	guint32 all = count;

	if (!count || !bpf_map_update_batch(fd, keys, values, &all, NULL))
		return count;
	for (guint i = 0; i < count; i++) {
		if (bpf_map_update_elem(fd, key + i * key_size, value + i * value_size, BPF_ANY)) {
			refuse_put(name, error);
			return i;
		}
	}
	return count;
}

void netfil_maps_delete_many(NetfilMaps *maps, const char *name, gconstpointer keys, gsize key_size,
			     guint count)
{
	guint32 all = count;

	if (!count || !bpf_map_delete_batch(netfil_maps_fd(maps, name), keys, &all, NULL))
		return;
	for (guint i = 0; i < count; i++)
		netfil_maps_delete(maps, name, (const guint8 *)keys + i * key_size);
}

void netfil_maps_delete(NetfilMaps *maps, const char *name, gconstpointer key)
{
	bpf_map_delete_elem(netfil_maps_fd(maps, name), key); /* gone already: as wanted */
}

gboolean netfil_maps_get(NetfilMaps *maps, const char *name, gconstpointer key, gpointer value)
{
	return !bpf_map_lookup_elem(netfil_maps_fd(maps, name), key, value);
}

gboolean netfil_maps_pop(NetfilMaps *maps, const char *name, gpointer value)
{
	return !bpf_map_lookup_and_delete_elem(netfil_maps_fd(maps, name), NULL, value);
}

GByteArray *netfil_maps_keys(NetfilMaps *maps, const char *name, gsize key_size)
{
	GByteArray *keys = g_byte_array_new();
	g_autofree guint8 *key = g_malloc0(key_size);
	int fd = netfil_maps_fd(maps, name);
	gpointer previous = NULL;

	while (!bpf_map_get_next_key(fd, previous, key)) {
		g_byte_array_append(keys, key, key_size);
		previous = key;
	}
	return keys;
}

void netfil_maps_empty(NetfilMaps *maps, const char *name, gsize key_size)
{
	g_autoptr(GByteArray) keys = netfil_maps_keys(maps, name, key_size);

	for (gsize at = 0; at < keys->len; at += key_size)
		netfil_maps_delete(maps, name, keys->data + at);
}

void netfil_maps_each(NetfilMaps *maps, const char *name, gsize key_size, gsize value_size,
		      NetfilMapFunc func, gpointer data)
{
	int fd = netfil_maps_fd(maps, name), result;
	guint32 room = EACH_AT_ONCE;
	/* Where it stopped: of a hash the bucket, of a trie the key. */
	g_autofree guint8 *place = g_malloc0(MAX(key_size, sizeof(guint32)));
	gpointer from = NULL;
	g_autofree guint8 *keys = g_malloc(room * key_size);
	g_autofree guint8 *values = g_malloc(room * value_size);

	do {
		guint32 count = room;

		result = bpf_map_lookup_batch(fd, from, place, keys, values, &count, NULL);
		if (result == -ENOSPC) { /* more in one bucket */
			room *= 2;
			keys = g_realloc(keys, room * key_size);
			values = g_realloc(values, room * value_size);
		}
		for (guint i = 0; (!result || result == -ENOENT) && i < count; i++)
			func(keys + i * key_size, values + i * value_size, data);
		from = place;
	} while (!result || result == -ENOSPC); /* ENOENT: that was the last */
}
