// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* At the cap: connections end, processes are killed, sockets of a spent interface hear
 * of it. */
#include "engine-private.h"
#include "kill.h"

/* Connections that knock at a spent cap are ended together, this often at most. */
#define RESET_MILLISECONDS 20

/* ---- the sockets of a frame filter's interfaces ---- */

/* Frames are dropped below the sockets, where nobody hears of it. So with `reject` a
 * frame filter also has a rule on the sockets that use its interfaces, with a slot
 * that takes everything until the filter is spent, and nothing then. */

static void sockets_follow(NetfilEngine *e, NetfilFilter *filter)
{
	guint exhausted = netfil_filter_exhausted(e->kernel, filter), total = 1 << NETFIL_TOTAL;
	struct netfil_slot *slot;

	if (!filter->sockets_rule)
		return;
	slot = netfil_kernel_slot(e->kernel, filter->sockets_slot);
	slot->limit[NETFIL_IN] = exhausted & (1 << NETFIL_IN | total) ? 0 : NETFIL_NO_LIMIT;
	slot->limit[NETFIL_OUT] = exhausted & (1 << NETFIL_OUT | total) ? 0 : NETFIL_NO_LIMIT;
	slot->limit[NETFIL_TOTAL] = NETFIL_NO_LIMIT;
	slot->flags = NETFIL_SLOT_REJECT | NETFIL_SLOT_PASS_RESET;
	slot->exhausted = exhausted;
}

static void sockets_end(NetfilEngine *e, NetfilFilter *filter)
{
	const struct netfil_slot *slot;

	if (!filter->sockets_rule)
		return;
	netfil_rules_remove(e->rules, filter->sockets_rule);
	filter->sockets_rule = NULL;
	slot = netfil_kernel_slot(e->kernel, filter->sockets_slot);
	/* What it refused stays in the filter's sums. */
	filter->base.refused_bytes -= slot->refused_bytes;
	filter->base.refused_packets -= slot->refused_packets;
	filter->base.reset_bytes -= slot->reset_bytes;
	filter->base.reset_packets -= slot->reset_packets;
	netfil_slot_give_back(e, filter->sockets_slot);
	filter->sockets_slot = NETFIL_NO_SLOT;
}

gboolean netfil_cap_prepare(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilSelectors *selectors;

	if (!netfil_is_frame_filter(filter->spec) || !filter->spec->on ||
	    filter->spec->on_limit != NETFIL_ON_LIMIT_REJECT || filter->sockets_rule)
		return TRUE;
	selectors = netfil_selectors_new(e->kernel, filter->spec, TRUE, error);
	if (!selectors)
		return FALSE;
	filter->sockets_slot = netfil_slot_take(e, filter, error);
	if (filter->sockets_slot == NETFIL_NO_SLOT) {
		netfil_selectors_free(selectors);
		return FALSE;
	}
	filter->sockets_rule = netfil_rules_add(e->rules, selectors, filter->sockets_slot, -1, NULL,
						FALSE, error);
	if (!filter->sockets_rule) {
		netfil_slot_give_back(e, filter->sockets_slot);
		filter->sockets_slot = NETFIL_NO_SLOT;
		return FALSE;
	}
	sockets_follow(e, filter);
	netfil_rules_enable(e->rules, filter->sockets_rule, TRUE);
	return TRUE;
}

void netfil_cap_dismiss(NetfilEngine *e, NetfilFilter *filter)
{
	sockets_end(e, filter);
	netfil_kill_forget(filter);
}

/* ---- all filters ---- */

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
			netfil_kernel_reset_connections(e->kernel, filter->sockets_rule
									   ? filter->sockets_slot
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
		end_connections_soon(e, filter, 0);
		break;
	case NETFIL_ON_LIMIT_KILL:
		netfil_kill(e->kernel, filter);
		break;
	case NETFIL_ON_LIMIT_DROP:
		break;
	}
}

void netfil_cap_follow(NetfilEngine *e, NetfilFilter *filter)
{
	netfil_kill_forget(filter);
	sockets_follow(e, filter);
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
	sockets_follow(e, filter);
	act(e, filter);
	netfil_emit_cap_reached(e, filter, event->direction);
}

void netfil_cap_event(const struct netfil_event *event, gpointer data)
{
	NetfilEngine *e = data;
	NetfilFilter *filter = event->slot < NETFIL_SLOTS_MAX ? e->by_slot[event->slot] : NULL;

	if (!filter)
		return; /* removed meanwhile */
	if (event->type == NETFIL_EVENT_EXHAUSTED)
		on_exhausted(e, filter, event);
	else if (event->type == NETFIL_EVENT_KNOCK &&
		 filter->spec->on_limit == NETFIL_ON_LIMIT_REJECT)
		end_connections_soon(e, filter, RESET_MILLISECONDS);
}
