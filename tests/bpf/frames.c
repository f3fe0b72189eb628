// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "frames.h"

static void tcp4(Packet *p)
{
	packet_tcp4(p, TCP_ACK, 1500);
}

static void udp4(Packet *p)
{
	packet_udp4(p, 1000);
}

static void options4(Packet *p)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_TCP, 3, 0);
	packet_tcp(p, TCP_ACK, 3);
	packet_filler(p, 900);
}

static void most_options4(Packet *p)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_TCP, 10, 0);
	packet_tcp(p, TCP_ACK, 10);
	packet_filler(p, 1);
}

static void icmp4(Packet *p)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_ICMP, 0, 0);
	packet_filler(p, 64);
}

static void authentication4(Packet *p) /* with it ports are not looked for in IPv4 */
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_AH, 0, 0);
	packet_authentication(p, IPPROTO_TCP, 24);
	packet_tcp(p, TCP_ACK, 0);
}

static void first_fragment4(Packet *p)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_UDP, 0, MORE_FRAGMENTS4);
	packet_udp(p);
	packet_filler(p, 1472);
}

static void later_fragment4(Packet *p)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_UDP, 0, 185);
	packet_udp(p); /* bytes that look like ports */
	packet_filler(p, 500);
}

static void last_offset_bit4(Packet *p)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_TCP, 0, 0x1000);
	packet_tcp(p, TCP_ACK, 0);
}

static void do_not_fragment4(Packet *p)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_TCP, 0, 0x4000);
	packet_tcp(p, TCP_ACK, 0);
}

static void protocol4(Packet *p, guint protocol)
{
	packet_ethernet(p, ETH_P_IP);
	packet_ipv4(p, protocol, 0, 0);
	packet_udp(p); /* all of these begin with the ports */
	packet_filler(p, 40);
}

static void sctp4(Packet *p)
{
	protocol4(p, IPPROTO_SCTP);
}

static void dccp4(Packet *p)
{
	protocol4(p, IPPROTO_DCCP);
}

static void udplite4(Packet *p)
{
	protocol4(p, IPPROTO_UDPLITE);
}

static void esp4(Packet *p)
{
	protocol4(p, IPPROTO_ESP);
}

static void tcp6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_TCP);
	packet_tcp(p, TCP_ACK, 3);
	packet_filler(p, 1428);
}

static void udp6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_UDP);
	packet_udp(p);
}

static void extension6(Packet *p, guint kind, guint length)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, kind);
	packet_extension(p, IPPROTO_TCP, length);
	packet_tcp(p, TCP_ACK, 0);
	packet_filler(p, 100);
}

static void hop_by_hop6(Packet *p)
{
	extension6(p, IPPROTO_HOPOPTS, 8);
}

static void routing6(Packet *p)
{
	extension6(p, IPPROTO_ROUTING, 24);
}

static void destination6(Packet *p)
{
	extension6(p, IPPROTO_DSTOPTS, 2048);
}

static void mobility6(Packet *p)
{
	extension6(p, IPPROTO_MH, 16);
}

static void authentication6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_AH);
	packet_authentication(p, IPPROTO_UDP, 28);
	packet_udp(p);
	packet_filler(p, 30);
}

static void first_fragment6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_FRAGMENT);
	packet_fragment(p, IPPROTO_UDP, 0);
	packet_udp(p);
	packet_filler(p, 1440);
}

static void later_fragment6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_FRAGMENT);
	packet_fragment(p, IPPROTO_UDP, 8);
	packet_udp(p);
	packet_filler(p, 1440);
}

static void far_fragment6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_FRAGMENT);
	packet_fragment(p, IPPROTO_TCP, 0x1000);
	packet_tcp(p, TCP_ACK, 0);
}

static void all_extensions6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_HOPOPTS);
	packet_extension(p, IPPROTO_DSTOPTS, 8);
	packet_extension(p, IPPROTO_ROUTING, 16);
	packet_extension(p, IPPROTO_FRAGMENT, 24);
	packet_fragment(p, IPPROTO_AH, 0);
	packet_authentication(p, IPPROTO_DSTOPTS, 24);
	packet_extension(p, IPPROTO_TCP, 8);
	packet_tcp(p, TCP_ACK, 2);
	packet_filler(p, 77);
}

static void no_next6(Packet *p)
{
	packet_ethernet(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_NONE);
	packet_filler(p, 20);
}

static void vlan4(Packet *p)
{
	packet_ethernet(p, ETH_P_8021Q);
	packet_vlan(p, ETH_P_IP);
	packet_ipv4(p, IPPROTO_TCP, 0, 0);
	packet_tcp(p, TCP_ACK, 0);
	packet_filler(p, 600);
}

static void qinq6(Packet *p)
{
	packet_ethernet(p, ETH_P_8021AD);
	packet_vlan(p, ETH_P_8021Q);
	packet_vlan(p, ETH_P_IPV6);
	packet_ipv6(p, IPPROTO_HOPOPTS);
	packet_extension(p, IPPROTO_UDP, 8);
	packet_udp(p);
	packet_filler(p, 600);
}

static void arp(Packet *p)
{
	packet_ethernet(p, ETH_P_ARP);
	packet_filler(p, 28);
}

const Frame frames[] = {
    {"tcp4", tcp4, IPPROTO_TCP, TRUE, 20 + 20, 14, 20 + 20},
    {"udp4", udp4, IPPROTO_UDP, TRUE, 20 + 8, 14, 20 + 8},
    {"options4", options4, IPPROTO_TCP, TRUE, 32 + 20, 14, 32 + 32},
    {"most-options4", most_options4, IPPROTO_TCP, TRUE, 60 + 20, 14, 60 + 60},
    {"icmp4", icmp4, IPPROTO_ICMP, TRUE, 0, 14, 20},
    {"authentication4", authentication4, IPPROTO_AH, TRUE, 0, 14, 20},
    {"first-fragment4", first_fragment4, IPPROTO_UDP, TRUE, 20 + 8, 14, 20 + 8},
    {"later-fragment4", later_fragment4, IPPROTO_UDP, TRUE, 0, 14, 20},
    {"last-offset-bit4", last_offset_bit4, IPPROTO_TCP, TRUE, 0, 14, 20},
    {"do-not-fragment4", do_not_fragment4, IPPROTO_TCP, TRUE, 20 + 20, 14, 20 + 20},
    {"sctp4", sctp4, IPPROTO_SCTP, TRUE, 20 + 8, 14, 20 + 12},
    {"dccp4", dccp4, IPPROTO_DCCP, TRUE, 20 + 8, 14, 20 + 8},
    {"udplite4", udplite4, IPPROTO_UDPLITE, TRUE, 20 + 8, 14, 20 + 8},
    {"esp4", esp4, IPPROTO_ESP, TRUE, 0, 14, 20},
    {"tcp6", tcp6, IPPROTO_TCP, TRUE, 40 + 20, 14, 40 + 32},
    {"udp6", udp6, IPPROTO_UDP, TRUE, 40 + 8, 14, 40 + 8},
    {"hop-by-hop6", hop_by_hop6, IPPROTO_TCP, TRUE, 48 + 20, 14, 40 + 8 + 20},
    {"routing6", routing6, IPPROTO_TCP, TRUE, 64 + 20, 14, 40 + 24 + 20},
    {"destination6", destination6, IPPROTO_TCP, TRUE, 2088 + 20, 14, 40 + 2048 + 20},
    {"mobility6", mobility6, IPPROTO_TCP, TRUE, 56 + 20, 14, 40 + 16 + 20},
    {"authentication6", authentication6, IPPROTO_UDP, TRUE, 68 + 8, 14, 40 + 28 + 8},
    {"first-fragment6", first_fragment6, IPPROTO_UDP, TRUE, 48 + 8, 14, 40 + 8 + 8},
    {"later-fragment6", later_fragment6, IPPROTO_UDP, TRUE, 0, 14, 40 + 8},
    {"far-fragment6", far_fragment6, IPPROTO_TCP, TRUE, 0, 14, 40 + 8},
    {"all-extensions6", all_extensions6, IPPROTO_TCP, TRUE, 128 + 20, 14, 40 + 88 + 28},
    {"no-next6", no_next6, IPPROTO_NONE, TRUE, 0, 14, 40},
    {"vlan4", vlan4, IPPROTO_TCP, TRUE, 20 + 20, 18, 20 + 20},
    {"qinq6", qinq6, IPPROTO_UDP, TRUE, 48 + 8, 22, 40 + 8 + 8},
    {"arp", arp, 0, FALSE, 0, 14, 0},
    {NULL},
};

const Frame *frame_named(const char *name)
{
	const Frame *frame = frames;

	while (!g_str_equal(frame->name, name))
		frame++;
	return frame;
}
