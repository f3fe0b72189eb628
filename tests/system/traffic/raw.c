/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traffic.h"

static char payload[65536];

static struct result send_all(int fd, const struct endpoint *to, unsigned int count, size_t size)
{
	struct result result = {};

	for (unsigned int i = 0; i < count; i++) {
		if (sendto(fd, payload, size, 0, (const void *)&to->address, to->length) < 0) {
			result.error = errno;
			break;
		}
		result.sent += size;
	}
	return result;
}

int raw_send(int argc, char **argv)
{
	struct endpoint to;
	int fd;

	if (argc != 4)
		return dispatch(0, NULL);
	to = endpoint_parse(argv[0], NULL);
	fd = open_socket(&to, SOCK_RAW, number(argv[1]));
	say_ready();
	wait_gate(settings.connected_gate);
	return report(send_all(fd, &to, number(argv[2]), number(argv[3])));
}

int raw_receive(int argc, char **argv)
{
	struct result result = {};
	struct endpoint at;
	ssize_t size;
	int fd;

	if (argc != 3)
		return dispatch(0, NULL);
	at = endpoint_parse(argv[0], NULL);
	fd = open_socket(&at, SOCK_RAW, number(argv[1]));
	if (bind(fd, (const void *)&at.address, at.length))
		err(1, "bind");
	say_ready();
	for (uint64_t left = number(argv[2]); left; left--) {
		size = recv(fd, payload, sizeof(payload), 0);
		if (size < 0)
			return failure("recv");
		result.received += size;
	}
	return report(result);
}

static uint16_t checksum(const void *data, size_t size)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (; size > 1; size -= 2)
		sum += *words++;
	if (size)
		sum += *(const uint8_t *)words;
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

/* A raw socket hears its own kind of everything: filter for replies. */
static bool is_reply(const char *packet, ssize_t size, bool raw, bool v6)
{
	size_t skip = raw && !v6 ? (packet[0] & 0xf) * 4 : 0;

	return size > (ssize_t)skip &&
	       (uint8_t)packet[skip] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
}

static size_t echo_request(char *packet, size_t size, unsigned int sequence, bool v6)
{
	struct icmphdr *header = (void *)packet; /* echo looks alike in both families */

	memset(packet, 0, sizeof(*header) + size);
	header->type = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	header->un.echo.id = htons(getpid());
	header->un.echo.sequence = htons(sequence);
	if (!v6) /* the kernel fills ICMPv6's in */
		header->checksum = checksum(packet, sizeof(*header) + size);
	return sizeof(*header) + size;
}

/* Sends COUNT echo requests with SIZE bytes behind the header, each answered
 * before the next goes out. */
int echo(int argc, char **argv)
{
	struct result result = {};
	struct endpoint to;
	bool raw, v6;
	int fd;

	if (argc != 4)
		return dispatch(0, NULL);
	raw = strcmp(argv[0], "raw") == 0;
	to = endpoint_parse(argv[1], NULL);
	v6 = to.address.ss_family == AF_INET6;
	fd = open_socket(&to, raw ? SOCK_RAW : SOCK_DGRAM, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	/* A raw ICMPv6 socket takes neighbour discovery too; it is charged for it. */
	if (raw && v6) {
		struct icmp6_filter filter;

		ICMP6_FILTER_SETBLOCKALL(&filter);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
		if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)))
			err(1, "ICMP6_FILTER");
	}
	say_ready();
	wait_gate(settings.connected_gate);
	for (unsigned int i = 0, count = number(argv[2]); i < count; i++) {
		ssize_t size = echo_request(payload, number(argv[3]), i, v6);

		if (sendto(fd, payload, size, 0, (const void *)&to.address, to.length) < 0)
			return failure("sendto");
		result.sent += size;
		do {
			size = recv(fd, payload, sizeof(payload), 0);
			if (size < 0)
				return failure("recv");
		} while (!is_reply(payload, size, raw, v6));
		result.received += size;
	}
	return report(result);
}

/* Whole frames of SIZE bytes past the IP stack, to the broadcast address, of an
 * EtherType for local experiments. */
int packet_send(int argc, char **argv)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5)};
	struct endpoint endpoint = {.length = sizeof(to)};
	int fd;

	if (argc != 2 || !settings.interface)
		return dispatch(0, NULL);
	to.sll_ifindex = if_nametoindex(settings.interface);
	memcpy(&endpoint.address, &to, sizeof(to));
	memset(payload, 0xff, 6);
	payload[6] = 2; /* a locally administered sender */
	payload[12] = 0x88 - 256;
	payload[13] = 0xb5 - 256;
	fd = socket(AF_PACKET, SOCK_RAW, htons(0x88b5));
	if (fd < 0)
		err(1, "AF_PACKET");
	say_ready();
	wait_gate(settings.connected_gate);
	return report(send_all(fd, &endpoint, number(argv[0]), number(argv[1])));
}
