// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "seed.h"

#include "core/error.h"
#include "sets.h"

typedef struct {
	guint rule, other;
} Heir;

struct NetfilSeeds {
	NetfilKernel *kernel;
	GHashTable *rules; /* pid -> struct netfil_set * */
	GArray *heirs;
};

NetfilSeeds *netfil_seeds_new(NetfilKernel *kernel)
{
	NetfilSeeds *seeds = g_new0(NetfilSeeds, 1);

	seeds->kernel = kernel;
	seeds->rules = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	seeds->heirs = g_array_new(FALSE, FALSE, sizeof(Heir));
	return seeds;
}

void netfil_seeds_free(NetfilSeeds *seeds)
{
	g_hash_table_unref(seeds->rules);
	g_array_unref(seeds->heirs);
	g_free(seeds);
}

static void want(NetfilSeeds *seeds, guint32 pid, guint rule)
{
	struct netfil_set *set = g_hash_table_lookup(seeds->rules, GUINT_TO_POINTER(pid));

	if (!set) {
		set = g_new0(struct netfil_set, 1);
		g_hash_table_insert(seeds->rules, GUINT_TO_POINTER(pid), set);
	}
	netfil_set_add(set, rule);
}

gboolean netfil_seeds_name(NetfilSeeds *seeds, const NetfilRule *rule, GError **error)
{
	const GArray *pids = rule->selectors->pids;

	for (guint i = 0; i < pids->len; i++) {
		guint32 pid = g_array_index(pids, guint32, i);

		if (!netfil_kernel_has_process(seeds->kernel, pid, error))
			return FALSE;
		want(seeds, pid, rule->number);
	}
	return TRUE;
}

void netfil_seeds_follow(NetfilSeeds *seeds, const NetfilRule *rule, const NetfilRule *other)
{
	Heir heir = {rule->number, other->number};

	g_array_append_val(seeds->heirs, heir);
}

static void find_heirs(gconstpointer pid, gconstpointer value, gpointer data)
{
	const struct netfil_process *process = value;
	NetfilSeeds *seeds = data;

	for (guint i = 0; i < seeds->heirs->len; i++) {
		Heir heir = g_array_index(seeds->heirs, Heir, i);

		if (netfil_set_has(&process->rules, heir.other))
			want(seeds, *(const guint32 *)pid, heir.rule);
	}
}

gboolean netfil_seeds_sow(NetfilSeeds *seeds, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (seeds->heirs->len)
		netfil_kernel_each_process(seeds->kernel, find_heirs, seeds);
	if (g_hash_table_size(seeds->rules))
		netfil_kernel_adopt(seeds->kernel, seeds->rules, &problem);
	g_hash_table_remove_all(seeds->rules);
	g_array_set_size(seeds->heirs, 0);
	if (!problem || g_error_matches(problem, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}
