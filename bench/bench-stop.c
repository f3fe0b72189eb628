// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bench-stop FILE SOURCE CAP: how long after a cap a capture still shows packets of SOURCE.
 *
 * The clock starts at the packet with which the bytes sent by SOURCE (of IPv4 packets, as
 * they were on the wire; TCP resets apart) pass the cap, or at the last of them if they never
 * do, and stops at the last one. Prints JSON: bytes, packets, resets, stop_ms.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETHERNET 14

typedef struct {
	uint64_t bytes, packets, resets;
	double passed; /* when the cap was; 0: not yet */
	double last;
} Sum;

static bool is_reset(const u_char *ip, size_t captured, size_t header, uint8_t protocol)
{
	return protocol == IPPROTO_TCP && captured >= header + sizeof(struct tcphdr) &&
	       ip[header + 13] & TH_RST;
}

static void add(Sum *sum, const struct pcap_pkthdr *record, const u_char *frame, in_addr_t source,
		uint64_t cap)
{
	size_t captured = record->caplen - ETHERNET;
	struct ip ip;

	if (record->caplen < ETHERNET + sizeof(ip) || frame[12] != 0x08 || frame[13] != 0)
		return;
	memcpy(&ip, frame + ETHERNET, sizeof(ip));
	if (ip.ip_src.s_addr != source)
		return;
	if (is_reset(frame + ETHERNET, captured, ip.ip_hl * 4, ip.ip_p)) {
		sum->resets++;
		return;
	}
	sum->packets++;
	sum->bytes += ntohs(ip.ip_len);
	sum->last = record->ts.tv_sec + record->ts.tv_usec / 1e6;
	if (!sum->passed && sum->bytes > cap)
		sum->passed = sum->last;
}

int main(int argc, char **argv)
{
	char message[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *record;
	const u_char *frame;
	struct in_addr source;
	Sum sum = {};
	uint64_t cap;
	pcap_t *pcap;
	int status;

	if (argc != 4 || inet_pton(AF_INET, argv[2], &source) != 1) {
		fprintf(stderr, "usage: bench-stop FILE SOURCE CAP\n");
		return 2;
	}
	cap = strtoull(argv[3], NULL, 10);
	pcap = pcap_open_offline(argv[1], message);
	if (!pcap)
		errx(1, "%s", message);
	if (pcap_datalink(pcap) != DLT_EN10MB)
		errx(1, "%s: not an Ethernet capture", argv[1]);
	while ((status = pcap_next_ex(pcap, &record, &frame)) == 1)
		add(&sum, record, frame, source.s_addr, cap);
	if (status == PCAP_ERROR)
		errx(1, "%s: %s", argv[1], pcap_geterr(pcap));
	pcap_close(pcap);
	printf("{\"bytes\": %llu, \"packets\": %llu, \"resets\": %llu, \"stop_ms\": %.3f}\n",
	       (unsigned long long)sum.bytes, (unsigned long long)sum.packets,
	       (unsigned long long)sum.resets, sum.passed ? (sum.last - sum.passed) * 1e3 : 0);
	return 0;
}
