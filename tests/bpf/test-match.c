// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which filters a packet is charged to. Who owns the socket is not seen here: the
 * system tests have that.
 */
#include "bed.h"
#include "engine/sets.h"

#define SIZE 100 /* bytes of the IP packet */

static Bed *bed;
static Packet packet; /* TCP, from SOURCE4 and SOURCE_PORT */

static void set_up(void)
{
	bed_clear(bed);
	packet_tcp4(&packet, TCP_ACK, SIZE);
}

static void transmit(void)
{
	g_assert_cmpint(bed_run(bed, SOCKET_OUT, &packet), ==, ADMIT);
}

static void receive(void)
{
	g_assert_cmpint(bed_run(bed, SOCKET_IN, &packet), ==, ADMIT);
}

/* Sends a packet, and checks that it is charged to these rules of `count` alone. */
static void expect_sent(guint count, guint64 mask)
{
	guint64 before[64];

	for (guint rule = 0; rule < count; rule++)
		before[rule] = bed_used(bed, rule, NETFIL_OUT);
	bed_changed(bed);
	transmit();
	for (guint rule = 0; rule < count; rule++)
		expect_used(bed, rule, 0, before[rule] + (mask >> rule & 1 ? SIZE : 0));
}

static void test_none(void)
{
	set_up();
	transmit(); /* no rule at all */
	receive();
	bed_rule(bed, 0, 1 << NETFIL_KIND_PORT);
	transmit();
	expect_used(bed, 0, 0, 0);
}

static void test_direction(void)
{
	set_up();
	bed_rule(bed, 0, 0);
	transmit();
	expect_used(bed, 0, 0, SIZE);
	receive();
	receive();
	expect_used(bed, 0, 2 * SIZE, SIZE);
}

static void test_enabled(void)
{
	set_up();
	bed_rule(bed, 0, 0);
	bed_rule(bed, 1, 0);
	netfil_set_remove(&bed->config->enabled, 0);
	expect_sent(2, 1 << 1);
	netfil_set_add(&bed->config->enabled, 0);
	expect_sent(2, 1 << 0 | 1 << 1);
}

/* The remote end is the source of what comes in, the destination of what goes out. */
static void test_remote_address(void)
{
	set_up();
	for (guint rule = 0; rule < 2; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_PREFIX);
	bed_prefix(bed, SOURCE4, 1 << 0);
	bed_prefix(bed, DESTINATION4, 1 << 1);
	transmit();
	expect_used(bed, 0, 0, 0);
	expect_used(bed, 1, 0, SIZE);
	receive();
	expect_used(bed, 0, SIZE, 0);
	expect_used(bed, 1, 0, SIZE);
}

/* The longest prefix's set holds what encloses it too: the engine sees to that. */
static void test_prefixes(void)
{
	set_up();
	for (guint rule = 0; rule < 4; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_PREFIX);
	bed_prefix(bed, "0.0.0.0/0", 1 << 0);
	expect_sent(4, 1 << 0);
	bed_prefix(bed, "10.0.0.0/8", 1 << 0 | 1 << 1);
	expect_sent(4, 1 << 0 | 1 << 1);
	bed_prefix(bed, "10.9.8.0/29", 1 << 2);
	expect_sent(4, 1 << 2);
	bed_prefix(bed, "10.9.8.6", 1 << 3);
	bed_prefix(bed, "10.9.8.8/29", 1 << 3);
	expect_sent(4, 1 << 2);
	bed_prefix(bed, DESTINATION4, 1 << 0 | 1 << 3);
	expect_sent(4, 1 << 0 | 1 << 3);
}

static void test_prefixes6(void)
{
	set_up();
	for (guint rule = 0; rule < 3; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_PREFIX);
	packet_ethernet(&packet, ETH_P_IPV6);
	packet_ipv6(&packet, IPPROTO_TCP);
	packet_tcp(&packet, TCP_ACK, 0);
	packet_filler(&packet, SIZE - 60);
	bed_prefix(bed, "0.0.0.0/0", 1 << 0);
	expect_sent(3, 0);
	bed_prefix(bed, "2001:db8::/32", 1 << 1);
	bed_prefix(bed, "2001:db8:3::/48", 1 << 2);
	expect_sent(3, 1 << 1);
	bed_prefix(bed, "2001:db8:2::/63", 1 << 2);
	expect_sent(3, 1 << 2);
}

/* A port is the remote or the local one, whichever way the packet goes. */
static void test_ports(void)
{
	set_up();
	for (guint rule = 0; rule < 3; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_PORT);
	bed_port(bed, SOURCE_PORT, 1 << 0);
	bed_port(bed, DESTINATION_PORT, 1 << 1);
	bed_port(bed, DESTINATION_PORT + 1, 1 << 2);
	bed_port(bed, 0, 1 << 2);
	transmit();
	receive();
	expect_used(bed, 0, SIZE, SIZE);
	expect_used(bed, 1, SIZE, SIZE);
	expect_used(bed, 2, 0, 0);
}

static void test_protos(void)
{
	set_up();
	for (guint rule = 0; rule < 2; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_PROTO);
	bed_proto(bed, IPPROTO_TCP, 1 << 0);
	bed_proto(bed, IPPROTO_UDP, 1 << 1);
	expect_sent(2, 1 << 0);
	packet_udp4(&packet, SIZE);
	expect_sent(2, 1 << 1);
}

static void test_interfaces(void)
{
	set_up();
	for (guint rule = 0; rule < 3; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_INTERFACE);
	bed_interface(bed, bed->device, ETH_HLEN, 1 << 0 | 1 << 2, 0, 0);
	bed_interface(bed, bed->other_device, ETH_HLEN, 1 << 1 | 1 << 2, 0, 0);
	expect_sent(3, 1 << 0 | 1 << 2);
	bed->context.ifindex = bed->other_device;
	expect_sent(3, 1 << 1 | 1 << 2);
}

/* A frame is charged to the filters of the interface that it crosses, in rule order. */
static void test_frames(void)
{
	set_up();
	for (guint rule = 0; rule < 5; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_EXE); /* of no socket */
	bed_interface(bed, bed->device, ETH_HLEN, 0, 0, 3);
	bed_interface(bed, bed->other_device, ETH_HLEN, 0, 3, 1);
	g_assert_cmpint(bed_run(bed, INTERFACE_IN, &packet), ==, NEXT);
	for (guint rule = 0; rule < 5; rule++)
		expect_used(bed, rule, rule < 3 ? SIZE + ETH_HLEN : 0, 0);
	bed->context.ifindex = bed->other_device;
	g_assert_cmpint(bed_run(bed, INTERFACE_OUT, &packet), ==, NEXT);
	expect_used(bed, 3, 0, SIZE + ETH_HLEN);
	bed->context.ifindex = LOOPBACK; /* not in the map */
	g_assert_cmpint(bed_run(bed, INTERFACE_OUT, &packet), ==, NEXT);
	for (guint rule = 0; rule < 5; rule++)
		g_assert_cmpuint(bed_used(bed, rule, NETFIL_TOTAL), ==,
				 rule < 4 ? SIZE + ETH_HLEN : 0);
}

static void test_loopback(void)
{
	set_up();
	for (guint rule = 0; rule < 3; rule++)
		bed_rule(bed, rule, rule == 2 ? 1 << NETFIL_KIND_PORT : 0);
	netfil_set_add(&bed->config->loopback, 1);
	netfil_set_add(&bed->config->loopback, 2); /* asks for a port that is not there */
	expect_sent(3, 1 << 0 | 1 << 1);
	bed->context.ifindex = LOOPBACK;
	expect_sent(3, 1 << 1);
}

/* Kinds narrow; values of one kind widen. */
static void test_kinds(void)
{
	static const guint32 kinds[] = {NETFIL_KIND_PREFIX, NETFIL_KIND_PORT, NETFIL_KIND_PROTO,
					NETFIL_KIND_INTERFACE};
	guint32 mask = 0;

	set_up();
	for (guint rule = 0; rule < 16; rule++) { /* every choice of the four */
		guint32 asked = 0;

		for (guint i = 0; i < 4; i++)
			asked |= (rule >> i & 1) << kinds[i];
		bed_rule(bed, rule, asked);
	}
	expect_sent(16, 1 << 0);
	bed_prefix(bed, "10.0.0.0/8", 0xffff);
	expect_sent(16, 1 << 0 | 1 << 1);
	bed_port(bed, DESTINATION_PORT, 0xffff);
	expect_sent(16, 0xf);
	bed_proto(bed, IPPROTO_TCP, 0xffff);
	expect_sent(16, 0xff);
	for (guint rule = 0; rule < 12; rule++)
		mask |= 1U << rule;
	bed_interface(bed, bed->device, ETH_HLEN, mask, 0, 0);
	expect_sent(16, 0xfff);
}

/* Rules of every word of a set, the last one too; each to its own slot. */
static void test_words(void)
{
	set_up();
	for (guint rule = 0; rule < NETFIL_RULES_MAX; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_PORT);
	bed_port(bed, DESTINATION_PORT, 0);
	for (guint rule = 63; rule < NETFIL_RULES_MAX; rule += 64)
		netfil_set_add(&bed->sets[bed->sets_used - 1], rule);
	transmit();
	for (guint rule = 0; rule < NETFIL_RULES_MAX; rule++)
		expect_used(bed, rule, 0, rule % 64 == 63 ? SIZE : 0);
}

/* Every bit of a word names its own rule. */
static void test_bits(void)
{
	set_up();
	for (guint rule = 0; rule < 64; rule++)
		bed_rule(bed, rule, 1 << NETFIL_KIND_PORT);
	for (guint rule = 0; rule < 64; rule++) {
		bed_port(bed, DESTINATION_PORT, G_GUINT64_CONSTANT(1) << rule);
		expect_sent(64, G_GUINT64_CONSTANT(1) << rule);
	}
}

static void expect_overmatch(Program program, int refusal)
{
	set_up();
	for (guint rule = 0; rule < NETFIL_MATCH_MAX; rule++)
		bed_rule(bed, rule, 0);
	g_assert_cmpint(bed_run(bed, program, &packet), ==, ADMIT);
	g_assert_cmpuint(bed->totals->overmatched_packets, ==, 0);
	bed_rule(bed, NETFIL_RULES_MAX - 1, 0);
	g_assert_cmpint(bed_run(bed, program, &packet), ==, refusal);
	g_assert_cmpuint(bed->totals->overmatched_packets, ==, 1);
	g_assert_cmpint(bed_repeat(bed, program, &packet, 3), ==, refusal);
	g_assert_cmpuint(bed->totals->overmatched_packets, ==, 4);
	for (guint rule = 0; rule < NETFIL_MATCH_MAX; rule++)
		g_assert_cmpuint(bed_used(bed, rule, NETFIL_TOTAL), ==, SIZE);
	expect_used(bed, NETFIL_RULES_MAX - 1, 0, 0);
}

/* More filters than a verdict holds: refused, and said so. */
static void test_overmatch(void)
{
	expect_overmatch(SOCKET_IN, REFUSE);
	expect_overmatch(SOCKET_OUT, REFUSE);
}

/* Only rules that ask for an owner make it a matter of note that there is none. */
static void test_unattributed(void)
{
	set_up();
	bed_rule(bed, 0, 0);
	transmit();
	g_assert_cmpuint(bed->totals->unattributed_packets[NETFIL_OUT], ==, 0);
	bed_rule(bed, 1, 1 << NETFIL_KIND_USER);
	netfil_set_add(&bed->config->owned, 1);
	transmit();
	bed->context.gso_segs = 2;
	bed->context.gso_size = 30;
	receive();
	g_assert_cmpuint(bed->totals->unattributed_bytes[NETFIL_OUT], ==, SIZE);
	g_assert_cmpuint(bed->totals->unattributed_packets[NETFIL_OUT], ==, 1);
	g_assert_cmpuint(bed->totals->unattributed_bytes[NETFIL_IN], ==, SIZE + 40);
	g_assert_cmpuint(bed->totals->unattributed_packets[NETFIL_IN], ==, 2);
	expect_used(bed, 1, 0, 0);
}

/* Whichever the owner is: then none of the kinds is asked for. */
static void test_any_owner(void)
{
	set_up();
	bed_rule(bed, 0, 0);
	bed_rule(bed, 70, 0);
	netfil_set_add(&bed->config->owned, 70);
	transmit();
	expect_used(bed, 0, 0, SIZE);
	expect_used(bed, 70, 0, 0);
}

/* From the second packet on the verdict is the cached one: of none, one, and many. */
static void test_cached(void)
{
	for (guint rules = 0; rules <= NETFIL_MATCH_MAX; rules++) {
		set_up();
		bed_rule(bed, 100, 1 << NETFIL_KIND_PORT);
		for (guint rule = 0; rule < rules; rule++)
			bed_rule(bed, rule, 0);
		g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, 7), ==, ADMIT);
		for (guint rule = 0; rule < rules; rule++)
			expect_used(bed, rule, 0, 7 * SIZE);
		expect_used(bed, rules, 0, 0);
		expect_used(bed, 100, 0, 0);
	}
}

static gpointer transmit_many(gpointer data)
{
	g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, GPOINTER_TO_UINT(data)), ==, ADMIT);
	return NULL;
}

/* Waits until the rule is charged, or the sender must long have ended. */
static void wait_charged(guint rule)
{
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	while (!bed_used(bed, rule, NETFIL_OUT) && g_get_monotonic_time() < end)
		g_thread_yield();
}

/* A change of policy reaches a socket that has its verdict, at its next packet. */
static void test_generation(void)
{
	const guint packets = 3000000;
	GThread *sender;

	set_up();
	bed_rule(bed, 0, 0);
	bed_rule(bed, 1, 0);
	netfil_set_remove(&bed->config->enabled, 1);
	bed_changed(bed);
	sender = g_thread_new("sender", transmit_many, GUINT_TO_POINTER(packets));
	wait_charged(0);
	bed->config->enabled.words[0] = 1 << 1; /* one for the other, at once */
	bed_changed(bed);
	g_thread_join(sender);
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT), >, 0);
	g_assert_cmpuint(bed_used(bed, 1, NETFIL_OUT), >, 0);
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT) + bed_used(bed, 1, NETFIL_OUT), ==,
			 (guint64)packets * SIZE);
}

/* Addresses that are left out: of rules that say so, whatever else they ask. */
static void test_except(void)
{
	set_up();
	for (guint rule = 0; rule < 3; rule++)
		bed_rule(bed, rule, rule == 2 ? 1 << NETFIL_KIND_PREFIX : 0);
	bed_prefix(bed, "10.0.0.0/8", 1 << 2);
	expect_sent(3, 1 << 0 | 1 << 1 | 1 << 2);
	bed_except(bed, SOURCE4, 1 << 0 | 1 << 1 | 1 << 2);
	expect_sent(3, 1 << 0 | 1 << 1 | 1 << 2);
	bed_except(bed, "10.9.0.0/16", 1 << 0 | 1 << 2);
	expect_sent(3, 1 << 1);
	bed_except(bed, DESTINATION4, 1 << 1);
	expect_sent(3, 1 << 0 | 1 << 2);
	for (guint rule = 0; rule < 3; rule++) {
		guint64 out = bed_used(bed, rule, NETFIL_OUT);

		receive(); /* from SOURCE4 */
		expect_used(bed, rule, 0, out);
	}
	bed->config->asked &= ~NETFIL_ASKED_EXCEPT;
	expect_sent(3, 1 << 0 | 1 << 1 | 1 << 2);
}

static void run_frame(Program program)
{
	g_assert_cmpint(bed_run(bed, program, &packet), ==, NEXT);
}

/* Frames: each filter by its own rule, which is not enabled; a frame without an address
 * counts. */
static void test_except_frames(void)
{
	guint size = SIZE + ETH_HLEN;

	set_up();
	for (guint rule = 0; rule < 3; rule++) {
		bed_rule(bed, rule, 0);
		netfil_set_remove(&bed->config->enabled, rule);
	}
	bed_interface(bed, bed->device, ETH_HLEN, 0, 0, 3);
	bed_except(bed, SOURCE4, 1 << 0);
	bed_except(bed, DESTINATION4, 1 << 1);
	bed_except(bed, "::/0", 1 << 2);
	run_frame(INTERFACE_IN);
	run_frame(INTERFACE_OUT);
	run_frame(INTERFACE_OUT);
	expect_used(bed, 0, 0, 2 * size);
	expect_used(bed, 1, size, 0);
	expect_used(bed, 2, size, 2 * size);
	packet_ethernet(&packet, ETH_P_ARP);
	packet_filler(&packet, 28);
	run_frame(INTERFACE_IN);
	expect_used(bed, 2, size + 42, 2 * size);
	packet_ethernet(&packet, ETH_P_IPV6);
	packet_ipv6(&packet, IPPROTO_UDP);
	packet_udp(&packet);
	run_frame(INTERFACE_IN);
	expect_used(bed, 2, size + 42, 2 * size);
	expect_used(bed, 1, size + 42 + 48 + ETH_HLEN, 0);
}

/* What the socket refuses is taken back from the filters that it was charged to. */
static void test_except_undone(void)
{
	set_up();
	bed_rule(bed, 0, 0);
	bed_slot(bed, 0)->limit[NETFIL_IN] = 0;
	for (guint rule = 1; rule < 4; rule++) {
		bed_rule(bed, rule, 0);
		netfil_set_remove(&bed->config->enabled, rule);
	}
	bed_interface(bed, bed->device, ETH_HLEN, 0, 1, 3);
	bed_except(bed, "10.1.0.0/16", 1 << 2);
	run_frame(INTERFACE_IN);
	expect_used(bed, 1, SIZE + ETH_HLEN, 0);
	expect_used(bed, 2, 0, 0);
	expect_used(bed, 3, SIZE + ETH_HLEN, 0);
	g_assert_cmpint(bed_run(bed, SOCKET_IN, &packet), ==, REFUSE);
	for (guint rule = 0; rule < 4; rule++)
		expect_used(bed, rule, 0, 0);
}

/* One more way through a loop, and it is a multiple: netfild would take seconds to start. */
#define VERIFIED_MOST 250000

static void test_verified(void)
{
	g_test_message("%u instructions at most", bed_verified(bed));
	g_assert_cmpuint(bed_verified(bed), <, VERIFIED_MOST);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/match/verified", test_verified);
	g_test_add_func("/match/none", test_none);
	g_test_add_func("/match/direction", test_direction);
	g_test_add_func("/match/enabled", test_enabled);
	g_test_add_func("/match/remote-address", test_remote_address);
	g_test_add_func("/match/prefixes", test_prefixes);
	g_test_add_func("/match/prefixes6", test_prefixes6);
	g_test_add_func("/match/ports", test_ports);
	g_test_add_func("/match/protos", test_protos);
	g_test_add_func("/match/interfaces", test_interfaces);
	g_test_add_func("/match/frames", test_frames);
	g_test_add_func("/match/loopback", test_loopback);
	g_test_add_func("/match/kinds", test_kinds);
	g_test_add_func("/match/words", test_words);
	g_test_add_func("/match/bits", test_bits);
	g_test_add_func("/match/overmatch", test_overmatch);
	g_test_add_func("/match/unattributed", test_unattributed);
	g_test_add_func("/match/any-owner", test_any_owner);
	g_test_add_func("/match/cached", test_cached);
	g_test_add_func("/match/generation", test_generation);
	g_test_add_func("/match/except", test_except);
	g_test_add_func("/match/except-frames", test_except_frames);
	g_test_add_func("/match/except-undone", test_except_undone);
	bed = bed_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	bed_free(bed);
	return status;
}
