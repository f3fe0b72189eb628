// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Beyond the cap: free hours, filters that only tell, throttling, grants, knocks. */
#include <time.h>

#include "bed.h"
#include "engine/sets.h"

#define SIZE 1000 /* bytes of the IP packet */
#define SECOND G_GUINT64_CONSTANT(1000000000)
#define RATE 1000000

static Bed *bed;
static Packet packet;

static guint64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

/* Rules with these flags, whose limit in total is a packet. */
static void set_up(guint rules, guint32 flags)
{
	bed_clear(bed);
	packet_udp4(&packet, SIZE);
	for (guint rule = 0; rule < rules; rule++) {
		bed_rule(bed, rule, 0);
		bed_slot(bed, rule)->limit[NETFIL_TOTAL] = SIZE;
		bed_slot(bed, rule)->flags = flags;
	}
}

static void expect_run(Program program, int verdict)
{
	g_assert_cmpint(bed_run(bed, program, &packet), ==, verdict);
}

static void expect_events(guint count)
{
	g_assert_cmpuint(bed_events(bed)->len, ==, count);
}

static void expect_event(guint index, guint type, guint direction, guint size)
{
	const struct netfil_event *event;

	g_assert_cmpuint(bed->events->len, >, index);
	if (bed->events->len <= index)
		return;
	event = &g_array_index(bed->events, struct netfil_event, index);
	g_assert_cmpuint(event->type, ==, type);
	g_assert_cmpuint(event->slot, ==, bed_slot_number(0));
	g_assert_cmpuint(event->direction, ==, direction);
	g_assert_cmpuint(event->size, ==, size);
}

/* Free hours: all is admitted and counted, nothing is exhausted; before and after not. */
static void test_free(void)
{
	set_up(1, NETFIL_SLOT_DROP);
	bed_slot(bed, 0)->limit[NETFIL_IN] = 1;
	bed_slot(bed, 0)->over_until = now() + 3600 * SECOND;
	for (guint i = 0; i < 3; i++) {
		expect_run(SOCKET_OUT, ADMIT);
		expect_run(SOCKET_IN, ADMIT);
	}
	expect_used(bed, 0, 3 * SIZE, 3 * SIZE);
	expect_refused(bed, 0, 0, 0, 0);
	bed_slot(bed, 0)->over_until = now();
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	expect_used(bed, 0, 3 * SIZE, 3 * SIZE);
	expect_refused(bed, 0, SIZE, 1, 1 << NETFIL_TOTAL);
}

/* … frames too, and granted filters; a reset is a packet as any other then. */
static void test_free_others(void)
{
	set_up(1, NETFIL_SLOT_GRANTED | NETFIL_SLOT_PASS_RESET);
	bed_slot(bed, 0)->grant_low = NETFIL_NO_LIMIT;
	bed_slot(bed, 0)->over_until = now() + 3600 * SECOND;
	bed_slot(bed, 0)->exhausted = 1 << NETFIL_OUT;
	packet_tcp4(&packet, TCP_RST, 40);
	g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &packet, 50), ==, ADMIT);
	expect_used(bed, 0, 0, 50 * 40);
	g_assert_cmpuint(bed_slot(bed, 0)->reset_packets, ==, 0);
	netfil_set_remove(&bed->config->enabled, 0);
	bed_interface(bed, bed->device, ETH_HLEN, 0, 0, 1);
	expect_run(INTERFACE_IN, NEXT);
	expect_used(bed, 0, 40 + ETH_HLEN, 50 * 40);
	expect_events(0);
}

/* Told once, of whatever size, and never stopped. */
static void test_notify(void)
{
	set_up(1, NETFIL_SLOT_OVER);
	expect_run(SOCKET_OUT, ADMIT);
	expect_events(0);
	bed->context.gso_segs = 2;
	bed->context.gso_size = 500;
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_IN, ADMIT);
	expect_events(1);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, NETFIL_TOTAL, SIZE + 28);
	expect_used(bed, 0, SIZE + 28, 2 * SIZE + 28);
	expect_refused(bed, 0, 0, 0, 1 << NETFIL_TOTAL);
}

/* Each cap that is passed is told, also where another one was passed before. */
static void test_notify_both(void)
{
	set_up(1, NETFIL_SLOT_OVER);
	bed_slot(bed, 0)->limit[NETFIL_OUT] = SIZE;
	bed_slot(bed, 0)->limit[NETFIL_TOTAL] = 3 * SIZE;
	for (guint i = 0; i < 3; i++)
		expect_run(SOCKET_OUT, ADMIT);
	expect_events(1);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, NETFIL_OUT, SIZE);
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_OUT, ADMIT);
	expect_events(1);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, NETFIL_TOTAL, SIZE);
}

/* Throttled filters whose cap is reached, and which owe nothing. */
static void set_up_rate(guint rules)
{
	set_up(rules, NETFIL_SLOT_OVER | NETFIL_SLOT_REJECT);
	for (guint rule = 0; rule < rules; rule++) {
		bed_slot(bed, rule)->rate = RATE;
		bed_slot(bed, rule)->limit[NETFIL_TOTAL] = 0;
		bed_slot(bed, rule)->exhausted = 1 << NETFIL_TOTAL;
		bed_slot(bed, rule)->paid_until = now();
	}
}

/* A packet pays for itself from the moment on in which the cap is reached, whatever was
 * left unused before. */
static void test_rate_fresh(gconstpointer data)
{
	struct netfil_slot *slot;
	guint64 before, after;

	set_up(1, NETFIL_SLOT_OVER);
	slot = bed_slot(bed, 0);
	slot->rate = RATE;
	slot->paid_until = GPOINTER_TO_UINT(data);
	expect_run(SOCKET_OUT, ADMIT);
	before = now();
	expect_run(SOCKET_OUT, ADMIT);
	after = now();
	g_assert_cmpuint(slot->paid_until, >=, before + SIZE * SECOND / RATE);
	g_assert_cmpuint(slot->paid_until, <=, after + SIZE * SECOND / RATE);
	expect_used(bed, 0, 0, 2 * SIZE);
	expect_refused(bed, 0, 0, 0, 1 << NETFIL_TOTAL);
	expect_events(1);
}

/* A sender that never stops gets the rate, to the packet. */
static void test_rate_busy(void)
{
	struct netfil_slot *slot;
	guint64 begin, end, first;

	set_up_rate(1);
	slot = bed_slot(bed, 0);
	begin = slot->paid_until;
	do {
		first = now();
		bed_repeat(bed, SOCKET_OUT, &packet, 10);
		end = now();
	} while (end < begin + SECOND / 2);
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT), >=, (first - begin) * RATE / SECOND);
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT), <=, (end - begin) * RATE / SECOND + SIZE);
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_TOTAL), ==, bed_used(bed, 0, NETFIL_OUT));
	expect_events(0);
}

/* What was left unused is made up for, but not all of an hour. */
static void test_rate_idle(void)
{
	struct netfil_slot *slot;
	guint64 begin, most;

	set_up_rate(1);
	slot = bed_slot(bed, 0);
	begin = now();
	slot->paid_until = 1;
	bed_repeat(bed, SOCKET_OUT, &packet, 5000);
	most = (now() - begin) * RATE / SECOND + 4 * RATE / 10;
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT), >=, RATE / 4);
	g_assert_cmpuint(bed_used(bed, 0, NETFIL_OUT), <=, most);
}

/* TCP keeps what it is told could not be sent; nobody else is told. */
static void test_rate_verdicts(void)
{
	set_up_rate(1);
	bed_slot(bed, 0)->paid_until = now() + 3600 * SECOND;
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	expect_run(SOCKET_IN, REFUSE);
	packet_tcp4(&packet, TCP_ACK, SIZE);
	expect_run(SOCKET_OUT, REFUSE);
	expect_run(SOCKET_IN, REFUSE);
	expect_refused(bed, 0, 4 * SIZE, 4, 1 << NETFIL_TOTAL);
	bed->context.gso_segs = 2;
	bed->context.gso_size = 480;
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	netfil_set_remove(&bed->config->enabled, 0);
	bed_interface(bed, bed->device, ETH_HLEN, 0, 0, 1);
	expect_run(INTERFACE_OUT, SHOT);
	expect_used(bed, 0, 0, 0);
	expect_events(0); /* and no knock of REJECT */
}

/* Who owes: no more datagrams, single segments for a while, acknowledgements for longer;
 * an aggregate waits until half of it is saved. */
static void test_rate_owing(void)
{
	struct netfil_slot *slot;

	set_up_rate(1);
	slot = bed_slot(bed, 0);
	slot->paid_until = now() + SECOND / 20;
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	packet_tcp4(&packet, TCP_ACK, SIZE);
	expect_run(SOCKET_OUT, ADMIT);
	slot->paid_until = now() + SECOND / 2;
	expect_run(SOCKET_OUT, REFUSE);
	packet_tcp4(&packet, TCP_ACK, 52);
	expect_run(SOCKET_OUT, ADMIT);
	expect_used(bed, 0, 0, SIZE + 52);

	packet_tcp4(&packet, TCP_ACK, 3040); /* 3,120 bytes with 3 segments */
	bed->context.gso_segs = 3;
	bed->context.gso_size = 1000;
	slot->rate = 3120;
	slot->paid_until = now() - SECOND / 3;
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	slot->paid_until = now() - SECOND / 2;
	expect_run(SOCKET_OUT, ADMIT);
	slot->rate = 10; /* minutes */
	slot->paid_until = 1;
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
}

/* Beside others: who would admit it pays nothing if another does not. */
static void test_rate_beside(void)
{
	guint64 paid;

	for (guint refuser = 0; refuser < 3; refuser++) {
		set_up_rate(3);
		paid = now();
		for (guint rule = 0; rule < 3; rule++)
			bed_slot(bed, rule)->paid_until = paid;
		bed_slot(bed, refuser)->paid_until = paid + 3600 * SECOND;
		bed_slot(bed, 0)->exhausted = 0; /* for its first time */
		bed_slot(bed, 0)->flags = refuser ? NETFIL_SLOT_OVER : NETFIL_SLOT_DROP;
		expect_run(SOCKET_OUT, REFUSE_SILENTLY);
		for (guint rule = 0; rule < 3; rule++) {
			g_assert_cmpuint(bed_used(bed, rule, NETFIL_OUT), ==, 0);
			if (rule != refuser)
				g_assert_cmpuint(bed_slot(bed, rule)->paid_until, ==, paid);
			g_assert_cmpuint(bed_slot(bed, rule)->refused_packets, ==, rule == refuser);
		}
		bed_slot(bed, refuser)->paid_until = paid;
		bed_slot(bed, refuser)->flags = NETFIL_SLOT_OVER;
		expect_run(SOCKET_OUT, ADMIT);
		for (guint rule = 0; rule < 3; rule++)
			g_assert_cmpuint(bed_used(bed, rule, NETFIL_OUT), ==, SIZE);
	}
}

/* More is asked for once before it is needed; at the grant's end nothing is exhausted. */
static void test_grant(void)
{
	struct netfil_slot *slot;

	set_up(1, NETFIL_SLOT_GRANTED | NETFIL_SLOT_REJECT | NETFIL_SLOT_KNOCK);
	slot = bed_slot(bed, 0);
	slot->limit[NETFIL_TOTAL] = 4 * SIZE;
	slot->grant_low = 2 * SIZE;
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_IN, ADMIT);
	expect_events(0);
	expect_run(SOCKET_IN, ADMIT);
	expect_run(SOCKET_OUT, ADMIT);
	expect_events(1);
	expect_event(0, NETFIL_EVENT_GRANT, NETFIL_TOTAL, 0);
	g_assert_cmpuint(slot->grant_low, ==, NETFIL_NO_LIMIT);
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	expect_run(SOCKET_IN, REFUSE);
	expect_refused(bed, 0, 2 * SIZE, 2, 0);
	expect_events(0);
	slot->grant_low = 3 * SIZE; /* was given too late, or not enough */
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	expect_events(1);
	expect_event(0, NETFIL_EVENT_GRANT, NETFIL_TOTAL, SIZE);
	slot->limit[NETFIL_TOTAL] = 5 * SIZE;
	expect_run(SOCKET_OUT, ADMIT);
	expect_used(bed, 0, 2 * SIZE, 3 * SIZE);
}

/* The cap of a direction is a cap, beside a grant in total. */
static void test_grant_direction(void)
{
	set_up(1, NETFIL_SLOT_GRANTED | NETFIL_SLOT_OVER);
	bed_slot(bed, 0)->grant_low = NETFIL_NO_LIMIT;
	expect_run(SOCKET_OUT, ADMIT);
	expect_run(SOCKET_OUT, REFUSE_SILENTLY); /* OVER is of caps */
	expect_refused(bed, 0, SIZE, 1, 0);
	bed_slot(bed, 0)->flags = NETFIL_SLOT_GRANTED;
	bed_slot(bed, 0)->limit[NETFIL_IN] = 0;
	expect_run(SOCKET_IN, REFUSE);
	expect_refused(bed, 0, 2 * SIZE, 2, 1 << NETFIL_IN);
	expect_events(1);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, NETFIL_IN, SIZE);
	bed_slot(bed, 0)->flags = NETFIL_SLOT_GRANTED | NETFIL_SLOT_OVER;
	expect_run(SOCKET_IN, ADMIT);
	expect_used(bed, 0, SIZE, SIZE);
}

/* Who comes to a spent cap: any packet, once until user space says. */
static void test_knock(gconstpointer data)
{
	Program program = GPOINTER_TO_UINT(data);
	guint size = bed_is_socket(program) ? SIZE : SIZE + ETH_HLEN;

	set_up(1, NETFIL_SLOT_DROP | NETFIL_SLOT_KNOCK);
	if (!bed_is_socket(program)) {
		netfil_set_remove(&bed->config->enabled, 0);
		bed_interface(bed, bed->device, ETH_HLEN, 0, 0, 1);
	}
	bed_slot(bed, 0)->limit[NETFIL_TOTAL] = 0;
	bed->context.gso_segs = 2;
	bed->context.gso_size = 500;
	bed_run(bed, program, &packet);
	expect_events(0); /* not spent yet: its segments will come */
	bed->context.gso_segs = bed->context.gso_size = 0;
	bed_run(bed, program, &packet);
	bed_run(bed, program, &packet);
	expect_events(2);
	expect_event(0, NETFIL_EVENT_EXHAUSTED, NETFIL_TOTAL, size);
	expect_event(1, NETFIL_EVENT_KNOCK, NETFIL_TOTAL, size);
	g_assert_cmpuint(bed_slot(bed, 0)->exhausted, ==,
			 1 << NETFIL_TOTAL | NETFIL_EXHAUSTED_KNOCKED);
	bed_slot(bed, 0)->exhausted = 1 << NETFIL_TOTAL;
	packet_tcp4(&packet, TCP_ACK, SIZE);
	bed_run(bed, program, &packet);
	bed_run(bed, program, &packet);
	expect_events(1);
	expect_event(0, NETFIL_EVENT_KNOCK, NETFIL_TOTAL, size);
}

/* Bits that user space has for itself are no cap. */
static void test_other_bits(void)
{
	set_up(1, NETFIL_SLOT_DROP | NETFIL_SLOT_PASS_RESET | NETFIL_SLOT_KNOCK);
	bed_slot(bed, 0)->limit[NETFIL_TOTAL] = 0;
	bed_slot(bed, 0)->exhausted = NETFIL_EXHAUSTED_PAUSED;
	packet_tcp4(&packet, TCP_RST, 40);
	bed->context.gso_segs = 2; /* says nothing of the cap */
	bed->context.gso_size = 10;
	expect_run(SOCKET_OUT, REFUSE_SILENTLY);
	expect_events(0);
	g_assert_cmpuint(bed_slot(bed, 0)->reset_packets, ==, 0);
	bed_slot(bed, 0)->exhausted = 1 << NETFIL_TOTAL | NETFIL_EXHAUSTED_KNOCKED;
	expect_run(SOCKET_OUT, ADMIT);
	g_assert_cmpuint(bed_slot(bed, 0)->reset_packets, ==, 1);
}

static void add_tests(void)
{
	g_test_add_func("/over/free", test_free);
	g_test_add_func("/over/free-others", test_free_others);
	g_test_add_func("/over/notify", test_notify);
	g_test_add_func("/over/notify-both", test_notify_both);
	g_test_add_data_func("/over/rate/fresh", NULL, test_rate_fresh);
	g_test_add_data_func("/over/rate/fresh-again", GUINT_TO_POINTER(1), test_rate_fresh);
	g_test_add_func("/over/rate/busy", test_rate_busy);
	g_test_add_func("/over/rate/idle", test_rate_idle);
	g_test_add_func("/over/rate/verdicts", test_rate_verdicts);
	g_test_add_func("/over/rate/owing", test_rate_owing);
	g_test_add_func("/over/rate/beside", test_rate_beside);
	g_test_add_func("/over/grant", test_grant);
	g_test_add_func("/over/grant-direction", test_grant_direction);
	for (guint program = 0; program < PROGRAMS; program++) {
		g_autofree char *path = g_strdup_printf("/over/knock/%s", bed_name(program));

		g_test_add_data_func(path, GUINT_TO_POINTER(program), test_knock);
	}
	g_test_add_func("/over/other-bits", test_other_bits);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	add_tests();
	bed = bed_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	bed_free(bed);
	return status;
}
