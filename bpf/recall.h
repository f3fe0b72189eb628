/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts that were reached lately on sockets which talk to many, and so have another flow
 * than their tag with each packet: see struct netfil_verdict_kept.
 */
#pragma once

#include "match.h"

#define VERDICT_UNKNOWN (~0ULL)

static __always_inline bool flow_equal(const struct netfil_flow *a, const struct netfil_flow *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && a->proto == b->proto;
}

/* Odd numbers without a pattern. Addresses one after the other, whose last byte is the one that
 * differs, are as far from each other as can be. */
static __always_inline struct netfil_verdict_kept *verdict_place(const struct netfil_flow *flow,
								 __u64 stamp)
{
	const __u64 *words = (const __u64 *)flow;
	__u64 hash = bpf_be64_to_cpu(words[1]) ^ words[0] ^ words[2] * 0xd6e8feb86659fd93ULL ^
		     stamp * 0xa0761d6478bd642fULL;
	__u32 index = (hash * 0x9e3779b97f4a7c15ULL) >> 51; /* the upper 13 bits */

	_Static_assert(NETFIL_VERDICTS_MAX == 1 << (64 - 51), "bits");
	return bpf_map_lookup_elem(&verdicts, &index);
}

/* The slot of the only filter that matches, or NETFIL_NO_SLOT, and its member above it; or
 * VERDICT_UNKNOWN. Global, for the stack's sake, as what follows. */
__noinline __u64 verdict_recall(const struct netfil_tag *tag, const struct netfil_flow *flow,
				__u32 generation)
{
	struct netfil_verdict_kept *at;
	__u32 sequence;
	__u64 stamp, verdict;

	if (!tag || !flow)
		return VERDICT_UNKNOWN;
	stamp = READ_ONCE(tag->stamp);
	at = verdict_place(flow, stamp);
	if (!at)
		return VERDICT_UNKNOWN;
	sequence = ordered_load(&at->sequence);
	barrier();
	if (sequence & 1 || at->generation != generation || at->stamp != stamp ||
	    !flow_equal(&at->flow, flow))
		return VERDICT_UNKNOWN;
	verdict = (__u64)READ_ONCE(at->member) << 32 | READ_ONCE(at->slot);
	barrier();
	return ordered_load(&at->sequence) == sequence ? verdict : VERDICT_UNKNOWN;
}

/* Under the tag's lock. */
__noinline int verdict_keep(const struct netfil_tag *tag, const struct netfil_flow *flow,
			    __u32 generation, const struct netfil_verdict *verdict)
{
	struct netfil_verdict_kept *at;

	if (!tag || !flow || !verdict || verdict->count > 1)
		return 0;
	at = verdict_place(flow, tag->stamp);
	if (!at)
		return 0;
	if (!sequence_lock(&at->sequence, READ_ONCE(at->sequence)))
		return 0;
	at->generation = generation;
	at->stamp = tag->stamp;
	at->flow = *flow;
	at->slot = verdict->count ? slot_in(verdict, 0) : NETFIL_NO_SLOT;
	at->member = verdict->count ? member_in(verdict, 0) : 0;
	sequence_unlock(&at->sequence);
	return 0;
}
