/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pcap-bytes FILE SOURCE [UDP-SEGMENT]: the bytes that the IP packets from SOURCE
 * in an Ethernet capture take on the wire, layer 3 headers included; TCP resets
 * are left out.
 *
 * A capture beside a segmenting device shows large packets that no wire carries.
 * Each is reckoned as the segments it becomes: the payload cut into pieces of the
 * segment size, each with the packet's own headers before it. TCP's segment size
 * is known from the connection's start: the smaller of the two MSS options, less
 * what this packet's options take. UDP's is the sender's choice, and is given.
 *
 * Prints "bytes=N packets=N segments=N". Written without libpcap and without a
 * look at the kernel's own segment counts, so that it can witness against them.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETHERNET 14
#define FRAME_MAX (256 * 1024)
#define ALIGN 2 /* in front of a frame, so that the IP header in it is aligned */
#define DEFAULT_MSS 536

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	int32_t zone;
	uint32_t figures, longest, link;
};

struct record_header {
	uint32_t seconds, fraction, captured, length;
};

struct packet {
	const uint8_t *data; /* from the IP header on */
	size_t captured;
	size_t length; /* of the IP packet, as it was */
	size_t header; /* of the IP header */
	uint8_t protocol;
	bool from_source;
};

struct sum {
	uint64_t bytes, packets, segments;
};

static unsigned int tcp_mss = 65535;
static unsigned int udp_segment;

/* false: not IP, or too short to tell. */
static bool read_packet(struct packet *packet, const uint8_t source[16], size_t source_size)
{
	if (packet->captured < sizeof(struct ip))
		return false;
	if (packet->data[0] >> 4 == 4) {
		const struct ip *ip = (const void *)packet->data;

		packet->header = ip->ip_hl * 4;
		packet->protocol = ip->ip_p;
		packet->from_source = source_size == 4 && memcmp(&ip->ip_src, source, 4) == 0;
		return true;
	}
	if (packet->data[0] >> 4 == 6 && packet->captured >= sizeof(struct ip6_hdr)) {
		const struct ip6_hdr *ip6 = (const void *)packet->data;

		packet->header = sizeof(*ip6);
		packet->protocol = ip6->ip6_nxt;
		packet->from_source = source_size == 16 && memcmp(&ip6->ip6_src, source, 16) == 0;
		return true;
	}
	return false;
}

static void learn_mss(const uint8_t *option, const uint8_t *end)
{
	unsigned int mss = DEFAULT_MSS;

	while (option < end && *option != TCPOPT_EOL) {
		if (*option == TCPOPT_NOP) {
			option++;
			continue;
		}
		if (option + 1 >= end || option[1] < 2)
			break;
		if (*option == TCPOPT_MAXSEG && option + 4 <= end)
			mss = option[2] << 8 | option[3];
		option += option[1];
	}
	if (mss < tcp_mss)
		tcp_mss = mss;
}

static size_t transport_header(const struct packet *packet, size_t *segment, bool *reset)
{
	const uint8_t *transport = packet->data + packet->header;
	size_t left = packet->captured - packet->header;

	*segment = 0;
	*reset = false;
	if (packet->protocol == IPPROTO_TCP && left >= sizeof(struct tcphdr)) {
		const struct tcphdr *tcp = (const void *)transport;
		size_t size = tcp->doff * 4;

		if (size > left)
			errx(1, "the capture cuts TCP headers off");
		if (tcp->syn)
			learn_mss(transport + sizeof(*tcp), transport + size);
		*reset = tcp->rst;
		*segment = tcp_mss - (size - sizeof(*tcp));
		return size;
	}
	if (packet->protocol == IPPROTO_UDP) {
		*segment = udp_segment;
		return sizeof(struct udphdr);
	}
	return 0;
}

static void add(struct sum *sum, const struct packet *packet)
{
	size_t segment, segments = 1;
	bool reset;
	size_t headers = packet->header + transport_header(packet, &segment, &reset);
	size_t payload = packet->length - headers;

	if (segment && payload > segment)
		segments = (payload + segment - 1) / segment;
	if (!packet->from_source || reset)
		return;
	sum->packets++;
	sum->segments += segments;
	sum->bytes += packet->length + (segments - 1) * headers;
}

static FILE *open_capture(const char *path)
{
	struct file_header header;
	FILE *file = fopen(path, "r");

	if (!file)
		err(1, "%s", path);
	if (fread(&header, sizeof(header), 1, file) != 1)
		errx(1, "%s: empty", path);
	if ((header.magic != 0xa1b2c3d4 && header.magic != 0xa1b23c4d) || header.link != 1)
		errx(1, "%s: not an Ethernet capture of this machine's byte order", path);
	return file;
}

int main(int argc, char **argv)
{
	static _Alignas(uint64_t) uint8_t buffer[ALIGN + FRAME_MAX];
	uint8_t *frame = buffer + ALIGN;
	struct record_header record;
	struct sum sum = {};
	uint8_t source[16];
	size_t source_size;
	FILE *file;

	if (argc != 3 && argc != 4)
		errx(2, "usage: pcap-bytes FILE SOURCE [UDP-SEGMENT]");
	source_size = strchr(argv[2], ':') ? 16 : 4;
	if (inet_pton(source_size == 16 ? AF_INET6 : AF_INET, argv[2], source) != 1)
		errx(2, "%s: not an address", argv[2]);
	udp_segment = argc == 4 ? atoi(argv[3]) : 0;
	file = open_capture(argv[1]);
	while (fread(&record, sizeof(record), 1, file) == 1) {
		struct packet packet = {.data = frame + ETHERNET};

		if (record.captured > FRAME_MAX ||
		    fread(frame, 1, record.captured, file) != record.captured)
			errx(1, "%s: cut short", argv[1]);
		if (record.captured < ETHERNET || record.length < ETHERNET)
			continue;
		packet.captured = record.captured - ETHERNET;
		packet.length = record.length - ETHERNET;
		if (read_packet(&packet, source, source_size))
			add(&sum, &packet);
	}
	fclose(file);
	printf("bytes=%llu packets=%llu segments=%llu\n", (unsigned long long)sum.bytes,
	       (unsigned long long)sum.packets, (unsigned long long)sum.segments);
	return 0;
}
