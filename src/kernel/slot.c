// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Slots and the purses of their CPUs: what is admitted is what was taken from a slot less
 * what its purses still have. */
#include "slot.h"

#include <bpf/libbpf.h>
#include <sched.h>
#include <string.h>

#include "bpf/owner.skel.h"
#include "iterate.h"

/* A move takes the kernel some nanoseconds, unless a hypervisor stops its CPU meanwhile. */
#define TRIES 10000

struct NetfilSlots {
	NetfilObjects *objects;
	struct netfil_slot *slots;
	struct netfil_purse *purses;
	guint cpus;
};

NetfilSlots *netfil_slots_new(NetfilObjects *objects, GError **error)
{
	g_autoptr(NetfilSlots) s = g_new0(NetfilSlots, 1);

	s->objects = objects;
	s->cpus = netfil_kernel_cpus();
	s->slots = netfil_maps_memory(objects->maps, "slots", error);
	if (!s->slots)
		return NULL;
	s->purses = netfil_maps_memory(objects->maps, "purses", error);
	return s->purses ? g_steal_pointer(&s) : NULL;
}

void netfil_slots_free(NetfilSlots *s)
{
	g_free(s);
}

void netfil_slots_follow(NetfilSlots *s, NetfilObjects *objects)
{
	s->objects = objects;
}

struct netfil_slot *netfil_slots_get(NetfilSlots *s, guint number)
{
	g_assert(number < NETFIL_SLOTS_MAX);
	return &s->slots[number];
}

static struct netfil_purse *purses_of(NetfilSlots *s, guint number)
{
	return &s->purses[(gsize)number * s->cpus];
}

void netfil_slots_clear(NetfilSlots *s, guint number)
{
	memset(purses_of(s, number), 0, s->cpus * sizeof(struct netfil_purse));
	memset(netfil_slots_get(s, number), 0, sizeof(struct netfil_slot));
}

static guint64 load(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static guint32 moves_of(const struct netfil_slot *slot)
{
	return __atomic_load_n(&slot->moves, __ATOMIC_ACQUIRE);
}

void netfil_slots_used(NetfilSlots *s, guint number, guint64 used[2])
{
	const struct netfil_slot *slot = netfil_slots_get(s, number);
	const struct netfil_purse *purses = purses_of(s, number);

	for (guint tries = 0; tries < TRIES; tries++) {
		guint32 moves = moves_of(slot);

		used[NETFIL_IN] = load(&slot->used[NETFIL_IN]);
		used[NETFIL_OUT] = load(&slot->used[NETFIL_OUT]);
		for (guint cpu = 0; cpu < s->cpus; cpu++) {
			used[NETFIL_IN] -= load(&purses[cpu].credit[NETFIL_IN]);
			used[NETFIL_OUT] -= load(&purses[cpu].credit[NETFIL_OUT]);
		}
		if (!NETFIL_MOVES_UNDER_WAY(moves) && moves_of(slot) == moves)
			return;
		sched_yield();
	}
}

void netfil_slots_gather(NetfilSlots *s, guint number)
{
	s->objects->owner->bss->asked_slot = number;
	netfil_run_by_hand(s->objects->owner->progs.credit_gather, NULL);
}
