// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sockets: every IP packet that a socket sends or receives is charged to the
 * filters that match, or refused. Attached at the cgroup root (or below it).
 */
#include "sender.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile bool has_mptcp; /* bpf_skc_to_mptcp_sock is there */
const volatile bool has_casts; /* bpf_cast_to_kern_ctx is there */

#define PACKET_LOOPBACK 5

/* Return values of cgroup_skb programs. On egress 2 drops and lets the sender
 * believe in a congested queue: TCP waits, UDP hears nothing. */
#define REFUSE 0
#define ADMIT 1
#define REFUSE_SILENTLY 2

struct mptcp_sock;

/* A subflow of MPTCP is a kernel socket: its owner is its parent's. */
static __always_inline void tag_from_mptcp(struct netfil_tag *tag, struct bpf_sock *sk,
					   __u64 cookie)
{
	struct netfil_tag_rules *rules, *own;
	struct mptcp_sock *parent;
	struct netfil_tag *from;
	__u32 sequence = READ_ONCE(tag->sequence);

	parent = bpf_skc_to_mptcp_sock(sk);
	if (!parent)
		return;
	from = bpf_sk_storage_get(&tags, (void *)parent, 0, 0);
	if (!from || !(from->flags & NETFIL_TAG_OWNED) || !tag_lock(tag, sequence, cookie))
		return;
	rules = rules_of(from, parent);
	own = rules ? rules_make(tag, sk) : NULL;
	if (own)
		*own = *rules;
	tag->creator = from->creator;
	tag->user = from->user;
	tag->netns = from->netns;
	WRITE_ONCE(*account_of(tag), READ_ONCE(*account_of(from)));
	/* Not kept as owned: the parent may get another user. */
	tag_void(tag);
	tag_unlock(tag);
}

static __always_inline bool verdict_spent(const struct netfil_verdict *verdict)
{
	struct netfil_slot *slot;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		slot = slot_get(slot_in(verdict, i), member_in(verdict, i));
		if (slot && slot->flags & NETFIL_SLOT_PASS_RESET && slot_spent(slot))
			return true;
	}
	return false;
}

/* The one reset that ends a connection at its cap passes, and is counted apart: see
 * promise 1. One a socket, so that it is no way round. */
__noinline int reset_passes(const struct netfil_packet *packet, struct netfil_tag *tag,
			    const struct netfil_verdict *verdict)
{
	struct netfil_slot *slot;

	if (!packet || !tag || !verdict || !(packet->tcp_flags & TCP_FLAG_RST_) ||
	    packet->payload || !verdict_spent(verdict))
		return false;
	if (__sync_fetch_and_or(&tag->flags, NETFIL_TAG_RESET_PASSED) & NETFIL_TAG_RESET_PASSED)
		return false;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict->count)
			break;
		slot = slot_get(slot_in(verdict, i), member_in(verdict, i));
		if (!slot)
			continue;
		__sync_fetch_and_add(&slot->reset_bytes, packet->bytes);
		__sync_fetch_and_add(&slot->reset_packets, 1);
	}
	return true;
}

__noinline int interface_members_known(__u32 ifindex, struct netfil_verdict *verdict)
{
	struct netfil_keys keys = {.ifindex = ifindex};

	return config.asked & NETFIL_ASKED_EACH ? members_known(verdict, &keys) : 0;
}

/* All or nothing across hooks: the interface filters had charged the frame before
 * it came here. */
__noinline int interface_uncharge(const struct netfil_packet *packet)
{
	__u32 ifindex = packet ? packet->flow.ifindex : 0;
	struct netfil_interface *interface = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct netfil_verdict verdict = {};

	if (!packet || !interface)
		return 0;
	interface_slots(ifindex, &packet->flow, packet->headers, &verdict);
	interface_members_known(ifindex, &verdict);
	uncharge(&verdict, verdict.count, NETFIL_IN,
		 packet->bytes + packet->segments * interface->link_header);
	return 0;
}

static __always_inline void count_overmatched(void)
{
	struct netfil_totals *t = totals_get();

	if (t)
		__sync_fetch_and_add(&t->overmatched_packets, 1);
}

static __always_inline void count_unattributed(const struct netfil_packet *packet, __u32 direction)
{
	struct netfil_totals *t = totals_get();

	if (!t)
		return;
	__sync_fetch_and_add(&t->unattributed_bytes[direction & 1], packet->bytes);
	__sync_fetch_and_add(&t->unattributed_packets[direction & 1], packet->segments);
}

#define OWNER_KINDS                                                                                \
	(1 << NETFIL_KIND_PROCESS | 1 << NETFIL_KIND_EXE | 1 << NETFIL_KIND_USER |                 \
	 1 << NETFIL_KIND_CGROUP)

/* An owner is asked for, and none is known. */
static __always_inline bool unattributed(const struct netfil_tag *tag)
{
	return (config.asked & OWNER_KINDS || config.accounting) &&
	       (!tag || (!(tag->flags & NETFIL_TAG_OWNED) && !tag->creator.tgid));
}

static __always_inline bool listening(struct bpf_sock *sk)
{
	return sk && sk->state == BPF_TCP_LISTEN;
}

static __always_inline struct netfil_tag *tag_of(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct netfil_tag *tag;

	if (!sk)
		return NULL;
	tag = bpf_sk_storage_get(&tags, sk, 0, 0);
	if (tag)
		return tag;
	/* Made before the programs were there and not labelled yet, or by the kernel:
	 * without an owner until somebody uses it. */
	return bpf_sk_storage_get(&tags, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

/* The filters that match, of the cache or anew; MATCH_OVERFLOW. */
static __always_inline int verdict_reach(struct __sk_buff *skb, struct netfil_tag *tag,
					 __u64 cookie, __u32 generation,
					 const struct netfil_flow *flow,
					 struct netfil_verdict *verdict)
{
	const struct netfil_tag_rules *rules = NULL;
	struct bpf_sock *sk = skb->sk;
	__u32 sequence;

	if (tag && tag_verdict(tag, generation, flow, verdict)) {
		if (verdict->count > 1 && config.asked & NETFIL_ASKED_EACH)
			tag_members(tag, flow, verdict);
		return 0;
	}
	if (has_mptcp && tag && !(tag->flags & NETFIL_TAG_OWNED) && flow->proto == IPPROTO_TCP &&
	    sk)
		tag_from_mptcp(tag, sk, cookie);
	sequence = tag ? READ_ONCE(tag->sequence) : 0;
	barrier();
	if (tag && sk)
		rules = rules_of(tag, sk);
	if (match(tag, rules, flow, verdict)) {
		count_overmatched();
		return MATCH_OVERFLOW;
	}
	if (config.asked & NETFIL_ASKED_EACH)
		tag_members(tag, flow, verdict);
	/* A listener talks to many, and its tag is copied to the sockets it accepts,
	 * which must not be in the middle of a write. */
	if (tag && !listening(sk))
		tag_keep(tag, sequence, cookie, generation, flow, verdict);
	return 0;
}

/* Charges whatever filters match. Returns -1, or the flags of the slot that refused. */
static __always_inline int charge_matching(struct __sk_buff *skb, struct netfil_tag *tag,
					   __u64 cookie, __u32 generation,
					   const struct netfil_packet *packet,
					   struct netfil_cost *cost)
{
	struct netfil_verdict verdict = {};

	if (verdict_reach(skb, tag, cookie, generation, &packet->flow, &verdict))
		return 0;
	if (!verdict.count ||
	    (cost->direction == NETFIL_OUT && reset_passes(packet, tag, &verdict)))
		return -1;
	return charge(&verdict, cost);
}

static __always_inline int charge_known(__u32 slot, __u32 member, const struct netfil_cost *cost)
{
	if (member)
		member_moves(slot, member);
	return charge_slot(slot, member, cost);
}

static __always_inline int refuse(struct __sk_buff *skb, struct netfil_tag *tag, __u64 cookie,
				  const struct netfil_packet *packet, __u32 direction, int flags)
{
	if (tag && !listening(skb->sk))
		tag_note_refused(tag, cookie, &packet->flow);
	if (direction == NETFIL_OUT)
		return flags & NETFIL_SLOT_DROP ? REFUSE_SILENTLY : REFUSE;
	if (!tag || !tag->netns || tag->netns == config.home_netns)
		interface_uncharge(packet);
	return REFUSE;
}

/*
 * Most packets are the next one of a flow whose filters are known, few or none, and fit into
 * what this CPU may spend: nothing else is looked at. False: take the long way.
 */
static __always_inline bool admit_next(struct __sk_buff *skb, __u64 cookie, __u32 direction)
{
	struct netfil_shortcut *at = shortcut_place(cookie);
	__u32 sequence, slot, kind, bytes, account;
	union shortcut_more more;
	__u64 *credit;

	if (!at)
		return false;
	sequence = ordered_load(&at->sequence);
	barrier();
	if (sequence & 1 || !shortcut_is(at, cookie, READ_ONCE(config.generation)) ||
	    (direction == NETFIL_IN && skb->pkt_type == PACKET_LOOPBACK))
		return false;
	/* Early, so that little is kept over a call. */
	if (direction == NETFIL_OUT && sender_changes(skb, &at->user))
		return false;
	bytes = shortcut_continues(at, skb, direction);
	if (!bytes)
		return false;
	account = READ_ONCE(at->account);
	slot = READ_ONCE(at->slots[0]);
	kind = READ_ONCE(at->kind);
	more.place = READ_ONCE(shortcut_more(at)->place);
	barrier();
	if (ordered_load(&at->sequence) != sequence)
		return false;
	if (kind & NETFIL_SHORTCUT_SEVERAL) {
		if (!purses_pay(slot, more.slots[0], more.slots[1], direction, bytes))
			return false;
	} else if (slot != NETFIL_NO_SLOT16) {
		credit = kind & NETFIL_SHORTCUT_MEMBER
			     ? member_credit(more.place)
			     : credit_get(slot, 0, bpf_get_smp_processor_id());
		if (!credit || !credit_spend(credit, direction, bytes))
			return false;
	}
	if (account != NETFIL_NO_ACCOUNT)
		account_add(account, direction, bytes);
	return true;
}

/* Two packets in turn were of the flow of the tag's verdict. */
static __always_inline void verdict_shorten(struct __sk_buff *skb, struct netfil_tag *tag,
					    __u32 sequence, __u64 cookie)
{
	if (!unattributed(tag))
		shortcut_keep(tag, sequence, cookie ? cookie : bpf_get_socket_cookie(skb));
}

/* The same, if they were and there are several filters. Global: where the verdict is read,
 * Linux 6.1 would walk it for each number of filters. */
__noinline int several_shorten(struct __sk_buff *skb, struct netfil_tag *tag, __u64 cookie,
			       __u32 generation, const struct netfil_flow *flow)
{
	__u32 sequence;

	if (tag && flow && tag_several(tag) && tag_cached(tag, generation, flow, &sequence))
		verdict_shorten(skb, tag, sequence, cookie);
	return 0;
}

/* The verdict on a packet of a flow that is known to match one filter or none, as of
 * verdict_recall(). */
static __always_inline __u64 verdict_known(struct __sk_buff *skb, struct netfil_tag *tag,
					   __u64 cookie, __u32 generation,
					   const struct netfil_packet *packet)
{
	__u32 sequence, slot, member;

	if (!tag || packet->tcp_flags & TCP_FLAG_RST_)
		return VERDICT_UNKNOWN;
	if (tag_slot(tag, generation, &packet->flow, &sequence, &slot, &member)) {
		verdict_shorten(skb, tag, sequence, cookie);
		return (__u64)member << 32 | slot;
	}
	several_shorten(skb, tag, cookie, generation, &packet->flow);
	/* While sockets are watched, a tag's flow is to be its latest; and one that had none has
	 * left nothing beside it. */
	return config.watched || !tag->generation ? VERDICT_UNKNOWN
						  : verdict_recall(tag, &packet->flow, generation);
}

/* Any packet. */
static __always_inline int decide_any(struct __sk_buff *skb, struct netfil_tag *tag, __u64 cookie,
				      __u32 direction)
{
	struct netfil_packet packet;
	struct netfil_cost cost;
	struct bpf_sock *sk;
	__u32 generation;
	__u64 verdict;
	int flags = -1;

	generation = READ_ONCE(config.generation);
	packet_parse(skb, &packet, 0, direction);
	/* The copy of a multicast that this host's own members get was on no wire. */
	if (direction == NETFIL_IN && skb->pkt_type == PACKET_LOOPBACK)
		packet.flow.ifindex = LOOPBACK_IFINDEX;
	cost.bytes = packet.bytes;
	cost.segments = packet.segments;
	cost.direction = direction;
	cost.tcp = packet.flow.proto == IPPROTO_TCP;
	cost.cpu = bpf_get_smp_processor_id();

	verdict = verdict_known(skb, tag, cookie, generation, &packet);
	if (verdict == VERDICT_UNKNOWN)
		flags = charge_matching(skb, tag, cookie, generation, &packet, &cost);
	else if ((__u32)verdict != NETFIL_NO_SLOT)
		flags = charge_known(verdict, verdict >> 32, &cost);
	if (unattributed(tag))
		count_unattributed(&packet, direction);
	if (flags >= 0)
		return refuse(skb, tag, cookie, &packet, direction, flags);
	if (config.accounting)
		account_count(tag, direction, &packet);
	if (config.watched) {
		sk = skb->sk;
		if (!listening(sk))
			socket_count(sk, direction, &packet);
	}
	return ADMIT;
}

/* Global, so that the short way has the registers to itself. `tag` NULL: there is none. */
__noinline int decide_any_in(struct __sk_buff *skb, struct netfil_tag *tag, __u64 cookie)
{
	return decide_any(skb, tag, cookie, NETFIL_IN);
}

__noinline int decide_any_out(struct __sk_buff *skb, struct netfil_tag *tag, __u64 cookie)
{
	return decide_any(skb, tag, cookie, NETFIL_OUT);
}

/* The cookie of the packet's socket; 0: there is none, or it has none yet. */
static __always_inline __u64 cookie_of(struct __sk_buff *skb)
{
	struct sock *sk;

	if (!has_casts)
		return bpf_get_socket_cookie(skb);
	sk = sock_of(skb);
	return sk ? sk->__sk_common.skc_cookie.counter : 0;
}

/* Global, as what is rare. A subflow of MPTCP is not its sender's to begin with, but its
 * parent's: see socket_create(). */
__noinline int sender_seen(struct __sk_buff *skb, struct netfil_tag *tag)
{
	struct sock *sk = sees_senders ? sock_of(skb) : NULL;
	struct bpf_sock *at = skb->sk;

	if (!sk || !at || !tag)
		return 0;
	if (has_mptcp && !(tag->flags & NETFIL_TAG_OWNED) && bpf_skc_to_mptcp_sock(at))
		strangers_tell();
	else
		sender_note(sk, at, tag, bpf_get_socket_cookie(skb));
	return 0;
}

static __always_inline int decide(struct __sk_buff *skb, __u32 direction)
{
	struct netfil_tag *tag;

	if ((!config.words && !config.accounting && !config.watched))
		return ADMIT;
	if (admit_next(skb, cookie_of(skb), direction))
		return ADMIT;
	/* The cookie anew, or it would have a register all the short way. */
	tag = tag_of(skb);
	if (direction == NETFIL_IN)
		return decide_any_in(skb, tag, cookie_of(skb));
	if (config.senders)
		sender_seen(skb, tag);
	return decide_any_out(skb, tag, cookie_of(skb));
}

/* The masks are for the verifier, which does not know the range of what a global function returns.
 */
SEC("cgroup_skb/ingress")
int socket_in(struct __sk_buff *skb)
{
	return MASKED(decide(skb, NETFIL_IN), 1);
}

SEC("cgroup_skb/egress")
int socket_out(struct __sk_buff *skb)
{
	return MASKED(decide(skb, NETFIL_OUT), 3);
}

SEC("cgroup/sock_create")
int socket_create(struct bpf_sock *sk)
{
	struct netfil_tag *tag = bpf_sk_storage_get(&tags, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct netfil_totals *t;

	if (!tag) {
		t = totals_get();
		if (t)
			__sync_fetch_and_add(&t->untagged_sockets, 1);
		return 1; /* its traffic shows as unattributed */
	}
	tag->cookie = tag->stamp = bpf_get_socket_cookie(sk);
	tag->netns = bpf_get_netns_cookie(sk);
	tag->flags = NETFIL_TAG_OWNED;
	tag_own(tag, bpf_get_current_task_btf(), sk, false, false);
	if (sk->type == SOCK_STREAM && sk->protocol == IPPROTO_TCP)
		tag->flags |= NETFIL_TAG_TCP;
	if (sk->protocol == IPPROTO_MPTCP)
		strangers_tell(); /* packets are those of its subflows */
	return 1;
}

/* A filter that is spent and says so refuses new connections with an errno, which
 * the packet hooks cannot: TCP ignores EPERM on a SYN. */
static __always_inline int may_connect(struct bpf_sock_addr *ctx, struct netfil_flow *flow)
{
	const struct netfil_tag_rules *rules = NULL;
	struct netfil_verdict verdict = {};
	struct netfil_slot *slot;
	struct netfil_tag *tag;

	/* Datagrams hear EPERM of the packet hook, each for itself. */
	if (!READ_ONCE(config.refusing) || !config.words || !ctx->sk || ctx->type != SOCK_STREAM)
		return 1;
	tag = bpf_sk_storage_get(&tags, ctx->sk, 0, 0);
	if (tag)
		rules = rules_of(tag, ctx->sk);
	flow->proto = ctx->protocol;
	flow->remote_port = bpf_ntohs(ctx->user_port);
	if (match(tag, rules, flow, &verdict)) {
		count_overmatched();
		return 0;
	}
	if (config.asked & NETFIL_ASKED_EACH)
		tag_members(tag, flow, &verdict);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		if (i >= verdict.count)
			break;
		slot = slot_get(slot_in(&verdict, i), member_in(&verdict, i));
		if (slot && slot->flags & NETFIL_SLOT_REJECT && slot_spent(slot))
			return 0;
	}
	return 1;
}

SEC("cgroup/connect4")
int socket_connect4(struct bpf_sock_addr *ctx)
{
	struct netfil_flow flow ALIGNED8 = {};
	__u32 address = ctx->user_ip4;

	address_map_v4(flow.remote, address);
	if ((bpf_ntohl(address) >> 24) == 127)
		flow.ifindex = LOOPBACK_IFINDEX;
	return may_connect(ctx, &flow);
}

SEC("cgroup/connect6")
int socket_connect6(struct bpf_sock_addr *ctx)
{
	struct netfil_flow flow ALIGNED8 = {};
	__u32 *words = (__u32 *)flow.remote;

	words[0] = ctx->user_ip6[0];
	words[1] = ctx->user_ip6[1];
	words[2] = ctx->user_ip6[2];
	words[3] = ctx->user_ip6[3];
	if (!words[0] && !words[1] &&
	    ((!words[2] && words[3] == bpf_htonl(1)) ||
	     (words[2] == bpf_htonl(0xffff) && (bpf_ntohl(words[3]) >> 24) == 127)))
		flow.ifindex = LOOPBACK_IFINDEX;
	return may_connect(ctx, &flow);
}
