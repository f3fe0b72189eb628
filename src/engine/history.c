// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* History as it is asked for: the ledger's hours, days and months, added up. */
#include "engine-private.h"

#include <string.h>

#include "clock.h"

/* What is added up together: a filter, or an application, in one period. */
typedef struct {
	gint64 filter;
	const char *exe;
	guint32 uid;
	gint64 start;
} Key;

static guint key_hash(gconstpointer data)
{
	const Key *key = data;

	return g_int64_hash(&key->filter) ^ g_direct_hash(key->exe) ^ key->uid * 31 ^
	       g_int64_hash(&key->start) * 7;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
	const Key *x = a, *y = b;

	return x->filter == y->filter && x->exe == y->exe && x->uid == y->uid &&
	       x->start == y->start;
}

typedef struct {
	NetfilEngine *engine;
	GTimeZone *zone;
	int by;            /* NetfilBy, or -1: all together */
	GHashTable *index; /* Key -> index + 1 */
	GArray *sums;      /* of NetfilHistory */
} Sums;

static void history_clear(gpointer history)
{
	g_clear_pointer(&((NetfilHistory *)history)->name, g_ref_string_release);
}

static GArray *histories_new(void)
{
	GArray *histories = g_array_new(FALSE, TRUE, sizeof(NetfilHistory));

	g_array_set_clear_func(histories, history_clear);
	return histories;
}

static void sums_init(Sums *sums, NetfilEngine *e, int by)
{
	sums->engine = e;
	sums->zone = netfil_clock_zone();
	sums->by = by;
	sums->index = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
	sums->sums = histories_new();
}

static gint compare(gconstpointer a, gconstpointer b)
{
	const NetfilHistory *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->name != y->name)
		return strcmp(x->name, y->name);
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static GArray *sums_finish(Sums *sums)
{
	g_hash_table_unref(sums->index);
	g_array_sort(sums->sums, compare);
	return sums->sums;
}

/* Old history may be coarser than what is asked for. */
static void span(const Sums *sums, const NetfilLedgerEntry *entry, gint64 *start, gint64 *end)
{
	NetfilBy by = MAX((int)entry->by, sums->by);

	*start = entry->start;
	if (sums->by > (int)entry->by)
		*start = netfil_period_start(by, sums->zone, entry->start);
	*end = netfil_period_end(by, sums->zone, *start);
}

static NetfilHistory *sum_of(Sums *sums, const NetfilLedgerEntry *entry, const char *name)
{
	gint64 start = 0, end = 0;
	NetfilHistory *sum;
	gpointer at;
	Key key;

	span(sums, entry, &start, &end);
	key = (Key){entry->filter, entry->exe, entry->uid, sums->by < 0 ? 0 : start};
	at = g_hash_table_lookup(sums->index, &key);
	if (!at) {
		g_array_set_size(sums->sums, sums->sums->len + 1);
		at = GUINT_TO_POINTER(sums->sums->len);
		g_hash_table_insert(sums->index, g_memdup2(&key, sizeof(key)), at);
		sum = &g_array_index(sums->sums, NetfilHistory, GPOINTER_TO_UINT(at) - 1);
		*sum = (NetfilHistory){
		    .name = g_ref_string_new_intern(name), .uid = entry->uid, .start = start};
	}
	sum = &g_array_index(sums->sums, NetfilHistory, GPOINTER_TO_UINT(at) - 1);
	sum->end = MAX(sum->end, end);
	return sum;
}

static void add(Sums *sums, const NetfilLedgerEntry *entry)
{
	const NetfilFilter *filter =
	    entry->filter ? netfil_filter_by_id(sums->engine, entry->filter) : NULL;
	NetfilHistory *sum;

	if (entry->filter && !filter)
		return;
	sum = sum_of(sums, entry, filter ? filter->spec->name : entry->exe);
	sum->in += entry->sum.in;
	sum->out += entry->sum.out;
	sum->refused_bytes += entry->sum.refused_bytes;
	sum->refused_packets += entry->sum.refused_packets;
}

static void add_cycle(GArray *sums, const NetfilFilter *filter, gint64 start, gint64 end,
		      const NetfilCounters *used)
{
	NetfilHistory sum = {
	    .name = g_ref_string_new_intern(filter->spec->name),
	    .start = start,
	    .end = end,
	    .in = used->in,
	    .out = used->out,
	    .refused_bytes = used->refused_bytes,
	    .refused_packets = used->refused_packets,
	};

	g_array_append_val(sums, sum);
}

/* The cycles that are over, and the one at hand. */
static GArray *cycles(NetfilEngine *e, const NetfilFilter *only, gint64 from, gint64 to,
		      GError **error)
{
	g_autoptr(GArray) closed =
	    netfil_ledger_cycles(e->ledger, only ? only->id : 0, from, to, error);
	GArray *sums;
	GHashTableIter iter;
	gpointer value;

	if (!closed)
		return NULL;
	sums = histories_new();
	for (guint i = 0; i < closed->len; i++) {
		const NetfilLedgerCycle *cycle = &g_array_index(closed, NetfilLedgerCycle, i);
		const NetfilFilter *filter = netfil_filter_by_id(e, cycle->filter);

		if (filter)
			add_cycle(sums, filter, cycle->started, cycle->ended, &cycle->used);
	}
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;
		NetfilCounters used;

		if ((only && filter != only) || filter->started >= to)
			continue;
		netfil_filter_used(e->kernel, filter, &used);
		add_cycle(sums, filter, filter->started, filter->ends, &used);
	}
	g_array_sort(sums, compare);
	return sums;
}

static gboolean can_ask(NetfilEngine *e, gint64 *to, GError **error)
{
	if (!e->ledger) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_UNSUPPORTED,
				    "there is no ledger, and so no history: ask netfild");
		return FALSE;
	}
	if (!*to)
		*to = G_MAXINT64;
	netfil_checkpoint_history(e);
	return TRUE;
}

GArray *netfil_engine_history(NetfilEngine *e, const char *name, NetfilBy by, gint64 from,
			      gint64 to, GError **error)
{
	const NetfilFilter *filter = name ? netfil_find(e, name, error) : NULL;
	g_autoptr(GArray) entries = NULL;
	Sums sums;

	if ((name && !filter) || !can_ask(e, &to, error))
		return NULL;
	if (by == NETFIL_BY_CYCLE)
		return cycles(e, filter, from, to, error);
	entries = netfil_ledger_history(e->ledger, filter ? filter->id : 0, from, to, error);
	if (!entries)
		return NULL;
	sums_init(&sums, e, by);
	for (guint i = 0; i < entries->len; i++)
		add(&sums, &g_array_index(entries, NetfilLedgerEntry, i));
	return sums_finish(&sums);
}

GArray *netfil_engine_apps(NetfilEngine *e, int by, gint64 from, gint64 to, GError **error)
{
	g_autoptr(GArray) entries = NULL;
	Sums sums;

	if (!can_ask(e, &to, error))
		return NULL;
	entries = netfil_ledger_apps(e->ledger, from, to, error);
	if (!entries)
		return NULL;
	sums_init(&sums, e, by);
	for (guint i = 0; i < entries->len; i++)
		add(&sums, &g_array_index(entries, NetfilLedgerEntry, i));
	return sums_finish(&sums);
}
