/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counters below their limits, and the credit that is lent of them.
 *
 * Plain += loses bytes, on per-CPU memory too: process context is interrupted by
 * softirq on its own CPU. So every change is one atomic.
 *
 * Whose counters: the number of a slot, and of one of its members or 0.
 */
#pragma once

#include "maps.h"

#define CHARGE_TRIES 8

/* What a packet costs. */
struct netfil_cost {
	__u32 bytes;
	__u32 segments;
	__u32 direction; /* NETFIL_IN or NETFIL_OUT */
	__u32 tcp;
	__u32 cpu; /* whose purses pay */
};

/* Possible CPUs: purses a slot. Set before the programs are loaded. */
const volatile __u32 cpus = 1;

/* By its place in all pieces. */
static __always_inline struct netfil_member *member_at(__u32 place)
{
	__u32 piece = place / NETFIL_PIECE_MEMBERS, index = place % NETFIL_PIECE_MEMBERS;
	void *array = bpf_map_lookup_elem(&members, &piece);

	return array ? bpf_map_lookup_elem(array, &index) : NULL;
}

/* Beyond all pieces if the slot has no such member, or none at all; without a branch, for the
 * verifier's sake. */
static __always_inline __u32 member_place(const struct netfil_keyed *keyed, __u32 member)
{
	__u64 index = member - 1U, last = READ_ONCE(keyed->max), first = READ_ONCE(keyed->first);
	__u32 beyond = (__s64)((last - index) | (first - 1)) >> 63;

	return (__u32)(first * NETFIL_PIECE_MEMBERS + index) | beyond;
}

static __always_inline struct netfil_member *member_get(__u32 number, __u32 member)
{
	struct netfil_keyed *keyed = bpf_map_lookup_elem(&keyeds, &number);

	return keyed ? member_at(member_place(keyed, member)) : NULL;
}

static __always_inline struct netfil_slot *slot_get(__u32 number, __u32 member)
{
	struct netfil_slot *slot;
	struct netfil_member *m;

	if (!member) {
		slot = bpf_map_lookup_elem(&slots, &number);
		KEEP_APART(number);
		return slot;
	}
	m = member_get(number, member);
	return m ? &m->slot : NULL;
}

/* Credit by direction, of this CPU; members have one purse for all. NULL: none. */
static __always_inline __u64 *credit_get(__u32 number, __u32 member, __u32 cpu)
{
	__u32 index = number * cpus + cpu;
	struct netfil_member *m;
	struct netfil_purse *purse;

	if (member) {
		m = member_get(number, member);
		return m ? m->credit : NULL;
	}
	purse = cpu < cpus ? bpf_map_lookup_elem(&purses, &index) : NULL;
	KEEP_APART(index);
	return purse ? purse->credit : NULL;
}

static __always_inline bool credit_pays(const __u64 *credit, __u32 direction, __u64 size)
{
	return credit && READ_ONCE(credit[direction & 1]) >= size;
}

/* Once only: who is interrupted meanwhile goes to the slot itself. */
static __always_inline bool credit_spend(__u64 *credit, __u32 direction, __u64 size)
{
	__u64 now = READ_ONCE(credit[direction & 1]);

	if (now < size)
		return false;
	return __sync_val_compare_and_swap(&credit[direction & 1], now, now - size) == now;
}

/* ---- one place ---- */

/* Adds `size`, without regard to the limit where every try was beaten. False, and nothing is
 * added: it does not fit. *now: what was there before. */
static __always_inline bool counter_take(__u64 *used, __u64 limit, __u64 size, __u64 *now)
{
	__u64 seen;

	*now = READ_ONCE(*used);
#pragma clang loop unroll(disable)
	for (int i = 0; i < CHARGE_TRIES && limit != NETFIL_NO_LIMIT; i++) {
		if (size > limit || *now > limit - size)
			return false;
		seen = __sync_val_compare_and_swap(used, *now, *now + size);
		if (seen == *now)
			return true;
		*now = seen;
	}
	*now = __sync_fetch_and_add(used, size);
	return true;
}

/* Admits `size` if it fits below the limit. What was added without regard to it, or before
 * user space lowered it, is taken back. Never over; another packet may see the sum before. */
static __always_inline bool counter_charge(__u64 *used, const __u64 *limit, __u64 size)
{
	__u64 now;

	if (!counter_take(used, READ_ONCE(*limit), size, &now))
		return false;
	if (now + size <= READ_ONCE(*limit))
		return true;
	__sync_fetch_and_add(used, -size);
	return false;
}

static __always_inline void slot_uncharge(struct netfil_slot *slot, __u32 direction, __u64 size)
{
	__sync_fetch_and_add(&slot->used[direction & 1], -size);
	__sync_fetch_and_add(&slot->used[NETFIL_TOTAL], -size);
}

static __always_inline bool counter_fits(const __u64 *used, __u64 limit, __u64 size)
{
	return limit == NETFIL_NO_LIMIT || (size <= limit && READ_ONCE(*used) <= limit - size);
}

/* 0 if the slot itself has room, or 1 + the direction whose limit would refuse. */
static __always_inline int pool_lacks(const struct netfil_slot *slot, __u32 direction, __u64 size)
{
	direction &= 1;
	if (!counter_fits(&slot->used[direction], READ_ONCE(slot->limit[direction]), size))
		return 1 + direction;
	if (!counter_fits(&slot->used[NETFIL_TOTAL], READ_ONCE(slot->limit[NETFIL_TOTAL]), size))
		return 1 + NETFIL_TOTAL;
	return 0;
}

/* Returns 0, or 1 + the direction whose limit refused. Asks first: or else who is refused
 * by the limit in total, again and again, would be seen in used[direction] meanwhile. */
static __always_inline int slot_charge(struct netfil_slot *slot, __u32 direction, __u64 size)
{
	int lacking = pool_lacks(slot, direction, size);

	if (lacking)
		return lacking;
	direction &= 1;
	if (!counter_charge(&slot->used[direction], &slot->limit[direction], size))
		return 1 + direction;
	if (!counter_charge(&slot->used[NETFIL_TOTAL], &slot->limit[NETFIL_TOTAL], size)) {
		__sync_fetch_and_add(&slot->used[direction], -size);
		return 1 + NETFIL_TOTAL;
	}
	return 0;
}

/* ---- lending ---- */

/*
 * With less room than this a slot lends nothing, so at a cap's end all is spent from one
 * place; it is much more than the largest packet. Who lends takes a small part of the room,
 * whatever the other CPUs do at the same time.
 */
#define LEND_ROOM (16ULL << 20)
#define LEND_SHARE 4 /* of the room, and of that a part for each CPU */
#define LEND_MOST (1ULL << 20)
#define LEND_UNLIMITED (1ULL << 40)

/*
 * Credit moves under the slot's lock, with interrupts off: or else bytes which are neither in
 * a purse nor in the slot for an instant would be missing to who gathers at the same time, who
 * may be a packet that interrupts the move, and it would be refused though it fits. Members
 * have their slot's.
 */
static __always_inline struct slot_lock *lock_get(__u32 number)
{
	return bpf_map_lookup_elem(&slot_locks, &number);
}

static __always_inline __u64 counter_room(const __u64 *used, __u64 limit)
{
	__u64 now = READ_ONCE(*used);

	return limit == NETFIL_NO_LIMIT ? limit : limit > now ? limit - now : 0;
}

/* How much credit this direction may get now, bytes; 0: none. */
static __always_inline __u64 slot_lends(const struct netfil_slot *slot, __u32 direction)
{
	__u64 room = counter_room(&slot->used[direction], READ_ONCE(slot->limit[direction]));
	__u64 total = counter_room(&slot->used[NETFIL_TOTAL], READ_ONCE(slot->limit[NETFIL_TOTAL]));

	if (total < room)
		room = total;
	if (room == NETFIL_NO_LIMIT)
		return LEND_UNLIMITED;
	if (room < LEND_ROOM || READ_ONCE(slot->exhausted) & NETFIL_EXHAUSTED_CAPS)
		return 0;
	room /= LEND_SHARE * cpus;
	return room < LEND_MOST ? room : LEND_MOST;
}

/* Its limits are being changed by the kernel. */
static __always_inline bool slot_locked(const struct netfil_slot *slot, __u32 member)
{
	return member && READ_ONCE(slot->id) & NETFIL_MEMBER_LOCKED;
}

/* Under the slot's lock. */
static __always_inline bool lend_locked(struct netfil_slot *slot, __u32 member, __u64 *credit,
					__u32 direction, __u64 size)
{
	__u64 chunk = slot_locked(slot, member) ? 0 : slot_lends(slot, direction);
	bool lent;

	if (!chunk)
		return false;
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_BEGINS);
	lent = !slot_charge(slot, direction, chunk + size);
	if (lent)
		__sync_fetch_and_add(&credit[direction], chunk);
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_ENDS);
	return lent;
}

/* Takes a packet and credit for those that follow. False: neither. */
static __always_inline bool lend(struct netfil_slot *slot, __u32 number, __u32 member,
				 const struct netfil_cost *cost)
{
	__u64 *credit = credit_get(number, member, cost->cpu);
	struct slot_lock *guard = lock_get(number);
	__u32 direction = cost->direction & 1;
	bool lent;

	if (!credit || !guard || !slot_lends(slot, direction))
		return false;
	bpf_spin_lock(&guard->lock);
	lent = lend_locked(slot, member, credit, direction, cost->bytes);
	bpf_spin_unlock(&guard->lock);
	return lent;
}

static __always_inline void credit_return(struct netfil_slot *slot, struct slot_lock *guard,
					  __u64 *credit)
{
	if (!READ_ONCE(credit[NETFIL_IN]) && !READ_ONCE(credit[NETFIL_OUT]))
		return;
	bpf_spin_lock(&guard->lock);
	slot_uncharge(slot, NETFIL_IN, __sync_lock_test_and_set(&credit[NETFIL_IN], 0));
	slot_uncharge(slot, NETFIL_OUT, __sync_lock_test_and_set(&credit[NETFIL_OUT], 0));
	bpf_spin_unlock(&guard->lock);
}

/*
 * All credit back. Takes the lock when it begins, so that credit of which the lending had begun
 * before is in a purse by now, and when it ends, so that what somebody else took from a purse
 * meanwhile is in the slot. Global, as what follows in other files, so that the verifier walks
 * it once.
 */
__noinline int slot_gather(__u32 number, __u32 member)
{
	struct netfil_slot *slot = slot_get(number, member);
	struct slot_lock *guard = lock_get(number);
	__u64 *credit;

	if (!slot || !guard)
		return 0;
	bpf_spin_lock(&guard->lock);
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_BEGINS);
	bpf_spin_unlock(&guard->lock);
#pragma clang loop unroll(disable)
	for (__u32 cpu = 0; cpu < cpus; cpu++) {
		credit = credit_get(number, member, cpu);
		if (!credit)
			break;
		credit_return(slot, guard, credit);
		if (member)
			break;
	}
	bpf_spin_lock(&guard->lock);
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_ENDS);
	bpf_spin_unlock(&guard->lock);
	return 0;
}

/* 0 if this CPU can pay, or the slot when it has all credit back; or 1 + the direction whose
 * limit would refuse. */
__noinline int slot_lacks(__u32 number, __u32 member, const struct netfil_cost *cost)
{
	struct netfil_slot *slot = slot_get(number, member);

	if (!slot || !cost ||
	    credit_pays(credit_get(number, member, cost->cpu), cost->direction, cost->bytes))
		return 0;
	if (!pool_lacks(slot, cost->direction, cost->bytes))
		return 0;
	slot_gather(number, member);
	return pool_lacks(slot, cost->direction, cost->bytes);
}

/* Returns 0, or 1 + the direction whose limit refused: no credit is left anywhere then. */
static __always_inline int slot_pay(struct netfil_slot *slot, __u32 number, __u32 member,
				    const struct netfil_cost *cost)
{
	int refused;

	if (lend(slot, number, member, cost))
		return 0;
	refused = slot_charge(slot, cost->direction, cost->bytes);
	if (!refused)
		return 0;
	slot_gather(number, member);
	return slot_charge(slot, cost->direction, cost->bytes);
}

/* ---- events ---- */

/* False: nobody reads, and there is no room. State stands in the slot. */
static __always_inline bool event_send(__u32 type, __u32 slot, __u32 member, __u32 direction,
				       __u32 size)
{
	struct netfil_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return false;
	event->type = type;
	event->slot = slot;
	event->direction = direction;
	event->size = size;
	event->member = member;
	event->pad = 0;
	bpf_ringbuf_submit(event, 0);
	return true;
}
