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
};

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

static __always_inline void event_send(__u32 type, __u32 slot, __u32 direction, __u32 size)
{
	struct netfil_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return; /* full because nobody reads: the state stands in the slot */
	event->type = type;
	event->slot = slot;
	event->direction = direction;
	event->size = size;
	bpf_ringbuf_submit(event, 0);
}

/* A full-size segment where the packet itself does not tell. */
#define FULL_SEGMENT 1500

/*
 * Books a refusal; returns the slot's flags (0 to 255). The slot counts as exhausted
 * only when a packet that nobody can make smaller did not fit: TCP sends an aggregate
 * again in single segments, and a datagram longer than a segment says nothing about
 * smaller ones. Global, so that the verifier walks it once and not for each of
 * NETFIL_MATCH_MAX slots.
 */
__noinline int refuse_slot(__u32 number, __u32 limit, __u32 bytes, __u32 segments, __u32 tcp)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	__u32 bit, seen;

	if (!slot)
		return 0;
	__sync_fetch_and_add(&slot->refused_bytes, bytes);
	__sync_fetch_and_add(&slot->refused_packets, segments);
	if (segments > 1 || (!tcp && bytes > FULL_SEGMENT))
		return slot->flags & 0xff;
	limit &= 3;
	bit = 1U << limit;
	if (READ_ONCE(slot->exhausted) & bit)
		return slot->flags & 0xff;
	seen = __sync_fetch_and_or(&slot->exhausted, bit);
	if (!(seen & bit))
		event_send(NETFIL_EVENT_EXHAUSTED, number, limit, bytes);
	return slot->flags & 0xff;
}

/* Charges one slot. Returns its flags (0 to 255) if it refuses, else -1. Inline but for
 * the refusal: a return is dear where the CPU may not guess where it leads. */
static __always_inline int charge_slot(__u32 number, const struct netfil_cost *cost)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	int refused = slot ? slot_charge(slot, cost->direction, cost->bytes) : 0;

	return refused ? refuse_slot(number, refused - 1, cost->bytes, cost->segments, cost->tcp)
		       : -1;
}

static __always_inline void uncharge(const struct netfil_verdict *verdict, __u32 count,
				     __u32 direction, __u64 size)
{
	struct netfil_slot *slot;
	__u32 number;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= count)
			break;
		number = verdict->slots[i];
		slot = bpf_map_lookup_elem(&slots, &number);
		if (slot)
			slot_uncharge(slot, direction, size);
	}
}

static __always_inline bool counter_fits(const __u64 *used, __u64 limit, __u64 size)
{
	return limit == NETFIL_NO_LIMIT || (size <= limit && READ_ONCE(*used) <= limit - size);
}

/* 0 if the slot has room, or 1 + the direction whose limit would refuse. */
static __always_inline int slot_lacks(const struct netfil_slot *slot, __u32 direction, __u64 size)
{
	direction &= 1;
	if (!counter_fits(&slot->used[direction], READ_ONCE(slot->limit[direction]), size))
		return 1 + direction;
	if (!counter_fits(&slot->used[NETFIL_TOTAL], READ_ONCE(slot->limit[NETFIL_TOTAL]), size))
		return 1 + NETFIL_TOTAL;
	return 0;
}

/*
 * Asks all slots of a verdict before any is charged: beside a spent filter the others
 * would else look fuller than they are, again and again, while a charge is undone.
 * Returns -1, or the flags of the first that lacks room.
 */
static __always_inline int refuse_early(const struct netfil_verdict *verdict,
					struct netfil_cost *cost)
{
	struct netfil_slot *slot;
	int lacking = 0;
	__u32 number;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		number = verdict->slots[i];
		slot = bpf_map_lookup_elem(&slots, &number);
		lacking = slot ? slot_lacks(slot, cost->direction, cost->bytes) : 0;
		if (lacking) {
			cost->refuser = number;
			break;
		}
	}
	return lacking ? refuse_slot(cost->refuser, lacking - 1, cost->bytes, cost->segments,
				     cost->tcp)
		       : -1;
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
