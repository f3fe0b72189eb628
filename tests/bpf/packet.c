// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "packet.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

static gpointer append(Packet *packet, guint length)
{
	guint8 *at = packet->bytes + packet->length;

	g_assert_cmpuint(packet->length + length, <=, PACKET_MAX);
	packet->length += length;
	return memset(at, 0, length);
}

void packet_ethernet(Packet *packet, guint16 type)
{
	struct ethhdr *ethernet;

	packet->length = 0;
	ethernet = append(packet, sizeof(*ethernet));
	memset(ethernet->h_dest, 2, ETH_ALEN);
	memset(ethernet->h_source, 4, ETH_ALEN);
	ethernet->h_proto = htons(type);
}

void packet_vlan(Packet *packet, guint16 type)
{
	guint16 *tag = append(packet, 4);

	tag[0] = htons(100);
	tag[1] = htons(type);
}

void packet_ipv4(Packet *packet, guint protocol, guint option_words, guint16 fragment)
{
	struct iphdr *ip = append(packet, sizeof(*ip) + option_words * 4);

	ip->version = 4;
	ip->ihl = 5 + option_words;
	ip->ttl = 64;
	ip->protocol = protocol;
	ip->frag_off = htons(fragment);
	inet_pton(AF_INET, SOURCE4, &ip->saddr);
	inet_pton(AF_INET, DESTINATION4, &ip->daddr);
	memset(ip + 1, IPPROTO_NONE, option_words * 4);
}

void packet_ipv6(Packet *packet, guint next)
{
	struct ip6_hdr *ip = append(packet, sizeof(*ip));

	ip->ip6_vfc = 6 << 4;
	ip->ip6_hlim = 64;
	ip->ip6_nxt = next;
	inet_pton(AF_INET6, SOURCE6, &ip->ip6_src);
	inet_pton(AF_INET6, DESTINATION6, &ip->ip6_dst);
}

void packet_extension(Packet *packet, guint next, guint length)
{
	guint8 *at = append(packet, length);

	at[0] = next;
	at[1] = length / 8 - 1;
}

void packet_authentication(Packet *packet, guint next, guint length)
{
	guint8 *at = append(packet, length);

	at[0] = next;
	at[1] = length / 4 - 2;
}

void packet_fragment(Packet *packet, guint next, guint offset)
{
	guint8 *at = append(packet, 8);

	at[0] = next;
	at[2] = offset >> 8;
	at[3] = (offset & 0xf8) | 1; /* more follow */
}

void packet_tcp(Packet *packet, guint8 flags, guint option_words)
{
	struct tcphdr *tcp = append(packet, sizeof(*tcp) + option_words * 4);

	tcp->source = htons(SOURCE_PORT);
	tcp->dest = htons(DESTINATION_PORT);
	tcp->doff = 5 + option_words;
	((guint8 *)tcp)[13] = flags;
}

void packet_udp(Packet *packet)
{
	struct udphdr *udp = append(packet, sizeof(*udp));

	udp->source = htons(SOURCE_PORT);
	udp->dest = htons(DESTINATION_PORT);
}

void packet_filler(Packet *packet, guint length)
{
	memset(append(packet, length), 0xa5, length);
}

void packet_tcp4(Packet *packet, guint8 flags, guint length)
{
	packet_ethernet(packet, ETH_P_IP);
	packet_ipv4(packet, IPPROTO_TCP, 0, 0);
	packet_tcp(packet, flags, 0);
	packet_filler(packet, ETH_HLEN + length - packet->length);
}

void packet_udp4(Packet *packet, guint length)
{
	packet_ethernet(packet, ETH_P_IP);
	packet_ipv4(packet, IPPROTO_UDP, 0, 0);
	packet_udp(packet);
	packet_filler(packet, ETH_HLEN + length - packet->length);
}
