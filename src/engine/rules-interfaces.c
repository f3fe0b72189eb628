// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The map "interfaces", and the programs on them. */
#include <string.h>

#include "core/error.h"
#include "rules-private.h"

/* Adds a frame filter's slot; FALSE if there is no room. */
static gboolean add_frame(struct netfil_interface *entry, const NetfilFrameFilter *frame)
{
	if (entry->count == NETFIL_MATCH_MAX)
		return FALSE;
	entry->except[entry->count] = frame->rule ? frame->rule->number : NETFIL_NO_RULE;
	entry->slots[entry->count++] = frame->slot;
	return TRUE;
}

static gboolean describe(NetfilRules *r, const NetfilDevice *device, GPtrArray *frames,
			 struct netfil_interface *entry, struct netfil_set *set, GError **error)
{
	gboolean full = FALSE;
	NetfilRule *rule;

	entry->link_header = device->link_header;
	FOR_EACH_RULE (r, rule)
		if (!rule->removed &&
		    netfil_globs_match(rule->selectors->interfaces, device->name, device->loopback,
				       rule->selectors->loopback))
			netfil_set_add(set, rule->number);
	for (guint i = 0; i < frames->len; i++) {
		NetfilFrameFilter *frame = frames->pdata[i];

		if (!netfil_globs_match(frame->globs, device->name, device->loopback,
					frame->loopback))
			continue;
		frame->present = TRUE;
		if (frame->on && !add_frame(entry, frame))
			full = TRUE;
	}
	if (full)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "interface %s has %d filters, which is all that fit: remove some "
			    "first",
			    device->name, NETFIL_MATCH_MAX);
	return !full;
}

static gboolean write_interface(NetfilRules *r, guint ifindex, struct netfil_interface *entry,
				const struct netfil_set *set, GError **error)
{
	struct netfil_interface *old =
	    g_hash_table_lookup(r->interfaces, GUINT_TO_POINTER(ifindex));

	if (!netfil_sets_hold(r->sets, set, &entry->set, error))
		return FALSE;
	if (old && !memcmp(old, entry, sizeof(*entry))) {
		netfil_sets_release(r->sets, entry->set);
		return TRUE;
	}
	if (!netfil_maps_put(netfil_kernel_maps(r->kernel), "interfaces", &ifindex, entry, error)) {
		netfil_sets_release(r->sets, entry->set);
		return FALSE;
	}
	if (old)
		netfil_sets_release(r->sets, old->set);
	g_hash_table_replace(r->interfaces, GUINT_TO_POINTER(ifindex),
			     g_memdup2(entry, sizeof(*entry)));
	return TRUE;
}

static void forget_interface(NetfilRules *r, guint ifindex)
{
	struct netfil_interface *old =
	    g_hash_table_lookup(r->interfaces, GUINT_TO_POINTER(ifindex));

	if (!old)
		return;
	netfil_kernel_detach_interface(r->kernel, ifindex);
	netfil_maps_delete(netfil_kernel_maps(r->kernel), "interfaces", &ifindex);
	netfil_sets_release(r->sets, old->set);
	g_hash_table_remove(r->interfaces, GUINT_TO_POINTER(ifindex));
}

static gboolean update_interface(NetfilRules *r, const NetfilDevice *device, GPtrArray *frames,
				 GError **error)
{
	struct netfil_interface entry = {0};
	struct netfil_set set = {0};

	gboolean fits = describe(r, device, frames, &entry, &set, error);

	if (!entry.count && netfil_set_is_empty(&set)) {
		forget_interface(r, device->ifindex);
		return TRUE;
	}
	/* Those that fit are in force, whatever the caller does about the others. */
	if (!fits)
		error = NULL;
	/* The map first: a program that finds nothing there lets everything pass. */
	if (!write_interface(r, device->ifindex, &entry, &set, error))
		return FALSE;
	if (entry.count)
		return netfil_kernel_attach_interface(r->kernel, device->ifindex, error) && fits;
	netfil_kernel_detach_interface(r->kernel, device->ifindex);
	return fits;
}

gboolean netfil_rules_interfaces(NetfilRules *r, const GPtrArray *devices, GPtrArray *frames,
				 GError **error)
{
	g_autoptr(GList) known = g_hash_table_get_keys(r->interfaces);
	g_autoptr(GHashTable) there = g_hash_table_new(NULL, NULL);
	gboolean done = TRUE;

	for (guint i = 0; i < frames->len; i++)
		((NetfilFrameFilter *)frames->pdata[i])->present = FALSE;
	for (guint i = 0; i < devices->len; i++) {
		const NetfilDevice *device = devices->pdata[i];

		g_hash_table_add(there, GUINT_TO_POINTER(device->ifindex));
		/* The first mistake is told; the other interfaces are seen to all the same. */
		if (!update_interface(r, device, frames, done ? error : NULL))
			done = FALSE;
	}
	for (GList *at = known; at; at = at->next)
		if (!g_hash_table_contains(there, at->data))
			forget_interface(r, GPOINTER_TO_UINT(at->data));
	netfil_rules_bump(r);
	return done;
}
