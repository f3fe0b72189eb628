// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "engine-private.h"

#include <string.h>

#include "clock.h"
#include "sets.h"

G_DEFINE_FINAL_TYPE(NetfilEngine, netfil_engine, G_TYPE_OBJECT)

enum { ADDED, REMOVED, CHANGED, CAP_REACHED, WARNED, CYCLE_STARTED, TROUBLE, SIGNALS };
static guint signals[SIGNALS];

/* ---- what is told ---- */

void netfil_emit_added(NetfilEngine *e, const char *name)
{
	g_signal_emit(e, signals[ADDED], 0, name);
}

void netfil_emit_removed(NetfilEngine *e, const char *name)
{
	g_signal_emit(e, signals[REMOVED], 0, name);
}

void netfil_emit_cap_reached(NetfilEngine *e, const NetfilFilter *filter, guint direction,
			     const char *member)
{
	g_signal_emit(e, signals[CAP_REACHED], 0, filter->spec->name, direction, member);
	netfil_emit_changed(e, filter);
}

void netfil_emit_changed(NetfilEngine *e, const NetfilFilter *filter)
{
	g_signal_emit(e, signals[CHANGED], 0, filter->spec->name);
}

void netfil_emit_cycle_started(NetfilEngine *e, const NetfilFilter *filter)
{
	g_signal_emit(e, signals[CYCLE_STARTED], 0, filter->spec->name, filter->started);
}

void netfil_emit_warned(NetfilEngine *e, const NetfilWarning *warning)
{
	const NetfilFilter *filter = netfil_filter_by_id(e, warning->filter);

	if (filter)
		netfil_emit_member_warned(e, filter, warning->percent, warning->direction, "");
}

void netfil_emit_member_warned(NetfilEngine *e, const NetfilFilter *filter, guint percent,
			       guint direction, const char *member)
{
	g_signal_emit(e, signals[WARNED], 0, filter->spec->name, percent, direction, member);
}

void netfil_emit_trouble(NetfilEngine *e)
{
	gint64 since;

	g_signal_emit(e, signals[TROUBLE], 0, netfil_engine_trouble(e, &since));
}

static NetfilStatus *status_of(NetfilEngine *e, NetfilFilter *filter, NetfilPresence *presence)
{
	NetfilStatus *status = netfil_filter_status(e->kernel, filter, presence);

	if (filter->spec->ip_files->len)
		netfil_status_take_lists(status, netfil_relist_tell(e, filter));
	return status;
}

NetfilStatus *netfil_engine_get(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	NetfilPresence presence = {0};

	if (!filter)
		return NULL;
	return status_of(e, filter, e->presence ? e->presence : &presence);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	const NetfilFilter *const *x = a, *const *y = b;

	return strcmp((*x)->spec->name, (*y)->spec->name);
}

GPtrArray *netfil_engine_list(NetfilEngine *e, const char *after, guint count)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_status_free);
	g_autoptr(GPtrArray) filters = g_ptr_array_new();
	NetfilPresence presence = {0};
	GHashTableIter iter;
	gpointer name, filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, &name, &filter))
		if (!after || strcmp(name, after) > 0)
			g_ptr_array_add(filters, filter);
	g_ptr_array_sort(filters, compare_names);
	for (guint i = 0; i < MIN(filters->len, count); i++)
		g_ptr_array_add(list, status_of(e, filters->pdata[i], &presence));
	return list;
}

guint netfil_engine_closing(NetfilEngine *e, const char *name)
{
	NetfilFilter *filter = netfil_find(e, name, NULL);

	return filter ? netfil_kernel_closing_connections(e->kernel, filter->slot) : 0;
}

void netfil_engine_end_connections(NetfilEngine *e, const char *name)
{
	NetfilFilter *filter = netfil_find(e, name, NULL);

	if (filter)
		netfil_kernel_reset_connections(e->kernel, filter->slot);
}

void netfil_engine_unattributed(NetfilEngine *e, guint64 bytes[2], guint64 packets[2])
{
	const struct netfil_totals *totals = netfil_kernel_totals(e->kernel);

	for (guint i = 0; i < 2; i++) {
		bytes[i] = totals->unattributed_bytes[i];
		packets[i] = totals->unattributed_packets[i];
	}
}

void netfil_engine_losses(NetfilEngine *e, guint64 losses[NETFIL_LOSSES])
{
	const struct netfil_totals *totals = netfil_kernel_totals(e->kernel);

	losses[NETFIL_LOSS_OVERMATCHED] = totals->overmatched_packets;
	losses[NETFIL_LOSS_UNTAGGED] = totals->untagged_sockets;
	losses[NETFIL_LOSS_UNTRACKED] = totals->untracked_processes;
}

static gboolean follows(NetfilEngine *e, const NetfilFilter *filter, guint32 pid)
{
	struct netfil_process process;

	return filter->spec->pids->len && filter->rule &&
	       netfil_maps_get(netfil_kernel_maps(e->kernel), "processes", &pid, &process) &&
	       netfil_set_has(&process.rules, filter->rule->number);
}

const char *netfil_engine_follows(NetfilEngine *e, const char *name, guint32 pid)
{
	GHashTableIter iter;
	gpointer key, filter;

	if (name) {
		filter = g_hash_table_lookup(e->filters, name);
		return filter && follows(e, filter, pid) ? name : NULL;
	}
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, &key, &filter))
		if (follows(e, filter, pid))
			return key;
	return NULL;
}

void netfil_engine_follow(NetfilEngine *e)
{
	netfil_turn_all(e);
}

gboolean netfil_engine_reload(NetfilEngine *e, GError **error)
{
	return netfil_kernel_reload(e->kernel, error);
}

/* ---- life ---- */

static void on_devices_changed(gpointer data)
{
	NetfilEngine *e = data;
	g_autoptr(GError) error = NULL;

	if (!netfil_apply_interfaces(e, &error))
		g_warning("%s", error->message);
}

static gboolean prepare_all(NetfilEngine *e, GError **error)
{
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter)) {
		netfil_turn_begin(e, filter);
		if (!netfil_prepare(e, filter, error))
			return FALSE;
	}
	return TRUE;
}

/* What was reached while nobody looked. */
static void catch_up(NetfilEngine *e)
{
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		netfil_cap_follow(e, filter);
}

static gboolean tick(gpointer data);

static void tick_after(NetfilEngine *e, guint milliseconds)
{
	GSource *source = g_timeout_source_new(milliseconds);

	g_source_set_callback(source, tick, e, NULL);
	e->tick_source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
}

/* At each full second, when cycles turn. */
static gboolean tick(gpointer data)
{
	NetfilEngine *e = data;

	netfil_turn_all(e);
	tick_after(e, 1000 - g_get_real_time() % G_USEC_PER_SEC / 1000);
	return G_SOURCE_REMOVE;
}

static gboolean open_ledger(NetfilEngine *e, const NetfilEngineOptions *options, GError **error)
{
	g_autofree char *warning = NULL;

	e->ledger = netfil_ledger_open(options->state_dir, &warning, error);
	if (warning)
		g_warning("%s", warning);
	return e->ledger && netfil_resume(e, error);
}

gboolean netfil_take_over(NetfilEngine *e, const NetfilEngineOptions *options, GError **error)
{
	e->pinned = options->bpffs_dir != NULL;
	e->durability = options->durability;
	e->kernel = netfil_kernel_open(options->bpffs_dir, options->cgroup_root, error);
	if (!e->kernel)
		return FALSE;
	e->devices = netfil_devices_new(on_devices_changed, e, error);
	if (!e->devices)
		return FALSE;
	e->lists = netfil_lists_new();
	e->relists = netfil_relists_new();
	e->preparations = netfil_preparations_new();
	e->rules = netfil_rules_new(e->kernel);
	e->resuming = TRUE;
	if (options->state_dir && !open_ledger(e, options, error))
		return FALSE;
	e->resuming = FALSE;
	/* Which slots they have now, before anything counts there: or else a netfild that is killed
	 * would leave what was counted since to nobody. */
	if (e->ledger)
		netfil_checkpoint_all(e);
	if (!e->ledger || !options->apps)
		netfil_kernel_config(e->kernel)->accounting = 0; /* an earlier one's */
	if (!netfil_rules_thaw(e->rules, error) || !prepare_all(e, error))
		return FALSE;
	on_devices_changed(e);
	if (e->ledger)
		netfil_checkpoint_all(e);
	if (e->ledger && options->apps)
		netfil_resume_apps(e);
	return netfil_rules_follow(e->rules, error);
}

static gboolean start(NetfilEngine *e, const NetfilEngineOptions *options, GError **error)
{
	if (!netfil_take_over(e, options, error))
		return FALSE;
	if (!netfil_kernel_watch(e->kernel, netfil_cap_event, e, error))
		return FALSE;
	catch_up(e);
	netfil_ended_watch(e);
	tick_after(e, 0); /* once its owner listens */
	return TRUE;
}

NetfilEngine *netfil_engine_new(const NetfilEngineOptions *options, GError **error)
{
	g_autoptr(NetfilEngine) e = g_object_new(NETFIL_TYPE_ENGINE, NULL);

	return start(e, options, error) ? g_steal_pointer(&e) : NULL;
}

static void netfil_engine_init(NetfilEngine *e)
{
	e->filters = g_hash_table_new(g_str_hash, g_str_equal);
	e->closed = g_array_new(FALSE, FALSE, sizeof(NetfilLedgerCycle));
	e->warnings = g_array_new(FALSE, FALSE, sizeof(NetfilWarning));
	e->zone_name = g_strdup(g_time_zone_get_identifier(netfil_clock_zone()));
}

static void netfil_engine_finalize(GObject *object)
{
	NetfilEngine *e = NETFIL_ENGINE(object);
	GHashTableIter iter;
	gpointer filter;

	if (e->tick_source) {
		if (e->ledger) {
			netfil_checkpoint_last(e);
			netfil_ledger_backup(e->ledger);
		}
		g_source_remove(e->tick_source);
	}
	if (e->ended_source)
		g_source_remove(e->ended_source);
	netfil_sockets_forget(e);
	if (e->reset_source)
		g_source_remove(e->reset_source);
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter)) {
		if (!e->pinned)
			netfil_cap_dismiss(e, filter); /* nothing outlives it */
		netfil_filter_free(filter);
	}
	g_hash_table_unref(e->filters);
	g_clear_pointer(&e->preparations, g_ptr_array_unref);
	netfil_rules_free(e->rules);
	g_clear_pointer(&e->lists, netfil_lists_free);
	g_clear_pointer(&e->relists, g_hash_table_unref);
	netfil_devices_free(e->devices);
	g_clear_pointer(&e->apps, netfil_apps_free);
	netfil_ledger_close(e->ledger);
	netfil_kernel_close(e->kernel);
	g_array_unref(e->closed);
	g_array_unref(e->warnings);
	g_free(e->zone_name);
	g_free(e->trouble.what);
	g_free(e->complaint.what);
	G_OBJECT_CLASS(netfil_engine_parent_class)->finalize(object);
}

static void netfil_engine_class_init(NetfilEngineClass *class)
{
	GType type = G_TYPE_FROM_CLASS(class);

	G_OBJECT_CLASS(class)->finalize = netfil_engine_finalize;
	signals[ADDED] = g_signal_new("added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				      G_TYPE_NONE, 1, G_TYPE_STRING);
	signals[REMOVED] = g_signal_new("removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					G_TYPE_NONE, 1, G_TYPE_STRING);
	signals[CHANGED] = g_signal_new("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					G_TYPE_NONE, 1, G_TYPE_STRING);
	signals[CAP_REACHED] =
	    g_signal_new("cap-reached", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
			 3, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_STRING);
	signals[WARNED] =
	    g_signal_new("warned", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
			 G_TYPE_STRING, G_TYPE_UINT, G_TYPE_UINT, G_TYPE_STRING);
	signals[CYCLE_STARTED] =
	    g_signal_new("cycle-started", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
			 2, G_TYPE_STRING, G_TYPE_INT64);
	signals[TROUBLE] = g_signal_new("trouble", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					G_TYPE_NONE, 1, G_TYPE_STRING);
}
