// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The engine's filters in the ledger. */
#include <string.h>

#include "clock.h"
#include "engine-private.h"

#define BACKUP_SOON_USEC (10 * G_USEC_PER_SEC)

/* ---- trouble ---- */

void netfil_trouble(NetfilEngine *e, const GError *error)
{
	const char *what = error ? error->message : NULL;

	if (!g_strcmp0(what, e->trouble))
		return;
	if (what && !e->trouble)
		e->trouble_since = netfil_clock_seconds();
	g_free(e->trouble);
	e->trouble = g_strdup(what);
	netfil_emit_trouble(e);
}

const char *netfil_engine_trouble(NetfilEngine *e, gint64 *since)
{
	*since = e->trouble ? e->trouble_since : 0;
	return e->trouble ? e->trouble : "";
}

/* ---- rows ---- */

static NetfilLedgerFilter *to_row(NetfilEngine *e, NetfilFilter *filter)
{
	NetfilLedgerFilter *row = g_new0(NetfilLedgerFilter, 1);

	row->id = filter->id;
	row->name = g_strdup(filter->spec->name);
	row->spec = g_variant_ref_sink(netfil_spec_to_variant(filter->spec));
	row->slot = filter->slot;
	row->rule = filter->rule ? (int)filter->rule->number : -1;
	row->base = filter->base;
	row->started = filter->started;
	row->ends = filter->ends;
	memcpy(row->extra, filter->extra, sizeof(row->extra));
	row->forfeited = filter->forfeited;
	row->granted = filter->granted;
	row->unlimited_until = filter->unlimited_until;
	row->free_until = filter->free_until;
	row->recorded = filter->recorded;
	row->downed = g_strdup(filter->downed);
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
		filter->kept_base = row->base;
		e->backup_at = MIN(e->backup_at, g_get_monotonic_time() + BACKUP_SOON_USEC);
		e->moved = TRUE;
	}
	netfil_ledger_filter_free(row);
	return done;
}
