// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters are added, changed and removed. */
#include "batch.h"
#include "clock.h"

gboolean netfil_add_new(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	filter->slot = netfil_slot_take(e, filter, error);
	if (filter->slot == NETFIL_NO_SLOT || !netfil_record(e, filter, error) ||
	    !netfil_members_begin(e, filter, TRUE, error)) {
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
	if (netfil_record(e, filter, error)) {
		netfil_ended_watch(e);
		return TRUE;
	}
	netfil_uninstall(e, filter);
	return FALSE;
}

gboolean netfil_engine_add(NetfilEngine *e, const NetfilSpec *spec, guint32 owner, GError **error)
{
	NetfilFilter *filter;

	netfil_lists_ask(e->lists);
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
	filter = netfil_filter_new(spec);
	filter->owner = owner;
	if (!netfil_add_new(e, filter, error)) {
		if (e->ledger)
			netfil_ledger_rollback(e->ledger);
		return FALSE;
	}
	if (e->ledger && !netfil_ledger_commit(e->ledger, error)) {
		netfil_uninstall(e, filter);
		return FALSE;
	}
	netfil_grant_follow(e, filter);
	netfil_emit_added(e, spec->name);
	return TRUE;
}

/* Has the kernel do as filter->spec says. */
static gboolean put_in_force(NetfilEngine *e, NetfilFilter *filter, gboolean anew, GError **error)
{
	if (anew)
		netfil_cap_dismiss(e, filter);
	if (!netfil_cap_prepare(e, filter, error))
		return FALSE;
	netfil_grant_prepare(e, filter);
	netfil_filter_arm(e->kernel, filter);
	if (filter->rule)
		netfil_rules_enable(e->rules, filter->rule, filter->spec->on);
	if (netfil_names_interfaces(filter->spec) && !netfil_apply_interfaces(e, error))
		return FALSE;
	if (!e->gathering)
		netfil_cap_follow(e, filter);
	return TRUE;
}

static gboolean follow_max_members(NetfilFilter *filter, GError **error)
{
	return !filter->keyed ||
	       netfil_keyed_resize(filter->keyed, netfil_spec_max_members(filter->spec), error);
}

/* The same with the addresses that a frame filter leaves out, and room for members. */
static gboolean follow_spec(NetfilEngine *e, NetfilFilter *filter, gboolean anew, GError **error)
{
	NetfilRule *before;
	gboolean done = netfil_follow_excepts(e, filter, &before, error) &&
			put_in_force(e, filter, anew, error) && follow_max_members(filter, error);

	if (before)
		netfil_rules_remove(e->rules, before);
	return done;
}

NetfilSpec *netfil_put_back(NetfilEngine *e, NetfilFilter *filter, NetfilSpec *before,
			    const NetfilStanding *standing, gboolean anew)
{
	NetfilSpec *spec = filter->spec;

	filter->spec = before;
	/* The table's key is the spec's name. */
	g_hash_table_replace(e->filters, before->name, filter);
	netfil_filter_stand(filter, standing);
	follow_spec(e, filter, anew, NULL); /* it was before */
	return spec;
}

gboolean netfil_take_spec(NetfilEngine *e, NetfilFilter *filter, NetfilSpec *spec, guint32 owner,
			  gboolean anew, const NetfilAdjust *adjust, GError **error)
{
	NetfilStanding standing = netfil_filter_standing(filter);
	NetfilSpec *before = filter->spec;

	filter->spec = spec;
	filter->owner = owner;
	g_hash_table_replace(e->filters, spec->name, filter);
	netfil_turn_begin(e, filter);
	if (adjust)
		netfil_adjust_apply(e, filter, adjust);
	if (follow_spec(e, filter, anew, error) && netfil_record(e, filter, error)) {
		netfil_spec_free(before);
		netfil_ended_watch(e);
		if (!e->gathering)
			netfil_grant_follow(e, filter);
		return TRUE;
	}
	netfil_put_back(e, filter, before, &standing, anew);
	return FALSE;
}

/* Of NetfilFilter, each once; NULL if one of them is not there. */
static GPtrArray *find_all(NetfilEngine *e, const char *const *names, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(GPtrArray) filters = g_ptr_array_new();

	if (!names[0]) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
				    "no filter is named: name one or more");
		return NULL;
	}
	for (; *names; names++) {
		NetfilFilter *filter = netfil_find(e, *names, error);

		if (!filter)
			return NULL;
		if (g_hash_table_add(seen, filter))
			g_ptr_array_add(filters, filter);
	}
	return g_steal_pointer(&filters);
}

gboolean netfil_engine_remove(NetfilEngine *e, const char *const *names, GError **error)
{
	g_autoptr(GPtrArray) filters = find_all(e, names, error);
	g_autoptr(NetfilBatch) batch = netfil_batch_new(e);

	for (guint i = 0; filters && i < filters->len; i++)
		netfil_batch_remove(batch, filters->pdata[i]);
	return filters && netfil_batch_carry_out(batch, error);
}

gboolean netfil_engine_switch(NetfilEngine *e, const char *const *names, gboolean on,
			      GError **error)
{
	g_autoptr(GPtrArray) filters = find_all(e, names, error);
	g_autoptr(NetfilBatch) batch = netfil_batch_new(e);

	for (guint i = 0; filters && i < filters->len; i++) {
		NetfilFilter *filter = filters->pdata[i];
		g_autoptr(NetfilSpec) spec = netfil_spec_copy(filter->spec);

		spec->on = on;
		netfil_batch_change(batch, filter, spec, filter->owner, NULL, FALSE, TRUE, NULL);
	}
	return filters && netfil_batch_carry_out(batch, error);
}

typedef struct {
	NetfilFilter *filter;
	NetfilStanding before;
	NetfilLedgerCycle closed;
} Reset;

/* The counters stand where they stood: what was used is counted from here. */
static Reset restart(NetfilEngine *e, NetfilFilter *filter, gint64 now)
{
	Reset reset = {.filter = filter, .before = netfil_filter_standing(filter)};
	NetfilCounters at;

	netfil_filter_read(e->kernel, filter, &at);
	reset.closed = netfil_turn_close(filter, &at, now);
	netfil_filter_restart(
	    filter, &at, now,
	    netfil_cycle_end(&filter->spec->every, netfil_clock_zone(), now, now));
	return reset;
}

static gboolean record_resets(NetfilEngine *e, const GArray *resets, GError **error)
{
	gboolean good = TRUE;

	if (!e->ledger)
		return TRUE;
	if (!netfil_ledger_begin(e->ledger, error))
		return FALSE;
	for (guint i = 0; good && i < resets->len; i++) {
		const Reset *reset = &g_array_index(resets, Reset, i);

		good = netfil_record(e, reset->filter, error) &&
		       netfil_ledger_close_cycle(e->ledger, &reset->closed, error) &&
		       (!reset->filter->keyed ||
			netfil_ledger_delete_members(e->ledger, reset->filter->id, error));
	}
	if (good)
		return netfil_ledger_commit(e->ledger, error);
	netfil_ledger_rollback(e->ledger);
	return FALSE;
}

static void put_back_resets(const GArray *resets)
{
	for (guint i = 0; i < resets->len; i++) {
		const Reset *reset = &g_array_index(resets, Reset, i);

		netfil_filter_stand(reset->filter, &reset->before);
		reset->filter->dirty = TRUE; /* what is known to be written is not */
		if (reset->filter->keyed)
			netfil_keyed_turn(reset->filter->keyed, FALSE);
	}
}

gboolean netfil_engine_reset(NetfilEngine *e, const char *const *names, GError **error)
{
	g_autoptr(GArray) resets = g_array_new(FALSE, FALSE, sizeof(Reset));
	g_autoptr(GPtrArray) filters = find_all(e, names, error);
	gint64 now = netfil_clock_seconds();

	if (!filters)
		return FALSE;
	for (guint i = 0; i < filters->len; i++) {
		Reset reset = restart(e, filters->pdata[i], now);

		g_array_append_val(resets, reset);
	}
	/* On disk before it holds: a crash between gives the old cycle, not both. */
	if (!record_resets(e, resets, error)) {
		put_back_resets(resets);
		return FALSE;
	}
	for (guint i = 0; i < filters->len; i++) {
		NetfilFilter *filter = filters->pdata[i];

		g_array_set_size(filter->warned, 0);
		netfil_filter_arm(e->kernel, filter);
		netfil_grant_follow(e, filter);
		netfil_cap_follow(e, filter);
		netfil_emit_changed(e, filter);
	}
	return TRUE;
}

gboolean netfil_key_selects(const char *key)
{
	static const char *const others[] = {
	    "in",       "out", "total",      "on-limit",   "warn", "every",       "free",
	    "rollover", "on",  "durability", "until-exit", "each", "max-members", NULL};

	return !g_strv_contains(others, key);
}

static gboolean touches_selectors(GVariant *changes)
{
	GVariantIter iter;
	const char *key;

	g_variant_iter_init(&iter, changes);
	while (g_variant_iter_next(&iter, "{&s@as}", &key, NULL))
		if (netfil_key_selects(key))
			return TRUE;
	return FALSE;
}

NetfilRule *netfil_new_rule(NetfilEngine *e, NetfilFilter *filter, const NetfilSpec *spec,
			    GError **error)
{
	NetfilSelectors *selectors = netfil_selectors_new(e->kernel, e->lists, spec, FALSE, error);
	NetfilRule *rule;

	if (!selectors)
		return NULL;
	rule = netfil_rules_add(e->rules, selectors, filter->slot, -1, filter->rule, TRUE, error);
	if (!rule)
		return NULL;
	if (rule->selectors->asked & 1 << NETFIL_KIND_INTERFACE &&
	    !netfil_apply_interfaces(e, error)) {
		netfil_rules_remove(e->rules, rule);
		return NULL;
	}
	return rule;
}

void netfil_put_rule(NetfilEngine *e, NetfilFilter *filter, NetfilRule *rule, gboolean on)
{
	if (on)
		netfil_rules_replace(e->rules, filter->rule, rule);
	netfil_rules_remove(e->rules, filter->rule);
	filter->rule = rule;
}

gboolean netfil_may_become(const NetfilFilter *filter, const NetfilSpec *spec, GError **error)
{
	if (spec->each != filter->spec->each) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "'%s' would have other members (each stays what it is): remove it and "
			    "add it again",
			    spec->name);
		return FALSE;
	}
	if (netfil_is_frame_filter(spec) == netfil_is_frame_filter(filter->spec))
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
		    "'%s' would count other bytes (frames and packets do not mix): remove it and "
		    "add it anew",
		    spec->name);
	return FALSE;
}

NetfilSpec *netfil_engine_becomes(NetfilEngine *e, const char *name, GVariant *changes)
{
	const NetfilFilter *filter = netfil_find(e, name, NULL);
	g_autoptr(NetfilSpec) spec = NULL;
	g_autoptr(GVariant) rest = NULL;
	NetfilAdjust adjust;

	if (!filter || !netfil_adjust_split(changes, &adjust, &rest, NULL) ||
	    !touches_selectors(rest))
		return NULL;
	spec = netfil_spec_copy(filter->spec);
	return netfil_spec_update(spec, rest, NULL) ? g_steal_pointer(&spec) : NULL;
}

gboolean netfil_engine_set(NetfilEngine *e, const char *name, GVariant *changes, guint32 owner,
			   GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	g_autoptr(NetfilBatch) batch = netfil_batch_new(e);
	g_autoptr(NetfilSpec) spec = NULL;
	g_autoptr(GVariant) rest = NULL;
	NetfilAdjust adjust;
	gboolean selects;

	netfil_lists_ask(e->lists);
	if (!filter || !netfil_adjust_split(changes, &adjust, &rest, error))
		return FALSE;
	spec = netfil_spec_copy(filter->spec);
	if (!netfil_spec_update(spec, rest, error) || !netfil_may_become(filter, spec, error) ||
	    !netfil_spec_check(spec, error) || !netfil_adjust_check(&adjust, spec, error))
		return FALSE;
	selects = touches_selectors(rest);
	netfil_batch_change(batch, filter, spec, owner, NULL, selects, selects, &adjust);
	return netfil_batch_carry_out(batch, error);
}
