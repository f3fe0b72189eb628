// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "engine.h"

#include <string.h>

#include "core/error.h"
#include "filter.h"
#include "kernel/device.h"
#include "kernel/pin.h"
#include "kill.h"

struct _NetfilEngine {
	GObject parent;
	NetfilKernel *kernel;
	NetfilDevices *devices;
	NetfilRules *rules;
	NetfilLedger *ledger; /* NULL: none */
	gboolean pinned;
	gboolean resuming; /* not all filters are there yet */
	GHashTable *filters; /* name -> NetfilFilter * */
	NetfilFilter *by_slot[NETFIL_SLOTS_MAX];
	guint next_slot;
	gint64 next_id; /* without a ledger */
	guint checkpoint_source;
	guint reset_source;
};

G_DEFINE_FINAL_TYPE(NetfilEngine, netfil_engine, G_TYPE_OBJECT)

enum { ADDED, REMOVED, CHANGED, CAP_REACHED, SIGNALS };
static guint signals[SIGNALS];

#define CHECKPOINT_SECONDS 1
/* Connections that knock at a spent cap are ended together, this often at most. */
#define RESET_MILLISECONDS 20

/* ---- slots ---- */

/* Slots are given in turn, so that one which was freed rests as long as can be. */
static guint slot_take(NetfilEngine *e, NetfilFilter *filter, GError **error)
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

static void slot_give_back(NetfilEngine *e, guint slot)
{
	if (slot == NETFIL_NO_SLOT)
		return;
	e->by_slot[slot] = NULL;
	netfil_kernel_slot(e->kernel, slot)->id = 0;
}

/* ---- interfaces ---- */

static gboolean is_frame_filter(const NetfilSpec *spec)
{
	return netfil_spec_type(spec) == NETFIL_SPEC_INTERFACE;
}

static gboolean apply_interfaces(NetfilEngine *e, GError **error)
{
	g_autoptr(GPtrArray) frames = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	if (e->resuming)
		return TRUE;
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		if (!is_frame_filter(filter->spec))
			continue;
		filter->frame.globs = filter->spec->interfaces;
		filter->frame.loopback = filter->spec->loopback;
		filter->frame.slot = filter->slot;
		filter->frame.on = filter->spec->on;
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

	if (!apply_interfaces(e, &error))
		g_warning("%s", error->message);
}

/* ---- a spent interface ---- */

static void spent_end(NetfilEngine *e, NetfilFilter *filter)
{
	const struct netfil_slot *spent;

	if (!filter->spent_rule)
		return;
	netfil_rules_remove(e->rules, filter->spent_rule);
	filter->spent_rule = NULL;
	spent = netfil_kernel_slot(e->kernel, filter->spent_slot);
	/* What it refused stays in the filter's sums. */
	filter->base.refused_bytes -= spent->refused_bytes;
	filter->base.refused_packets -= spent->refused_packets;
	filter->base.reset_bytes -= spent->reset_bytes;
	filter->base.reset_packets -= spent->reset_packets;
	slot_give_back(e, filter->spent_slot);
	filter->spent_slot = NETFIL_NO_SLOT;
	apply_interfaces(e, NULL);
}

static void spent_limits(NetfilEngine *e, NetfilFilter *filter)
{
	struct netfil_slot *slot = netfil_kernel_slot(e->kernel, filter->spent_slot);
	guint exhausted = netfil_filter_exhausted(e->kernel, filter);
	guint total = 1 << NETFIL_TOTAL;

	slot->limit[NETFIL_IN] = exhausted & (1 << NETFIL_IN | total) ? 0 : NETFIL_NO_LIMIT;
	slot->limit[NETFIL_OUT] = exhausted & (1 << NETFIL_OUT | total) ? 0 : NETFIL_NO_LIMIT;
	slot->limit[NETFIL_TOTAL] = NETFIL_NO_LIMIT;
	slot->flags = NETFIL_SLOT_REJECT | NETFIL_SLOT_PASS_RESET;
	slot->exhausted = exhausted;
}

/* Frames are dropped below the sockets, where nobody hears of it. So sockets on the
 * interface get a rule with an empty slot, which refuses as socket filters do. */
static void spent_begin(NetfilEngine *e, NetfilFilter *filter)
{
	NetfilSpec *spec;
	NetfilSelectors *selectors;
	g_autoptr(GError) error = NULL;

	if (filter->spent_rule) {
		spent_limits(e, filter);
		return;
	}
	filter->spent_slot = slot_take(e, filter, &error);
	if (filter->spent_slot == NETFIL_NO_SLOT)
		return; /* frames are still dropped */
	spent_limits(e, filter);
	spec = netfil_spec_copy(filter->spec);
	selectors = netfil_selectors_new(e->kernel, spec, TRUE, NULL);
	netfil_spec_free(spec);
	filter->spent_rule = netfil_rules_add(e->rules, selectors, filter->spent_slot, -1, NULL,
					      FALSE, &error);
	if (!filter->spent_rule) {
		slot_give_back(e, filter->spent_slot);
		filter->spent_slot = NETFIL_NO_SLOT;
		return;
	}
	apply_interfaces(e, NULL);
	netfil_rules_enable(e->rules, filter->spent_rule, TRUE);
}

/* ---- at the cap ---- */

static gboolean end_connections(gpointer data)
{
	NetfilEngine *e = data;
	GHashTableIter iter;
	gpointer value;

	e->reset_source = 0;
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		if (!filter->reset_due)
			continue;
		filter->reset_due = FALSE;
		if (netfil_filter_exhausted(e->kernel, filter))
			netfil_kernel_reset_connections(e->kernel, filter->spent_rule
									   ? filter->spent_slot
									   : filter->slot);
	}
	return G_SOURCE_REMOVE;
}

static void end_connections_soon(NetfilEngine *e, NetfilFilter *filter, guint milliseconds)
{
	GSource *source;

	filter->reset_due = TRUE;
	if (e->reset_source)
		return;
	source = g_timeout_source_new(milliseconds);
	g_source_set_callback(source, end_connections, e, NULL);
	e->reset_source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
}

/* Whether the packet that was refused would still not fit: the cap may have been
 * raised since, or another filter's refusal have given bytes back. */
static gboolean still_full(NetfilEngine *e, guint number, const struct netfil_event *event)
{
	const struct netfil_slot *slot = netfil_kernel_slot(e->kernel, number);
	guint direction = MIN(event->direction, NETFIL_TOTAL);
	guint64 limit = __atomic_load_n(&slot->limit[direction], __ATOMIC_ACQUIRE);
	guint64 used = __atomic_load_n(&slot->used[direction], __ATOMIC_ACQUIRE);

	return limit != NETFIL_NO_LIMIT && (event->size > limit || used > limit - event->size);
}

static void act(NetfilEngine *e, NetfilFilter *filter)
{
	switch (filter->spec->on_limit) {
	case NETFIL_ON_LIMIT_REJECT:
		if (is_frame_filter(filter->spec))
			spent_begin(e, filter);
		end_connections_soon(e, filter, 0);
		break;
	case NETFIL_ON_LIMIT_KILL:
		netfil_kill(e->kernel, filter);
		break;
	case NETFIL_ON_LIMIT_DROP:
		break;
	}
}

/* After a cap or the policy changed: what was reached before is acted upon anew. */
static void act_if_exhausted(NetfilEngine *e, NetfilFilter *filter)
{
	if (filter->spec->on && netfil_filter_exhausted(e->kernel, filter))
		act(e, filter);
}

static void on_exhausted(NetfilEngine *e, NetfilFilter *filter, const struct netfil_event *event)
{
	guint32 *exhausted;

	if (!filter->spec->on || event->slot != filter->slot)
		return;
	if (!still_full(e, event->slot, event)) {
		exhausted = &netfil_kernel_slot(e->kernel, event->slot)->exhausted;
		__atomic_and_fetch(exhausted, ~(1U << event->direction), __ATOMIC_SEQ_CST);
		return;
	}
	act(e, filter);
	g_signal_emit(e, signals[CAP_REACHED], 0, filter->spec->name, event->direction);
	g_signal_emit(e, signals[CHANGED], 0, filter->spec->name);
}

static void on_event(const struct netfil_event *event, gpointer data)
{
	NetfilEngine *e = data;
	NetfilFilter *filter = event->slot < NETFIL_SLOTS_MAX ? e->by_slot[event->slot] : NULL;

	if (!filter)
		return; /* removed meanwhile */
	if (event->type == NETFIL_EVENT_EXHAUSTED)
		on_exhausted(e, filter, event);
	else if (event->type == NETFIL_EVENT_CONNECT &&
		 filter->spec->on_limit == NETFIL_ON_LIMIT_REJECT)
		end_connections_soon(e, filter, RESET_MILLISECONDS);
}

/* ---- ledger ---- */

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
static gboolean record(NetfilEngine *e, NetfilFilter *filter, GError **error)
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

static gboolean checkpoint(gpointer data)
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

/* ---- filters ---- */

static NetfilFilter *find(NetfilEngine *e, const char *name, GError **error)
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

/* Takes a filter's hold on the kernel away: rule, slots, interfaces. */
static void uninstall(NetfilEngine *e, NetfilFilter *filter)
{
	g_hash_table_steal(e->filters, filter->spec->name);
	netfil_kill_forget(filter);
	spent_end(e, filter);
	if (filter->rule)
		netfil_rules_remove(e->rules, filter->rule);
	if (names_interfaces(filter->spec))
		apply_interfaces(e, NULL);
	slot_give_back(e, filter->slot);
	netfil_filter_free(filter);
}

/* Gives a filter its hold on the kernel; it counts when this returns. On error
 * nothing is left, the filter neither. */
static gboolean install(NetfilEngine *e, NetfilFilter *filter, int rule, gboolean seed,
			gboolean lenient, GError **error)
{
	NetfilSelectors *selectors = NULL;

	g_hash_table_insert(e->filters, filter->spec->name, filter);
	if (!is_frame_filter(filter->spec)) {
		selectors = netfil_selectors_new(e->kernel, filter->spec, lenient, error);
		if (!selectors)
			goto failed;
		filter->rule = netfil_rules_add(e->rules, selectors, filter->slot, rule, NULL,
						seed, error);
		if (!filter->rule)
			goto failed;
	}
	if (names_interfaces(filter->spec) && !apply_interfaces(e, error))
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
	filter->slot = slot_take(e, filter, error);
	if (filter->slot == NETFIL_NO_SLOT || !record(e, filter, error)) {
		slot_give_back(e, filter->slot);
		netfil_filter_free(filter);
		return FALSE;
	}
	netfil_kernel_slot(e->kernel, filter->slot)->id = filter->id;
	netfil_filter_arm(e->kernel, filter);
	if (!install(e, filter, -1, TRUE, FALSE, error))
		return FALSE;
	/* Once more, for its rule. */
	if (record(e, filter, error))
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
		uninstall(e, find(e, spec->name, NULL));
		return FALSE;
	}
	g_signal_emit(e, signals[ADDED], 0, spec->name);
	return TRUE;
}

gboolean netfil_engine_remove(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = find(e, name, error);
	g_autofree char *kept = g_strdup(name);

	if (!filter || (e->ledger && !netfil_ledger_delete(e->ledger, filter->id, error)))
		return FALSE;
	uninstall(e, filter);
	g_signal_emit(e, signals[REMOVED], 0, kept);
	return TRUE;
}

gboolean netfil_engine_switch(NetfilEngine *e, const char *name, gboolean on, GError **error)
{
	NetfilFilter *filter = find(e, name, error);
	gboolean before;

	if (!filter)
		return FALSE;
	before = filter->spec->on;
	filter->spec->on = on;
	if (!record(e, filter, error)) {
		filter->spec->on = before;
		return FALSE;
	}
	if (!on)
		spent_end(e, filter);
	netfil_kill_forget(filter);
	netfil_filter_arm(e->kernel, filter);
	if (filter->rule)
		netfil_rules_enable(e->rules, filter->rule, on);
	if (names_interfaces(filter->spec) && !apply_interfaces(e, error))
		return FALSE;
	act_if_exhausted(e, filter);
	g_signal_emit(e, signals[CHANGED], 0, name);
	return TRUE;
}

gboolean netfil_engine_reset(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = find(e, name, error);
	NetfilCounters base;
	gint64 started;

	if (!filter)
		return FALSE;
	spent_end(e, filter);
	netfil_kill_forget(filter);
	base = filter->base;
	started = filter->started;
	netfil_filter_restart(e->kernel, filter);
	/* On disk before it holds: a crash between gives the old cycle, not both. */
	if (!record(e, filter, error)) {
		filter->base = base;
		filter->started = started;
		return FALSE;
	}
	netfil_filter_arm(e->kernel, filter);
	g_signal_emit(e, signals[CHANGED], 0, name);
	return TRUE;
}

static gboolean touches_selectors(GVariant *changes)
{
	static const char *const others[] = {"in", "out", "total", "on-limit", "on", NULL};
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
	if (rule->selectors->asked & 1 << NETFIL_KIND_INTERFACE && !apply_interfaces(e, error)) {
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
		       GError **error)
{
	NetfilSpec *before = filter->spec;

	if (is_frame_filter(spec) != is_frame_filter(before)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "'%s' would count other bytes (frames and packets do not mix): remove "
			    "it and add it anew",
			    spec->name);
		return FALSE;
	}
	if (selectors && filter->rule && !replace_rule(e, filter, spec, error))
		return FALSE;
	if (!want_forwarding(e, spec, error))
		return FALSE;
	spent_end(e, filter);
	netfil_kill_forget(filter);
	filter->spec = spec;
	/* The table's key is the spec's name. */
	g_hash_table_replace(e->filters, spec->name, filter);
	netfil_filter_arm(e->kernel, filter);
	if (filter->rule)
		netfil_rules_enable(e->rules, filter->rule, spec->on);
	if (names_interfaces(spec))
		apply_interfaces(e, NULL);
	netfil_spec_free(before);
	act_if_exhausted(e, filter);
	return record(e, filter, error);
}

gboolean netfil_engine_set(NetfilEngine *e, const char *name, GVariant *changes, GError **error)
{
	NetfilFilter *filter = find(e, name, error);
	g_autoptr(NetfilSpec) spec = NULL;

	if (!filter)
		return FALSE;
	spec = netfil_spec_copy(filter->spec);
	if (!netfil_spec_update(spec, changes, error) || !netfil_spec_check(spec, error))
		return FALSE;
	if (!change(e, filter, spec, touches_selectors(changes), error)) {
		if (filter->spec == spec) /* taken over, but not recorded */
			g_steal_pointer(&spec);
		return FALSE;
	}
	g_steal_pointer(&spec);
	g_signal_emit(e, signals[CHANGED], 0, name);
	return TRUE;
}

/* ---- what is told ---- */

NetfilStatus *netfil_engine_get(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = find(e, name, error);

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

void netfil_engine_unattributed(NetfilEngine *e, guint64 bytes[2], guint64 packets[2])
{
	const struct netfil_totals *totals = netfil_kernel_totals(e->kernel);

	for (guint i = 0; i < 2; i++) {
		bytes[i] = totals->unattributed_bytes[i];
		packets[i] = totals->unattributed_packets[i];
	}
}

gboolean netfil_engine_reload(NetfilEngine *e, GError **error)
{
	return netfil_kernel_reload(e->kernel, error);
}

gboolean netfil_engine_unpin(const char *bpffs_dir, GError **error)
{
	return netfil_pin_remove_all(bpffs_dir, error);
}

/* ---- life ---- */

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

	filter->slot = slot_take(e, filter, error);
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
	return install(e, filter, survived ? row->rule : -1, FALSE, TRUE, error);
}

static gboolean resume_all(NetfilEngine *e, GError **error)
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

static gboolean record_all(NetfilEngine *e, GError **error)
{
	GHashTableIter iter;
	gpointer filter;

	if (!netfil_ledger_begin(e->ledger, error))
		return FALSE;
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		if (!record(e, filter, error)) {
			netfil_ledger_rollback(e->ledger);
			return FALSE;
		}
	return netfil_ledger_commit(e->ledger, error);
}

/* What was reached while nobody looked. */
static void catch_up(NetfilEngine *e)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		act_if_exhausted(e, value);
}

static gboolean start(NetfilEngine *e, const NetfilEngineOptions *options, GError **error)
{
	GSource *source;

	e->pinned = options->bpffs_dir != NULL;
	e->kernel = netfil_kernel_open(options->bpffs_dir, options->cgroup_root, error);
	if (!e->kernel)
		return FALSE;
	e->devices = netfil_devices_new(on_devices_changed, e, error);
	if (!e->devices)
		return FALSE;
	e->rules = netfil_rules_new(e->kernel);
	e->resuming = TRUE;
	if (options->state_dir) {
		e->ledger = netfil_ledger_open(options->state_dir, error);
		if (!e->ledger || !resume_all(e, error))
			return FALSE;
	}
	e->resuming = FALSE;
	if (!netfil_rules_thaw(e->rules, error) || !apply_interfaces(e, error))
		return FALSE;
	if (e->ledger) {
		if (!record_all(e, error))
			return FALSE;
		source = g_timeout_source_new_seconds(CHECKPOINT_SECONDS);
		g_source_set_callback(source, checkpoint, e, NULL);
		e->checkpoint_source =
			g_source_attach(source, g_main_context_get_thread_default());
		g_source_unref(source);
	}
	if (!netfil_kernel_watch(e->kernel, on_event, e, error))
		return FALSE;
	catch_up(e);
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
}

static void netfil_engine_finalize(GObject *object)
{
	NetfilEngine *e = NETFIL_ENGINE(object);
	GHashTableIter iter;
	gpointer filter;

	if (e->checkpoint_source) {
		checkpoint(e);
		g_source_remove(e->checkpoint_source);
	}
	if (e->reset_source)
		g_source_remove(e->reset_source);
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		netfil_filter_free(filter);
	g_hash_table_unref(e->filters);
	netfil_rules_free(e->rules);
	netfil_devices_free(e->devices);
	netfil_ledger_close(e->ledger);
	netfil_kernel_close(e->kernel);
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
}
