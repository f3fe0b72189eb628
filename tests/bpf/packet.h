/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

/* A frame that is built up from the front. */
#define PACKET_MAX 3500 /* the most that BPF_PROG_TEST_RUN takes is a page less its overhead */

typedef struct {
	guint8 bytes[PACKET_MAX];
	guint length;
} Packet;

/* What the builders write. */
#define SOURCE_PORT 5000
#define DESTINATION_PORT 6000
#define SOURCE4 "10.1.2.3"
#define DESTINATION4 "10.9.8.7"
#define SOURCE6 "2001:db8:1::1"
#define DESTINATION6 "2001:db8:2::2"

#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define MORE_FRAGMENTS4 0x2000 /* beside an offset in units of 8 bytes */

void packet_ethernet(Packet *packet, guint16 type); /* starts the packet */
void packet_vlan(Packet *packet, guint16 type);     /* behind ETH_P_8021Q or ETH_P_8021AD */
void packet_ipv4(Packet *packet, guint protocol, guint option_words, guint16 fragment);
void packet_ipv6(Packet *packet, guint next);
void packet_extension(Packet *packet, guint next, guint length);      /* bytes, in units of 8 */
void packet_authentication(Packet *packet, guint next, guint length); /* … of 4 */
void packet_fragment(Packet *packet, guint next, guint offset);       /* IPv6; offset in bytes */
void packet_tcp(Packet *packet, guint8 flags, guint option_words);
void packet_udp(Packet *packet);
void packet_filler(Packet *packet, guint length);

/* Whole packets: Ethernet and IPv4, of this many bytes behind the Ethernet header. */
void packet_tcp4(Packet *packet, guint8 flags, guint length);
void packet_udp4(Packet *packet, guint length);
