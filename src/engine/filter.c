// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "kill.h"
#include "pause.h"

NetfilFilter *netfil_filter_new(const NetfilSpec *spec)
{
	NetfilFilter *filter = g_new0(NetfilFilter, 1);

	filter->spec = netfil_spec_copy(spec);
	filter->slot = NETFIL_NO_SLOT;
	filter->sockets_slot = NETFIL_NO_SLOT;
	filter->started = netfil_clock_seconds();
	filter->warned = g_array_new(FALSE, FALSE, sizeof(guint8));
	return filter;
}

void netfil_filter_free(NetfilFilter *filter)
{
	if (!filter)
		return;
	netfil_kill_forget(filter);
	netfil_pause_forget(filter);
	netfil_keyed_free(filter->keyed);
	g_array_unref(filter->warned);
	g_free(filter->downed);
	netfil_spec_free(filter->spec);
	g_free(filter);
}

NetfilStanding netfil_filter_standing(const NetfilFilter *filter)
{
	NetfilStanding standing = {
	    .started = filter->started,
	    .ends = filter->ends,
	    .forfeited = filter->forfeited,
	    .unlimited_until = filter->unlimited_until,
	    .base_in = filter->base.in,
	    .base_out = filter->base.out,
	    .owner = filter->owner,
	};

	memcpy(standing.extra, filter->extra, sizeof(standing.extra));
	return standing;
}

void netfil_filter_stand(NetfilFilter *filter, const NetfilStanding *standing)
{
	filter->started = standing->started;
	filter->ends = standing->ends;
	filter->forfeited = standing->forfeited;
	filter->unlimited_until = standing->unlimited_until;
	filter->base.in = standing->base_in;
	filter->base.out = standing->base_out;
	filter->owner = standing->owner;
	memcpy(filter->extra, standing->extra, sizeof(filter->extra));
}

static guint64 load(const guint64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_refusals(NetfilKernel *kernel, guint number, NetfilCounters *c)
{
	const struct netfil_slot *slot = netfil_kernel_slot(kernel, number);

	c->refused_bytes += load((const guint64 *)&slot->refused_bytes);
	c->refused_packets += load((const guint64 *)&slot->refused_packets);
	c->reset_bytes += load((const guint64 *)&slot->reset_bytes);
	c->reset_packets += __atomic_load_n(&slot->reset_packets, __ATOMIC_RELAXED);
}

void netfil_filter_read(NetfilKernel *kernel, NetfilFilter *filter, NetfilCounters *c)
{
	guint64 used[2], again[2];

	if (filter->keyed)
		netfil_keyed_settle(filter->keyed);
	/* A charge that another filter refuses is undone within a packet's time. The
	 * lesser of two readings was true at some moment between them. Where nothing has
	 * moved since the last time there is nothing to be undone. */
	netfil_kernel_slot_used(kernel, filter->slot, used);
	memcpy(again, used, sizeof(again));
	if (used[NETFIL_IN] != filter->read_in || used[NETFIL_OUT] != filter->read_out) {
		sched_yield();
		netfil_kernel_slot_used(kernel, filter->slot, again);
	}
	filter->read_in = MIN(used[NETFIL_IN], again[NETFIL_IN]);
	filter->read_out = MIN(used[NETFIL_OUT], again[NETFIL_OUT]);
	*c = (NetfilCounters){.in = filter->read_in, .out = filter->read_out};
	add_refusals(kernel, filter->slot, c);
	if (filter->sockets_slot != NETFIL_NO_SLOT)
		add_refusals(kernel, filter->sockets_slot, c);
}

NetfilCounters netfil_counters_less(const NetfilCounters *a, const NetfilCounters *b)
{
	return (NetfilCounters){
	    .in = a->in - b->in,
	    .out = a->out - b->out,
	    .refused_bytes = a->refused_bytes - b->refused_bytes,
	    .refused_packets = a->refused_packets - b->refused_packets,
	    .reset_bytes = a->reset_bytes - b->reset_bytes,
	    .reset_packets = a->reset_packets - b->reset_packets,
	};
}

NetfilCounters netfil_counters_plus(const NetfilCounters *a, const NetfilCounters *b)
{
	static const NetfilCounters none;
	NetfilCounters negative = netfil_counters_less(&none, b);

	return netfil_counters_less(a, &negative);
}

/* Free hours move the base later on, up to where the counters stand then. */
static NetfilCounters used_at(const NetfilFilter *filter, NetfilCounters now)
{
	if (filter->free_until) {
		now.in = filter->free_at.in;
		now.out = filter->free_at.out;
	}
	return netfil_counters_less(&now, &filter->base);
}

void netfil_filter_used(NetfilKernel *kernel, NetfilFilter *filter, NetfilCounters *used)
{
	NetfilCounters now;

	netfil_filter_read(kernel, filter, &now);
	*used = used_at(filter, now);
}

guint64 netfil_filter_limit(const NetfilFilter *filter, guint direction)
{
	/* total is in and out at all times but within a charge */
	const guint64 bases[] = {filter->base.in, filter->base.out,
				 filter->base.in + filter->base.out};
	__int128 limit;

	if (!filter->spec->cap[direction])
		return NETFIL_NO_LIMIT;
	/* A usage that was set may put the base before the counter's first byte. */
	limit = (__int128)(gint64)bases[direction] +
		netfil_cap_with(filter->spec->cap[direction], filter->extra[direction]) -
		filter->forfeited;
	/* A cap that no counter can reach is still not "none". */
	return CLAMP(limit, 0, (__int128)NETFIL_NO_LIMIT - 1);
}

static guint32 policy_flags(NetfilOnLimit policy)
{
	switch (policy) {
	case NETFIL_ON_LIMIT_DROP:
		return NETFIL_SLOT_DROP;
	case NETFIL_ON_LIMIT_KILL:
		return NETFIL_SLOT_PASS_RESET | NETFIL_SLOT_KNOCK;
	case NETFIL_ON_LIMIT_PAUSE:
	case NETFIL_ON_LIMIT_DOWN:
		return NETFIL_SLOT_DROP | NETFIL_SLOT_KNOCK;
	case NETFIL_ON_LIMIT_THROTTLE:
	case NETFIL_ON_LIMIT_NOTIFY:
		return NETFIL_SLOT_OVER;
	case NETFIL_ON_LIMIT_REJECT:
		break;
	}
	return NETFIL_SLOT_REJECT | NETFIL_SLOT_PASS_RESET;
}

gboolean netfil_filter_is_unlimited(const NetfilFilter *filter)
{
	gint64 until = MAX(filter->unlimited_until, filter->free_until);

	return until && until > netfil_clock_seconds();
}

/* In the kernel's clock, so that it keeps the caps again on time whoever is there. */
static guint64 over_until(const NetfilFilter *filter)
{
	gint64 until = MAX(filter->unlimited_until, filter->free_until), left;
	struct timespec now;

	if (!until || (left = until * G_USEC_PER_SEC - netfil_clock_now()) <= 0)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (guint64)now.tv_sec * 1000000000 + now.tv_nsec +
	       (guint64)MIN(left, G_MAXINT64 / 2000) * 1000;
}

/* Under the new limits from its return on. Says which were raised, a bit each. */
static guint set_limits(NetfilKernel *kernel, const NetfilFilter *filter)
{
	struct netfil_slot *slot = netfil_kernel_slot(kernel, filter->slot);
	guint raised = 0, lowered = 0;

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 limit = netfil_filter_limit(filter, i), before = slot->limit[i];

		if (i == NETFIL_TOTAL && filter->strict)
			limit = MIN(limit, filter->granted);
		__atomic_store_n(&slot->limit[i], limit, __ATOMIC_SEQ_CST);
		raised |= (limit > before) << i;
		lowered |= (limit < before) << i;
	}
	if (lowered)
		netfil_kernel_slot_gather(kernel, filter->slot);
	return raised;
}

static void set_exhausted(NetfilKernel *kernel, const NetfilFilter *filter, guint raised)
{
	struct netfil_slot *slot = netfil_kernel_slot(kernel, filter->slot);
	gboolean unlimited = netfil_filter_is_unlimited(filter);
	guint64 used[NETFIL_DIRECTIONS];

	netfil_kernel_slot_used(kernel, filter->slot, used);
	used[NETFIL_TOTAL] = used[NETFIL_IN] + used[NETFIL_OUT];
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 cap = netfil_filter_limit(filter, i);

		if (!unlimited && cap != NETFIL_NO_LIMIT && used[i] >= cap) {
			__atomic_or_fetch(&slot->exhausted, 1U << i, __ATOMIC_SEQ_CST);
			netfil_kernel_config(kernel)->refusing = 1;
		} else if (unlimited || raised & 1U << i) {
			__atomic_and_fetch(&slot->exhausted, ~(1U << i), __ATOMIC_SEQ_CST);
		}
	}
}

/* Members come under the terms; the slot itself refuses nothing. */
static void arm_members(NetfilKernel *kernel, NetfilFilter *filter)
{
	struct netfil_slot *slot = netfil_kernel_slot(kernel, filter->slot);
	const NetfilSpec *spec = filter->spec;
	NetfilMemberTerms terms = {
	    .flags = policy_flags(spec->on_limit),
	    .rate = spec->on_limit == NETFIL_ON_LIMIT_THROTTLE ? spec->rate : 0,
	    .over_until = over_until(filter),
	};

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		terms.cap[i] = netfil_cap_with(spec->cap[i], filter->extra[i]);
	netfil_keyed_arm(filter->keyed, &terms);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		__atomic_store_n(&slot->limit[i], NETFIL_NO_LIMIT, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->grant_low, NETFIL_NO_LIMIT, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->flags, NETFIL_SLOT_EACH, __ATOMIC_SEQ_CST);
}

static void arm_slot(NetfilKernel *kernel, NetfilFilter *filter)
{
	struct netfil_slot *slot = netfil_kernel_slot(kernel, filter->slot);
	gboolean granted =
	    filter->strict && filter->granted < netfil_filter_limit(filter, NETFIL_TOTAL);
	guint32 flags = policy_flags(filter->spec->on_limit);
	guint64 low =
	    granted ? filter->granted - MIN(filter->granted, filter->chunk / 2) : NETFIL_NO_LIMIT;

	slot->rate = filter->spec->on_limit == NETFIL_ON_LIMIT_THROTTLE ? filter->spec->rate : 0;
	__atomic_store_n(&slot->over_until, over_until(filter), __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->grant_low, low, __ATOMIC_SEQ_CST);
	/* A grant is never taken for the cap: it is called one before it is there, and
	 * until the cap is. */
	if (granted)
		__atomic_store_n(&slot->flags, flags | NETFIL_SLOT_GRANTED, __ATOMIC_SEQ_CST);
	set_exhausted(kernel, filter, set_limits(kernel, filter));
	if (!granted)
		__atomic_store_n(&slot->flags, flags, __ATOMIC_SEQ_CST);
}

void netfil_filter_arm(NetfilKernel *kernel, NetfilFilter *filter)
{
	if (filter->keyed)
		arm_members(kernel, filter);
	else
		arm_slot(kernel, filter);
}

void netfil_filter_take_free(NetfilKernel *kernel, NetfilFilter *filter)
{
	NetfilCounters now;

	netfil_filter_read(kernel, filter, &now);
	filter->base.in += now.in - filter->free_at.in;
	filter->base.out += now.out - filter->free_at.out;
	filter->free_at = now;
}

void netfil_filter_restart(NetfilFilter *filter, const NetfilCounters *at, gint64 started,
			   gint64 ends)
{
	filter->base = filter->free_at = *at;
	filter->started = started;
	filter->ends = ends;
	memset(filter->extra, 0, sizeof(filter->extra));
	filter->forfeited = 0;
	if (filter->keyed)
		netfil_keyed_turn(filter->keyed, TRUE);
}

guint netfil_filter_exhausted(NetfilKernel *kernel, const NetfilFilter *filter)
{
	return __atomic_load_n(&netfil_kernel_slot(kernel, filter->slot)->exhausted,
			       __ATOMIC_ACQUIRE) &
	       NETFIL_EXHAUSTED_CAPS;
}

/* Nothing is there that it could match. */
static gboolean waits(NetfilKernel *kernel, const NetfilFilter *filter, NetfilPresence *presence)
{
	return filter->rule ? !netfil_presence_has(presence, kernel, filter->rule)
			    : !filter->frame.present;
}

static NetfilState state_of(NetfilKernel *kernel, const NetfilFilter *filter,
			    NetfilPresence *presence)
{
	if (!filter->spec->on)
		return NETFIL_STATE_OFF;
	if (netfil_filter_exhausted(kernel, filter))
		return NETFIL_STATE_EXHAUSTED;
	return waits(kernel, filter, presence) ? NETFIL_STATE_WAITING : NETFIL_STATE_ON;
}

/* Of the caps the one that is reached first. */
static gint64 forecast(const NetfilStatus *status, gint64 now)
{
	gint64 first = 0;

	if (status->state == NETFIL_STATE_OFF || status->state == NETFIL_STATE_EXHAUSTED ||
	    status->spec->each)
		return 0;
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 limit = netfil_status_limit(status, i);
		gint64 at = limit ? netfil_forecast(status->cycle_started, status->cycle_ends, now,
						    status->used[i], limit)
				  : 0;

		if (at && (!first || at < first))
			first = at;
	}
	return first;
}

NetfilStatus *netfil_filter_usage(NetfilKernel *kernel, NetfilFilter *filter)
{
	NetfilStatus *status = netfil_status_new(filter->spec);
	NetfilCounters used;

	netfil_filter_read(kernel, filter, &status->counted);
	used = used_at(filter, status->counted);
	status->id = filter->id;
	status->owner = filter->owner;
	status->used[NETFIL_IN] = used.in + filter->forfeited;
	status->used[NETFIL_OUT] = used.out + filter->forfeited;
	status->used[NETFIL_TOTAL] = used.in + used.out + filter->forfeited;
	status->refused_bytes = used.refused_bytes;
	status->refused_packets = used.refused_packets;
	status->reset_bytes = used.reset_bytes;
	status->reset_packets = used.reset_packets;
	status->cycle_started = filter->started;
	status->cycle_ends = filter->past_ends ? filter->past_ends : filter->ends;
	memcpy(status->extra, filter->extra, sizeof(status->extra));
	status->forfeited = filter->forfeited;
	status->unlimited_until = filter->unlimited_until;
	status->free_until = filter->free_until;
	g_array_append_vals(status->warned, filter->warned->data, filter->warned->len);
	if (filter->keyed)
		netfil_keyed_status(filter->keyed, status);
	return status;
}

NetfilStatus *netfil_filter_status(NetfilKernel *kernel, NetfilFilter *filter,
				   NetfilPresence *presence)
{
	NetfilStatus *status = netfil_filter_usage(kernel, filter);

	status->state = state_of(kernel, filter, presence);
	if (!presence->now)
		presence->now = netfil_clock_seconds();
	status->forecast = forecast(status, presence->now);
	return status;
}
