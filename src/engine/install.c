// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A filter's hold on the kernel: its slots, rules and interfaces. */
#include "engine-private.h"

#include <string.h>

#include "core/quote.h"

#define NAME_SHOWN 64

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
		netfil_kernel_slot_clear(e->kernel, slot);
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

	if (e->resuming || e->gathering)
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

gboolean netfil_names_interfaces(const NetfilSpec *spec)
{
	return spec->interfaces->len > 0;
}

/* ---- filters ---- */

NetfilFilter *netfil_find(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = g_hash_table_lookup(e->filters, name);
	g_autofree char *shown = NULL;

	if (filter)
		return filter;
	shown = netfil_escape(name, -1, NAME_SHOWN); /* it may be anything */
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
		    "there is no filter '%s': see `netfil list`", shown);
	return NULL;
}

gboolean netfil_want_forwarding(NetfilEngine *e, const NetfilSpec *spec, GError **error)
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

/* ---- members ---- */

gboolean netfil_members_begin(NetfilEngine *e, NetfilFilter *filter, gboolean fresh, GError **error)
{
	if (!filter->spec->each)
		return TRUE;
	filter->keyed = netfil_keyed_open(e, filter, fresh, error);
	return filter->keyed != NULL;
}

void netfil_members_end_of(NetfilFilter *filter)
{
	if (filter->keyed)
		netfil_keyed_remove(g_steal_pointer(&filter->keyed));
}

void netfil_uninstall(NetfilEngine *e, NetfilFilter *filter)
{
	g_hash_table_steal(e->filters, filter->spec->name);
	netfil_cap_dismiss(e, filter);
	if (filter->rule)
		netfil_rules_remove(e->rules, filter->rule);
	if (netfil_names_interfaces(filter->spec))
		netfil_apply_interfaces(e, NULL);
	if (filter->except_rule)
		netfil_rules_remove(e->rules, filter->except_rule);
	netfil_members_end_of(filter);
	netfil_slot_give_back(e, filter->slot);
	netfil_filter_free(filter);
}

gboolean netfil_follow_excepts(NetfilEngine *e, NetfilFilter *filter, NetfilRule **before,
			       GError **error)
{
	NetfilSelectors *selectors;
	NetfilRule *rule = NULL;

	*before = NULL;
	if (!netfil_is_frame_filter(filter->spec))
		return TRUE;
	if (filter->spec->excepts->len) {
		selectors = netfil_selectors_new(e->kernel, e->lists, filter->spec, TRUE, error);
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

gboolean netfil_prepare(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilRule *before;

	return netfil_follow_excepts(e, filter, &before, error) &&
	       netfil_cap_prepare(e, filter, error);
}

gboolean netfil_install(NetfilEngine *e, NetfilFilter *filter, int rule, gboolean seed,
			gboolean lenient, GError **error)
{
	NetfilSelectors *selectors = NULL;

	g_hash_table_insert(e->filters, filter->spec->name, filter);
	if (!netfil_is_frame_filter(filter->spec)) {
		selectors = netfil_selectors_new(e->kernel, e->lists, filter->spec, lenient, error);
		if (!selectors)
			goto failed;
		filter->rule =
		    netfil_rules_add(e->rules, selectors, filter->slot, rule, NULL, seed, error);
		if (!filter->rule)
			goto failed;
	}
	/* While filters are resumed, numbers of rules to come are not free. */
	if (!e->resuming && !netfil_prepare(e, filter, error))
		goto failed;
	if (netfil_names_interfaces(filter->spec) && !netfil_apply_interfaces(e, error))
		goto failed;
	if (!netfil_want_forwarding(e, filter->spec, error))
		goto failed;
	if (filter->rule)
		netfil_rules_enable(e->rules, filter->rule, filter->spec->on);
	return TRUE;
failed:
	netfil_uninstall(e, filter);
	return FALSE;
}
