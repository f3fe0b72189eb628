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

/* The account of the tag's packets, or NETFIL_NO_ACCOUNT where they are not counted. */
static __always_inline __u64 shortcut_account(struct netfil_tag *tag)
{
	union account_ref ref = {.number = NETFIL_NO_ACCOUNT};

	if (config.accounting && tag->flow.ifindex != LOOPBACK_IFINDEX)
		ref.both = READ_ONCE(*account_of(tag));
	return ref.both;
}

static __always_inline bool is_v4(const struct netfil_flow *flow)
{
	const __u32 *words = (const __u32 *)flow->remote;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline void shortcut_fill(struct netfil_shortcut *at, const struct netfil_tag *tag)
{
	const struct netfil_flow *flow = &tag->flow;
	__be16 remote = bpf_htons(flow->remote_port), local = bpf_htons(flow->local_port);

	__builtin_memcpy(at->remote, flow->remote, sizeof(at->remote));
	at->ports[0] = at->ports[3] = remote;
	at->ports[1] = at->ports[2] = local;
	at->ifindex = flow->ifindex;
	at->slot = tag->count ? tag->slots[0] : NETFIL_SHORTCUT_NO_SLOT;
	at->proto = flow->proto;
	at->kind = is_v4(flow) ? NETFIL_SHORTCUT_V4 : 0;
	if (flow->proto == IPPROTO_TCP && tag->flags & NETFIL_TAG_TCP)
		at->kind |= NETFIL_SHORTCUT_TCP;
	at->member = tag->member;
}

/*
 * Keeps the verdict that the tag had when its `sequence` was this: one of one filter or none.
 * `cookie`: the socket's, not 0. Not while sockets are watched, since it would count none of them.
 * Global, for the stack's sake.
 */
__noinline int shortcut_keep(struct netfil_tag *tag, __u32 sequence, __u64 cookie)
{
	struct netfil_shortcut *at = shortcut_place(cookie);
	union account_ref account;

	if (!tag || !at || config.watched ||
	    (tag->flow.proto != IPPROTO_TCP && tag->flow.proto != IPPROTO_UDP))
		return 0;
	account.both = shortcut_account(tag);
	if (shortcut_is(at, cookie, tag->generation) && at->account == account.number &&
	    at->account_generation == account.generation)
		return 0; /* the packet took the long way for another reason */
	if (!sequence_lock(&at->sequence, READ_ONCE(at->sequence)))
		return 0;
	at->generation = tag->generation;
	shortcut_fill(at, tag);
	at->account = account.number;
	at->account_generation = account.generation;
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

/* A packet that is no fragment, nor a TCP reset. */
static __always_inline bool packet_continues(const struct netfil_shortcut *at,
					     struct __sk_buff *skb, __u32 direction)
{
	const __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, *layer4;
	const __u32 *words = (const __u32 *)at->remote, *address;

	if (data + sizeof(struct iphdr) > end)
		return false;
	if (data[0] == 0x45) {
		const struct iphdr *ip = (const void *)data;

		if (!(at->kind & NETFIL_SHORTCUT_V4) || ip->frag_off & bpf_htons(0x3fff) ||
		    ip->protocol != at->proto ||
		    words[3] != (direction == NETFIL_IN ? ip->saddr : ip->daddr))
			return false;
		layer4 = data + sizeof(*ip);
	} else {
		const struct ipv6hdr *ip = (const void *)data;

		if (data + sizeof(*ip) > end || data[0] >> 4 != 6 || ip->nexthdr != at->proto)
			return false;
		address = (direction == NETFIL_IN ? &ip->saddr : &ip->daddr)->in6_u.u6_addr32;
		if (words[0] != address[0] || words[1] != address[1] || words[2] != address[2] ||
		    words[3] != address[3])
			return false;
		layer4 = data + sizeof(*ip);
	}
	if (at->proto == IPPROTO_TCP) {
		if (layer4 + sizeof(struct tcphdr) > end || layer4[13] & TCP_FLAG_RST_)
			return false;
	} else if (layer4 + sizeof(struct udphdr) > end) {
		return false;
	}
	return *(const __u32 *)layer4 == ((const __u32 *)at->ports)[direction];
}

/* Whether this is one packet, not aggregated, that belongs to it for certain. Then its bytes are
 * skb->len. */
static __always_inline bool shortcut_continues(const struct netfil_shortcut *at,
					       struct __sk_buff *skb, __u32 direction)
{
	struct bpf_sock *sk = skb->sk;

	if (skb->gso_size || at->ifindex != skb->ifindex)
		return false;
	return (at->kind & NETFIL_SHORTCUT_TCP && sk && connection_continues(at, sk)) ||
	       packet_continues(at, skb, direction);
}
