/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict that a tag has, beside it: see struct netfil_shortcut. To find a tag is a call,
 * and most of what a packet costs.
 */
#pragma once

#include "account.h"

static __always_inline struct netfil_shortcut *shortcut_place(__u64 cookie)
{
	__u32 index = (cookie * 0x9e3779b97f4a7c15ULL) >> 49; /* the upper 15 bits */

	_Static_assert(NETFIL_SHORTCUTS_MAX == 1 << (64 - 49), "bits");
	return bpf_map_lookup_elem(&shortcuts, &index);
}

/*
 * Under the tag's lock, before it changes. Needs no lock of the shortcut: what is written there
 * meanwhile is void if it is another socket's, and if it is this one's, its writer sees that the
 * tag is locked.
 */
static __always_inline void shortcut_void(__u64 cookie)
{
	struct netfil_shortcut *at = shortcut_place(cookie);

	if (at && READ_ONCE(at->cookie) == cookie)
		WRITE_ONCE(at->cookie, 0);
}

static __always_inline bool shortcut_is(const struct netfil_shortcut *at, __u64 cookie,
					__u32 generation)
{
	return at->cookie == cookie && at->generation == generation;
}

/* The account of the tag's packets, or NETFIL_NO_ACCOUNT where they are not counted. False: it is
 * to be found anew. Who takes it back raises config.generation after that of the account, so what
 * is good here is so as long as the shortcut is. */
static __always_inline bool shortcut_account(struct netfil_tag *tag, __u32 *number)
{
	union account_ref ref = {.both = READ_ONCE(*account_of(tag))};

	*number = NETFIL_NO_ACCOUNT;
	if (!config.accounting || tag->flow.ifindex == LOOPBACK_IFINDEX)
		return true;
	*number = ref.number;
	return account_still(ref);
}

static __always_inline bool is_v4(const struct netfil_flow *flow)
{
	const __u32 *words = (const __u32 *)flow->remote;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

/* A tag's cached verdict is of several filters. */
static __always_inline bool tag_several(const struct netfil_tag *tag)
{
	return READ_ONCE(tag->only.next) != NETFIL_NO_SLOT16;
}

/* What stands behind the first slot: others, or the place of its member. */
union shortcut_more {
	__u16 slots[2];
	__u32 place;
};

static __always_inline union shortcut_more *shortcut_more(struct netfil_shortcut *at)
{
	_Static_assert(__builtin_offsetof(struct netfil_shortcut, slots[1]) % 4 == 0, "one load");
	return (union shortcut_more *)&at->slots[1];
}

static __always_inline __u32 place_of(const struct netfil_tag *tag)
{
	__u32 number = tag->only.slot;
	struct netfil_keyed *keyed = bpf_map_lookup_elem(&keyeds, &number);

	return keyed ? member_place(keyed, tag->only.member) : ~0U;
}

static __always_inline void shortcut_fill(struct netfil_shortcut *at, const struct netfil_tag *tag)
{
	const struct netfil_flow *flow = &tag->flow;
	__be16 remote = bpf_htons(flow->remote_port), local = bpf_htons(flow->local_port);

	__builtin_memcpy(at->remote, flow->remote, sizeof(at->remote));
	at->ports[0] = at->ports[3] = remote;
	at->ports[1] = at->ports[2] = local;
	at->user = tag->user.tgid ? tag->user.tgid : tag->creator.tgid;
	at->ifindex = flow->ifindex;
	at->proto = flow->proto;
	at->kind = is_v4(flow) ? NETFIL_SHORTCUT_V4 : 0;
	if (flow->proto == IPPROTO_TCP && tag->flags & NETFIL_TAG_TCP)
		at->kind |= NETFIL_SHORTCUT_TCP;
	at->slots[0] = tag->slots[0];
	if (tag_several(tag)) {
		at->kind |= NETFIL_SHORTCUT_SEVERAL;
		at->slots[1] = tag->slots[1];
		at->slots[2] = tag->slots[2];
	} else if (tag->only.member) {
		at->kind |= NETFIL_SHORTCUT_MEMBER;
		shortcut_more(at)->place = place_of(tag);
	} else {
		at->slots[1] = at->slots[2] = NETFIL_NO_SLOT16;
	}
}

/* There is room for its filters: for one with members, or several without. Global, as what
 * follows, so that the verifier walks it once. */
__noinline int shortcut_holds(const struct netfil_tag *tag)
{
	struct netfil_slot *slot;
	__u32 number;

	if (!tag || !tag_several(tag))
		return true;
	if (tag->slots[NETFIL_SHORTCUT_SLOTS] != NETFIL_NO_SLOT16)
		return false;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_SHORTCUT_SLOTS; i++) {
		number = tag->slots[i];
		if (number == NETFIL_NO_SLOT16)
			break;
		slot = bpf_map_lookup_elem(&slots, &number);
		if (!slot || slot->flags & NETFIL_SLOT_EACH)
			return false;
	}
	return true;
}

/*
 * Keeps the verdict that the tag had when its `sequence` was this, if there is room for it.
 * `cookie`: the socket's, not 0. Not while sockets are watched, since it would count none of them.
 */
__noinline int shortcut_keep(struct netfil_tag *tag, __u32 sequence, __u64 cookie)
{
	struct netfil_shortcut *at = shortcut_place(cookie);
	__u32 account;

	if (!tag || !at || config.watched ||
	    (tag->flow.proto != IPPROTO_TCP && tag->flow.proto != IPPROTO_UDP) ||
	    !shortcut_holds(tag) || !shortcut_account(tag, &account))
		return 0;
	if (shortcut_is(at, cookie, tag->generation) && at->account == account)
		return 0; /* the packet took the long way for another reason */
	if (!sequence_lock(&at->sequence, READ_ONCE(at->sequence)))
		return 0;
	at->generation = tag->generation;
	shortcut_fill(at, tag);
	at->account = account;
	WRITE_ONCE(at->cookie, cookie);
	full_barrier(&at->sequence);
	if (READ_ONCE(tag->sequence) != sequence)
		WRITE_ONCE(at->cookie, 0);
	sequence_unlock(&at->sequence);
	return 0;
}

/* ---- whether a packet belongs to it ---- */

/* An established connection has packets of one flow alone, so the socket tells as much as the
 * packet would. Its last reset does not come here: a spent slot has no credit. */
static __always_inline bool connection_continues(const struct netfil_shortcut *at,
						 const struct bpf_sock *sk)
{
	const __u32 *words = (const __u32 *)at->remote;
	__u32 address = sk->dst_ip4;

	KEEP_APART(address); /* or the compiler reckons which member to read, on a pointer */
	if (sk->state != BPF_TCP_ESTABLISHED || at->ports[1] != bpf_htons(sk->src_port) ||
	    at->ports[0] != sk->dst_port)
		return false;
	if (sk->family == AF_INET)
		return at->kind & NETFIL_SHORTCUT_V4 && words[3] == address;
	return words[3] == sk->dst_ip6[3] && words[2] == sk->dst_ip6[2] &&
	       words[1] == sk->dst_ip6[1] && words[0] == sk->dst_ip6[0];
}

/* The bytes of its headers, if it is a packet of the flow and no fragment nor a TCP reset;
 * else 0. */
static __always_inline __u32 packet_continues(const struct netfil_shortcut *at,
					      struct __sk_buff *skb, __u32 direction)
{
	const __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, *layer4;
	const __u32 *words = (const __u32 *)at->remote, *address;
	__u32 headers;

	if (data + sizeof(struct iphdr) > end)
		return 0;
	if (data[0] == 0x45) {
		const struct iphdr *ip = (const void *)data;

		if (!(at->kind & NETFIL_SHORTCUT_V4) || ip->frag_off & bpf_htons(0x3fff) ||
		    ip->protocol != at->proto ||
		    words[3] != (direction == NETFIL_IN ? ip->saddr : ip->daddr))
			return 0;
		headers = sizeof(*ip);
	} else {
		const struct ipv6hdr *ip = (const void *)data;

		if (data + sizeof(*ip) > end || data[0] >> 4 != 6 || ip->nexthdr != at->proto)
			return 0;
		address = (direction == NETFIL_IN ? &ip->saddr : &ip->daddr)->in6_u.u6_addr32;
		if (words[0] != address[0] || words[1] != address[1] || words[2] != address[2] ||
		    words[3] != address[3])
			return 0;
		headers = sizeof(*ip);
	}
	layer4 = data + headers;
	if (at->proto == IPPROTO_TCP) {
		if (layer4 + sizeof(struct tcphdr) > end || layer4[13] & TCP_FLAG_RST_)
			return 0;
		headers += (layer4[12] >> 4) * 4;
	} else {
		if (layer4 + sizeof(struct udphdr) > end)
			return 0;
		headers += sizeof(struct udphdr);
	}
	return *(const __u32 *)layer4 == ((const __u32 *)at->ports)[direction] ? headers : 0;
}

/* As shortcut_continues(). Global: it has more bytes to spread its cost over. */
__noinline __u32 aggregate_continues(const struct netfil_shortcut *at, struct __sk_buff *skb,
				     __u32 direction)
{
	__u32 headers = at ? packet_continues(at, skb, direction & 1) : 0;
	__u32 segments = skb->gso_segs;

	return headers && segments ? wire_bytes(skb->len, segments, headers) : 0;
}

/* The bytes on the wire of a packet that belongs to it for certain; else 0. */
static __always_inline __u32 shortcut_continues(const struct netfil_shortcut *at,
						struct __sk_buff *skb, __u32 direction)
{
	struct bpf_sock *sk = skb->sk;

	if (at->ifindex != skb->ifindex)
		return 0;
	if (skb->gso_size)
		return aggregate_continues(at, skb, direction);
	if ((at->kind & NETFIL_SHORTCUT_TCP && sk && connection_continues(at, sk)) ||
	    packet_continues(at, skb, direction))
		return skb->len;
	return 0;
}
