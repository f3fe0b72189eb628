// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a packet costs whose verdict is not kept on its socket, with a filter of many prefixes,
 * and with one of many members: one of an unconnected socket that goes to another address each
 * time. See README.md beside this file.
 */
#include <bpf/bpf.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>

#include "bed.h"
#include "core/prefix.h"
#include "kernel/members.h"

#define SIZE 1500 /* bytes of the packet */
#define PACKETS 100000
#define ROUNDS 7

static const guint counts[] = {1, 1000, 10000, 100000, 1000000};

/* Prefixes /32, /28 and /24 in turn, each in a /24 of its own: the least address. */
static guint32 address_of(guint i)
{
	guint32 block = (guint32)((guint64)(i + 1) * 1640531 % (1 << 24)) << 8;

	return i % 3 == 0 ? block : block | (i % 3 == 1 ? i % 16 * 16 : i % 256);
}

static struct netfil_prefix prefix_of(guint i)
{
	struct netfil_prefix prefix = {.length = i % 3 == 0   ? 120
						 : i % 3 == 1 ? 124
							      : 128,
				       .address = {[10] = 0xff, [11] = 0xff}};
	guint32 address = GUINT32_TO_BE(address_of(i));

	memcpy(prefix.address + 12, &address, sizeof(address));
	return prefix;
}

static int compare_prefixes(gconstpointer a, gconstpointer b)
{
	return memcmp(((const struct netfil_prefix *)a)->address,
		      ((const struct netfil_prefix *)b)->address, 16);
}

/* In order, as netfild does it. */
static void configure(Bed *bed, guint count)
{
	g_autoptr(GArray) prefixes = g_array_new(FALSE, FALSE, sizeof(struct netfil_prefix));
	guint32 number;

	bed_clear(bed);
	bed_rule(bed, 0, 1 << NETFIL_KIND_PREFIX);
	number = bed_set(bed, 1);
	for (guint i = 0; i < count; i++) {
		struct netfil_prefix prefix = prefix_of(i);

		g_array_append_val(prefixes, prefix);
	}
	g_array_sort(prefixes, compare_prefixes);
	for (guint i = 0; i < count; i++)
		g_assert_true(netfil_maps_put(bed->maps, "prefixes",
					      &g_array_index(prefixes, struct netfil_prefix, i),
					      &number, NULL));
}

/* Each address for itself. Returns the kernel's bytes for each. */
static double configure_members(Bed *bed, guint count, NetfilMembers **members)
{
	const NetfilMemberTerms terms = {.cap = {0, 0, G_MAXINT64}};
	const NetfilCounters none = {0};

	if (*members)
		netfil_members_remove(*members);
	bed_clear(bed);
	bed_rule(bed, 0, 0);
	bed->config->asked |= NETFIL_ASKED_EACH;
	bed_slot(bed, 0)->flags = NETFIL_SLOT_EACH;
	*members = netfil_members_open(bed->maps, NULL, bed_slot_number(0), NETFIL_KIND_PREFIX,
				       count, NULL);
	g_assert_nonnull(*members);
	netfil_members_arm(*members, &terms, FALSE);
	for (guint i = 0; i < count; i++) {
		struct netfil_member_key key = {.bytes = {[10] = 0xff, [11] = 0xff}};
		guint32 address = GUINT32_TO_BE(address_of(i));

		memcpy(key.bytes + 12, &address, sizeof(address));
		g_assert_true(netfil_members_restore(*members, &key, &none, NULL));
	}
	return (double)netfil_members_bytes(*members) / count;
}

static guint32 run(const Bed *bed, const Packet *packet)
{
	struct __sk_buff context = bed->context;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->bytes,
		    .data_size_in = packet->length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);

	g_assert_cmpint(bpf_prog_test_run_opts(bed_fd(bed, SOCKET_OUT), &options), ==, 0);
	g_assert_cmpint((int)options.retval, ==, ADMIT);
	return options.duration;
}

static int compare(gconstpointer a, gconstpointer b)
{
	const guint32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median, in nanoseconds. The kernel makes a socket anew for each run. */
static guint32 measure(const Bed *bed, guint count, guint addresses)
{
	g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(guint32));
	struct iphdr *ip;
	Packet packet;

	packet_tcp4(&packet, TCP_ACK, SIZE);
	ip = (gpointer)(packet.bytes + ETH_HLEN);
	for (guint i = 0; i < PACKETS; i++) {
		guint32 time;

		ip->daddr =
		    GUINT32_TO_BE(address_of((guint)((guint64)(i % addresses) * 7919 % count)));
		time = run(bed, &packet);
		g_array_append_val(times, time);
	}
	g_array_sort(times, compare);
	return g_array_index(times, guint32, times->len / 2);
}

static guint32 least_of(const Bed *bed, guint count, guint addresses)
{
	guint32 least = G_MAXUINT32;

	for (guint i = 0; i < ROUNDS; i++)
		least = MIN(least, measure(bed, count, addresses));
	return least;
}

static void measure_members(Bed *bed)
{
	NetfilMembers *members = NULL;

	printf("%10s %20s %20s %12s\n", "members", "one address", "100,000 addresses",
	       "bytes each");
	for (guint i = 1; i < G_N_ELEMENTS(counts); i++) {
		double bytes = configure_members(bed, counts[i], &members);

		printf("%10u %17u ns %17u ns %12.1f\n", counts[i], least_of(bed, counts[i], 1),
		       least_of(bed, counts[i], PACKETS), bytes);
	}
	netfil_members_remove(members);
}

int main(void)
{
	Bed *bed = bed_new();

	printf("%10s %20s %20s\n", "prefixes", "one address", "100,000 addresses");
	for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
		configure(bed, counts[i]);
		printf("%10u %17u ns %17u ns\n", counts[i], least_of(bed, counts[i], 1),
		       least_of(bed, counts[i], PACKETS));
	}
	measure_members(bed);
	bed_free(bed);
	return 0;
}
