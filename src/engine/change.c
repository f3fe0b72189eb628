// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters are added, changed and removed. */
#include "clock.h"
#include "engine-private.h"

gboolean netfil_add_new(NetfilEngine *e, NetfilFilter *filter, GError **error)
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

gboolean netfil_engine_remove(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	g_autofree char *kept = g_strdup(name);

	if (!filter || (e->ledger && !netfil_ledger_delete(e->ledger, filter->id, error)))
		return FALSE;
	netfil_uninstall(e, filter);
	netfil_emit_removed(e, kept);
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

/* The same with the addresses that a frame filter leaves out. */
static gboolean follow_spec(NetfilEngine *e, NetfilFilter *filter, gboolean anew, GError **error)
{
	NetfilRule *before;
	gboolean done = netfil_follow_excepts(e, filter, &before, error) &&
			put_in_force(e, filter, anew, error);

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

gboolean netfil_engine_switch(NetfilEngine *e, const char *name, gboolean on, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);
	g_autoptr(NetfilSpec) spec = NULL;

	if (!filter)
		return FALSE;
	spec = netfil_spec_copy(filter->spec);
	spec->on = on;
	if (!netfil_take_spec(e, filter, spec, filter->owner, TRUE, NULL, error))
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
	netfil_filter_restart(
	    filter, &at, now,
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

gboolean netfil_key_selects(const char *key)
{
	static const char *const others[] = {"in",   "out",        "total", "on-limit",
					     "warn", "every",      "free",  "rollover",
					     "on",   "durability", "until-exit", NULL};

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
	NetfilSelectors *selectors = netfil_selectors_new(e->kernel, spec, FALSE, error);
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

static gboolean replace_rule(NetfilEngine *e, NetfilFilter *filter, const NetfilSpec *spec,
			     GError **error)
{
	NetfilRule *rule = netfil_new_rule(e, filter, spec, error);

	if (rule)
		netfil_put_rule(e, filter, rule, spec->on);
	return rule != NULL;
}

gboolean netfil_may_become(const NetfilFilter *filter, const NetfilSpec *spec, GError **error)
{
	if (netfil_is_frame_filter(spec) == netfil_is_frame_filter(filter->spec))
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
		    "'%s' would count other bytes (frames and packets do not mix): remove it and "
		    "add it anew",
		    spec->name);
	return FALSE;
}

static gboolean change(NetfilEngine *e, NetfilFilter *filter, NetfilSpec *spec, guint32 owner,
		       gboolean selectors, const NetfilAdjust *adjust, GError **error)
{
	if (!netfil_may_become(filter, spec, error) || !netfil_want_forwarding(e, spec, error))
		return FALSE;
	if (selectors && filter->rule && !replace_rule(e, filter, spec, error))
		return FALSE;
	return netfil_take_spec(e, filter, spec, owner, selectors, adjust, error);
}

gboolean netfil_engine_set(NetfilEngine *e, const char *name, GVariant *changes, guint32 owner,
			   GError **error)
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
	    !change(e, filter, spec, owner, touches_selectors(rest), &adjust, error))
		return FALSE;
	g_steal_pointer(&spec);
	netfil_emit_changed(e, filter);
	return TRUE;
}
