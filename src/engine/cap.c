// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* At the cap: connections end, processes are killed or stand still, links go down, sockets
 * of a spent interface hear of it. */
#include "down.h"
#include "engine-private.h"
#include "kill.h"
#include "pause.h"

/* Those who knock at a spent cap are seen to together, this often at most; and ever more
 * seldom if there is nothing left to do: packets come in for who stands still, too. */
#define KNOCK_MILLISECONDS 20
#define KNOCK_MILLISECONDS_MOST 1000

/* ---- the sockets of a frame filter's interfaces ---- */

/* Frames are dropped below the sockets, where nobody hears of it. So with `reject` a
 * frame filter also has a rule on the sockets that use its interfaces, with a slot
 * that takes everything until the filter is spent, and nothing then. */

/* The slot that a filter's sockets meet. */
static guint sockets_slot(const NetfilFilter *filter)
{
	return filter->sockets_rule ? filter->sockets_slot : filter->slot;
}

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
	if (exhausted)
		netfil_kernel_slot_gather(e->kernel, filter->sockets_slot);
}

static void add(__u64 *counter, guint64 more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

static void sockets_end(NetfilEngine *e, NetfilFilter *filter)
{
	struct netfil_slot *slot, *own;

	if (!filter->sockets_rule)
		return;
	netfil_rules_remove(e->rules, filter->sockets_rule);
	filter->sockets_rule = NULL;
	slot = netfil_kernel_slot(e->kernel, filter->sockets_slot);
	own = netfil_kernel_slot(e->kernel, filter->slot);
	/* What it refused stays in the filter's sums. */
	add(&own->refused_bytes, slot->refused_bytes);
	add(&own->refused_packets, slot->refused_packets);
	add(&own->reset_bytes, slot->reset_bytes);
	__atomic_fetch_add(&own->reset_packets, slot->reset_packets, __ATOMIC_RELAXED);
	netfil_slot_give_back(e, filter->sockets_slot);
	filter->sockets_slot = NETFIL_NO_SLOT;
}

gboolean netfil_cap_prepare(NetfilEngine *e, NetfilFilter *filter, GError **error)
{
	NetfilSelectors *selectors;

	sockets_end(e, filter);
	/* Which sockets use an interface whose member is spent is not known. */
	if (filter->keyed || !netfil_is_frame_filter(filter->spec) || !filter->spec->on ||
	    filter->spec->on_limit != NETFIL_ON_LIMIT_REJECT)
		return TRUE;
	selectors = netfil_selectors_new(e->kernel, e->lists, filter->spec, TRUE, error);
	if (!selectors)
		return FALSE;
	filter->sockets_slot = netfil_slot_take(e, filter, error);
	if (filter->sockets_slot == NETFIL_NO_SLOT) {
		netfil_selectors_free(selectors);
		return FALSE;
	}
	filter->sockets_rule =
	    netfil_rules_add(e->rules, selectors, filter->sockets_slot, -1, NULL, FALSE, error);
	if (!filter->sockets_rule) {
		netfil_slot_give_back(e, filter->sockets_slot);
		filter->sockets_slot = NETFIL_NO_SLOT;
		return FALSE;
	}
	sockets_follow(e, filter);
	netfil_rules_enable(e->rules, filter->sockets_rule, TRUE);
	return TRUE;
}

/* ---- links ---- */

static gboolean take_down(NetfilEngine *e, NetfilFilter *filter)
{
	if (!netfil_down(e->devices, filter))
		return FALSE;
	/* At once, so that a netfild which is killed now brings it up all the same. If it
	 * cannot be written, the next checkpoint tells. */
	if (!netfil_record(e, filter, NULL))
		filter->dirty = TRUE;
	return TRUE;
}

static void bring_up(NetfilEngine *e, NetfilFilter *filter)
{
	if (netfil_down_end(e->devices, filter))
		filter->dirty = TRUE;
}

/* ---- all filters ---- */

void netfil_cap_dismiss(NetfilEngine *e, NetfilFilter *filter)
{
	sockets_end(e, filter);
	netfil_kill_forget(filter);
	netfil_pause_end(e->kernel, filter);
	bring_up(e, filter);
}

/* Does what is due at the cap; FALSE if nothing was left to do. */
static gboolean act(NetfilEngine *e, NetfilFilter *filter)
{
	/* First, so that whoever comes meanwhile is heard of. */
	netfil_filter_hear(e->kernel, filter);
	switch (filter->spec->on_limit) {
	case NETFIL_ON_LIMIT_REJECT:
		if (filter->keyed)
			return netfil_keyed_act(filter->keyed);
		return netfil_kernel_reset_connections(e->kernel, sockets_slot(filter)) > 0;
	case NETFIL_ON_LIMIT_KILL:
		return netfil_kill(e->kernel, filter);
	case NETFIL_ON_LIMIT_PAUSE:
		return netfil_pause(e->kernel, filter);
	case NETFIL_ON_LIMIT_DOWN:
		return take_down(e, filter);
	case NETFIL_ON_LIMIT_DROP:
	case NETFIL_ON_LIMIT_THROTTLE:
	case NETFIL_ON_LIMIT_NOTIFY:
		break;
	}
	return FALSE;
}

static void act_again(NetfilEngine *e, NetfilFilter *filter)
{
	filter->due = 0;
	if (!filter->spec->on ||
	    !(filter->keyed ? filter->keyed->due->len : netfil_filter_exhausted(e->kernel, filter)))
		return;
	filter->wait =
	    act(e, filter) ? KNOCK_MILLISECONDS : MIN(filter->wait * 2, KNOCK_MILLISECONDS_MOST);
	/* The others of many members. */
	if (filter->keyed && filter->keyed->due->len)
		filter->due = g_get_monotonic_time() + KNOCK_MILLISECONDS * 1000;
}

static gboolean on_due(gpointer engine);

/* Wakes up when the first of all filters is due. */
static void schedule(NetfilEngine *e)
{
	gint64 first = 0, now = g_get_monotonic_time();
	GHashTableIter iter;
	GSource *source;
	gpointer value;

	g_clear_handle_id(&e->reset_source, g_source_remove);
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		gint64 due = ((NetfilFilter *)value)->due;

		if (due && (!first || due < first))
			first = due;
	}
	if (!first)
		return;
	source = g_timeout_source_new((MAX(first - now, 0) + 999) / 1000);
	g_source_set_callback(source, on_due, e, NULL);
	e->reset_source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
}

static gboolean on_due(gpointer data)
{
	NetfilEngine *e = data;
	gint64 now = g_get_monotonic_time();
	GHashTableIter iter;
	gpointer value;

	e->reset_source = 0;
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		if (filter->due && filter->due <= now)
			act_again(e, filter);
	}
	schedule(e);
	return G_SOURCE_REMOVE;
}

static void act_soon(NetfilEngine *e, NetfilFilter *filter, guint milliseconds)
{
	gint64 due = g_get_monotonic_time() + milliseconds * 1000;

	if (filter->due && filter->due <= due)
		return;
	filter->due = due;
	schedule(e);
}

/* Whether the packet that was refused would still not fit: the cap may have been
 * raised since, or another filter's refusal have given bytes back. */
static gboolean still_full(NetfilEngine *e, const NetfilFilter *filter,
			   const struct netfil_event *event)
{
	guint direction = MIN(event->direction, NETFIL_TOTAL);
	guint64 limit = netfil_filter_limit(filter, direction), used[NETFIL_DIRECTIONS];

	netfil_kernel_slot_used(e->kernel, filter->slot, used);
	used[NETFIL_TOTAL] = used[NETFIL_IN] + used[NETFIL_OUT];
	/* Where it was admitted all the same, more than the limit is used. */
	return limit != NETFIL_NO_LIMIT &&
	       (event->size > limit || used[direction] > limit - event->size);
}

/* Many caps may be reached at the same time: connections of all are ended together. */
static void act_now(NetfilEngine *e, NetfilFilter *filter)
{
	filter->wait = KNOCK_MILLISECONDS;
	if (filter->spec->on_limit == NETFIL_ON_LIMIT_REJECT)
		act_soon(e, filter, 0);
	else
		act(e, filter);
}

/* Each cap that is reached is told once: by a packet that did not fit, or by a change after
 * which none would. */
static void tell(NetfilEngine *e, NetfilFilter *filter)
{
	guint reached = filter->spec->on ? netfil_filter_exhausted(e->kernel, filter) : 0;
	guint new = reached & ~filter->told;

	filter->told = reached;
	if (!new)
		return;
	netfil_turn_warn(e, filter); /* before the end that they are of */
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		if (new & 1U << i)
			netfil_emit_cap_reached(e, filter, i, "");
}

void netfil_cap_follow(NetfilEngine *e, NetfilFilter *filter)
{
	NetfilOnLimit policy = filter->spec->on_limit;
	gboolean full = filter->spec->on && netfil_filter_exhausted(e->kernel, filter);

	netfil_kill_forget(filter);
	sockets_follow(e, filter);
	filter->due = 0;
	if (!full || policy != NETFIL_ON_LIMIT_PAUSE)
		netfil_pause_end(e->kernel, filter);
	if (!full || policy != NETFIL_ON_LIMIT_DOWN)
		bring_up(e, filter);
	netfil_filter_hear(e->kernel, filter);
	/* A link stays as it is until the next packet knocks. */
	if (full && policy != NETFIL_ON_LIMIT_DOWN)
		act_now(e, filter);
	tell(e, filter);
}

static void on_exhausted(NetfilEngine *e, NetfilFilter *filter, const struct netfil_event *event)
{
	guint32 *exhausted;

	if (!filter->spec->on || event->slot != filter->slot)
		return;
	if (!still_full(e, filter, event)) {
		exhausted = &netfil_kernel_slot(e->kernel, event->slot)->exhausted;
		__atomic_and_fetch(exhausted, ~(1U << event->direction), __ATOMIC_SEQ_CST);
		return;
	}
	sockets_follow(e, filter);
	act_now(e, filter);
	tell(e, filter);
}

static void on_knock(NetfilEngine *e, NetfilFilter *filter)
{
	if (filter->kill_source)
		return; /* all who are there when it is over get SIGKILL */
	act_soon(e, filter, MAX(filter->wait, KNOCK_MILLISECONDS));
}

/* One whose cap is reached now is seen to at once, who knocks in a while. */
static void on_member(NetfilEngine *e, NetfilFilter *filter, const struct netfil_event *event)
{
	netfil_keyed_event(filter->keyed, event);
	if (event->type == NETFIL_EVENT_EXHAUSTED)
		filter->wait = KNOCK_MILLISECONDS;
	if (filter->keyed->due->len)
		act_soon(e, filter,
			 event->type == NETFIL_EVENT_EXHAUSTED
			     ? 0
			     : MAX(filter->wait, KNOCK_MILLISECONDS));
}

void netfil_cap_event(const struct netfil_event *event, gpointer data)
{
	NetfilEngine *e = data;
	NetfilFilter *filter = event->slot < NETFIL_SLOTS_MAX ? e->by_slot[event->slot] : NULL;

	if (!filter)
		return; /* removed meanwhile */
	if (filter->keyed)
		on_member(e, filter, event);
	else if (event->type == NETFIL_EVENT_EXHAUSTED)
		on_exhausted(e, filter, event);
	else if (event->type == NETFIL_EVENT_KNOCK)
		on_knock(e, filter);
	else if (event->type == NETFIL_EVENT_GRANT)
		netfil_grant_event(e, filter);
}
