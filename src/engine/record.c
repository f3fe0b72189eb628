// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The engine's filters in the ledger. */
#include <string.h>

#include "clock.h"
#include "engine-private.h"

#define HISTORY_USEC (60 * G_USEC_PER_SEC)
#define BACKUP_USEC (15 * 60 * G_USEC_PER_SEC)
#define BACKUP_SOON_USEC (10 * G_USEC_PER_SEC)
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

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

static gboolean write_reset(NetfilEngine *e, NetfilFilter *filter, const NetfilLedgerCycle *closed,
			    GError **error)
{
	return netfil_record(e, filter, error) &&
	       netfil_ledger_close_cycle(e->ledger, closed, error);
}

gboolean netfil_record_reset(NetfilEngine *e, NetfilFilter *filter, const NetfilLedgerCycle *closed,
			     GError **error)
{
	if (!e->ledger)
		return TRUE;
	if (!netfil_ledger_begin(e->ledger, error))
		return FALSE;
	if (write_reset(e, filter, closed, error))
		return netfil_ledger_commit(e->ledger, error);
	netfil_ledger_rollback(e->ledger);
	return FALSE;
}

/* ---- the checkpoint ---- */

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

		if (!netfil_ledger_count_app(e->ledger, app->exe, app->uid, e->history_hour, app->in,
					     app->out, error) ||
		    !netfil_ledger_record_account(e->ledger, &account, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean write_all(NetfilEngine *e, gboolean history, GError **error)
{
	return netfil_ledger_begin(e->ledger, error) && write_filters(e, history, error) &&
	       write_events(e, error) && (!history || write_apps(e, error)) &&
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

void netfil_record_all(NetfilEngine *e)
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

	if (!e->thinning || e->trouble)
		return;
	if (!netfil_ledger_thin(e->ledger, netfil_clock_zone(), netfil_clock_seconds(),
				&e->thinning, &error))
		netfil_trouble(e, error);
}

static void back_up(NetfilEngine *e)
{
	gint64 now = g_get_monotonic_time();

	if (now < e->backup_at || e->trouble)
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

void netfil_record_checkpoint(NetfilEngine *e)
{
	gint64 hour;

	if (!e->ledger) {
		forget_events(e);
		return;
	}
	hour = netfil_period_start(NETFIL_BY_HOUR, netfil_clock_zone(), netfil_clock_seconds());
	checkpoint(e, hour != e->history_hour || g_get_monotonic_time() >= e->history_at);
	if (hour != e->history_hour && !e->trouble) {
		e->history_hour = hour;
		e->thinning = TRUE;
	}
	thin(e);
	back_up(e);
}

void netfil_record_history(NetfilEngine *e)
{
	checkpoint(e, TRUE);
}

/* ---- after a start ---- */

/* The counters of the row's slot go on if the slot still says that it is this
 * filter's: the kernel has been up since. */
static void take_slot(NetfilEngine *e, NetfilFilter *filter, const NetfilLedgerFilter *row)
{
	struct netfil_slot *slot;

	if (row->slot >= NETFIL_SLOTS_MAX || e->by_slot[row->slot])
		return;
	slot = netfil_kernel_slot(e->kernel, row->slot);
	if (slot->id != (guint64)row->id)
		return;
	filter->slot = row->slot;
	e->by_slot[row->slot] = filter;
}

/* A slot in which nothing counts yet: it goes on where the ledger left off. */
static gboolean fill_slot(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilCounters known = netfil_counters_plus(&filter->base, &filter->kept);
	struct netfil_slot *slot;

	filter->slot = netfil_slot_take(e, filter, error);
	if (filter->slot == NETFIL_NO_SLOT)
		return FALSE;
	slot = netfil_kernel_slot(e->kernel, filter->slot);
	slot->used[NETFIL_IN] = known.in;
	slot->used[NETFIL_OUT] = known.out;
	slot->used[NETFIL_TOTAL] = known.in + known.out;
	slot->refused_bytes = known.refused_bytes;
	slot->refused_packets = known.refused_packets;
	slot->reset_bytes = known.reset_bytes;
	slot->reset_packets = known.reset_packets;
	slot->id = filter->id;
	netfil_grant_forfeit(filter, known.in + known.out);
	return TRUE;
}

static NetfilFilter *filter_of_row(const NetfilLedgerFilter *row, GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(row->name);
	NetfilFilter *filter;

	if (!netfil_spec_update(spec, row->spec, error))
		return NULL;
	filter = netfil_filter_new(spec);
	filter->id = row->id;
	filter->started = row->started;
	filter->ends = row->ends;
	filter->base = filter->kept_base = row->base;
	filter->kept = row->used;
	filter->recorded = row->recorded;
	memcpy(filter->extra, row->extra, sizeof(filter->extra));
	filter->forfeited = row->forfeited;
	filter->granted = row->granted;
	filter->unlimited_until = row->unlimited_until;
	filter->free_until = row->free_until;
	filter->free_at = netfil_counters_plus(&row->base, &row->used);
	filter->downed = g_strdup(row->downed);
	g_array_append_vals(filter->warned, row->warned->data, row->warned->len);
	return filter;
}

static gboolean resume(NetfilEngine *e, NetfilFilter *filter, const NetfilLedgerFilter *row,
		       GError **error)
{
	gboolean survived = filter->slot != NETFIL_NO_SLOT;

	if (!survived && !fill_slot(e, filter, error))
		return FALSE;
	netfil_grant_prepare(e, filter);
	if (!survived)
		netfil_filter_arm(e->kernel, filter);
	/* A process number means nothing after a reboot: such a filter waits. Where the
	 * counters survived, the kernel has followed the processes itself. */
	return netfil_install(e, filter, survived ? row->rule : -1, FALSE, TRUE, error);
}

/* The accounts of the kernel's maps go on where the ledger has them; those of other maps
 * than it knows start anew. */
static gboolean know_accounts(NetfilEngine *e, const char *instance, GError **error)
{
	g_autofree char *known = netfil_ledger_note(e->ledger, "accounts", NULL);
	g_autoptr(GArray) accounts = NULL;

	if (g_strcmp0(known, instance))
		return netfil_ledger_forget_accounts(e->ledger, error) &&
		       netfil_ledger_set_note(e->ledger, "accounts", instance, error);
	accounts = netfil_ledger_accounts(e->ledger, error);
	for (guint i = 0; accounts && i < accounts->len; i++) {
		const NetfilLedgerAccount *a = &g_array_index(accounts, NetfilLedgerAccount, i);

		netfil_apps_resume(e->apps, a->account, a->in, a->out);
	}
	return accounts != NULL;
}

void netfil_record_apps(NetfilEngine *e)
{
	struct netfil_config *config = netfil_kernel_config(e->kernel);
	g_autofree char *instance = NULL;
	g_autoptr(GError) error = NULL;

	e->apps = netfil_apps_new(e->kernel, &error);
	while (!config->instance)
		config->instance = (guint64)g_random_int() << 32 | g_random_int();
	instance = g_strdup_printf("%016" G_GINT64_MODIFIER "x", (guint64)config->instance);
	if (e->apps && know_accounts(e, instance, &error) && netfil_apps_start(e->apps, &error))
		return;
	g_warning("applications are not counted: %s", error->message);
	g_clear_pointer(&e->apps, netfil_apps_free);
}

/* Whether the machine has been up since the ledger was last used: counters can be lost
 * without a restart too, and then somebody removed them. */
static void tell_boot(NetfilEngine *e, guint lost, guint filters)
{
	g_autofree char *known = netfil_ledger_note(e->ledger, "boot-id", NULL);
	g_autofree char *boot = NULL;

	if (!g_file_get_contents(BOOT_ID, &boot, NULL, NULL))
		return;
	g_strchomp(boot);
	if (lost && known)
		g_message("%s: %u of %u filters go on from the ledger",
			  g_str_equal(boot, known) ? "the kernel's counters were removed"
						   : "the machine was restarted",
			  lost, filters);
	netfil_ledger_set_note(e->ledger, "boot-id", boot, NULL); /* it is told, no more */
}

gboolean netfil_record_resume(NetfilEngine *e, GError **error)
{
	g_autoptr(GPtrArray) rows = netfil_ledger_load(e->ledger, error);
	g_autoptr(GPtrArray) filters = g_ptr_array_new();
	guint lost = 0;

	if (!rows)
		return FALSE;
	e->history_hour =
		netfil_period_start(NETFIL_BY_HOUR, netfil_clock_zone(), netfil_clock_seconds());
	e->thinning = TRUE;
	/* First those whose slots and rules stand, so that none of these is given away. */
	for (guint i = 0; i < rows->len; i++) {
		NetfilFilter *filter = filter_of_row(rows->pdata[i], error);

		if (!filter)
			return FALSE;
		g_ptr_array_add(filters, filter);
		take_slot(e, filter, rows->pdata[i]);
		lost += filter->slot == NETFIL_NO_SLOT;
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
	tell_boot(e, lost, rows->len);
	return TRUE;
}
