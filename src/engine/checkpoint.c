// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All that changed, in one transaction: usage, history, cycles, warnings, applications. */
#include <string.h>

#include "clock.h"
#include "engine-private.h"

#define HISTORY_USEC (60 * G_USEC_PER_SEC)
#define BACKUP_USEC (15 * 60 * G_USEC_PER_SEC)

static gboolean write_used(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilCounters used;

	if (filter->dirty)
		return netfil_record(e, filter, error);
	netfil_filter_used(e->kernel, filter, &used);
	if (!memcmp(&used, &filter->kept, sizeof(used)) &&
	    !memcmp(&filter->base, &filter->kept_base, sizeof(filter->base)))
		return TRUE;
	filter->kept = used;
	filter->kept_base = filter->base;
	e->moved = TRUE;
	return netfil_ledger_checkpoint(e->ledger, filter->id, &used, &filter->base, error);
}

/* Counters only rise; but what the sockets' slot of a frame filter refused is not known any
 * more after netfild was killed. */
static guint64 more(guint64 now, guint64 before)
{
	return (gint64)(now - before) > 0 ? now - before : 0;
}

/* What moved since the last record of it, up to what the usage says that is written
 * beside it. */
static gboolean write_history(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	const NetfilCounters *before = &filter->recorded;
	NetfilCounters *now = &filter->recording, delta;
	static const NetfilCounters nothing;

	*now = netfil_counters_plus(&filter->kept_base, &filter->kept);
	delta = (NetfilCounters){
	    .in = more(now->in, before->in),
	    .out = more(now->out, before->out),
	    .refused_bytes = more(now->refused_bytes, before->refused_bytes),
	    .refused_packets = more(now->refused_packets, before->refused_packets),
	    .reset_bytes = more(now->reset_bytes, before->reset_bytes),
	    .reset_packets = more(now->reset_packets, before->reset_packets),
	};
	if (!memcmp(&delta, &nothing, sizeof(delta)))
		return TRUE;
	return netfil_ledger_count(e->ledger, filter->id, e->history_hour, &delta, error) &&
	       netfil_ledger_set_recorded(e->ledger, filter->id, now, error);
}

static gboolean write_filters(NetfilEngine *e, gboolean history, GError **error)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		filter->recording = filter->recorded;
		if (!write_used(e, filter, error) ||
		    (filter->keyed && !netfil_keyed_write(filter->keyed, error)) ||
		    (history && !write_history(e, filter, error)))
			return FALSE;
	}
	return TRUE;
}

/* Of filters that are still there; warnings of cycles that are over are of no use. */
static gboolean write_events(NetfilEngine *e, GError **error)
{
	for (guint i = 0; i < e->closed->len; i++) {
		const NetfilLedgerCycle *cycle = &g_array_index(e->closed, NetfilLedgerCycle, i);

		if (netfil_filter_by_id(e, cycle->filter) &&
		    !netfil_ledger_close_cycle(e->ledger, cycle, error))
			return FALSE;
	}
	for (guint i = 0; i < e->warnings->len; i++) {
		const NetfilWarning *warning = &g_array_index(e->warnings, NetfilWarning, i);
		const NetfilFilter *filter = netfil_filter_by_id(e, warning->filter);

		if (filter && warning->cycle == filter->started &&
		    !netfil_ledger_warn(e->ledger, warning->filter, warning->percent, warning->when,
					error))
			return FALSE;
	}
	return TRUE;
}

static gboolean write_apps(NetfilEngine *e, GError **error)
{
	if (!e->apps)
		return TRUE;
	e->apps_moved = netfil_apps_moved(e->apps);
	for (guint i = 0; i < e->apps_moved->len; i++) {
		const NetfilAppUsage *app = &g_array_index(e->apps_moved, NetfilAppUsage, i);
		const NetfilLedgerAccount account = {app->account, app->raw_in, app->raw_out};

		if (!netfil_ledger_count_app(e->ledger, app->exe, app->uid, e->history_hour,
					     app->in, app->out, error) ||
		    !netfil_ledger_record_account(e->ledger, &account, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean write_all(NetfilEngine *e, gboolean history, GError **error)
{
	return netfil_ledger_begin(e->ledger, error) && write_filters(e, history, error) &&
	       write_events(e, error) && write_apps(e, error) &&
	       netfil_ledger_commit(e->ledger, error);
}

/* On disk or not: what the engine knows of the ledger follows. */
static void settle(NetfilEngine *e, gboolean written)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		filter->dirty = !written;
		if (filter->keyed)
			netfil_keyed_written(filter->keyed, written);
		if (written)
			filter->recorded = filter->recording;
	}
	if (e->apps_moved && written)
		netfil_apps_recorded(e->apps, e->apps_moved);
	g_clear_pointer(&e->apps_moved, g_array_unref);
	if (!written)
		return;
	g_array_set_size(e->closed, 0);
	g_array_set_size(e->warnings, 0);
}

static void checkpoint(NetfilEngine *e, gboolean history)
{
	g_autoptr(GError) error = NULL;
	gboolean written = write_all(e, history, &error);

	if (!written)
		netfil_ledger_rollback(e->ledger);
	settle(e, written);
	netfil_trouble(e, error);
	if (written && history)
		e->history_at = g_get_monotonic_time() + HISTORY_USEC;
}

void netfil_checkpoint_all(NetfilEngine *e)
{
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		((NetfilFilter *)filter)->dirty = TRUE;
	checkpoint(e, FALSE);
}

/* Old history becomes coarser, a piece each second, begun anew each hour. */
static void thin(NetfilEngine *e)
{
	g_autoptr(GError) error = NULL;

	if (!e->thinning || e->trouble.what)
		return;
	if (!netfil_ledger_thin(e->ledger, netfil_clock_zone(), netfil_clock_seconds(),
				&e->thinning, &error))
		netfil_trouble(e, error);
}

static void back_up(NetfilEngine *e)
{
	gint64 now = g_get_monotonic_time();

	if (now < e->backup_at || e->trouble.what)
		return;
	e->backup_at = now + BACKUP_USEC;
	if (e->moved)
		netfil_ledger_backup(e->ledger);
	e->moved = FALSE;
}

/* Without a ledger there is nothing to keep it for. */
static void forget_events(NetfilEngine *e)
{
	g_array_set_size(e->closed, 0);
	g_array_set_size(e->warnings, 0);
}

void netfil_checkpoint(NetfilEngine *e)
{
	gint64 hour;

	if (!e->ledger) {
		forget_events(e);
		return;
	}
	hour = netfil_period_start(NETFIL_BY_HOUR, netfil_clock_zone(), netfil_clock_seconds());
	checkpoint(e, hour != e->history_hour || g_get_monotonic_time() >= e->history_at);
	if (hour != e->history_hour && !e->trouble.what) {
		e->history_hour = hour;
		e->thinning = TRUE;
	}
	thin(e);
	back_up(e);
}

void netfil_checkpoint_history(NetfilEngine *e)
{
	checkpoint(e, TRUE);
}

static gboolean has_unwritten_members(NetfilEngine *e)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const NetfilFilter *filter = value;

		if (filter->keyed && netfil_keyed_unwritten(filter->keyed))
			return TRUE;
	}
	return FALSE;
}

void netfil_checkpoint_last(NetfilEngine *e)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilKeyed *keyed = ((NetfilFilter *)value)->keyed;

		if (!keyed)
			continue;
		netfil_keyed_sweep(keyed);
		netfil_keyed_call_all(keyed);
	}
	do
		checkpoint(e, TRUE);
	while (!e->trouble.what && has_unwritten_members(e));
}
