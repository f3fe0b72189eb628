// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Forwarded packets (routers, tethering): address filters see each once, at
 * netfilter's FORWARD of the home namespace. Towards an address is out, from it in.
 *
 * The link cannot be updated in place (one program a namespace, family and hook),
 * so a stub that never changes jumps to the program of the day.
 */
#include "match.h"

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define NF_DROP 0
#define NF_ACCEPT 1

struct net_device {
	int ifindex;
} EXPLORED;

struct nf_hook_state {
	struct net_device *in;
	struct net_device *out;
} EXPLORED;

struct sk_buff {
	unsigned int len;
	__u16 network_header;
	unsigned int end;
	unsigned char *head;
} EXPLORED;

struct skb_shared_info {
	unsigned short gso_size;
	unsigned short gso_segs;
} EXPLORED;

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
} EXPLORED;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} forward_program SEC(".maps");

struct forwarded {
	struct netfil_flow to ALIGNED8;   /* remote: the destination */
	struct netfil_flow from ALIGNED8; /* remote: the source */
	__u32 headers;
	__u32 bytes;
	__u32 segments;
};

static __always_inline void layer4(struct forwarded *f, const unsigned char *at)
{
	__be16 ports[2];
	__u8 offset;

	if (f->to.proto != IPPROTO_TCP && f->to.proto != IPPROTO_UDP &&
	    f->to.proto != IPPROTO_UDPLITE && f->to.proto != IPPROTO_SCTP &&
	    f->to.proto != IPPROTO_DCCP)
		return;
	if (bpf_probe_read_kernel(ports, sizeof(ports), at))
		return;
	f->from.remote_port = f->to.local_port = bpf_ntohs(ports[0]);
	f->to.remote_port = f->from.local_port = bpf_ntohs(ports[1]);
	if (f->to.proto != IPPROTO_TCP)
		f->headers += f->to.proto == IPPROTO_SCTP ? 12 : 8;
	else if (!bpf_probe_read_kernel(&offset, 1, at + 12))
		f->headers += (offset >> 4) * 4;
}

static __always_inline void ipv4(struct forwarded *f, const unsigned char *at)
{
	struct iphdr ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at))
		return;
	address_map_v4(f->to.remote, ip.daddr);
	address_map_v4(f->from.remote, ip.saddr);
	f->to.proto = f->from.proto = ip.protocol;
	f->headers = ip.ihl * 4;
	if (!(ip.frag_off & bpf_htons(0x1fff)))
		layer4(f, at + f->headers);
}

static __always_inline void ipv6(struct forwarded *f, const unsigned char *at)
{
	struct ipv6hdr ip;
	__u8 extension[4];
	__u32 length = sizeof(ip);
	__u8 next;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at))
		return;
	__builtin_memcpy(f->to.remote, &ip.daddr, 16);
	__builtin_memcpy(f->from.remote, &ip.saddr, 16);
	next = ip.nexthdr;
	for (int i = 0; i < 6; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (bpf_probe_read_kernel(extension, sizeof(extension), at + length))
			return;
		length += next == IPPROTO_FRAGMENT ? 8 : (extension[1] + 1) * 8;
		if (next == IPPROTO_FRAGMENT && (extension[2] || (extension[3] & 0xf8))) {
			f->to.proto = f->from.proto = extension[0];
			f->headers = length;
			return;
		}
		next = extension[0];
	}
	f->to.proto = f->from.proto = next;
	f->headers = length;
	layer4(f, at + length);
}

/* Apart, so that its headers are not on the stack while filters are matched. */
static __noinline void parse(struct bpf_nf_ctx *ctx, struct forwarded *f)
{
	struct sk_buff *skb = ctx->skb;
	struct skb_shared_info *shared;
	const unsigned char *head = skb->head;
	const unsigned char *at = head + skb->network_header;
	__u32 size, segments;
	__u8 version = 0;

	f->bytes = skb->len;
	f->segments = 1;
	f->to.ifindex = ctx->state->out->ifindex;
	f->from.ifindex = ctx->state->in->ifindex;
	bpf_probe_read_kernel(&version, 1, at);
	if (version >> 4 == 4)
		ipv4(f, at);
	else
		ipv6(f, at);

	shared = (void *)(head + skb->end);
	size = BPF_CORE_READ(shared, gso_size);
	segments = BPF_CORE_READ(shared, gso_segs);
	if (!size)
		return;
	if (!segments)
		segments = (f->bytes - f->headers + size - 1) / size;
	if (segments <= 1)
		return;
	f->segments = segments;
	f->bytes += (segments - 1) * f->headers;
}

/* Global functions, and a count kept in memory: see match.h. */
__noinline int verdict_has(const struct netfil_verdict *verdict, __u32 slot)
{
	if (!verdict)
		return 0;
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++)
		if (i < verdict->count && verdict->slots[i] == slot)
			return 1;
	return 0;
}

/* Takes away what is in `other`. */
__noinline int verdict_subtract(struct netfil_verdict *verdict, const struct netfil_verdict *other)
{
	__u32 count;

	if (!verdict || !other)
		return 0;
	count = verdict->count;
	verdict->count = 0;
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		__u32 slot = verdict->slots[i], kept = verdict->count;

		if (i >= count)
			break;
		if (verdict_has(other, slot))
			continue;
		verdict->slots[MASKED(kept, NETFIL_MATCH_MAX - 1)] = slot;
		verdict->count = kept + 1;
	}
	return 0;
}

/*
 * Who counts the packet as in, and who as out. Filters that match seen from both ends (they
 * name no address, or both) count it once: with a port, as in if it comes from there, else as
 * out; without one, as in. Returns 0 or MATCH_OVERFLOW.
 */
static __always_inline int match_ends(struct forwarded *f, struct netfil_verdict *in,
				      struct netfil_verdict *out)
{
	__u16 port = f->from.local_port;

	f->from.local_port = 0; /* only the port it comes from */
	if (match_flow_alone(&f->from, in) || match_flow_alone(&f->to, out))
		return MATCH_OVERFLOW;
	verdict_subtract(out, in);
	f->from.local_port = port;
	if (!(config.asked & 1 << NETFIL_KIND_PORT))
		return 0;
	if (match_flow_alone(&f->from, in))
		return MATCH_OVERFLOW;
	verdict_subtract(in, out);
	return 0;
}

__noinline int flow_members(const struct netfil_flow *flow, struct netfil_verdict *verdict)
{
	struct netfil_keys keys = {};

	if (!flow || !verdict)
		return 0;
	keys_of_flow(&keys, flow);
	return members_find(verdict, &keys);
}

/* Charges both ends or none. 0: all took it. */
__noinline int charge_ends(const struct forwarded *f, const struct netfil_verdict *out,
			   const struct netfil_verdict *in)
{
	struct netfil_cost cost = {};

	if (!f || !out || !in)
		return 0;
	cost.bytes = f->bytes;
	cost.segments = f->segments;
	cost.tcp = f->to.proto == IPPROTO_TCP;
	cost.cpu = bpf_get_smp_processor_id();
	cost.direction = NETFIL_OUT;
	if (charge(out, &cost) >= 0)
		return 1;
	cost.direction = NETFIL_IN;
	if (charge(in, &cost) < 0)
		return 0;
	uncharge(out, out->count, NETFIL_OUT, f->bytes);
	return 1;
}

SEC("netfilter")
int forward_decide(struct bpf_nf_ctx *ctx)
{
	struct netfil_verdict out = {}, in = {};
	struct forwarded f = {};
	struct netfil_totals *t;

	if (!config.words || !config.forwarding)
		return NF_ACCEPT;
	parse(ctx, &f);
	if (match_ends(&f, &in, &out)) {
		t = totals_get();
		if (t)
			__sync_fetch_and_add(&t->overmatched_packets, 1);
		return NF_DROP;
	}
	if (!out.count && !in.count)
		return NF_ACCEPT;
	if (config.asked & NETFIL_ASKED_EACH) {
		flow_members(&f.to, &out);
		flow_members(&f.from, &in);
	}
	return charge_ends(&f, &out, &in) ? NF_DROP : NF_ACCEPT;
}

SEC("netfilter")
int forward_stub(struct bpf_nf_ctx *ctx)
{
	bpf_tail_call(ctx, &forward_program, 0);
	return NF_ACCEPT;
}
