// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interfaces: every frame that crosses one is charged to the filters that name it,
 * or dropped. Attached to each interface that a filter matches, by tcx or clsact.
 */
#include "account.h"
#include "tag.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* TCX_NEXT, and TC_ACT_UNSPEC of clsact: go on with what others attached. */
#define NEXT (-1)
#define SHOT 2

#define VLAN_HEADER 4

static __always_inline __u32 ip_offset(struct __sk_buff *skb, __u32 link_header)
{
	__be16 type;

	if (link_header != ETH_HLEN)
		return link_header;
	if (bpf_skb_load_bytes(skb, 12, &type, sizeof(type)))
		return link_header;
	for (int i = 0; i < VLANS_MAX; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		link_header += VLAN_HEADER;
		if (bpf_skb_load_bytes(skb, link_header - 2, &type, sizeof(type)))
			break;
	}
	return link_header;
}

/* Bytes of the frame on the wire: each segment repeats the link header too, and a
 * VLAN tag that the device adds or took off is part of it. */
static __always_inline __u32 frame_bytes(struct __sk_buff *skb, const struct netfil_packet *packet,
					 __u32 offset, __u32 direction)
{
	__u32 bytes = packet->bytes + packet->segments * offset;

	/* On the way out the kernel has reckoned it, tunnels included. */
	if (direction == NETFIL_OUT && skb->wire_len > skb->len)
		bytes = skb->wire_len;
	if (skb->vlan_present)
		bytes += packet->segments * VLAN_HEADER;
	return bytes;
}

/* The verdict under which the socket's filters were charged for a packet of this flow. */
static __always_inline bool verdict_charged(struct netfil_tag *tag, __u32 generation,
					    const struct netfil_flow *flow,
					    struct netfil_verdict *verdict)
{
	__u64 known;

	if (tag_verdict(tag, generation, flow, verdict))
		return true;
	known = verdict_recall(tag, flow, generation);
	if (known == VERDICT_UNKNOWN)
		return false;
	verdict->count = (__u32)known != NETFIL_NO_SLOT;
	verdict->slots[0] = known;
	member_note(verdict, 0, known >> 32);
	return true;
}

/* All or nothing across hooks: the socket's filters had been charged before the
 * packet came here. Global, so that its verdict is not on the stack beside that of frames. */
__noinline int socket_uncharge(struct __sk_buff *skb, const struct netfil_packet *packet)
{
	struct netfil_verdict verdict = {};
	struct bpf_sock *sk = skb->sk;
	struct netfil_tag *tag;

	if (!sk || !packet)
		return 0;
	tag = bpf_sk_storage_get(&tags, sk, 0, 0);
	/* What was not charged under this very flow (a tunnel's outer packet, a
	 * filter changed a moment ago) is left as it is. */
	if (!tag || !verdict_charged(tag, config.generation, &packet->flow, &verdict))
		return 0;
	if (verdict.count > 1 && config.asked & NETFIL_ASKED_EACH)
		tag_members_known(tag, &packet->flow, &verdict);
	uncharge(&verdict, verdict.count, NETFIL_OUT, packet->bytes);
	if (config.accounting)
		account_uncount(tag, packet);
	if (config.watched)
		socket_uncount(sk, packet);
	return 0;
}

__noinline int interface_members(__u32 ifindex, struct netfil_verdict *verdict)
{
	struct netfil_keys keys = {.ifindex = ifindex};

	return config.asked & NETFIL_ASKED_EACH ? members_find(verdict, &keys) : 0;
}

/* Charges the interface's filters. Returns -1, or the flags of the slot that refused.
 * Global, so that the verifier walks it once and not for each path through a frame. */
__noinline int interface_charge(__u32 ifindex, __u32 direction, __u32 bytes,
				const struct netfil_packet *packet)
{
	struct netfil_verdict verdict = {};
	struct netfil_cost cost = {
	    .bytes = bytes,
	    .direction = direction,
	    .cpu = bpf_get_smp_processor_id(),
	};

	if (!packet)
		return -1;
	cost.segments = packet->segments;
	cost.tcp = packet->flow.proto == IPPROTO_TCP;
	interface_slots(ifindex, &packet->flow, packet->headers, &verdict);
	interface_members(ifindex, &verdict);
	return charge(&verdict, &cost);
}

static __always_inline int decide(struct __sk_buff *skb, __u32 direction)
{
	__u32 ifindex = skb->ifindex;
	struct netfil_interface *interface = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct netfil_packet packet;
	__u32 offset;

	if (!interface || !interface->count)
		return NEXT;
	offset = ip_offset(skb, interface->link_header);
	packet_parse(skb, &packet, offset, direction);
	if (interface_charge(ifindex, direction, frame_bytes(skb, &packet, offset, direction),
			     &packet) < 0)
		return NEXT;
	if (direction == NETFIL_OUT)
		socket_uncharge(skb, &packet);
	return SHOT;
}

SEC("tc")
int interface_in(struct __sk_buff *skb)
{
	return decide(skb, NETFIL_IN);
}

SEC("tc")
int interface_out(struct __sk_buff *skb)
{
	return decide(skb, NETFIL_OUT);
}
