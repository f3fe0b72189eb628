// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The engine's filters in the ledger. */
#include <string.h>

#include "engine-private.h"

static NetfilLedgerFilter *to_row(NetfilEngine *e, const NetfilFilter *filter)
{
	NetfilLedgerFilter *row = g_new0(NetfilLedgerFilter, 1);

	row->id = filter->id;
	row->name = g_strdup(filter->spec->name);
	row->spec = g_variant_ref_sink(netfil_spec_to_variant(filter->spec));
	row->slot = filter->slot;
	row->rule = filter->rule ? (int)filter->rule->number : -1;
	row->base = filter->base;
	row->started = filter->started;
	if (filter->slot != NETFIL_NO_SLOT)
		netfil_filter_used(e->kernel, filter, &row->used);
	return row;
}

/* Writes the filter's row, and gives a new filter its id. */
gboolean netfil_record(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilLedgerFilter *row;
	gboolean done;

	if (!e->ledger) {
		if (!filter->id)
			filter->id = ++e->next_id;
		return TRUE;
	}
	row = to_row(e, filter);
	done = netfil_ledger_save(e->ledger, row, error);
	if (done) {
		filter->id = row->id;
		filter->kept = row->used;
	}
	netfil_ledger_filter_free(row);
	return done;
}

static gboolean record_used(NetfilEngine *e, NetfilFilter *filter, gboolean *began, GError **error)
{
	NetfilCounters used;

	netfil_filter_used(e->kernel, filter, &used);
	if (!memcmp(&used, &filter->kept, sizeof(used)))
		return TRUE;
	if (!*began && !netfil_ledger_begin(e->ledger, error))
		return FALSE;
	*began = TRUE;
	if (!netfil_ledger_checkpoint(e->ledger, filter->id, &used, error))
		return FALSE;
	filter->kept = used;
	return TRUE;
}

gboolean netfil_record_checkpoint(gpointer data)
{
	NetfilEngine *e = data;
	g_autoptr(GError) error = NULL;
	gboolean began = FALSE, done = TRUE;
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (done && g_hash_table_iter_next(&iter, NULL, &filter))
		done = record_used(e, filter, &began, &error);
	if (done && began)
		done = netfil_ledger_commit(e->ledger, &error);
	if (!done) {
		netfil_ledger_rollback(e->ledger);
		g_warning("%s", error->message);
	}
	return G_SOURCE_CONTINUE;
}

/* The counters of the row's slot go on if the slot still says that it is this
 * filter's: the kernel has been up since. */
static void take_slot(NetfilEngine *e, NetfilFilter *filter, const NetfilLedgerFilter *row)
{
	struct netfil_slot *slot;

	filter->id = row->id;
	filter->started = row->started;
	filter->kept = row->used;
	if (row->slot >= NETFIL_SLOTS_MAX || e->by_slot[row->slot])
		return;
	slot = netfil_kernel_slot(e->kernel, row->slot);
	if (slot->id != (guint64)row->id)
		return;
	filter->slot = row->slot;
	filter->base = row->base;
	e->by_slot[row->slot] = filter;
}

/* A slot in which nothing counts yet: it starts where the ledger left off. */
static gboolean fill_slot(NetfilEngine *e, NetfilFilter *filter, const NetfilLedgerFilter *row,
			  GError **error)
{
	struct netfil_slot *slot;

	filter->slot = netfil_slot_take(e, filter, error);
	if (filter->slot == NETFIL_NO_SLOT)
		return FALSE;
	slot = netfil_kernel_slot(e->kernel, filter->slot);
	slot->used[NETFIL_IN] = row->used.in;
	slot->used[NETFIL_OUT] = row->used.out;
	slot->used[NETFIL_TOTAL] = row->used.in + row->used.out;
	slot->refused_bytes = row->used.refused_bytes;
	slot->refused_packets = row->used.refused_packets;
	slot->reset_bytes = row->used.reset_bytes;
	slot->reset_packets = row->used.reset_packets;
	slot->id = filter->id;
	return TRUE;
}

static NetfilFilter *filter_of_row(const NetfilLedgerFilter *row, GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(row->name);

	return netfil_spec_update(spec, row->spec, error) ? netfil_filter_new(spec) : NULL;
}

static gboolean resume(NetfilEngine *e, NetfilFilter *filter, const NetfilLedgerFilter *row,
		       GError **error)
{
	gboolean survived = filter->slot != NETFIL_NO_SLOT;

	if (!survived && !fill_slot(e, filter, row, error))
		return FALSE;
	if (!survived)
		netfil_filter_arm(e->kernel, filter);
	/* A process number means nothing after a reboot: such a filter waits. Where the
	 * counters survived, the kernel has followed the processes itself. */
	return netfil_install(e, filter, survived ? row->rule : -1, FALSE, TRUE, error);
}

gboolean netfil_record_resume(NetfilEngine *e, GError **error)
{
	g_autoptr(GPtrArray) rows = netfil_ledger_load(e->ledger, error);
	g_autoptr(GPtrArray) filters = g_ptr_array_new();

	if (!rows)
		return FALSE;
	/* First those whose slots and rules stand, so that none of these is given away. */
	for (guint i = 0; i < rows->len; i++) {
		NetfilFilter *filter = filter_of_row(rows->pdata[i], error);

		if (!filter)
			return FALSE;
		g_ptr_array_add(filters, filter);
		take_slot(e, filter, rows->pdata[i]);
	}
	for (guint pass = 0; pass < 2; pass++)
		for (guint i = 0; i < rows->len; i++) {
			NetfilFilter *filter = filters->pdata[i];
			gboolean survived = filter && filter->slot != NETFIL_NO_SLOT;

			if (!filter || survived != (pass == 0))
				continue;
			if (!resume(e, filter, rows->pdata[i], error))
				return FALSE;
			filters->pdata[i] = NULL;
		}
	return TRUE;
}

gboolean netfil_record_all(NetfilEngine *e, GError **error)
{
	GHashTableIter iter;
	gpointer filter;

	if (!netfil_ledger_begin(e->ledger, error))
		return FALSE;
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		if (!netfil_record(e, filter, error)) {
			netfil_ledger_rollback(e->ledger);
			return FALSE;
		}
	return netfil_ledger_commit(e->ledger, error);
}
