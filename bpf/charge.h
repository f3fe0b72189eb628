/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Charging slots: never over a limit, all slots of a verdict or none.
 *
 * Plain += loses bytes, on per-CPU memory too: process context is interrupted by
 * softirq on its own CPU. So every change is one atomic.
 */
#pragma once

#include "maps.h"

#define CHARGE_TRIES 8
#define NO_SLOT (~0U)

/* The slots of the filters that match a packet, in rule order. */
struct netfil_verdict {
	__u32 count;
	__u16 slots[NETFIL_MATCH_MAX];
};

/* What a packet costs. */
struct netfil_cost {
	__u32 bytes;
	__u32 segments;
	__u32 direction; /* NETFIL_IN or NETFIL_OUT */
	__u32 tcp;
	__u32 refuser; /* out: the slot that refused */
	__u32 cpu;     /* whose purses pay */
};

/* Possible CPUs: purses a slot. Set before the programs are loaded. */
const volatile __u32 cpus = 1;

/* Admits `size` if it fits below `limit`. */
static __always_inline bool counter_charge(__u64 *used, __u64 limit, __u64 size)
{
	__u64 now, seen;

	if (limit == NETFIL_NO_LIMIT) {
		__sync_fetch_and_add(used, size);
		return true;
	}
	now = READ_ONCE(*used);
#pragma clang loop unroll(disable)
	for (int i = 0; i < CHARGE_TRIES; i++) {
		if (size > limit || now > limit - size)
			return false;
		seen = __sync_val_compare_and_swap(used, now, now + size);
		if (seen == now)
			return true;
		now = seen;
	}
	/* So contended that every try was beaten: add first, take back what is too
	 * much. Never over; another packet may see the sum before it is taken back. */
	now = __sync_fetch_and_add(used, size);
	if (now + size <= limit)
		return true;
	__sync_fetch_and_add(used, -size);
	return false;
}

/* NULL of a CPU that has none. */
static __always_inline struct netfil_purse *purse_of(__u32 number, __u32 cpu)
{
	__u32 index = number * cpus + cpu;

	return cpu < cpus ? bpf_map_lookup_elem(&purses, &index) : NULL;
}

static __always_inline bool purse_pays(const struct netfil_purse *purse, __u32 direction,
				       __u64 size)
{
	return purse && READ_ONCE(purse->credit[direction & 1]) >= size;
}

/* Once only: who is interrupted meanwhile goes to the slot itself. */
static __always_inline bool purse_spend(struct netfil_purse *purse, __u32 direction, __u64 size)
{
	__u64 credit = READ_ONCE(purse->credit[direction & 1]);

	return credit >= size && __sync_val_compare_and_swap(&purse->credit[direction & 1], credit,
							     credit - size) == credit;
}

static __always_inline void slot_uncharge(struct netfil_slot *slot, __u32 direction, __u64 size)
{
	__sync_fetch_and_add(&slot->used[direction & 1], -size);
	__sync_fetch_and_add(&slot->used[NETFIL_TOTAL], -size);
}

/* Returns 0, or 1 + the direction whose limit refused. */
static __always_inline int slot_charge(struct netfil_slot *slot, __u32 direction, __u64 size)
{
	direction &= 1;
	if (!counter_charge(&slot->used[direction], READ_ONCE(slot->limit[direction]), size))
		return 1 + direction;
	if (!counter_charge(&slot->used[NETFIL_TOTAL], READ_ONCE(slot->limit[NETFIL_TOTAL]),
			    size)) {
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

static __always_inline bool lend(struct netfil_slot *slot, struct netfil_purse *purse,
				 __u32 direction, __u64 size)
{
	__u64 chunk = purse ? slot_lends(slot, direction) : 0;
	bool lent;

	if (!chunk)
		return false;
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_BEGINS);
	lent = !slot_charge(slot, direction, chunk + size);
	if (lent)
		__sync_fetch_and_add(&purse->credit[direction], chunk);
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_ENDS);
	return lent;
}

/* All credit of a slot back from its purses. */
__noinline int slot_gather(__u32 number)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	struct netfil_purse *purse;

	if (!slot)
		return 0;
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_BEGINS);
#pragma clang loop unroll(disable)
	for (__u32 cpu = 0; cpu < cpus; cpu++) {
		purse = purse_of(number, cpu);
		if (purse && READ_ONCE(purse->credit[NETFIL_IN]))
			slot_uncharge(slot, NETFIL_IN,
				      __sync_lock_test_and_set(&purse->credit[NETFIL_IN], 0));
		if (purse && READ_ONCE(purse->credit[NETFIL_OUT]))
			slot_uncharge(slot, NETFIL_OUT,
				      __sync_lock_test_and_set(&purse->credit[NETFIL_OUT], 0));
	}
	__sync_fetch_and_add(&slot->moves, NETFIL_MOVE_ENDS);
	return 0;
}

/* False: nobody reads, and there is no room. State stands in the slot. */
static __always_inline bool event_send(__u32 type, __u32 slot, __u32 direction, __u32 size)
{
	struct netfil_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return false;
	event->type = type;
	event->slot = slot;
	event->direction = direction;
	event->size = size;
	bpf_ringbuf_submit(event, 0);
	return true;
}

/* Asks for a grant, once: grant_low says whether it was done. If nobody could be told,
 * the next packet tries again. */
static __always_inline void grant_ask(struct netfil_slot *slot, __u32 number, __u64 low, __u32 size)
{
	if (low == NETFIL_NO_LIMIT ||
	    __sync_val_compare_and_swap(&slot->grant_low, low, NETFIL_NO_LIMIT) != low)
		return;
	if (!event_send(NETFIL_EVENT_GRANT, number, NETFIL_TOTAL, size))
		__sync_val_compare_and_swap(&slot->grant_low, NETFIL_NO_LIMIT, low);
}

/* A slot that lives on grants was charged. */
__noinline int grant_watch(__u32 number)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	__u64 low;

	if (!slot)
		return 0;
	low = READ_ONCE(slot->grant_low);
	if (READ_ONCE(slot->used[NETFIL_TOTAL]) > low)
		grant_ask(slot, number, low, 0);
	return 0;
}

/* ---- beyond the limits ---- */

static __always_inline bool slot_free(const struct netfil_slot *slot)
{
	__u64 until = READ_ONCE(slot->over_until);

	return until && until > bpf_ktime_get_boot_ns();
}

/* Its cap is reached, and that matters now. */
static __always_inline bool slot_spent(const struct netfil_slot *slot)
{
	return READ_ONCE(slot->exhausted) & NETFIL_EXHAUSTED_CAPS && !slot_free(slot);
}

/* The cap counts as reached. Returns whether this packet is the first to say so. */
static __always_inline bool slot_exhaust(struct netfil_slot *slot, __u32 number, __u32 limit,
					 __u32 bytes)
{
	__u32 bit = 1U << limit;

	if (READ_ONCE(slot->exhausted) & bit || __sync_fetch_and_or(&slot->exhausted, bit) & bit)
		return false;
	event_send(NETFIL_EVENT_EXHAUSTED, number, limit, bytes);
	return true;
}

#define NANOSECONDS 1000000000ULL
#define RATE_TRIES 4

/*
 * A token bucket, in time: a packet pays bytes / rate, and may go when all before it is
 * paid off. `paid_until` in the past is what a sender left unused, in the future what it
 * owes.
 *
 * TCP that was refused tries again with one segment after 200 ms, waits twice as long
 * when that is refused too, and goes on when it is acknowledged: the bucket is as deep as
 * this, or nothing of the rate would be left for who waits. Single segments may go
 * somewhat early, and so may what has the size of a mere acknowledgement: it is of data
 * that was admitted.
 *
 * An aggregate is up to 64 KiB, which may be seconds: it goes half before its time and
 * half after, so that the sum is off by half of it at most.
 */
#define MILLISECONDS 1000000ULL
#define RATE_DEPTH (300 * MILLISECONDS)
#define RATE_EARLY (100 * MILLISECONDS)
#define RATE_EARLY_ACK (600 * MILLISECONDS)
#define RATE_AGGREGATE (8000 * MILLISECONDS) /* one that takes longer is not admitted */
#define AGGREGATE_SIZE 65536
#define ACK_SIZE 128

struct price {
	__u64 full;   /* of the packet, in nanoseconds */
	__u64 latest; /* it is admitted if paid_until is not beyond this */
	__u64 oldest; /* what was left unused before is forfeit */
};

/* The machine may just have been started. */
static __always_inline __u64 time_before(__u64 now, __u64 time)
{
	return now > time ? now - time : 0;
}

static __always_inline struct price price_of(const struct netfil_cost *cost, __u64 rate, __u64 now)
{
	__u64 half = AGGREGATE_SIZE / 2 * NANOSECONDS / rate;
	struct price price = {.full = cost->bytes * NANOSECONDS / rate, .latest = now};

	if (half > RATE_AGGREGATE / 2)
		half = RATE_AGGREGATE / 2;
	price.oldest = time_before(now, RATE_DEPTH + half);
	if (cost->segments > 1)
		price.latest = price.full > RATE_AGGREGATE ? 0 : time_before(now, price.full / 2);
	else if (cost->tcp)
		price.latest += cost->bytes > ACK_SIZE ? RATE_EARLY : RATE_EARLY_ACK + half;
	return price;
}

/* `fresh`: the cap was reached by this packet, so that nothing was left unused before. */
static __always_inline bool rate_admits(struct netfil_slot *slot, const struct netfil_cost *cost,
					bool fresh, bool take)
{
	__u64 rate = READ_ONCE(slot->rate), paid = READ_ONCE(slot->paid_until);
	__u64 now, from, seen;
	struct price price;

	if (!rate)
		return true;
	now = bpf_ktime_get_boot_ns();
	if (take && (fresh || !paid)) {
		__sync_val_compare_and_swap(&slot->paid_until, paid, now);
		paid = READ_ONCE(slot->paid_until);
	}
	price = price_of(cost, rate, now);
#pragma clang loop unroll(disable)
	for (int i = 0; i < RATE_TRIES; i++) {
		if (paid > price.latest)
			return false;
		if (!take)
			return true;
		from = paid > price.oldest ? paid : price.oldest;
		seen = __sync_val_compare_and_swap(&slot->paid_until, paid, from + price.full);
		if (seen == paid)
			return true;
		paid = seen;
	}
	__sync_fetch_and_add(&slot->paid_until, price.full);
	return true;
}

/* What is admitted beyond one cap may pass the other one, too. */
static __always_inline void slot_passed(struct netfil_slot *slot, __u32 number, __u32 limit,
					__u32 bytes)
{
	if (READ_ONCE(slot->used[limit]) > READ_ONCE(slot->limit[limit]))
		slot_exhaust(slot, number, limit, bytes);
}

/* Whether a packet that does not fit below this limit is admitted all the same; `take`:
 * and charges it. */
static __always_inline bool slot_beyond(struct netfil_slot *slot, __u32 number, __u32 limit,
					const struct netfil_cost *cost, bool take)
{
	__u32 direction = cost->direction & 1;
	bool unlimited = slot_free(slot), fresh;

	if (!unlimited) {
		if (!(slot->flags & NETFIL_SLOT_OVER) ||
		    (slot->flags & NETFIL_SLOT_GRANTED && limit == NETFIL_TOTAL))
			return false;
		fresh = take && slot_exhaust(slot, number, limit, cost->bytes);
		if (!rate_admits(slot, cost, fresh, take))
			return false;
	}
	if (take) {
		__sync_fetch_and_add(&slot->used[direction], cost->bytes);
		__sync_fetch_and_add(&slot->used[NETFIL_TOTAL], cost->bytes);
	}
	if (take && !unlimited) {
		slot_passed(slot, number, direction, cost->bytes);
		if (!(slot->flags & NETFIL_SLOT_GRANTED))
			slot_passed(slot, number, NETFIL_TOTAL, cost->bytes);
	}
	return true;
}

/* The functions that follow are global, so that the verifier walks each once and not for
 * each of NETFIL_MATCH_MAX slots. */

/* The same, charging nothing. */
__noinline int slot_peek(__u32 number, __u32 limit, const struct netfil_cost *cost)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);

	return slot && cost && slot_beyond(slot, number, limit & 3, cost, false);
}

/* A full-size segment where the packet itself does not tell. */
#define FULL_SEGMENT 1500

/* Its connection is to be ended, if it is not being ended already. */
static __always_inline bool segment_sent(const struct netfil_cost *cost)
{
	return cost->tcp && cost->segments == 1 && cost->direction == NETFIL_OUT;
}

static __always_inline void slot_knock(struct netfil_slot *slot, __u32 number, __u32 limit,
				       __u32 bytes)
{
	if (!(READ_ONCE(slot->exhausted) & NETFIL_EXHAUSTED_CAPS) ||
	    READ_ONCE(slot->exhausted) & NETFIL_EXHAUSTED_KNOCKED ||
	    __sync_fetch_and_or(&slot->exhausted, NETFIL_EXHAUSTED_KNOCKED) &
		NETFIL_EXHAUSTED_KNOCKED)
		return;
	if (!event_send(NETFIL_EVENT_KNOCK, number, limit, bytes))
		__sync_fetch_and_and(&slot->exhausted, ~NETFIL_EXHAUSTED_KNOCKED);
}

/*
 * Books a refusal; returns the flags by which the packet is to be refused (0 to 255). The
 * slot counts as exhausted only when a packet that nobody can make smaller did not fit:
 * TCP sends an aggregate again in single segments, and a datagram longer than a segment
 * says nothing about smaller ones.
 */
static __always_inline int refusal_book(struct netfil_slot *slot, __u32 number, __u32 limit,
					const struct netfil_cost *cost)
{
	__u32 flags = slot->flags & 0xff;

	__sync_fetch_and_add(&slot->refused_bytes, cost->bytes);
	__sync_fetch_and_add(&slot->refused_packets, cost->segments);
	if (flags & NETFIL_SLOT_GRANTED && limit == NETFIL_TOTAL) {
		grant_ask(slot, number, READ_ONCE(slot->grant_low), cost->bytes);
		return NETFIL_SLOT_DROP;
	}
	if (flags & NETFIL_SLOT_OVER ||
	    (cost->segments == 1 && (cost->tcp || cost->bytes <= FULL_SEGMENT)))
		slot_exhaust(slot, number, limit, cost->bytes);
	if (flags & NETFIL_SLOT_KNOCK ||
	    ((flags & (NETFIL_SLOT_REJECT | NETFIL_SLOT_OVER)) == NETFIL_SLOT_REJECT &&
	     segment_sent(cost)))
		slot_knock(slot, number, limit, cost->bytes);
	if (!(flags & NETFIL_SLOT_OVER))
		return flags;
	/* To be sent later: TCP keeps a segment that it was told could not be sent, and
	 * believes in congestion where an aggregate was dropped. */
	return cost->tcp && cost->segments == 1 ? 0 : NETFIL_SLOT_DROP;
}

/* A limit refuses. Returns -1 if the packet is admitted (and charged) all the same, else
 * the flags by which it is refused. `early`: it is known that it is not. */
__noinline int refuse_slot(__u32 number, __u32 limit, const struct netfil_cost *cost, __u32 early)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);

	if (!slot || !cost)
		return 0;
	limit &= 3;
	if (!early && slot_beyond(slot, number, limit, cost, true))
		return -1;
	return refusal_book(slot, number, limit, cost);
}

/* What the CPU's purse could not pay: gets credit for what follows, or else pays from the
 * slot itself; no credit of other CPUs is left where a packet is refused. */
__noinline int charge_shared(__u32 number, const struct netfil_cost *cost)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	int refused = 0;

	if (!slot || !cost)
		return -1;
	if (!lend(slot, purse_of(number, cost->cpu), cost->direction & 1, cost->bytes)) {
		refused = slot_charge(slot, cost->direction, cost->bytes);
		if (refused) {
			slot_gather(number);
			refused = slot_charge(slot, cost->direction, cost->bytes);
		}
	}
	if (refused)
		return refuse_slot(number, refused - 1, cost, false);
	if (slot->flags & NETFIL_SLOT_GRANTED)
		grant_watch(number);
	return -1;
}

/* Charges one slot. Returns its flags (0 to 255) if it refuses, else -1. Inline but for
 * what is rare: a return is dear where the CPU may not guess where it leads. */
static __always_inline int charge_slot(__u32 number, const struct netfil_cost *cost)
{
	struct netfil_purse *purse = purse_of(number, cost->cpu);

	if (purse && purse_spend(purse, cost->direction, cost->bytes))
		return -1;
	return charge_shared(number, cost);
}

/* Into the CPU's purse, where it came from: nobody else is disturbed. */
static __always_inline void uncharge_slot(__u32 number, __u32 direction, __u64 size)
{
	struct netfil_purse *purse = purse_of(number, bpf_get_smp_processor_id());
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);

	if (purse)
		__sync_fetch_and_add(&purse->credit[direction & 1], size);
	else if (slot)
		slot_uncharge(slot, direction, size);
}

static __always_inline void uncharge(const struct netfil_verdict *verdict, __u32 count,
				     __u32 direction, __u64 size)
{

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= count)
			break;
		uncharge_slot(verdict->slots[i], direction, size);
	}
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

/* The same with the purse that would pay first, and with what is in the others. */
__noinline int slot_lacks(__u32 number, const struct netfil_cost *cost)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	int lacking;

	if (!slot || !cost || purse_pays(purse_of(number, cost->cpu), cost->direction, cost->bytes))
		return 0;
	lacking = pool_lacks(slot, cost->direction, cost->bytes);
	if (!lacking)
		return 0;
	slot_gather(number);
	return pool_lacks(slot, cost->direction, cost->bytes);
}

/*
 * Asks all slots of a verdict before any is charged: beside a spent filter the others
 * would else look fuller than they are, again and again, while a charge is undone.
 * Returns -1, or the flags of the first that lacks room.
 */
static __always_inline int refuse_early(const struct netfil_verdict *verdict,
					struct netfil_cost *cost)
{
	int lacking = 0;
	__u32 number;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		number = verdict->slots[i];
		lacking = slot_lacks(number, cost);
		if (lacking && slot_peek(number, lacking - 1, cost))
			lacking = 0;
		if (lacking) {
			cost->refuser = number;
			break;
		}
	}
	return lacking ? refuse_slot(cost->refuser, lacking - 1, cost, true) : -1;
}

/* Charges all slots of the verdict or none. Returns -1 if all took it, else the
 * flags of the slot that refused. Global, for the verifier's sake. */
__noinline int charge(const struct netfil_verdict *verdict, struct netfil_cost *cost)
{
	__u32 charged = 0;
	int flags;

	if (!verdict || !cost)
		return -1;
	flags = verdict->count > 1 ? refuse_early(verdict, cost) : -1;
	if (flags >= 0)
		return flags;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		flags = charge_slot(verdict->slots[i], cost);
		if (flags >= 0) {
			cost->refuser = verdict->slots[i];
			charged = i;
			break;
		}
	}
	if (flags >= 0)
		uncharge(verdict, charged, cost->direction, cost->bytes);
	return flags;
}
