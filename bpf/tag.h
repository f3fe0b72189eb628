/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tag on each socket: who owns it, and its cached verdict, under a sequence
 * lock. Who cannot take the lock does without: the reader matches anew, the
 * writer leaves it to the next packet.
 */
#pragma once

#include "packet.h"
#include "recall.h"
#include "shortcut.h"

/* `cookie`: the socket's, which its tag may not have yet. */
static __always_inline bool tag_lock(struct netfil_tag *tag, __u32 seen, __u64 cookie)
{
	if (!sequence_lock(&tag->sequence, seen))
		return false;
	shortcut_void(cookie);
	return true;
}

static __always_inline void tag_unlock(struct netfil_tag *tag)
{
	sequence_unlock(&tag->sequence);
}

/* The cached verdict is on this flow and of this generation; what is read of it is
 * good if tag_still() says so afterwards. */
static __always_inline bool tag_cached(struct netfil_tag *tag, __u32 generation,
				       const struct netfil_flow *flow, __u32 *sequence)
{
	*sequence = ordered_load(&tag->sequence);
	if (*sequence & 1)
		return false;
	barrier();
	return tag->generation == generation && flow_equal(&tag->flow, flow);
}

static __always_inline bool tag_still(struct netfil_tag *tag, __u32 sequence)
{
	barrier();
	return ordered_load(&tag->sequence) == sequence;
}

/* The cached verdict, if it is there and of one filter at most: its slot or NETFIL_NO_SLOT, and
 * the slot's member. */
static __always_inline bool tag_slot(struct netfil_tag *tag, __u32 generation,
				     const struct netfil_flow *flow, __u32 *sequence, __u32 *slot,
				     __u32 *member)
{
	if (!tag_cached(tag, generation, flow, sequence) || tag_several(tag))
		return false;
	*slot = READ_ONCE(tag->only.slot);
	if (*slot == NETFIL_NO_SLOT16)
		*slot = NETFIL_NO_SLOT;
	*member = READ_ONCE(tag->only.member);
	return tag_still(tag, *sequence);
}

/* The cached verdict, if it is there; without members, if it is of more than one filter. Global, so
 * that the verifier does not follow each number of filters. */
__noinline int tag_verdict(struct netfil_tag *tag, __u32 generation, const struct netfil_flow *flow,
			   struct netfil_verdict *verdict)
{
	__u32 sequence, count = 0;

	if (!tag || !flow || !verdict || !tag_cached(tag, generation, flow, &sequence))
		return false;
#pragma clang loop unroll(disable)
	for (; count < NETFIL_MATCH_MAX; count++) {
		__u32 slot = READ_ONCE(tag->slots[count]);

		if (slot == NETFIL_NO_SLOT16)
			break;
		verdict->slots[count] = slot;
		if (!tag_several(tag)) {
			member_note(verdict, 0, READ_ONCE(tag->only.member));
			count = 1;
			break;
		}
	}
	verdict->count = count;
	return tag_still(tag, sequence);
}

/* Keeps a verdict that was reached after `sequence` was read; beside the tag too, if the tag had
 * that of another flow, so that two or more in turn do not drive each other out. */
static __always_inline void tag_keep(struct netfil_tag *tag, __u32 sequence, __u64 cookie,
				     __u32 generation, const struct netfil_flow *flow,
				     const struct netfil_verdict *verdict)
{
	if (!tag_lock(tag, sequence, cookie))
		return;
	if (tag->generation == generation)
		verdict_keep(tag, flow, generation, verdict);
	tag->generation = generation;
	tag->flow = *flow;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		/* All bits where there is none; without a branch, for the verifier's sake. */
		__u32 none = ~((__s32)(i - verdict->count) >> 31);

		tag->slots[i] = slot_in(verdict, i) | none;
	}
	if (verdict->count <= 1)
		tag->only.member = verdict->count ? member_in(verdict, 0) : 0;
	tag_unlock(tag);
}

/* A stamp that no tag has. Those of new sockets are their cookies. */
static __always_inline __u64 stamp_new(void)
{
	struct netfil_totals *t = totals_get();

	return 1ULL << 63 | (t ? __sync_fetch_and_add(&t->stamps, 1) : 0);
}

/* What it says of its owners is another: makes the next packet match anew. Under the lock. */
static __always_inline void tag_void(struct netfil_tag *tag)
{
	WRITE_ONCE(tag->stamp, stamp_new());
	tag->generation = 0;
}

/* Who acts on sockets at a cap goes by the flow that they last had: that which was refused. */
static __always_inline void tag_note_refused(struct netfil_tag *tag, __u64 cookie,
					     const struct netfil_flow *flow)
{
	__u32 sequence = READ_ONCE(tag->sequence);

	if (flow_equal(&tag->flow, flow) || !tag_lock(tag, sequence, cookie))
		return;
	tag->generation = 0;
	tag->flow = *flow;
	tag_unlock(tag);
}

/* The keys of a packet of the socket, or (`tag` NULL) of none. Owners' are the latest user's. */
static __always_inline void keys_fill(struct netfil_keys *keys, const struct netfil_tag *tag,
				      const struct netfil_flow *flow)
{
	__builtin_memset(keys, 0, sizeof(*keys));
	keys_of_flow(keys, flow);
	if (tag)
		keys_of_owner(keys, tag->user.tgid ? &tag->user : &tag->creator);
}

/* The members of a verdict on a packet of the socket. Global, so that keys are on the stack
 * only while they are looked for. */
__noinline int tag_members(const struct netfil_tag *tag, const struct netfil_flow *flow,
			   struct netfil_verdict *verdict)
{
	struct netfil_keys keys;

	if (!flow || !verdict)
		return 0;
	keys_fill(&keys, tag, flow);
	return members_find(verdict, &keys);
}

__noinline int tag_members_known(const struct netfil_tag *tag, const struct netfil_flow *flow,
				 struct netfil_verdict *verdict)
{
	struct netfil_keys keys;

	if (!flow || !verdict)
		return 0;
	keys_fill(&keys, tag, flow);
	return members_known(verdict, &keys);
}

/* The process rules of the tag's owners, or NULL. `sk`: its socket, as a helper takes it. */
static __always_inline struct netfil_tag_rules *rules_of(const struct netfil_tag *tag, void *sk)
{
	return tag->flags & NETFIL_TAG_RULES ? bpf_sk_storage_get(&tag_rules, sk, 0, 0) : NULL;
}

/* Whether the filter with this slot matches the socket, by the flow it last had, and if
 * `member` is not 0, whether the socket is that member's. */
static __always_inline bool tag_matches(const struct netfil_tag *tag, void *sk, __u32 slot,
					__u32 member)
{
	struct netfil_verdict verdict = {};
	struct netfil_keys keys;
	struct netfil_flow flow ALIGNED8;
	bool matches = false;

	flow = tag->flow;
	if (match(tag, rules_of(tag, sk), &flow, &verdict))
		return false;
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++)
		if (i < verdict.count && slot_in(&verdict, i) == slot)
			matches = true;
	if (!matches || !member)
		return matches;
	keys_fill(&keys, tag, &flow);
	return (__u32)member_charged(slot, &keys) == member;
}

/* A TCP socket that is neither a listener nor a kernel's stand-in for one. */
static __always_inline bool is_connection(struct sock_common *common)
{
	__u8 state = common->skc_state;

	return state != BPF_TCP_LISTEN && state != BPF_TCP_TIME_WAIT &&
	       state != BPF_TCP_NEW_SYN_RECV;
}
