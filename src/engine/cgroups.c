// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroups.h"

#include <string.h>

#include "kernel/cgroup.h"
#include "sets.h"

typedef struct {
	NetfilKernel *kernel;
	NetfilRule *const *rules;
	GHashTable *by_path; /* char *path of the walk -> struct netfil_set * */
	GHashTable *seen;    /* guint64 id */
	gboolean changed;
	GError *error;
} Walk;

/* Bits of the rules that ask about cgroups and name one of these. */
static void add_named(Walk *walk, const char *path, struct netfil_set *set)
{
	g_autofree char *last = g_path_get_basename(path);

	for (guint i = 0; i < NETFIL_RULES_MAX; i++) {
		NetfilRule *rule = walk->rules[i];

		for (guint j = 0; rule && j < rule->selectors->cgroups->len; j++) {
			const char *name = rule->selectors->cgroups->pdata[j];

			if (!strcmp(name, *name == '/' ? path : last))
				netfil_set_add(set, i);
		}
	}
}

static void visit(const char *path, guint64 id, gpointer data)
{
	Walk *walk = data;
	NetfilMaps *maps = netfil_kernel_maps(walk->kernel);
	struct netfil_set *set = g_new0(struct netfil_set, 1), now = {0};
	g_autofree char *above = g_path_get_dirname(path);
	struct netfil_set *inherited = g_hash_table_lookup(walk->by_path, above);

	if (inherited)
		netfil_set_union(set, inherited);
	add_named(walk, path, set);
	g_hash_table_insert(walk->by_path, g_strdup(path), set);
	if (netfil_set_is_empty(set) || walk->error)
		return;
	g_hash_table_add(walk->seen, g_memdup2(&id, sizeof(id)));
	if (netfil_maps_get(maps, "cgroups", &id, &now) && !memcmp(&now, set, sizeof(now)))
		return;
	walk->changed = TRUE;
	netfil_maps_put(maps, "cgroups", &id, set, &walk->error);
}

/* Has the kernel know the names before the walk: what is made meanwhile is found by
 * one or the other. */
static gboolean write_names(Walk *walk, GError **error)
{
	NetfilMaps *maps = netfil_kernel_maps(walk->kernel);
	g_autoptr(GByteArray) old = netfil_maps_keys(maps, "cgroup_names", NETFIL_NAME_MAX);
	g_autoptr(GHashTable) sets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTableIter iter;
	gpointer name, set;

	for (guint i = 0; i < NETFIL_RULES_MAX; i++) {
		NetfilRule *rule = walk->rules[i];

		for (guint j = 0; rule && j < rule->selectors->cgroups->len; j++) {
			char *key = rule->selectors->cgroups->pdata[j];

			if (!g_hash_table_contains(sets, key))
				g_hash_table_insert(sets, g_strdup(key),
						    g_new0(struct netfil_set, 1));
			netfil_set_add(g_hash_table_lookup(sets, key), i);
		}
	}
	g_hash_table_iter_init(&iter, sets);
	while (g_hash_table_iter_next(&iter, &name, &set)) {
		struct netfil_cgroup_name key = {0};

		g_strlcpy(key.name, name, sizeof(key.name));
		if (!netfil_maps_put(maps, "cgroup_names", &key, set, error))
			return FALSE;
	}
	for (gsize at = 0; at < old->len; at += NETFIL_NAME_MAX)
		if (!g_hash_table_contains(sets, old->data + at))
			netfil_maps_delete(maps, "cgroup_names", old->data + at);
	return TRUE;
}

/* `keys`: from before the walk, for what was made since has not been seen either. */
static void delete_unseen(Walk *walk, const GByteArray *keys)
{
	NetfilMaps *maps = netfil_kernel_maps(walk->kernel);

	for (gsize at = 0; at < keys->len; at += sizeof(guint64))
		if (!g_hash_table_contains(walk->seen, keys->data + at))
			netfil_maps_delete(maps, "cgroups", keys->data + at);
}

static gboolean asked(NetfilRule *const rules[NETFIL_RULES_MAX])
{
	for (guint i = 0; i < NETFIL_RULES_MAX; i++)
		if (rules[i] && rules[i]->selectors->cgroups->len)
			return TRUE;
	return FALSE;
}

gboolean netfil_cgroups_apply(NetfilKernel *kernel, NetfilRule *const rules[NETFIL_RULES_MAX],
			      GError **error)
{
	g_autoptr(GHashTable) seen =
	    g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	Walk walk = {.kernel = kernel, .rules = rules, .seen = seen};
	g_autofree char *mount = netfil_cgroup_mount(error);
	g_autoptr(GByteArray) keys =
	    netfil_maps_keys(netfil_kernel_maps(kernel), "cgroups", sizeof(guint64));

	if (!mount || !write_names(&walk, error))
		return FALSE;
	if (!asked(rules)) {
		delete_unseen(&walk, keys);
		return TRUE;
	}
	/* Until nothing changes: a cgroup made meanwhile may have inherited what stood
	 * there before. */
	do {
		g_autoptr(GHashTable) by_path =
		    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

		walk.by_path = by_path;
		walk.changed = FALSE;
		netfil_cgroup_walk(mount, visit, &walk);
	} while (walk.changed && !walk.error);
	if (walk.error) {
		g_propagate_error(error, walk.error);
		return FALSE;
	}
	delete_unseen(&walk, keys);
	return TRUE;
}

static void add_rules(gconstpointer id G_GNUC_UNUSED, gconstpointer set, gpointer rules)
{
	netfil_set_union(rules, set);
}

void netfil_cgroups_present(NetfilKernel *kernel, struct netfil_set *rules)
{
	netfil_maps_each(netfil_kernel_maps(kernel), "cgroups", sizeof(guint64),
			 sizeof(struct netfil_set), add_rules, rules);
}

void netfil_cgroups_scrub(NetfilKernel *kernel, const struct netfil_set *rules)
{
	NetfilMaps *maps = netfil_kernel_maps(kernel);
	g_autoptr(GByteArray) keys = netfil_maps_keys(maps, "cgroups_gone", sizeof(guint64));

	for (gsize at = 0; at < keys->len; at += sizeof(guint64)) {
		struct netfil_set set, kept;

		if (!netfil_maps_get(maps, "cgroups_gone", keys->data + at, &set))
			continue;
		kept = set;
		netfil_set_subtract(&kept, rules);
		if (memcmp(&kept, &set, sizeof(set)))
			netfil_maps_put(maps, "cgroups_gone", keys->data + at, &kept, NULL);
	}
}
