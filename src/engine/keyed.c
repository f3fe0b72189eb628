// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The members of a filter with `each`: their life, and what they count. */
#include <string.h>

#include "engine-private.h"

/* What a clock that is corrected makes of the same instant. */
#define OVER_DRIFT_NS 500000000

static guint kind_of(NetfilEach each)
{
	switch (each) {
	case NETFIL_EACH_USER:
		return NETFIL_KIND_USER;
	case NETFIL_EACH_EXE:
		return NETFIL_KIND_EXE;
	case NETFIL_EACH_CGROUP:
		return NETFIL_KIND_CGROUP;
	case NETFIL_EACH_INTERFACE:
		return NETFIL_KIND_INTERFACE;
	case NETFIL_EACH_IP:
	case NETFIL_EACH_NONE:
		break;
	}
	return NETFIL_KIND_PREFIX;
}

/* ---- life ---- */

static NetfilMembers *open_members(NetfilEngine *e, const NetfilFilter *filter, GError **error)
{
	return netfil_kernel_members(e->kernel, filter->slot, kind_of(filter->spec->each),
				     netfil_spec_max_members(filter->spec), error);
}

static void bump(gpointer engine)
{
	netfil_rules_bump(((NetfilEngine *)engine)->rules);
}

NetfilKeyed *netfil_keyed_open(NetfilEngine *e, NetfilFilter *filter, gboolean fresh,
			       GError **error)
{
	NetfilMembers *members;
	NetfilKeyed *k;

	/* Left behind by a filter that was being removed, or taken up, when its netfild was
	 * killed. */
	if (fresh)
		netfil_kernel_sweep_members_out(e->kernel, filter->slot);
	members = open_members(e, filter, error);
	if (!members)
		return NULL;
	/* No shortcut leads to where they were when a netfild was killed that moved them. */
	bump(e);
	/* The change of the maximum may not have come that far, or is not on disk. */
	netfil_members_resize(members, netfil_spec_max_members(filter->spec), bump, e, NULL);
	k = g_new0(NetfilKeyed, 1);
	k->engine = e;
	k->filter = filter;
	k->members = members;
	k->seen = g_array_new(FALSE, TRUE, sizeof(NetfilSeen));
	k->moved = g_array_new(FALSE, FALSE, sizeof(guint));
	k->dirty = g_array_new(FALSE, FALSE, sizeof(guint));
	k->due = g_array_new(FALSE, FALSE, sizeof(guint));
	netfil_keyed_names_init(k);
	netfil_rules_key(e->rules, TRUE);
	return k;
}

static void free_own(NetfilKeyed *k)
{
	netfil_keyed_names_clear(k);
	g_array_unref(k->seen);
	g_array_unref(k->moved);
	g_array_unref(k->dirty);
	g_array_unref(k->due);
	g_free(k);
}

void netfil_keyed_free(NetfilKeyed *k)
{
	if (!k)
		return;
	netfil_members_close(k->members);
	free_own(k);
}

void netfil_keyed_remove(NetfilKeyed *k)
{
	netfil_rules_key(k->engine->rules, FALSE);
	netfil_members_remove(k->members);
	free_own(k);
}

gboolean netfil_keyed_resize(NetfilKeyed *k, guint max, GError **error)
{
	return netfil_members_resize(k->members, max, bump, k->engine, error);
}

/* ---- terms ---- */

static gboolean is_same(const NetfilMemberTerms *a, const NetfilMemberTerms *b)
{
	guint64 drift = a->over_until > b->over_until ? a->over_until - b->over_until
						      : b->over_until - a->over_until;

	return !memcmp(a->cap, b->cap, sizeof(a->cap)) && a->flags == b->flags &&
	       a->rate == b->rate && !a->over_until == !b->over_until && drift < OVER_DRIFT_NS;
}

/* A cycle began: nobody has used anything, and all is to be told again. */
static void begin_cycle(NetfilKeyed *k)
{
	for (guint i = 0; i < k->seen->len; i++) {
		NetfilSeen *seen = netfil_keyed_seen(k, i);

		seen->warned = 0;
		seen->flags &= NETFIL_SEEN_KNOWN | NETFIL_SEEN_HIDDEN;
	}
	k->others.warned = k->others.flags = 0;
	g_array_set_size(k->dirty, 0);
	g_array_set_size(k->due, 0);
	g_hash_table_remove_all(k->waiting);
	k->writing = k->at_cap = 0;
	k->forgets = TRUE;
}

/* Other terms: whose cap is reached all the same is told by its next packet. */
static void calm(NetfilKeyed *k)
{
	for (guint i = 0; k->at_cap && i <= k->seen->len; i++) {
		guint index = i < k->seen->len ? i : NETFIL_MEMBERS_OTHERS;
		NetfilSeen *seen = netfil_keyed_seen(k, index);

		if (!(seen->flags & NETFIL_SEEN_TOLD))
			continue;
		netfil_members_calm(k->members, index, NETFIL_SEEN_TOLD);
		seen->flags &= ~NETFIL_SEEN_TOLD;
	}
	k->at_cap = 0;
}

void netfil_keyed_arm(NetfilKeyed *k, const NetfilMemberTerms *terms)
{
	if (k->armed && !k->turns && is_same(terms, &k->terms))
		return;
	netfil_members_arm(k->members, terms, k->turns);
	netfil_rules_bump(k->engine->rules);
	if (k->turns)
		begin_cycle(k);
	else if (k->armed)
		calm(k);
	k->terms = *terms;
	k->armed = TRUE;
	k->turns = FALSE;
}

void netfil_keyed_turn(NetfilKeyed *k, gboolean turns)
{
	k->turns = turns;
}

/* ---- counting ---- */

NetfilSeen *netfil_keyed_seen(NetfilKeyed *k, guint index)
{
	if (index == NETFIL_MEMBERS_OTHERS)
		return &k->others;
	if (index >= k->seen->len)
		g_array_set_size(k->seen, index + 1);
	return &g_array_index(k->seen, NetfilSeen, index);
}

static void add(__u64 *counter, guint64 more)
{
	if (more)
		__atomic_fetch_add(counter, more, __ATOMIC_SEQ_CST);
}

static void remember(NetfilSeen *seen, const NetfilCounters *counted)
{
	seen->in = counted->in;
	seen->out = counted->out;
	seen->refused_bytes = (guint32)counted->refused_bytes;
	seen->refused_packets = (guint32)counted->refused_packets;
	seen->reset_bytes = (guint32)counted->reset_bytes;
	seen->reset_packets = (guint16)counted->reset_packets;
}

/* Between two readings nobody refuses 4 GiB, nor resets 65,536 connections. */
static void add_to_slot(NetfilKeyed *k, const NetfilSeen *seen, const NetfilCounters *now)
{
	struct netfil_slot *slot = netfil_kernel_slot(k->engine->kernel, k->filter->slot);
	guint16 resets = (guint16)((guint16)now->reset_packets - seen->reset_packets);

	add(&slot->used[NETFIL_IN], now->in - seen->in);
	add(&slot->used[NETFIL_OUT], now->out - seen->out);
	add(&slot->used[NETFIL_TOTAL], now->in - seen->in + (now->out - seen->out));
	add(&slot->refused_bytes, (guint32)((guint32)now->refused_bytes - seen->refused_bytes));
	add(&slot->refused_packets,
	    (guint32)((guint32)now->refused_packets - seen->refused_packets));
	add(&slot->reset_bytes, (guint32)((guint32)now->reset_bytes - seen->reset_bytes));
	__atomic_fetch_add(&slot->reset_packets, resets, __ATOMIC_SEQ_CST);
}

gboolean netfil_keyed_read(NetfilKeyed *k, guint index, NetfilMemberReading *reading)
{
	NetfilSeen *seen;
	guint64 in, out;

	if (!netfil_members_read(k->members, index, reading))
		return FALSE;
	seen = netfil_keyed_seen(k, index);
	/* A charge that is undone may be in an earlier reading. */
	if (reading->counted.in < seen->in || reading->counted.out < seen->out)
		return TRUE;
	in = reading->counted.in - seen->in;
	out = reading->counted.out - seen->out;
	add_to_slot(k, seen, &reading->counted);
	remember(seen, &reading->counted);
	/* Free hours do not count. */
	if (k->filter->free_until && (in || out)) {
		netfil_members_forgive(k->members, index, in, out);
		netfil_rules_bump(k->engine->rules);
		reading->used.in -= MIN(in, reading->used.in);
		reading->used.out -= MIN(out, reading->used.out);
	}
	return TRUE;
}

void netfil_keyed_hand_on(NetfilKeyed *k, guint index, const NetfilCounters *used)
{
	NetfilSeen *seen = netfil_keyed_seen(k, index);

	seen->in += used->in;
	seen->out += used->out;
	k->beyond = netfil_counters_less(&k->beyond, used);
	k->beyond_moved = TRUE;
}

void netfil_keyed_settle(NetfilKeyed *k)
{
	NetfilMemberReading reading;

	for (guint i = 0; i < k->moved->len; i++)
		netfil_keyed_read(k, g_array_index(k->moved, guint, i), &reading);
}

void netfil_keyed_mark(NetfilKeyed *k, guint index)
{
	NetfilSeen *seen = netfil_keyed_seen(k, index);

	if (seen->flags & NETFIL_SEEN_DIRTY)
		return;
	seen->flags |= NETFIL_SEEN_DIRTY;
	g_array_append_val(k->dirty, index);
}

static void hear(NetfilKeyed *k, guint index)
{
	NetfilMemberReading reading;

	/* First, so that it tells of what comes meanwhile. */
	netfil_members_hear(k->members, index);
	if (!netfil_keyed_read(k, index, &reading))
		return;
	if (!(netfil_keyed_seen(k, index)->flags & NETFIL_SEEN_KNOWN)) {
		netfil_keyed_call(k, index, &reading.key);
		netfil_keyed_read(k, index, &reading);
	}
	if (netfil_keyed_seen(k, index)->flags & NETFIL_SEEN_HIDDEN) {
		netfil_keyed_seen(k, index)->flags &= ~NETFIL_SEEN_HIDDEN;
		k->count++;
	}
	netfil_keyed_mark(k, index);
	netfil_keyed_warn(k, index, &reading, TRUE);
	netfil_keyed_tell(k, index, &reading, TRUE);
}

gboolean netfil_keyed_hear(NetfilKeyed *k)
{
	g_autoptr(GArray) moved = g_steal_pointer(&k->moved);

	k->moved = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint i = 0; i < moved->len; i++)
		hear(k, g_array_index(moved, guint, i));
	return moved->len > 0;
}

void netfil_keyed_each(NetfilKeyed *k, NetfilKeyedFunc func, gpointer data)
{
	guint end = netfil_members_end(k->members);
	NetfilMemberReading reading;

	for (guint i = 0; i <= end; i++) {
		guint index = i < end ? i : NETFIL_MEMBERS_OTHERS;

		if (netfil_keyed_read(k, index, &reading))
			func(k, index, &reading, data);
	}
}

void netfil_keyed_sweep(NetfilKeyed *k)
{
	guint end = netfil_members_end(k->members);
	NetfilMemberReading reading;

	g_array_set_size(k->moved, 0);
	for (guint i = 0; i <= end; i++) {
		guint index = i < end ? i : NETFIL_MEMBERS_OTHERS;
		NetfilSeen before = *netfil_keyed_seen(k, index);

		netfil_members_hear(k->members, index);
		if (!netfil_keyed_read(k, index, &reading))
			continue;
		if (!(before.flags & NETFIL_SEEN_KNOWN))
			g_array_append_val(k->moved, index);
		else if (memcmp(netfil_keyed_seen(k, index), &before, sizeof(before)))
			netfil_keyed_mark(k, index);
	}
}

void netfil_keyed_call_all(NetfilKeyed *k)
{
	NetfilMemberReading reading;

	for (guint i = 0; i < k->moved->len; i++) {
		guint index = g_array_index(k->moved, guint, i);

		if (!netfil_keyed_read(k, index, &reading))
			continue;
		netfil_keyed_call(k, index, &reading.key);
		netfil_keyed_mark(k, index);
	}
}

void netfil_keyed_status(NetfilKeyed *k, NetfilStatus *status)
{
	NetfilMemberReading others;

	status->members = k->count + g_hash_table_size(k->waiting);
	status->members_at_cap = k->at_cap;
	if (!netfil_keyed_read(k, NETFIL_MEMBERS_OTHERS, &others))
		return;
	status->others[NETFIL_IN] = others.used.in;
	status->others[NETFIL_OUT] = others.used.out;
	status->others[NETFIL_TOTAL] = others.used.in + others.used.out;
}
