// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The engine's filters in the ledger. */
#include <string.h>

#include "clock.h"
#include "engine-private.h"

#define BACKUP_SOON_USEC (10 * G_USEC_PER_SEC)

/* ---- trouble ---- */

/* What is told: the ledger's, or else its owner's. */
static const NetfilTrouble *told(const NetfilEngine *e)
{
	return e->trouble.what ? &e->trouble : &e->complaint;
}

static void set_trouble(NetfilEngine *e, NetfilTrouble *trouble, const char *what)
{
	g_autofree char *before = g_strdup(told(e)->what);

	if (what && !trouble->what)
		trouble->since = netfil_clock_seconds();
	g_free(trouble->what);
	trouble->what = g_strdup(what);
	if (g_strcmp0(before, told(e)->what))
		netfil_emit_trouble(e);
}

void netfil_trouble(NetfilEngine *e, const GError *error)
{
	set_trouble(e, &e->trouble, error ? error->message : NULL);
}

void netfil_engine_complain(NetfilEngine *e, const char *what)
{
	set_trouble(e, &e->complaint, what);
}

const char *netfil_engine_trouble(NetfilEngine *e, gint64 *since)
{
	const NetfilTrouble *trouble = told(e);

	*since = trouble->what ? trouble->since : 0;
	return trouble->what ? trouble->what : "";
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
	row->owner = filter->owner;
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
