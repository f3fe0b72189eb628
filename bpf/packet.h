/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet is and how many bytes it has on the wire: the one place where a
 * byte is defined (netfil-filters(7)).
 *
 * An aggregated packet (GSO, GRO) stands for segments that repeat its headers:
 * wire bytes = length + (segments - 1) * header bytes.
 */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "kernel.h"

#define GSO_BY_FRAGS 0xffff
#define SCTP_HEADER 12
#define EXTENSIONS_MAX 6
#define VLANS_MAX 2

struct netfil_packet {
	struct netfil_flow flow;
	__u32 bytes;    /* layer 3, on the wire */
	__u32 segments; /* at least 1 */
	__u32 headers;  /* bytes of layer 3 and 4 headers, as far as they are known */
	__u32 tcp_flags;
	__u32 payload; /* of one aggregated packet, bytes */
} ALIGNED8;

#define TCP_FLAG_RST_ 0x04

/* A pointer to `size` bytes at `offset`: into the packet where they are linear,
 * else into `buffer`. NULL past the end. */
static __always_inline const void *packet_bytes(struct __sk_buff *skb, __u32 offset, void *buffer,
						__u32 size)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (offset < 0x4000) {
		data += offset;
		if (data + size <= end)
			return data;
	}
	if (bpf_skb_load_bytes(skb, offset, buffer, size))
		return NULL;
	return buffer;
}

static __always_inline void packet_ports(struct netfil_packet *packet, __be16 source,
					 __be16 destination, __u32 direction)
{
	packet->flow.remote_port = bpf_ntohs(direction == NETFIL_IN ? source : destination);
	packet->flow.local_port = bpf_ntohs(direction == NETFIL_IN ? destination : source);
}

/* Layer 4 at `offset`. Truncated headers leave ports and header bytes at 0. */
static __always_inline void packet_layer4(struct __sk_buff *skb, struct netfil_packet *packet,
					  __u32 offset, __u32 direction)
{
	union {
		struct tcphdr tcp;
		struct udphdr udp;
	} buffer;

	if (packet->flow.proto == IPPROTO_TCP) {
		const struct tcphdr *tcp = packet_bytes(skb, offset, &buffer, sizeof(*tcp));

		if (!tcp)
			return;
		packet_ports(packet, tcp->source, tcp->dest, direction);
		packet->headers += tcp->doff * 4;
		packet->tcp_flags = ((const __u8 *)tcp)[13];
	} else if (packet->flow.proto == IPPROTO_UDP || packet->flow.proto == IPPROTO_UDPLITE ||
		   packet->flow.proto == IPPROTO_SCTP || packet->flow.proto == IPPROTO_DCCP) {
		const struct udphdr *udp = packet_bytes(skb, offset, &buffer, sizeof(*udp));

		if (!udp)
			return;
		packet_ports(packet, udp->source, udp->dest, direction);
		packet->headers += packet->flow.proto == IPPROTO_SCTP ? SCTP_HEADER : sizeof(*udp);
	}
}

static __always_inline int packet_ipv4(struct __sk_buff *skb, struct netfil_packet *packet,
				       __u32 offset, __u32 direction)
{
	struct iphdr buffer;
	const struct iphdr *ip = packet_bytes(skb, offset, &buffer, sizeof(*ip));
	__u32 length;

	if (!ip)
		return -1;
	address_map_v4(packet->flow.remote, direction == NETFIL_IN ? ip->saddr : ip->daddr);
	packet->flow.proto = ip->protocol;
	length = ip->ihl * 4;
	packet->headers = length;
	/* Only the first fragment has the layer 4 header. */
	if (!(ip->frag_off & bpf_htons(0x1fff)))
		packet_layer4(skb, packet, offset + length, direction);
	return 0;
}

static __always_inline int packet_ipv6(struct __sk_buff *skb, struct netfil_packet *packet,
				       __u32 offset, __u32 direction)
{
	struct ipv6hdr buffer;
	const struct ipv6hdr *ip = packet_bytes(skb, offset, &buffer, sizeof(*ip));
	__u32 start = offset;
	__u8 next;

	if (!ip)
		return -1;
	__builtin_memcpy(packet->flow.remote, direction == NETFIL_IN ? &ip->saddr : &ip->daddr, 16);
	next = ip->nexthdr;
	offset += sizeof(*ip);
#pragma clang loop unroll(disable)
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		__u8 extension[4]; /* next header, length, and a fragment's offset */

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH && next != IPPROTO_MH)
			break;
		if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
			goto out;
		if (next == IPPROTO_FRAGMENT) {
			offset += 8;
			if (extension[2] || (extension[3] & 0xf8)) {
				next = extension[0];
				packet->flow.proto = next;
				goto out;
			}
		} else if (next == IPPROTO_AH) {
			offset += (extension[1] + 2) * 4;
		} else {
			offset += (extension[1] + 1) * 8;
		}
		next = extension[0];
	}
	packet->flow.proto = next;
	packet->headers = offset - start;
	packet_layer4(skb, packet, offset, direction);
	return 0;
out:
	packet->headers = offset - start;
	return 0;
}

/* Each segment but the first repeats the headers. */
static __always_inline __u32 wire_bytes(__u32 length, __u32 segments, __u32 headers)
{
	return length + (segments - 1) * headers;
}

static __always_inline void packet_measure(struct __sk_buff *skb, struct netfil_packet *packet,
					   __u32 offset)
{
	__u32 length = skb->len - offset;
	__u32 size = skb->gso_size;
	__u32 segments;

	packet->payload = length > packet->headers ? length - packet->headers : 0;
	packet->segments = 1;
	packet->bytes = length;
	if (!size)
		return;
	segments = skb->gso_segs;
	/* tun and virtio leave the count to whoever segments. */
	if (!segments && size != GSO_BY_FRAGS)
		segments = (packet->payload + size - 1) / size;
	if (segments <= 1)
		return;
	packet->segments = segments;
	packet->bytes = wire_bytes(length, segments, packet->headers);
}

/*
 * Reads the packet whose IP header is at `offset`. The remote side is the source
 * of what comes in and the destination of what goes out. Nonsense is a packet
 * too: it has its length, and an all-zero flow.
 */
static __always_inline void packet_parse(struct __sk_buff *skb, struct netfil_packet *packet,
					 __u32 offset, __u32 direction)
{
	__u8 buffer[1];
	const __u8 *version = packet_bytes(skb, offset, buffer, 1);

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->flow.ifindex = skb->ifindex;
	/* skb->family is AF_INET6 for IPv4 on a dual-stack socket: ask the packet. */
	if (version && *version >> 4 == 4)
		packet_ipv4(skb, packet, offset, direction);
	else if (version && *version >> 4 == 6)
		packet_ipv6(skb, packet, offset, direction);
	packet_measure(skb, packet, offset);
}
