// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter.h"

#include <sched.h>
#include <string.h>

#include "cgroups.h"
#include "kill.h"

NetfilFilter *netfil_filter_new(const NetfilSpec *spec)
{
	NetfilFilter *filter = g_new0(NetfilFilter, 1);

	filter->spec = netfil_spec_copy(spec);
	filter->slot = NETFIL_NO_SLOT;
	filter->sockets_slot = NETFIL_NO_SLOT;
	filter->started = g_get_real_time() / G_USEC_PER_SEC;
	return filter;
}

void netfil_filter_free(NetfilFilter *filter)
{
	if (!filter)
		return;
	netfil_kill_forget(filter);
	netfil_spec_free(filter->spec);
	g_free(filter);
}

static guint64 load(const guint64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void read_once(const struct netfil_slot *slot, NetfilCounters *c)
{
	c->in = load((const guint64 *)&slot->used[NETFIL_IN]);
	c->out = load((const guint64 *)&slot->used[NETFIL_OUT]);
	c->refused_bytes = load((const guint64 *)&slot->refused_bytes);
	c->refused_packets = load((const guint64 *)&slot->refused_packets);
	c->reset_bytes = load((const guint64 *)&slot->reset_bytes);
	c->reset_packets = load((const guint64 *)&slot->reset_packets);
}

void netfil_filter_read(NetfilKernel *kernel, const NetfilFilter *filter, NetfilCounters *c)
{
	const struct netfil_slot *slot = netfil_kernel_slot(kernel, filter->slot);
	NetfilCounters second;

	/* A charge that another filter refuses is undone within a packet's time. The
	 * lesser of two readings was true at some moment between them. */
	read_once(slot, c);
	sched_yield();
	read_once(slot, &second);
	c->in = MIN(c->in, second.in);
	c->out = MIN(c->out, second.out);
}

void netfil_filter_used(NetfilKernel *kernel, const NetfilFilter *filter, NetfilCounters *used)
{
	const NetfilCounters *base = &filter->base;
	NetfilCounters now;

	netfil_filter_read(kernel, filter, &now);
	used->in = now.in - base->in;
	used->out = now.out - base->out;
	used->refused_bytes = now.refused_bytes - base->refused_bytes;
	used->refused_packets = now.refused_packets - base->refused_packets;
	used->reset_bytes = now.reset_bytes - base->reset_bytes;
	used->reset_packets = now.reset_packets - base->reset_packets;
	if (filter->sockets_slot != NETFIL_NO_SLOT) {
		const struct netfil_slot *sockets = netfil_kernel_slot(kernel, filter->sockets_slot);

		used->refused_bytes += load((const guint64 *)&sockets->refused_bytes);
		used->refused_packets += load((const guint64 *)&sockets->refused_packets);
		used->reset_bytes += load((const guint64 *)&sockets->reset_bytes);
		used->reset_packets += load((const guint64 *)&sockets->reset_packets);
	}
}

static guint64 limit(guint64 cap, guint64 base)
{
	if (!cap)
		return NETFIL_NO_LIMIT;
	/* A cap that no counter can reach is still not "none". */
	return cap > NETFIL_NO_LIMIT - 1 - base ? NETFIL_NO_LIMIT - 1 : base + cap;
}

static guint32 policy_flags(NetfilOnLimit policy)
{
	switch (policy) {
	case NETFIL_ON_LIMIT_DROP:
		return NETFIL_SLOT_DROP;
	case NETFIL_ON_LIMIT_KILL:
		return NETFIL_SLOT_PASS_RESET;
	case NETFIL_ON_LIMIT_REJECT:
		break;
	}
	return NETFIL_SLOT_REJECT | NETFIL_SLOT_PASS_RESET;
}

void netfil_filter_arm(NetfilKernel *kernel, NetfilFilter *filter)
{
	struct netfil_slot *slot = netfil_kernel_slot(kernel, filter->slot);
	const guint64 *cap = filter->spec->cap;
	/* total is in and out at all times but within a charge */
	guint64 base[] = {filter->base.in, filter->base.out, filter->base.in + filter->base.out};

	slot->flags = policy_flags(filter->spec->on_limit);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 before = slot->limit[i], now = limit(cap[i], base[i]);
		guint32 bit = 1U << i;

		__atomic_store_n(&slot->limit[i], now, __ATOMIC_SEQ_CST);
		if (now != NETFIL_NO_LIMIT && load((const guint64 *)&slot->used[i]) >= now)
			__atomic_or_fetch(&slot->exhausted, bit, __ATOMIC_SEQ_CST);
		else if (now > before)
			__atomic_and_fetch(&slot->exhausted, ~bit, __ATOMIC_SEQ_CST);
	}
}

void netfil_filter_restart(NetfilKernel *kernel, NetfilFilter *filter)
{
	netfil_filter_read(kernel, filter, &filter->base);
	if (filter->sockets_slot != NETFIL_NO_SLOT) { /* see netfil_filter_used() */
		const struct netfil_slot *sockets =
			netfil_kernel_slot(kernel, filter->sockets_slot);

		filter->base.refused_bytes += sockets->refused_bytes;
		filter->base.refused_packets += sockets->refused_packets;
		filter->base.reset_bytes += sockets->reset_bytes;
		filter->base.reset_packets += sockets->reset_packets;
	}
	filter->started = g_get_real_time() / G_USEC_PER_SEC;
}

guint netfil_filter_exhausted(NetfilKernel *kernel, const NetfilFilter *filter)
{
	return __atomic_load_n(&netfil_kernel_slot(kernel, filter->slot)->exhausted,
			       __ATOMIC_ACQUIRE);
}

/* Nothing is there that it could match. */
static gboolean waits(NetfilKernel *kernel, const NetfilFilter *filter)
{
	const NetfilSelectors *s;

	if (!filter->rule)
		return !filter->frame.present;
	s = filter->rule->selectors;
	if (s->asked & 1 << NETFIL_KIND_CGROUP &&
	    !netfil_cgroups_present(kernel, filter->rule->number))
		return TRUE;
	if ((s->asked & 1 << NETFIL_KIND_EXE && !s->exes->len) ||
	    (s->asked & 1 << NETFIL_KIND_USER && !s->uids->len) ||
	    (s->asked & 1 << NETFIL_KIND_PREFIX && !s->prefixes->len))
		return TRUE;
	if (s->asked & 1 << NETFIL_KIND_PROCESS) {
		g_autoptr(GArray) processes =
			netfil_kernel_rule_processes(kernel, filter->rule->number);

		return !processes->len;
	}
	return FALSE;
}

static NetfilState state_of(NetfilKernel *kernel, const NetfilFilter *filter)
{
	if (!filter->spec->on)
		return NETFIL_STATE_OFF;
	if (netfil_filter_exhausted(kernel, filter))
		return NETFIL_STATE_EXHAUSTED;
	return waits(kernel, filter) ? NETFIL_STATE_WAITING : NETFIL_STATE_ON;
}

NetfilStatus *netfil_filter_status(NetfilKernel *kernel, const NetfilFilter *filter)
{
	NetfilStatus *status = netfil_status_new(filter->spec);
	NetfilCounters used;

	netfil_filter_used(kernel, filter, &used);
	status->id = filter->id;
	status->state = state_of(kernel, filter);
	status->used[NETFIL_IN] = used.in;
	status->used[NETFIL_OUT] = used.out;
	status->used[NETFIL_TOTAL] = used.in + used.out;
	status->refused_bytes = used.refused_bytes;
	status->refused_packets = used.refused_packets;
	status->reset_bytes = used.reset_bytes;
	status->reset_packets = used.reset_packets;
	status->cycle_started = filter->started;
	return status;
}
