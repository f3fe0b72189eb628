/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * At and beyond the limits: grants, free hours, rates, and what a refusal means.
 */
#pragma once

#include "slot.h"

struct netfil_whose {
	__u32 number;
	__u32 member;
};

/* Asks for a grant, once: grant_low says whether it was done. If nobody could be told,
 * the next packet tries again. */
static __always_inline void grant_ask(struct netfil_slot *slot, __u32 number, __u64 low, __u32 size)
{
	if (low == NETFIL_NO_LIMIT ||
	    __sync_val_compare_and_swap(&slot->grant_low, low, NETFIL_NO_LIMIT) != low)
		return;
	if (!event_send(NETFIL_EVENT_GRANT, number, 0, NETFIL_TOTAL, size))
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
static __always_inline bool slot_exhaust(struct netfil_slot *slot, struct netfil_whose whose,
					 __u32 limit, __u32 bytes)
{
	__u32 bit = 1U << limit;

	if (READ_ONCE(slot->exhausted) & bit || __sync_fetch_and_or(&slot->exhausted, bit) & bit)
		return false;
	WRITE_ONCE(config.refusing, 1);
	event_send(NETFIL_EVENT_EXHAUSTED, whose.number, whose.member, limit, bytes);
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
static __always_inline void slot_passed(struct netfil_slot *slot, struct netfil_whose whose,
					__u32 limit, __u32 bytes)
{
	if (READ_ONCE(slot->used[limit]) > READ_ONCE(slot->limit[limit]))
		slot_exhaust(slot, whose, limit, bytes);
}

/* Whether a packet that does not fit below this limit is admitted all the same; `take`:
 * and charges it. */
static __always_inline bool slot_beyond(struct netfil_slot *slot, struct netfil_whose whose,
					__u32 limit, const struct netfil_cost *cost, bool take)
{
	__u32 direction = cost->direction & 1;
	bool unlimited = slot_free(slot), fresh;

	if (!unlimited) {
		if (!(slot->flags & NETFIL_SLOT_OVER) ||
		    (slot->flags & NETFIL_SLOT_GRANTED && limit == NETFIL_TOTAL))
			return false;
		fresh = take && slot_exhaust(slot, whose, limit, cost->bytes);
		if (!rate_admits(slot, cost, fresh, take))
			return false;
	}
	if (take) {
		__sync_fetch_and_add(&slot->used[direction], cost->bytes);
		__sync_fetch_and_add(&slot->used[NETFIL_TOTAL], cost->bytes);
	}
	if (take && !unlimited) {
		slot_passed(slot, whose, direction, cost->bytes);
		if (!(slot->flags & NETFIL_SLOT_GRANTED))
			slot_passed(slot, whose, NETFIL_TOTAL, cost->bytes);
	}
	return true;
}

/* The functions that follow are global, so that the verifier walks each once and not for
 * each of NETFIL_MATCH_MAX slots. */

/* The same, charging nothing. */
__noinline int slot_peek(__u32 number, __u32 member, __u32 limit, const struct netfil_cost *cost)
{
	struct netfil_slot *slot = slot_get(number, member);

	return slot && cost &&
	       slot_beyond(slot, (struct netfil_whose){number, member}, limit & 3, cost, false);
}

/* A full-size segment where the packet itself does not tell. */
#define FULL_SEGMENT 1500

/* Its connection is to be ended, if it is not being ended already. */
static __always_inline bool segment_sent(const struct netfil_cost *cost)
{
	return cost->tcp && cost->segments == 1 && cost->direction == NETFIL_OUT;
}

static __always_inline void slot_knock(struct netfil_slot *slot, struct netfil_whose whose,
				       __u32 limit, __u32 bytes)
{
	if (!(READ_ONCE(slot->exhausted) & NETFIL_EXHAUSTED_CAPS) ||
	    READ_ONCE(slot->exhausted) & NETFIL_EXHAUSTED_KNOCKED ||
	    __sync_fetch_and_or(&slot->exhausted, NETFIL_EXHAUSTED_KNOCKED) &
		NETFIL_EXHAUSTED_KNOCKED)
		return;
	if (!event_send(NETFIL_EVENT_KNOCK, whose.number, whose.member, limit, bytes))
		__sync_fetch_and_and(&slot->exhausted, ~NETFIL_EXHAUSTED_KNOCKED);
}

/*
 * Books a refusal; returns the flags by which the packet is to be refused (0 to 255). The
 * slot counts as exhausted only when a packet that nobody can make smaller did not fit:
 * TCP sends an aggregate again in single segments, and a datagram longer than a segment
 * says nothing about smaller ones.
 */
static __always_inline int refusal_book(struct netfil_slot *slot, struct netfil_whose whose,
					__u32 limit, const struct netfil_cost *cost)
{
	__u32 flags = slot->flags & 0xff;

	__sync_fetch_and_add(&slot->refused_bytes, cost->bytes);
	__sync_fetch_and_add(&slot->refused_packets, cost->segments);
	if (flags & NETFIL_SLOT_GRANTED && limit == NETFIL_TOTAL) {
		grant_ask(slot, whose.number, READ_ONCE(slot->grant_low), cost->bytes);
		return NETFIL_SLOT_DROP;
	}
	if (flags & NETFIL_SLOT_OVER ||
	    (cost->segments == 1 && (cost->tcp || cost->bytes <= FULL_SEGMENT)))
		slot_exhaust(slot, whose, limit, cost->bytes);
	if (flags & NETFIL_SLOT_KNOCK ||
	    ((flags & (NETFIL_SLOT_REJECT | NETFIL_SLOT_OVER)) == NETFIL_SLOT_REJECT &&
	     segment_sent(cost)))
		slot_knock(slot, whose, limit, cost->bytes);
	if (!(flags & NETFIL_SLOT_OVER))
		return flags;
	/* To be sent later: TCP keeps a segment that it was told could not be sent, and
	 * believes in congestion where an aggregate was dropped. */
	return cost->tcp && cost->segments == 1 ? 0 : NETFIL_SLOT_DROP;
}

/* A limit refuses. Returns -1 if the packet is admitted (and charged) all the same, else
 * the flags by which it is refused. `early`: it is known that it is not. */
__noinline int refuse_slot(__u32 number, __u32 member, __u32 limit, const struct netfil_cost *cost,
			   __u32 early)
{
	struct netfil_slot *slot = slot_get(number, member);
	struct netfil_whose whose = {number, member};

	if (!slot || !cost)
		return 0;
	limit &= 3;
	if (!early && slot_beyond(slot, whose, limit, cost, true))
		return -1;
	return refusal_book(slot, whose, limit, cost);
}
