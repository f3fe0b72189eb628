// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Members at their cap, and near it. */
#include "engine-private.h"

/* Walks over all connections, one for each member, that are made before others get their turn. */
#define WALKS_AT_ONCE 16

static void amounts(const NetfilMemberReading *reading, guint64 used[NETFIL_DIRECTIONS])
{
	used[NETFIL_IN] = reading->used.in;
	used[NETFIL_OUT] = reading->used.out;
	used[NETFIL_TOTAL] = reading->used.in + reading->used.out;
}

/* ---- warnings ---- */

/* The cap that is nearest to its end; -1: there is none. */
static int tightest(const NetfilKeyed *k, const guint64 used[NETFIL_DIRECTIONS])
{
	const guint64 *cap = k->terms.cap;
	int nearest = -1;

	for (int i = 0; i < NETFIL_DIRECTIONS; i++)
		if (cap[i] && (nearest < 0 || (unsigned __int128)used[i] * cap[nearest] >
						  (unsigned __int128)used[nearest] * cap[i]))
			nearest = i;
	return nearest;
}

void netfil_keyed_warn(NetfilKeyed *k, guint index, const NetfilMemberReading *reading,
		       gboolean tell)
{
	const NetfilSpec *spec = k->filter->spec;
	guint64 used[NETFIL_DIRECTIONS];
	g_autofree char *name = NULL;
	int direction;

	if (!spec->warn->len || !spec->on)
		return;
	amounts(reading, used);
	direction = tightest(k, used);
	for (guint i = 0; direction >= 0 && i < spec->warn->len; i++) {
		guint8 percent = g_array_index(spec->warn, guint8, i);
		/* Anew each time: whoever is told may ask for members, and more are known then. */
		NetfilSeen *seen = netfil_keyed_seen(k, index);

		if (percent <= seen->warned ||
		    (unsigned __int128)used[direction] * 100 <
			(unsigned __int128)k->terms.cap[direction] * percent)
			continue;
		seen->warned = percent;
		if (tell && !name)
			name = netfil_keyed_name(k, index, &reading->key);
		if (tell)
			netfil_emit_member_warned(k->engine, k->filter, percent, (guint)direction,
						  name);
	}
}

/* ---- the cap ---- */

static void end_soon(NetfilKeyed *k, guint index)
{
	NetfilSeen *seen = netfil_keyed_seen(k, index);

	if (k->filter->spec->on_limit != NETFIL_ON_LIMIT_REJECT || seen->flags & NETFIL_SEEN_DUE)
		return;
	seen->flags |= NETFIL_SEEN_DUE;
	g_array_append_val(k->due, index);
}

void netfil_keyed_tell(NetfilKeyed *k, guint index, const NetfilMemberReading *reading,
		       gboolean tell)
{
	NetfilSeen *seen = netfil_keyed_seen(k, index);
	guint before = seen->flags & NETFIL_SEEN_TOLD;
	guint now = k->filter->spec->on ? reading->exhausted & NETFIL_SEEN_TOLD : before;
	g_autofree char *name = NULL;

	/* The others are no member. */
	if (index != NETFIL_MEMBERS_OTHERS)
		k->at_cap += !!now - !!before;
	seen->flags = (guint8)((seen->flags & ~NETFIL_SEEN_TOLD) | now);
	if (!(now & ~before))
		return;
	end_soon(k, index);
	if (!tell)
		return;
	name = netfil_keyed_name(k, index, &reading->key);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		if (now & ~before & 1U << i)
			netfil_emit_cap_reached(k->engine, k->filter, i, name);
}

/* See still_full() in cap.c. */
static gboolean still_full(const NetfilKeyed *k, const NetfilMemberReading *reading,
			   const struct netfil_event *event)
{
	guint direction = MIN(event->direction, NETFIL_TOTAL);
	guint64 cap = k->terms.cap[direction], used[NETFIL_DIRECTIONS];

	amounts(reading, used);
	return cap && (event->size > cap || used[direction] > cap - event->size);
}

static void on_exhausted(NetfilKeyed *k, guint index, const struct netfil_event *event)
{
	NetfilMemberReading reading;

	if (!k->filter->spec->on || !netfil_keyed_read(k, index, &reading))
		return;
	if (!still_full(k, &reading, event)) {
		netfil_members_calm(k->members, index, 1U << MIN(event->direction, NETFIL_TOTAL));
		return;
	}
	if (!(netfil_keyed_seen(k, index)->flags & NETFIL_SEEN_KNOWN))
		netfil_keyed_call(k, index, &reading.key);
	netfil_keyed_mark(k, index);
	netfil_keyed_warn(k, index, &reading, TRUE); /* before the end that they are of */
	netfil_keyed_tell(k, index, &reading, TRUE);
}

void netfil_keyed_event(NetfilKeyed *k, const struct netfil_event *event)
{
	guint index;

	if (!netfil_members_index(k->members, event->member, &index))
		return;
	if (event->type == NETFIL_EVENT_MEMBER)
		g_array_append_val(k->moved, index);
	else if (event->type == NETFIL_EVENT_EXHAUSTED)
		on_exhausted(k, index, event);
	else if (event->type == NETFIL_EVENT_KNOCK)
		end_soon(k, index);
}

gboolean netfil_keyed_act(NetfilKeyed *k)
{
	guint count = MIN(k->due->len, WALKS_AT_ONCE), ended = 0;

	for (guint i = 0; i < count; i++) {
		guint index = g_array_index(k->due, guint, i);

		netfil_keyed_seen(k, index)->flags &= ~NETFIL_SEEN_DUE;
		/* First, so that whoever comes meanwhile is heard of. */
		netfil_members_listen(k->members, index);
		ended += netfil_kernel_reset_member_connections(k->engine->kernel, k->filter->slot,
								index);
	}
	if (count)
		g_array_remove_range(k->due, 0, count);
	return ended > 0 || k->due->len > 0;
}
