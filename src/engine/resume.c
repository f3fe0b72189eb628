// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* After a start: takes up what the ledger has, and the counters where the kernel kept them. */
#include <string.h>

#include "clock.h"
#include "engine-private.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

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
	netfil_grant_forfeit(filter, known.in + known.out);
	return TRUE;
}

static NetfilFilter *filter_of_row(const NetfilLedgerFilter *row, GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_from_variant(row->name, row->spec, error);
	NetfilFilter *filter;

	if (!spec)
		return NULL;
	filter = netfil_filter_new(spec);
	filter->id = row->id;
	filter->owner = row->owner;
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

	if (!survived) {
		g_clear_pointer(&filter->downed, g_free); /* links are as the machine made them */
		if (!fill_slot(e, filter, error))
			return FALSE;
	}
	netfil_grant_prepare(e, filter);
	if (!netfil_members_begin(e, filter, !survived, error))
		return FALSE;
	/* What is on disk as granted may not have reached the kernel. */
	if (!survived || filter->strict || filter->keyed)
		netfil_filter_arm(e->kernel, filter);
	if (filter->keyed && !netfil_keyed_resume(filter->keyed, survived, error))
		return FALSE;
	/* Last: a netfild that is killed before begins with none of it again. */
	netfil_kernel_slot(e->kernel, filter->slot)->id = (guint64)filter->id;
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

void netfil_resume_apps(NetfilEngine *e)
{
	struct netfil_config *config = netfil_kernel_config(e->kernel);
	g_autofree char *instance = NULL;
	g_autoptr(GError) error = NULL;

	e->apps = netfil_apps_new(e->kernel, &error);
	while (!config->instance)
		config->instance = (guint64)g_random_int() << 32 | g_random_int();
	instance = g_strdup_printf("%016" G_GINT64_MODIFIER "x", (guint64)config->instance);
	if (e->apps && know_accounts(e, instance, &error) && netfil_apps_start(e->apps, &error)) {
		netfil_rules_bump(e->rules);
		return;
	}
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

/* Members of filters that were being removed, added or resized when their netfild was killed. */
static void sweep_members_out(NetfilEngine *e)
{
	for (guint slot = 0; slot < NETFIL_SLOTS_MAX; slot++)
		if (!e->by_slot[slot] || !e->by_slot[slot]->keyed)
			netfil_kernel_sweep_members_out(e->kernel, slot);
	netfil_kernel_sweep_members(e->kernel);
}

gboolean netfil_resume(NetfilEngine *e, GError **error)
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
	sweep_members_out(e);
	tell_boot(e, lost, rows->len);
	return TRUE;
}
