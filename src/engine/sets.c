// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sets.h"

#include <string.h>

#include "core/error.h"

struct NetfilSets {
	NetfilKernel *kernel;
	guint32 holders[NETFIL_SETS_MAX];
	GHashTable *numbers; /* const struct netfil_set * in the map's memory -> number */
	GQueue free;         /* numbers, the longest unused first */
};

static guint set_hash(gconstpointer key)
{
	const struct netfil_set *set = key;
	guint64 hash = 0xcbf29ce484222325ULL; /* FNV-1a, a word at a time */

	for (guint i = 0; i < NETFIL_SET_WORDS; i++)
		hash = (hash ^ set->words[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}

static gboolean set_equal(gconstpointer a, gconstpointer b)
{
	return !memcmp(a, b, sizeof(struct netfil_set));
}

gboolean netfil_set_is_empty(const struct netfil_set *set)
{
	static const struct netfil_set empty;

	return set_equal(set, &empty);
}

NetfilSets *netfil_sets_new(NetfilKernel *kernel)
{
	NetfilSets *sets = g_new0(NetfilSets, 1);

	sets->kernel = kernel;
	sets->numbers = g_hash_table_new(set_hash, set_equal);
	g_queue_init(&sets->free);
	for (guint i = 1; i < NETFIL_SETS_MAX; i++)
		g_queue_push_tail(&sets->free, GUINT_TO_POINTER(i));
	return sets;
}

void netfil_sets_free(NetfilSets *sets)
{
	if (!sets)
		return;
	g_hash_table_unref(sets->numbers);
	g_queue_clear(&sets->free);
	g_free(sets);
}

static void take(NetfilSets *sets, guint32 number)
{
	struct netfil_set *memory = netfil_kernel_set(sets->kernel, number);

	sets->holders[number] = 1;
	if (!g_hash_table_contains(sets->numbers, memory))
		g_hash_table_insert(sets->numbers, memory, GUINT_TO_POINTER(number));
}

gboolean netfil_sets_hold(NetfilSets *sets, const struct netfil_set *set, guint32 *number,
			  GError **error)
{
	*number = 0;
	if (netfil_set_is_empty(set))
		return TRUE;
	*number = GPOINTER_TO_UINT(g_hash_table_lookup(sets->numbers, set));
	if (*number) {
		sets->holders[*number]++;
		return TRUE;
	}
	*number = GPOINTER_TO_UINT(g_queue_pop_head(&sets->free));
	if (!*number) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "filters overlap in more than %d ways: remove some, or merge their "
			    "prefixes",
			    NETFIL_SETS_MAX - 1);
		return FALSE;
	}
	*netfil_kernel_set(sets->kernel, *number) = *set;
	take(sets, *number);
	return TRUE;
}

void netfil_sets_adopt(NetfilSets *sets, guint32 number)
{
	if (!number || number >= NETFIL_SETS_MAX)
		return;
	if (sets->holders[number]) {
		sets->holders[number]++;
		return;
	}
	g_queue_remove(&sets->free, GUINT_TO_POINTER(number));
	take(sets, number);
}

void netfil_sets_release(NetfilSets *sets, guint32 number)
{
	struct netfil_set *memory;

	if (!number || --sets->holders[number])
		return;
	memory = netfil_kernel_set(sets->kernel, number);
	if (GPOINTER_TO_UINT(g_hash_table_lookup(sets->numbers, memory)) == number)
		g_hash_table_remove(sets->numbers, memory);
	g_queue_push_tail(&sets->free, GUINT_TO_POINTER(number));
}
