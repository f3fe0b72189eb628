// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* At the cap: what is refused, what the program returns, and what is left charged. */
#include "bed.h"
#include "engine/sets.h"

#define SIZE 100 /* bytes of the IP packet */

static Bed *bed;
static Packet packet;

static void set_up(guint rules)
{
	bed_clear(bed);
	packet_tcp4(&packet, TCP_ACK, SIZE);
	for (guint rule = 0; rule < rules; rule++)
		bed_rule(bed, rule, 0);
}

static void set_limit(guint rule, guint direction, guint64 limit)
{
	bed_slot(bed, rule)->limit[direction] = limit;
}

static void expect_run(Program program, int verdict)
{
	g_assert_cmpint(bed_run(bed, program, &packet), ==, verdict);
}

static void expect_event(guint index, guint type, guint rule, guint direction, guint size)
{
	struct netfil_event *event;

	g_assert_cmpuint(bed->events->len, >, index);
	if (bed->events->len <= index)
		return;
	event = &g_array_index(bed->events, struct netfil_event, index);
	g_assert_cmpuint(event->type, ==, type);
	g_assert_cmpuint(event->slot, ==, bed_slot_number(rule));
	g_assert_cmpuint(event->direction, ==, direction);
	g_assert_cmpuint(event->size, ==, size);
}

/* Fits to the byte, and not one byte more. */
static void test_boundary(gconstpointer data)
{
	guint limited = GPOINTER_TO_UINT(data);

	for (Program program = SOCKET_IN; program <= SOCKET_OUT; program++) {
		guint own = bed_is_in(program) ? NETFIL_IN : NETFIL_OUT;
		gboolean applies = limited == own || limited == NETFIL_TOTAL;

		for (guint64 limit = 2 * SIZE - 1; limit <= 2 * SIZE + 1; limit++) {
			guint fits = applies && limit < 2 * SIZE ? 1 : 2;

			set_up(1);
			set_limit(0, limited, limit);
			expect_run(program, ADMIT);
			expect_run(program, fits == 2 ? ADMIT : REFUSE);
			expect_run(program, applies ? REFUSE : ADMIT);
			if (!applies)
				fits = 3;
			expect_used(bed, 0, own == NETFIL_IN ? fits * SIZE : 0,
				    own == NETFIL_OUT ? fits * SIZE : 0);
			expect_refused(bed, 0, (3 - fits) * SIZE, 3 - fits,
				       applies ? 1 << limited : 0);
		}
	}
}

/* A limit below what is used, 0, less than any packet; and close to 2^64. */
static void test_extremes(void)
{
	set_up(1);
	set_limit(0, NETFIL_OUT, 0);
	expect_run(SOCKET_OUT, REFUSE);
	set_limit(0, NETFIL_OUT, 1);
	expect_run(SOCKET_OUT, REFUSE);
	set_limit(0, NETFIL_OUT, SIZE);
	expect_run(SOCKET_OUT, ADMIT);
	set_limit(0, NETFIL_OUT, SIZE - 1);
	expect_run(SOCKET_OUT, REFUSE);
	expect_used(bed, 0, 0, SIZE);

	set_up(1);
	bed_slot(bed, 0)->used[NETFIL_OUT] = NETFIL_NO_LIMIT - 1 - SIZE;
	set_limit(0, NETFIL_OUT, NETFIL_NO_LIMIT - 1);
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_OUT, REFUSE); /* and does not wrap */
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT), ==, NETFIL_NO_LIMIT - 1);
}

/* In and out share the total; each has its own as well. */
static void test_total(void)
{
	set_up(1);
	set_limit(0, NETFIL_IN, 2 * SIZE);
	set_limit(0, NETFIL_TOTAL, 3 * SIZE);
	expect_run(SOCKET_IN, ADMIT);
	expect_run(SOCKET_IN, ADMIT);
	expect_run(SOCKET_IN, REFUSE);
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_OUT, REFUSE);
	expect_run(SOCKET_IN, REFUSE);
	expect_used(bed, 0, 2 * SIZE, SIZE);
	expect_refused(bed, 0, 3 * SIZE, 3, 1 << NETFIL_IN | 1 << NETFIL_TOTAL);
}

static void test_verdicts(void)
{
	set_up(1);
	set_limit(0, NETFIL_TOTAL, 0);
	expect_run(SOCKET_IN, REFUSE);
	expect_run(SOCKET_OUT, REFUSE);
	bed_slot(bed, 0)->flags = NETFIL_SLOT_REJECT;
	expect_run(SOCKET_OUT, REFUSE);
	bed_slot(bed, 0)->flags = NETFIL_SLOT_DROP;
	expect_run(SOCKET_IN, REFUSE);
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	bed_interface(bed, bed->device, ETH_HLEN, 0, 0, 1);
	expect_run(INTERFACE_IN, SHOT);
	expect_run(INTERFACE_OUT, SHOT);
	expect_used(bed, 0, 0, 0);
}

/* What does not fit as a whole may fit in parts. */
static void test_aggregate(void)
{
	set_up(1);
	set_limit(0, NETFIL_OUT, 1000);
	packet_tcp4(&packet, TCP_ACK, 40 + 900);
	bed->context.gso_segs = 3; /* 1,020 bytes on the wire */
	bed->context.gso_size = 300;
	expect_run(SOCKET_OUT, REFUSE);
	expect_refused(bed, 0, 1020, 3, 0);
	g_assert_cmpuint(bed_events(bed)->len, ==, 0);
	bed->context.gso_segs = bed->context.gso_size = 0;
	packet_tcp4(&packet, TCP_ACK, 340);
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_OUT, REFUSE);
	expect_used(bed, 0, 0, 680);
	expect_refused(bed, 0, 1360, 4, 1 << NETFIL_OUT);
}

/* A single segment says that the cap is reached: once. */
static void test_event(void)
{
	set_up(2);
	set_limit(1, NETFIL_TOTAL, SIZE + 1);
	g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, 5), ==, REFUSE);
	g_assert_cmpuint(bed_events(bed)->len, ==, 1);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, 1, NETFIL_TOTAL, SIZE);
	expect_refused(bed, 0, 0, 0, 0);
	expect_refused(bed, 1, 4 * SIZE, 4, 1 << NETFIL_TOTAL);
	bed_slot(bed, 1)->exhausted = 0; /* a reset: said anew */
	set_limit(1, NETFIL_IN, 0);
	expect_run(SOCKET_OUT, REFUSE);
	expect_run(SOCKET_IN, REFUSE);
	g_assert_cmpuint(bed_events(bed)->len, ==, 2);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, 1, NETFIL_TOTAL, SIZE);
	expect_event(1, NETFIL_EVENT_EXHAUSTED, 1, NETFIL_IN, SIZE);
}

/* A datagram larger than a segment says nothing of smaller ones. */
static void test_large_datagram(void)
{
	set_up(1);
	set_limit(0, NETFIL_OUT, 1);
	packet_udp4(&packet, 1501);
	expect_run(SOCKET_OUT, REFUSE);
	expect_refused(bed, 0, 1501, 1, 0);
	packet_udp4(&packet, 1500);
	expect_run(SOCKET_OUT, REFUSE);
	expect_refused(bed, 0, 3001, 2, 1 << NETFIL_OUT);
	set_up(1);
	set_limit(0, NETFIL_OUT, 1);
	packet_tcp4(&packet, TCP_ACK, 1501);
	expect_run(SOCKET_OUT, REFUSE);
	expect_refused(bed, 0, 1501, 1, 1 << NETFIL_OUT);
}

/* All or nothing: whichever of the filters refuses. */
static void test_all_or_nothing(void)
{
	for (guint rules = 1; rules <= NETFIL_MATCH_MAX; rules++) {
		for (guint refuser = 0; refuser < rules; refuser++) {
			set_up(rules);
			set_limit(refuser, refuser % 2 ? NETFIL_TOTAL : NETFIL_OUT, 2 * SIZE);
			g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, 5), ==, REFUSE);
			for (guint rule = 0; rule < rules; rule++) {
				expect_used(bed, rule, 0, 2 * SIZE);
				expect_refused(bed, rule, rule == refuser ? 3 * SIZE : 0,
					       rule == refuser ? 3 : 0,
					       rule != refuser ? 0
					       : refuser % 2   ? 1 << NETFIL_TOTAL
							       : 1 << NETFIL_OUT);
			}
		}
	}
}

/* The refuser's policy goes, not that of a filter that had room. */
static void test_whose_policy(void)
{
	set_up(2);
	bed_slot(bed, 0)->flags = NETFIL_SLOT_DROP;
	set_limit(1, NETFIL_OUT, 0);
	expect_run(SOCKET_OUT, REFUSE);
	set_limit(0, NETFIL_OUT, 0);
	set_limit(1, NETFIL_OUT, NETFIL_NO_LIMIT);
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
}

static void test_frames(void)
{
	set_up(0);
	for (guint rule = 0; rule < 4; rule++) {
		bed_rule(bed, rule, 0);
		netfil_set_remove(&bed->config->enabled, rule);
	}
	bed_interface(bed, bed->device, ETH_HLEN, 0, 0, 4);
	set_limit(3, NETFIL_TOTAL, 2 * (SIZE + ETH_HLEN));
	expect_run(INTERFACE_IN, NEXT);
	expect_run(INTERFACE_OUT, NEXT);
	expect_run(INTERFACE_IN, SHOT);
	expect_run(INTERFACE_OUT, SHOT);
	for (guint rule = 0; rule < 4; rule++)
		expect_used(bed, rule, SIZE + ETH_HLEN, SIZE + ETH_HLEN);
	expect_refused(bed, 3, 2 * (SIZE + ETH_HLEN), 2, 1 << NETFIL_TOTAL);
	g_assert_cmpuint(bed_events(bed)->len, ==, 1);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, 3, NETFIL_TOTAL, SIZE + ETH_HLEN);
}

/* All or nothing across hooks: a socket's filter refuses what the interface's had
 * taken; all segments of it. */
static void test_undone_frame(void)
{
	set_up(1);
	bed_rule(bed, 1, 1 << NETFIL_KIND_PORT);
	bed_interface(bed, bed->device, ETH_HLEN, 0, 1, 1);
	set_limit(0, NETFIL_IN, 0);
	bed->context.gso_segs = 3;
	bed->context.gso_size = 20;
	expect_run(INTERFACE_IN, NEXT);
	expect_used(bed, 1, SIZE + 2 * 40 + 3 * ETH_HLEN, 0);
	expect_run(SOCKET_IN, REFUSE);
	expect_used(bed, 1, 0, 0);
	expect_used(bed, 0, 0, 0);
}

/* A TCP segment that is sent to a spent filter which rejects is told, once until it is heard. */
static void test_knock(void)
{
	set_up(1);
	set_limit(0, NETFIL_OUT, 0);
	bed_slot(bed, 0)->flags = NETFIL_SLOT_REJECT;
	packet_udp4(&packet, SIZE);
	expect_run(SOCKET_OUT, REFUSE);
	g_assert_cmpuint(bed_events(bed)->len, ==, 1);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, 0, NETFIL_OUT, SIZE);

	packet_tcp4(&packet, TCP_ACK, 60);
	expect_run(SOCKET_IN, ADMIT); /* it has sent nothing */
	g_assert_cmpuint(bed_events(bed)->len, ==, 0);
	for (guint i = 0; i < 3; i++) { /* who was heard may have been missed */
		g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, 3), ==, REFUSE);
		expect_run(SOCKET_OUT, REFUSE); /* another socket */
		g_assert_cmpuint(bed_events(bed)->len, ==, 1);
		expect_event(0, NETFIL_EVENT_KNOCK, 0, NETFIL_OUT, 60);
		bed_slot(bed, 0)->exhausted &= ~NETFIL_EXHAUSTED_KNOCKED;
	}

	bed_slot(bed, 0)->flags = NETFIL_SLOT_DROP;
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	bed_slot(bed, 0)->flags = NETFIL_SLOT_REJECT;
	bed->context.gso_segs = 2;
	bed->context.gso_size = 10;
	expect_run(SOCKET_OUT, REFUSE); /* its segments will come */
	g_assert_cmpuint(bed_events(bed)->len, ==, 0);
}

/* … and so does having more filters than a verdict holds. */
static void test_undone_overmatched(void)
{
	set_up(NETFIL_MATCH_MAX + 1);
	bed_rule(bed, 100, 1 << NETFIL_KIND_PORT);
	bed_interface(bed, bed->device, ETH_HLEN, 0, 100, 1);
	expect_run(INTERFACE_IN, NEXT);
	expect_used(bed, 100, SIZE + ETH_HLEN, 0);
	expect_run(SOCKET_IN, REFUSE);
	expect_used(bed, 100, 0, 0);
}

static void expect_resets(guint rule, guint64 bytes, guint64 packets)
{
	g_assert_cmpuint(bed_slot(bed, rule)->reset_bytes, ==, bytes);
	g_assert_cmpuint(bed_slot(bed, rule)->reset_packets, ==, packets);
}

/* One a socket, only of a spent filter that allows it, and no payload with it. */
static void test_reset_passes(void)
{
	set_up(2);
	set_limit(0, NETFIL_OUT, 0);
	packet_tcp4(&packet, TCP_RST, 40);
	expect_run(SOCKET_OUT, REFUSE); /* not allowed */
	bed_slot(bed, 0)->flags = NETFIL_SLOT_PASS_RESET;
	bed_slot(bed, 0)->exhausted = 0;
	g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, 2), ==, ADMIT);
	expect_resets(0, 40, 1); /* the first was refused, which spent the filter */
	expect_resets(1, 40, 1);
	g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, 5), ==, REFUSE);
	expect_resets(0, 80, 2);
	expect_run(SOCKET_IN, ADMIT); /* in has no cap */
	expect_used(bed, 0, 40, 0);
	expect_used(bed, 1, 40, 0);
	packet_tcp4(&packet, TCP_RST, 41);
	expect_run(SOCKET_OUT, REFUSE);
	packet_tcp4(&packet, TCP_ACK, 40);
	expect_run(SOCKET_OUT, REFUSE);
	expect_resets(0, 80, 2);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/refuse/boundary/in", GUINT_TO_POINTER(NETFIL_IN), test_boundary);
	g_test_add_data_func("/refuse/boundary/out", GUINT_TO_POINTER(NETFIL_OUT), test_boundary);
	g_test_add_data_func("/refuse/boundary/total", GUINT_TO_POINTER(NETFIL_TOTAL),
			     test_boundary);
	g_test_add_func("/refuse/extremes", test_extremes);
	g_test_add_func("/refuse/total", test_total);
	g_test_add_func("/refuse/verdicts", test_verdicts);
	g_test_add_func("/refuse/aggregate", test_aggregate);
	g_test_add_func("/refuse/event", test_event);
	g_test_add_func("/refuse/large-datagram", test_large_datagram);
	g_test_add_func("/refuse/all-or-nothing", test_all_or_nothing);
	g_test_add_func("/refuse/whose-policy", test_whose_policy);
	g_test_add_func("/refuse/frames", test_frames);
	g_test_add_func("/refuse/undone-frame", test_undone_frame);
	g_test_add_func("/refuse/undone-overmatched", test_undone_overmatched);
	g_test_add_func("/refuse/knock", test_knock);
	g_test_add_func("/refuse/reset-passes", test_reset_passes);
	bed = bed_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	bed_free(bed);
	return status;
}
