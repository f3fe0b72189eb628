/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The members of keyed filters: found or made by what a packet has, and brought under
 * the filter's terms.
 */
#pragma once

#include "slot.h"

/* The slots of the filters that match a packet, in rule order: each with the number of its
 * member, or 0, above it. */
struct netfil_verdict {
	__u32 count;
	__u32 slots[NETFIL_MATCH_MAX];
};

#define MEMBER_SHIFT 11
_Static_assert(NETFIL_SLOTS_MAX <= 1 << MEMBER_SHIFT, "slots");

/* Of a keyed slot whose members cannot be told: beyond all, so that it has no counters, and what
 * cannot be counted is refused. */
#define NO_MEMBER (NETFIL_MEMBERS_MAX + 2)
_Static_assert(NO_MEMBER < 1 << (32 - MEMBER_SHIFT), "members");

static __always_inline __u32 slot_in(const struct netfil_verdict *verdict, __u32 i)
{
	return verdict->slots[i] & ((1U << MEMBER_SHIFT) - 1);
}

static __always_inline __u32 member_in(const struct netfil_verdict *verdict, __u32 i)
{
	return verdict->slots[i] >> MEMBER_SHIFT;
}

static __always_inline void member_note(struct netfil_verdict *verdict, __u32 i, __u32 member)
{
	verdict->slots[i] = slot_in(verdict, i) | member << MEMBER_SHIFT;
}

/* What a packet has that may be a key. */
struct netfil_keys {
	__u8 remote[16];
	struct netfil_exe exe;
	__u64 cgroup;
	__u32 uid;
	__u32 ifindex;
};

static __always_inline void keys_of_owner(struct netfil_keys *keys,
					  const struct netfil_owner *owner)
{
	keys->exe = owner->exe;
	keys->cgroup = owner->cgroup;
	keys->uid = owner->uid;
}

static __always_inline void keys_of_flow(struct netfil_keys *keys, const struct netfil_flow *flow)
{
	__builtin_memcpy(keys->remote, flow->remote, sizeof(keys->remote));
	keys->ifindex = flow->ifindex;
}

static __always_inline void key_of(struct netfil_member_key *key, const struct netfil_keys *keys,
				   __u32 kind)
{
	__builtin_memset(key, 0, sizeof(*key));
	if (kind == NETFIL_KIND_PREFIX)
		__builtin_memcpy(key, keys->remote, sizeof(*key));
	else if (kind == NETFIL_KIND_EXE)
		__builtin_memcpy(key, &keys->exe, sizeof(*key));
	else if (kind == NETFIL_KIND_CGROUP)
		*(__u64 *)key = keys->cgroup;
	else
		*(__u32 *)key = kind == NETFIL_KIND_USER ? keys->uid : keys->ifindex;
}

/* Credit of the member at a place, if it need not tell that it moves; else NULL. */
static __always_inline __u64 *member_credit(__u32 place)
{
	struct netfil_member *m = member_at(place);

	return m && READ_ONCE(m->dirty) ? m->credit : NULL;
}

/* Says once that a member moves. If nobody could be told, its next packet tries again. */
static __always_inline void member_tell(struct netfil_member *m, __u32 number, __u32 member)
{
	if (READ_ONCE(m->dirty) || __sync_lock_test_and_set(&m->dirty, 1))
		return;
	if (!event_send(NETFIL_EVENT_MEMBER, number, member, NETFIL_TOTAL, 0))
		WRITE_ONCE(m->dirty, 0);
}

static __always_inline void member_moves(__u32 number, __u32 member)
{
	struct netfil_member *m = member_get(number, member);

	if (m)
		member_tell(m, number, member);
}

static __always_inline __u64 limit_above(__u64 base, __u64 cap)
{
	if (cap == NETFIL_NO_LIMIT)
		return cap;
	/* A cap that no counter can reach is still not "none". */
	return cap < NETFIL_NO_LIMIT - base ? base + cap : NETFIL_NO_LIMIT - 1;
}

/* Limits and policy above its base. */
static __always_inline void terms_apply(struct netfil_member *m, const struct netfil_keyed *keyed)
{
	m->slot.flags = keyed->flags;
	m->slot.rate = keyed->rate;
	m->slot.over_until = keyed->over_until;
	m->slot.grant_low = NETFIL_NO_LIMIT;
	m->slot.limit[NETFIL_IN] = limit_above(m->base[NETFIL_IN], keyed->cap[NETFIL_IN]);
	m->slot.limit[NETFIL_OUT] = limit_above(m->base[NETFIL_OUT], keyed->cap[NETFIL_OUT]);
	m->slot.limit[NETFIL_TOTAL] =
	    limit_above(m->base[NETFIL_IN] + m->base[NETFIL_OUT], keyed->cap[NETFIL_TOTAL]);
}

static __always_inline __u64 terms_id(const struct netfil_keyed *keyed)
{
	return NETFIL_MEMBER_ID(READ_ONCE(keyed->cycle), READ_ONCE(keyed->epoch));
}

/*
 * Brings a member under the terms in force. Who comes meanwhile goes by the earlier ones, as
 * a packet of a moment before. Nothing is lent meanwhile, and what others were giving back is in
 * the slot when slot_gather() returns: so what is used then is what was admitted.
 */
__noinline int member_sync(__u32 number, __u32 member)
{
	struct netfil_keyed *keyed = bpf_map_lookup_elem(&keyeds, &number);
	struct netfil_member *m = member_get(number, member);
	__u64 seen, wanted;

	if (!keyed || !m)
		return 0;
	seen = READ_ONCE(m->slot.id);
	wanted = terms_id(keyed);
	if (seen == wanted || seen & NETFIL_MEMBER_LOCKED ||
	    __sync_val_compare_and_swap(&m->slot.id, seen, seen | NETFIL_MEMBER_LOCKED) != seen)
		return 0;
	slot_gather(number, member);
	if (seen >> 32 != wanted >> 32) {
		m->base[NETFIL_IN] = READ_ONCE(m->slot.used[NETFIL_IN]);
		m->base[NETFIL_OUT] = READ_ONCE(m->slot.used[NETFIL_OUT]);
	}
	terms_apply(m, keyed);
	/* Whose cap is still reached is told so by its next packet. */
	__sync_fetch_and_and(&m->slot.exhausted, 0);
	__sync_val_compare_and_swap(&m->slot.id, seen | NETFIL_MEMBER_LOCKED, wanted);
	return 0;
}

/* A new number, or that of the member for all others. */
__noinline int member_make(__u32 number, const struct netfil_keys *keys)
{
	struct netfil_keyed *keyed = bpf_map_lookup_elem(&keyeds, &number);
	void *numbers = bpf_map_lookup_elem(&member_numbers, &number);
	struct netfil_member_key key;
	struct netfil_member *m;
	__u32 given, max, *known;
	__u64 id;

	if (!keyed || !numbers || !keys || READ_ONCE(keyed->closed))
		return NO_MEMBER;
	max = keyed->max;
	key_of(&key, keys, keyed->kind);
	given = __sync_lock_test_and_set(&keyed->spare, 0);
	if (!given && READ_ONCE(keyed->given) < max)
		given = __sync_fetch_and_add(&keyed->given, 1) + NETFIL_NUMBER_FIRST;
	if (!given)
		return NETFIL_NUMBER_OTHERS;
	m = member_get(number, given);
	if (!m)
		return NETFIL_NUMBER_OTHERS;
	/* Whoever finds it finds it under terms, for it has none to go by meanwhile. */
	id = terms_id(keyed); /* first: if terms change meanwhile, it is under none of now */
	barrier();
	m->key = key;
	terms_apply(m, keyed);
	WRITE_ONCE(m->slot.id, id);
	WRITE_ONCE(m->there, 1);
	if (!bpf_map_update_elem(numbers, &key, &given, BPF_NOEXIST))
		return given;
	/* Another CPU was faster, or there is no memory. */
	WRITE_ONCE(m->there, 0);
	__sync_lock_test_and_set(&keyed->spare, given);
	known = bpf_map_lookup_elem(numbers, &key);
	return known ? *known : NETFIL_NUMBER_OTHERS;
}

/* The number of a slot's member that is there already, or 0; NO_MEMBER where that cannot be told.
 */
__noinline int member_known(__u32 number, const struct netfil_keys *keys)
{
	struct netfil_keyed *keyed = bpf_map_lookup_elem(&keyeds, &number);
	void *numbers = bpf_map_lookup_elem(&member_numbers, &number);
	struct netfil_member_key key;
	__u32 *known;

	if (!keyed || !numbers || !keys)
		return NO_MEMBER;
	key_of(&key, keys, keyed->kind);
	known = bpf_map_lookup_elem(numbers, &key);
	return known ? *known : 0;
}

/* Whose a packet is that was charged: of a member that is there, or of the others. 0 of a slot
 * that is not keyed. */
__noinline int member_charged(__u32 number, const struct netfil_keys *keys)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	__u32 member;

	if (!slot || !keys || !(slot->flags & NETFIL_SLOT_EACH))
		return 0;
	member = member_known(number, keys);
	return member ? member : NETFIL_NUMBER_OTHERS;
}

/* The number of a slot's member, under the terms in force, which moves something; 0 of a slot
 * that is not keyed. */
__noinline int member_find(__u32 number, const struct netfil_keys *keys)
{
	struct netfil_slot *slot = bpf_map_lookup_elem(&slots, &number);
	struct netfil_keyed *keyed;
	struct netfil_member *m;
	__u32 member;

	if (!slot || !keys || !(slot->flags & NETFIL_SLOT_EACH))
		return 0;
	keyed = bpf_map_lookup_elem(&keyeds, &number);
	member = member_known(number, keys);
	if (!member)
		member = member_make(number, keys);
	m = member_get(number, member);
	if (!keyed || !m)
		return NO_MEMBER;
	if (READ_ONCE(m->slot.id) != terms_id(keyed)) {
		member_sync(number, member);
		/* They may have changed meanwhile; and who came then did not wait for it. */
		if (READ_ONCE(m->slot.id) != terms_id(keyed))
			member_sync(number, member);
	}
	member_tell(m, number, member);
	return member;
}

/* Finds the members of a verdict's slots, or makes them. */
__noinline int members_find(struct netfil_verdict *verdict, const struct netfil_keys *keys)
{
	if (!verdict || !keys)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		member_note(verdict, i, member_find(slot_in(verdict, i), keys));
	}
	return 0;
}

/* Those alone that were charged, to undo it. */
__noinline int members_known(struct netfil_verdict *verdict, const struct netfil_keys *keys)
{
	if (!verdict || !keys)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		member_note(verdict, i, member_charged(slot_in(verdict, i), keys));
	}
	return 0;
}
