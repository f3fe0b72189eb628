/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Charging the slots of a verdict: never over a limit, all of them or none. */
#pragma once

#include "member.h"
#include "over.h"

/* What the CPU's purse could not pay: gets credit for what follows, or else pays from the
 * slot itself; no credit of other CPUs is left where a packet is refused. */
__noinline int charge_shared(__u32 number, __u32 member, const struct netfil_cost *cost)
{
	struct netfil_slot *slot = slot_get(number, member);
	int refused;

	if (!cost)
		return -1;
	if (!slot)
		return NETFIL_SLOT_DROP; /* see NO_MEMBER */
	refused = slot_pay(slot, number, member, cost);
	if (refused)
		return refuse_slot(number, member, refused - 1, cost, false);
	if (slot->flags & NETFIL_SLOT_GRANTED)
		grant_watch(number);
	return -1;
}

/* Charges one slot, or its member. Returns its flags (0 to 255) if it refuses, else -1. Inline
 * but for what is rare: a return is dear where the CPU may not guess where it leads. */
static __always_inline int charge_slot(__u32 number, __u32 member, const struct netfil_cost *cost)
{
	__u64 *credit = credit_get(number, member, cost->cpu);

	if (credit && credit_spend(credit, cost->direction, cost->bytes))
		return -1;
	return charge_shared(number, member, cost);
}

/* Into the slot, whoever paid: credit that came into a purse when others have just gathered
 * would be missing there. */
static __always_inline void uncharge_slot(__u32 number, __u32 member, __u32 direction, __u64 size)
{
	struct netfil_slot *slot = slot_get(number, member);

	if (slot)
		slot_uncharge(slot, direction, size);
}

/* Charges two or three slots out of this CPU's purses: all of them, or none. `third` may be
 * NETFIL_NO_SLOT16. False: take the long way. */
__noinline int purses_pay(__u32 first, __u32 second, __u32 third, __u32 direction, __u32 bytes)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 *a = credit_get(first, 0, cpu), *b = credit_get(second, 0, cpu), *c = NULL;
	bool three = third != NETFIL_NO_SLOT16;

	if (three)
		c = credit_get(third, 0, cpu);
	/* Asks first: see refuse_early(). */
	if (!credit_pays(a, direction, bytes) || !credit_pays(b, direction, bytes) ||
	    (three && !credit_pays(c, direction, bytes)) || !credit_spend(a, direction, bytes))
		return false;
	if (credit_spend(b, direction, bytes)) {
		if (!three || (c && credit_spend(c, direction, bytes)))
			return true;
		uncharge_slot(second, 0, direction, bytes);
	}
	uncharge_slot(first, 0, direction, bytes);
	return false;
}

static __always_inline void uncharge(const struct netfil_verdict *verdict, __u32 count,
				     __u32 direction, __u64 size)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= count)
			break;
		uncharge_slot(slot_in(verdict, i), member_in(verdict, i), direction, size);
	}
}

/*
 * Asks all slots of a verdict before any is charged: beside a spent filter the others
 * would else look fuller than they are, again and again, while a charge is undone.
 * Returns -1, or the flags of the first that lacks room.
 */
static __always_inline int refuse_early(const struct netfil_verdict *verdict,
					const struct netfil_cost *cost)
{
	__u32 number = 0, member = 0;
	int lacking = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		number = slot_in(verdict, i);
		member = member_in(verdict, i);
		lacking = slot_lacks(number, member, cost);
		if (lacking && slot_peek(number, member, lacking - 1, cost))
			lacking = 0;
		if (lacking)
			break;
	}
	return lacking ? refuse_slot(number, member, lacking - 1, cost, true) : -1;
}

/* Charges all slots of the verdict or none. Returns -1 if all took it, else the
 * flags of the slot that refused. Global, for the verifier's sake. */
__noinline int charge(const struct netfil_verdict *verdict, const struct netfil_cost *cost)
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
		flags = charge_slot(slot_in(verdict, i), member_in(verdict, i), cost);
		if (flags >= 0) {
			charged = i;
			break;
		}
	}
	if (flags >= 0)
		uncharge(verdict, charged, cost->direction, cost->bytes);
	return flags;
}
