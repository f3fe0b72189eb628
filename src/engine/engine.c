// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "engine-private.h"

#include <string.h>

#include "clock.h"

G_DEFINE_FINAL_TYPE(NetfilEngine, netfil_engine, G_TYPE_OBJECT)

enum { ADDED, REMOVED, CHANGED, CAP_REACHED, WARNED, CYCLE_STARTED, TROUBLE, SIGNALS };
static guint signals[SIGNALS];

/* ---- slots ---- */

/* Slots are given in turn, so that one which was freed rests as long as can be. */
guint netfil_slot_take(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	for (guint i = 0; i < NETFIL_SLOTS_MAX; i++) {
		guint slot = (e->next_slot + i) % NETFIL_SLOTS_MAX;

		if (e->by_slot[slot])
			continue;
		e->next_slot = slot + 1;
		e->by_slot[slot] = filter;
		memset(netfil_kernel_slot(e->kernel, slot), 0, sizeof(struct netfil_slot));
		return slot;
	}
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
		    "all %d counters are in use: remove filters first", NETFIL_SLOTS_MAX);
	return NETFIL_NO_SLOT;
}

void netfil_slot_give_back(NetfilEngine *e, guint slot)
{
	if (slot == NETFIL_NO_SLOT)
		return;
	e->by_slot[slot] = NULL;
	netfil_kernel_slot(e->kernel, slot)->id = 0;
}

/* ---- interfaces ---- */

gboolean netfil_is_frame_filter(const NetfilSpec *spec)
{
	return netfil_spec_type(spec) == NETFIL_SPEC_INTERFACE;
}

gboolean netfil_apply_interfaces(NetfilEngine *e, GError **error)
{
	g_autoptr(GPtrArray) frames = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	if (e->resuming)
		return TRUE;
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		if (!netfil_is_frame_filter(filter->spec))
			continue;
		filter->frame.globs = filter->spec->interfaces;
		filter->frame.loopback = filter->spec->loopback;
		filter->frame.slot = filter->slot;
		filter->frame.on = filter->spec->on;
		filter->frame.rule = filter->except_rule;
		g_ptr_array_add(frames, &filter->frame);
	}
	return netfil_rules_interfaces(e->rules, netfil_devices_list(e->devices), frames, error);
}

static gboolean names_interfaces(const NetfilSpec *spec)
{
	return spec->interfaces->len > 0;
}

static void on_devices_changed(gpointer data)
{
	NetfilEngine *e = data;
	g_autoptr(GError) error = NULL;

	if (!netfil_apply_interfaces(e, &error))
		g_warning("%s", error->message);
}

/* ---- filters ---- */

NetfilFilter *netfil_find(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = g_hash_table_lookup(e->filters, name);

	if (!filter)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "there is no filter '%.64s': see `netfil list`", name);
	return filter;
}

/* Address rules may see forwarded packets too, where the kernel shows them. */
static gboolean want_forwarding(NetfilEngine *e, const NetfilSpec *spec, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (!e->pinned || netfil_spec_type(spec) != NETFIL_SPEC_IP)
		return TRUE;
	if (netfil_kernel_forward(e->kernel, &problem))
		netfil_kernel_config(e->kernel)->forwarding = 1;
	else if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	return TRUE;
}

NetfilFilter *netfil_filter_by_id(NetfilEngine *e, gint64 id)
{
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		if (((NetfilFilter *)filter)->id == id)
			return filter;
	return NULL;
}

/* Takes a filter's hold on the kernel away: rule, slots, interfaces. */
static void uninstall(NetfilEngine *e, NetfilFilter *filter)
{
	g_hash_table_steal(e->filters, filter->spec->name);
	netfil_cap_dismiss(e, filter);
	if (filter->rule)
		netfil_rules_remove(e->rules, filter->rule);
	if (names_interfaces(filter->spec))
		netfil_apply_interfaces(e, NULL);
	if (filter->except_rule)
		netfil_rules_remove(e->rules, filter->except_rule);
	netfil_slot_give_back(e, filter->slot);
	netfil_filter_free(filter);
}

/* A frame filter that leaves addresses out has a rule for them, which is never enabled.
 * `before`: the one it had, for the caller to remove once it is of no use. */
static gboolean follow_excepts(NetfilEngine *e, NetfilFilter *filter, NetfilRule **before,
			       GError **error)
{
	NetfilSelectors *selectors;
	NetfilRule *rule = NULL;

	*before = NULL;
	if (!netfil_is_frame_filter(filter->spec))
		return TRUE;
	if (filter->spec->excepts->len) {
		selectors = netfil_selectors_new(e->kernel, filter->spec, TRUE, error);
		if (selectors)
			rule = netfil_rules_add(e->rules, selectors, filter->slot, -1, NULL, FALSE,
						error);
		if (!rule)
			return FALSE;
	}
	*before = filter->except_rule;
	filter->except_rule = rule;
	return TRUE;
}

/* Before interfaces are applied and sockets are told. */
static gboolean prepare(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilRule *before;

	return follow_excepts(e, filter, &before, error) && netfil_cap_prepare(e, filter, error);
}

/* Gives a filter its hold on the kernel; it counts when this returns. On error
 * nothing is left, the filter neither. */
gboolean netfil_install(NetfilEngine *e, NetfilFilter *filter, int rule, gboolean seed,
			gboolean lenient, GError **error)
{
	NetfilSelectors *selectors = NULL;

	g_hash_table_insert(e->filters, filter->spec->name, filter);
	if (!netfil_is_frame_filter(filter->spec)) {
		selectors = netfil_selectors_new(e->kernel, filter->spec, lenient, error);
		if (!selectors)
			goto failed;
		filter->rule = netfil_rules_add(e->rules, selectors, filter->slot, rule, NULL,
						seed, error);
		if (!filter->rule)
			goto failed;
	}
	/* While filters are resumed, numbers of rules to come are not free. */
	if (!e->resuming && !prepare(e, filter, error))
		goto failed;
	if (names_interfaces(filter->spec) && !netfil_apply_interfaces(e, error))
		goto failed;
	if (!want_forwarding(e, filter->spec, error))
		goto failed;
	if (filter->rule)
		netfil_rules_enable(e->rules, filter->rule, filter->spec->on);
	return TRUE;
failed:
	uninstall(e, filter);
	return FALSE;
}

static gboolean add_new(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	filter->slot = netfil_slot_take(e, filter, error);
	if (filter->slot == NETFIL_NO_SLOT || !netfil_record(e, filter, error)) {
		netfil_slot_give_back(e, filter->slot);
		netfil_filter_free(filter);
		return FALSE;
	}
	netfil_kernel_slot(e->kernel, filter->slot)->id = filter->id;
	netfil_turn_begin(e, filter);
	netfil_grant_prepare(e, filter);
	netfil_filter_arm(e->kernel, filter);
	if (!netfil_install(e, filter, -1, TRUE, FALSE, error))
		return FALSE;
	/* Once more, for its rule. */
	if (netfil_record(e, filter, error))
		return TRUE;
	uninstall(e, filter);
	return FALSE;
}

gboolean netfil_engine_add(NetfilEngine *e, const NetfilSpec *spec, GError **error)
{
	if (!netfil_spec_check(spec, error))
		return FALSE;
	if (g_hash_table_contains(e->filters, spec->name)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_EXISTS,
			    "there is a filter '%s' already: change it with `netfil set`, or "
			    "choose another name",
			    spec->name);
		return FALSE;
	}
	if (e->ledger && !netfil_ledger_begin(e->ledger, error))
		return FALSE;
	if (!add_new(e, netfil_filter_new(spec), error)) {
		if (e->ledger)
			netfil_ledger_rollback(e->ledger);
		return FALSE;
	}
	if (e->ledger && !netfil_ledger_commit(e->ledger, error)) {
		uninstall(e, netfil_find(e, spec->name, NULL));
		return FALSE;
	}
	netfil_grant_follow(e, netfil_find(e, spec->name, NULL));
	g_signal_emit(e, signals[ADDED], 0, spec->name);
	return TRUE;
}

gboolean netfil_engine_remove(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	g_autofree char *kept = g_strdup(name);

	if (!filter || (e->ledger && !netfil_ledger_delete(e->ledger, filter->id, error)))
		return FALSE;
	uninstall(e, filter);
	g_signal_emit(e, signals[REMOVED], 0, kept);
	return TRUE;
}

/* Has the kernel do as filter->spec says. */
static gboolean put_in_force(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	netfil_cap_dismiss(e, filter);
	if (!netfil_cap_prepare(e, filter, error))
		return FALSE;
	netfil_grant_prepare(e, filter);
	netfil_filter_arm(e->kernel, filter);
	if (filter->rule)
		netfil_rules_enable(e->rules, filter->rule, filter->spec->on);
	if (names_interfaces(filter->spec) && !netfil_apply_interfaces(e, error))
		return FALSE;
	netfil_cap_follow(e, filter);
	return TRUE;
}

/* The same with the addresses that a frame filter leaves out. */
static gboolean follow_spec(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilRule *before;
	gboolean done = follow_excepts(e, filter, &before, error) && put_in_force(e, filter, error);

	if (before)
		netfil_rules_remove(e->rules, before);
	return done;
}

/* Takes `spec` in the place of the filter's own, which is freed; on error all is as it
 * was, `spec` still the caller's. `adjust` may be NULL. */
static gboolean take_spec(NetfilEngine *e, NetfilFilter *filter, NetfilSpec *spec,
			  const NetfilAdjust *adjust, GError **error)
{
	NetfilStanding standing = netfil_filter_standing(filter);
	NetfilSpec *before = filter->spec;

	filter->spec = spec;
	/* The table's key is the spec's name. */
	g_hash_table_replace(e->filters, spec->name, filter);
	netfil_turn_begin(e, filter);
	if (adjust)
		netfil_adjust_apply(e, filter, adjust);
	if (follow_spec(e, filter, error) && netfil_record(e, filter, error)) {
		netfil_spec_free(before);
		netfil_grant_follow(e, filter);
		return TRUE;
	}
	filter->spec = before;
	g_hash_table_replace(e->filters, before->name, filter);
	netfil_filter_stand(filter, &standing);
	follow_spec(e, filter, NULL); /* it was before */
	return FALSE;
}

gboolean netfil_engine_switch(NetfilEngine *e, const char *name, gboolean on, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	g_autoptr(NetfilSpec) spec = NULL;

	if (!filter)
		return FALSE;
	spec = netfil_spec_copy(filter->spec);
	spec->on = on;
	if (!take_spec(e, filter, spec, NULL, error))
		return FALSE;
	g_steal_pointer(&spec);
	netfil_emit_changed(e, filter);
	return TRUE;
}

gboolean netfil_engine_reset(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	gint64 now = netfil_clock_seconds();
	NetfilLedgerCycle closed;
	NetfilStanding standing;
	NetfilCounters at;

	if (!filter)
		return FALSE;
	standing = netfil_filter_standing(filter);
	netfil_filter_read(e->kernel, filter, &at);
	closed = netfil_turn_close(filter, &at, now);
	netfil_filter_restart(filter, &at, now,
			      netfil_cycle_end(&filter->spec->every, netfil_clock_zone(), now, now));
	/* On disk before it holds: a crash between gives the old cycle, not both. */
	if (!netfil_record_reset(e, filter, &closed, error)) {
		netfil_filter_stand(filter, &standing);
		return FALSE;
	}
	g_array_set_size(filter->warned, 0);
	netfil_filter_arm(e->kernel, filter);
	netfil_grant_follow(e, filter);
	netfil_cap_follow(e, filter);
	netfil_emit_changed(e, filter);
	return TRUE;
}

static gboolean touches_selectors(GVariant *changes)
{
	static const char *const others[] = {"in",   "out",	 "total", "on-limit",	"warn", "every",
					     "free", "rollover", "on",	  "durability", NULL};
	GVariantIter iter;
	const char *key;

	g_variant_iter_init(&iter, changes);
	while (g_variant_iter_next(&iter, "{&s@as}", &key, NULL))
		if (!g_strv_contains(others, key))
			return TRUE;
	return FALSE;
}

/* New selectors over the same counters: packets meet the old rule or the new one. */
static gboolean replace_rule(NetfilEngine *e, NetfilFilter *filter, const NetfilSpec *spec,
			     GError **error)
{
	NetfilSelectors *selectors = netfil_selectors_new(e->kernel, spec, FALSE, error);
	NetfilRule *rule;

	if (!selectors)
		return FALSE;
	rule = netfil_rules_add(e->rules, selectors, filter->slot, -1, filter->rule, TRUE, error);
	if (!rule)
		return FALSE;
	if (rule->selectors->asked & 1 << NETFIL_KIND_INTERFACE && !netfil_apply_interfaces(e, error)) {
		netfil_rules_remove(e->rules, rule);
		return FALSE;
	}
	if (spec->on)
		netfil_rules_replace(e->rules, filter->rule, rule);
	netfil_rules_remove(e->rules, filter->rule);
	filter->rule = rule;
	return TRUE;
}

static gboolean change(NetfilEngine *e, NetfilFilter *filter, NetfilSpec *spec, gboolean selectors,
		       const NetfilAdjust *adjust, GError **error)
{
	if (netfil_is_frame_filter(spec) != netfil_is_frame_filter(filter->spec)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "'%s' would count other bytes (frames and packets do not mix): remove "
			    "it and add it anew",
			    spec->name);
		return FALSE;
	}
	if (!want_forwarding(e, spec, error))
		return FALSE;
	if (selectors && filter->rule && !replace_rule(e, filter, spec, error))
		return FALSE;
	return take_spec(e, filter, spec, adjust, error);
}

gboolean netfil_engine_set(NetfilEngine *e, const char *name, GVariant *changes, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	g_autoptr(NetfilSpec) spec = NULL;
	g_autoptr(GVariant) rest = NULL;
	NetfilAdjust adjust;

	if (!filter || !netfil_adjust_split(changes, &adjust, &rest, error))
		return FALSE;
	spec = netfil_spec_copy(filter->spec);
	if (!netfil_spec_update(spec, rest, error) || !netfil_spec_check(spec, error) ||
	    !netfil_adjust_check(&adjust, spec, error) ||
	    !change(e, filter, spec, touches_selectors(rest), &adjust, error))
		return FALSE;
	g_steal_pointer(&spec);
	netfil_emit_changed(e, filter);
	return TRUE;
}

/* ---- what is told ---- */

void netfil_emit_cap_reached(NetfilEngine *e, const NetfilFilter *filter, guint direction)
{
	g_signal_emit(e, signals[CAP_REACHED], 0, filter->spec->name, direction);
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
		g_signal_emit(e, signals[WARNED], 0, filter->spec->name, warning->percent,
			      warning->direction);
}

void netfil_emit_trouble(NetfilEngine *e)
{
	g_signal_emit(e, signals[TROUBLE], 0, e->trouble ? e->trouble : "");
}

NetfilStatus *netfil_engine_get(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);

	return filter ? netfil_filter_status(e->kernel, filter) : NULL;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	const NetfilStatus *const *x = a, *const *y = b;

	return strcmp((*x)->spec->name, (*y)->spec->name);
}

GPtrArray *netfil_engine_list(NetfilEngine *e)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_status_free);
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		g_ptr_array_add(list, netfil_filter_status(e->kernel, filter));
	g_ptr_array_sort(list, compare_names);
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

void netfil_engine_follow(NetfilEngine *e)
{
	netfil_turn_all(e);
}

gboolean netfil_engine_reload(NetfilEngine *e, GError **error)
{
	return netfil_kernel_reload(e->kernel, error);
}

/* ---- life ---- */

static gboolean prepare_all(NetfilEngine *e, GError **error)
{
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter)) {
		netfil_turn_begin(e, filter);
		if (!prepare(e, filter, error))
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
	return e->ledger && netfil_record_resume(e, error);
}

static gboolean start(NetfilEngine *e, const NetfilEngineOptions *options, GError **error)
{
	e->pinned = options->bpffs_dir != NULL;
	e->durability = options->durability;
	e->kernel = netfil_kernel_open(options->bpffs_dir, options->cgroup_root, error);
	if (!e->kernel)
		return FALSE;
	e->devices = netfil_devices_new(on_devices_changed, e, error);
	if (!e->devices)
		return FALSE;
	e->rules = netfil_rules_new(e->kernel);
	e->resuming = TRUE;
	if (options->state_dir && !open_ledger(e, options, error))
		return FALSE;
	e->resuming = FALSE;
	if (!netfil_rules_thaw(e->rules, error) || !prepare_all(e, error))
		return FALSE;
	on_devices_changed(e);
	if (e->ledger)
		netfil_record_all(e);
	if (e->ledger && options->apps)
		netfil_record_apps(e);
	if (!netfil_kernel_watch(e->kernel, netfil_cap_event, e, error))
		return FALSE;
	catch_up(e);
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
		if (e->ledger)
			netfil_record_history(e);
		g_source_remove(e->tick_source);
	}
	if (e->reset_source)
		g_source_remove(e->reset_source);
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		netfil_filter_free(filter);
	g_hash_table_unref(e->filters);
	netfil_rules_free(e->rules);
	netfil_devices_free(e->devices);
	g_clear_pointer(&e->apps, netfil_apps_free);
	netfil_ledger_close(e->ledger);
	netfil_kernel_close(e->kernel);
	g_array_unref(e->closed);
	g_array_unref(e->warnings);
	g_free(e->zone_name);
	g_free(e->trouble);
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
	signals[CAP_REACHED] = g_signal_new("cap-reached", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
					    NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_UINT);
	signals[WARNED] = g_signal_new("warned", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				       G_TYPE_NONE, 3, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_UINT);
	signals[CYCLE_STARTED] = g_signal_new("cycle-started", type, G_SIGNAL_RUN_LAST, 0, NULL,
					      NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_INT64);
	signals[TROUBLE] = g_signal_new("trouble", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					G_TYPE_NONE, 1, G_TYPE_STRING);
}
