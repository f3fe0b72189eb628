// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keyed filters: counters and limits for each address, made as addresses are seen. */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "crowd.h"
#include "engine/sets.h"

#define PLACES 4
#define MANY 20000

/* Each address for itself, and the slot not at all. */
static void test_each(void)
{
	crowd_set_up(PLACES);
	crowd_arm(0, 0, 3 * SIZE, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 1, 1), ==, REFUSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 2), ==, ADMIT);
	g_assert_cmpuint(netfil_members_end(members), ==, 2);
	crowd_expect(1, SIZE, 2 * SIZE);
	crowd_expect(2, 0, 3 * SIZE);
	expect_used(bed, RULE, 0, 0);
	g_assert_cmpuint(crowd_read(0).exhausted, ==, 1 << NETFIL_TOTAL);
	g_assert_cmpuint(crowd_read(0).counted.refused_packets, ==, 2);
	g_assert_cmpuint(crowd_read(1).exhausted, ==, 0);
	g_assert_cmpuint(crowd_others().counted.out, ==, 0);
}

/* Who does not fit is of the others, who have one cap together. */
static void test_others(void)
{
	crowd_set_up(PLACES);
	crowd_arm(0, 3 * SIZE, 0, FALSE);
	for (guint n = 0; n < PLACES + 3; n++)
		g_assert_cmpint(crowd_transmit(SOCKET_OUT, n, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, PLACES + 3, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 0, 2), ==, ADMIT);
	g_assert_cmpuint(netfil_members_end(members), ==, PLACES);
	g_assert_cmpuint(crowd_others().used.out, ==, 3 * SIZE);
	crowd_expect(0, 0, 3 * SIZE);
	crowd_expect(PLACES - 1, 0, SIZE);
}

static void expect_events(const struct netfil_event *expected, guint count)
{
	const GArray *events = bed_events(bed);

	g_assert_cmpuint(events->len, ==, count);
	for (guint i = 0; i < MIN(count, events->len); i++) {
		const struct netfil_event *event = &g_array_index(events, struct netfil_event, i);

		g_assert_cmpuint(event->type, ==, expected[i].type);
		g_assert_cmpuint(event->slot, ==, bed_slot_number(RULE));
		g_assert_cmpuint(event->member, ==, expected[i].member);
	}
}

/* A member that moves is told once, until it was looked at; and its cap. */
static void test_events(void)
{
	const guint32 first = NETFIL_NUMBER_FIRST;
	const struct netfil_event moves = {.type = NETFIL_EVENT_MEMBER, .member = first};
	const struct netfil_event spent[] = {{.type = NETFIL_EVENT_MEMBER, .member = first},
					     {.type = NETFIL_EVENT_EXHAUSTED, .member = first}};

	crowd_set_up(PLACES);
	crowd_transmit(SOCKET_OUT, 1, 3);
	crowd_transmit(SOCKET_IN, 1, 1);
	expect_events(&moves, 1);
	netfil_members_hear(members, 0);
	crowd_arm(0, 4 * SIZE, 0, FALSE);
	crowd_transmit(SOCKET_OUT, 1, 2);
	expect_events(spent, 2);
}

/* New terms are those of all, those of a moment ago of none; a turn begins at 0. */
static void test_terms(void)
{
	guint index = 0;

	crowd_set_up(PLACES);
	crowd_arm(0, 2 * SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 3), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 1), ==, ADMIT);
	crowd_arm(0, 3 * SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	crowd_expect(1, 0, 3 * SIZE);
	crowd_arm(0, SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 1), ==, REFUSE_SILENTLY);
	crowd_arm(0, SIZE, 0, TRUE);
	crowd_expect(1, 0, 0);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	crowd_expect(1, 0, SIZE);
	crowd_expect(2, 0, 0);
	g_assert_true(crowd_find(1, &index));
	g_assert_cmpuint(crowd_read(index).counted.out, ==, 4 * SIZE);
	netfil_members_reset(members, index);
	bed_changed(bed);
	crowd_expect(1, 0, 0);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	crowd_expect(1, 0, SIZE);
}

/* What is lent to a member is not spent after a turn, nor under a lower cap. */
static void test_lent(void)
{
	const guint64 cap = 100 << 20;

	crowd_set_up(PLACES);
	crowd_arm(0, 0, cap, FALSE);
	crowd_transmit(SOCKET_OUT, 1, 5);
	crowd_transmit(SOCKET_IN, 1, 5);
	crowd_expect(1, 5 * SIZE, 5 * SIZE);
	crowd_arm(0, 0, 12 * SIZE, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	crowd_expect(1, 5 * SIZE, 7 * SIZE);
	crowd_arm(0, 0, cap, TRUE);
	crowd_transmit(SOCKET_OUT, 1, 5);
	crowd_arm(0, 0, cap, TRUE);
	crowd_transmit(SOCKET_OUT, 1, 1);
	crowd_expect(1, 0, SIZE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, cap / SIZE), ==, REFUSE_SILENTLY);
	crowd_expect(1, 0, cap / SIZE * SIZE);
}

/* From the ledger: to a member that is there, and to one that is not. */
static void test_restore(void)
{
	const NetfilCounters used = {.in = 10, .out = 2 * SIZE, .refused_bytes = 7};
	struct in6_addr address;

	crowd_set_up(PLACES);
	crowd_arm(0, 4 * SIZE, 0, FALSE);
	crowd_transmit(SOCKET_OUT, 1, 1);
	for (guint n = 1; n <= PLACES; n++) {
		address = crowd_address(n);
		g_assert_true(netfil_members_restore(members, (gpointer)&address, &used, NULL));
	}
	address = crowd_address(PLACES + 1);
	g_assert_false(netfil_members_restore(members, (gpointer)&address, &used, NULL));
	crowd_expect(1, 10, 3 * SIZE);
	crowd_expect(2, 10, 2 * SIZE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 2), ==, ADMIT);
	crowd_expect(1, 10, 4 * SIZE);
	crowd_expect(2, 10, 4 * SIZE);
}

/* Frames, by interface; what a socket's filter refuses afterwards is taken back. */
static void test_interface(void)
{
	g_autoptr(GError) error = NULL;
	NetfilMembers *by_interface;
	NetfilMemberReading reading;
	const NetfilMemberTerms terms = {.flags = NETFIL_SLOT_DROP};

	crowd_set_up(PLACES);
	crowd_arm(0, 0, SIZE, FALSE);
	bed_rule(bed, 1, 0);
	netfil_set_remove(&bed->config->enabled, 1);
	bed_slot(bed, 1)->flags = NETFIL_SLOT_EACH;
	bed_interface(bed, bed->device, ETH_HLEN, 0, 1, 1);
	by_interface = netfil_members_open(bed->maps, NULL, bed_slot_number(1),
					   NETFIL_KIND_INTERFACE, PLACES, &error);
	g_assert_no_error(error);
	netfil_members_arm(by_interface, &terms, FALSE);
	bed_changed(bed);
	g_assert_cmpint(crowd_transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 1, 1), ==, REFUSE);
	g_assert_true(netfil_members_read(by_interface, 0, &reading));
	g_assert_cmpuint(reading.used.in, ==, SIZE + ETH_HLEN);
	g_assert_cmpuint(*(guint32 *)&reading.key, ==, bed->device);
	netfil_members_remove(by_interface);
}

/* The same where there are more interfaces than there may be members. */
static void test_undo_others(void)
{
	const NetfilMemberTerms terms = {.flags = NETFIL_SLOT_DROP};
	const struct netfil_member_key other = {.bytes = {0xff, 0xff}};
	const NetfilCounters nothing = {0};
	g_autoptr(GError) error = NULL;
	NetfilMembers *by_interface;
	NetfilMemberReading reading;

	crowd_set_up(PLACES);
	crowd_arm(0, 0, SIZE, FALSE);
	bed_rule(bed, 1, 0);
	netfil_set_remove(&bed->config->enabled, 1);
	bed_slot(bed, 1)->flags = NETFIL_SLOT_EACH;
	bed_interface(bed, bed->device, ETH_HLEN, 0, 1, 1);
	by_interface = netfil_members_open(bed->maps, NULL, bed_slot_number(1),
					   NETFIL_KIND_INTERFACE, 1, &error);
	g_assert_no_error(error);
	netfil_members_arm(by_interface, &terms, FALSE);
	g_assert_true(netfil_members_restore(by_interface, &other, &nothing, NULL));
	bed_changed(bed);
	g_assert_cmpint(crowd_transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 1, 1), ==, REFUSE);
	g_assert_true(netfil_members_read(by_interface, NETFIL_MEMBERS_OTHERS, &reading));
	g_assert_cmpuint(reading.used.in, ==, SIZE + ETH_HLEN);
	expect_used(bed, 1, 0, 0);
	netfil_members_remove(by_interface);
}

/* Where members are not there, nothing can be counted: it is refused, and charged to nobody. */
static void test_missing(void)
{
	crowd_set_up(PLACES);
	bed_rule(bed, 1, 0);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	netfil_maps_delete(bed->maps, "members", &crowd_keyed()->first);
	bed_changed(bed);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 1, 1), ==, REFUSE);
	expect_used(bed, RULE, 0, 0);
	expect_used(bed, 1, 0, SIZE);
	crowd_expect(1, 0, SIZE);
}

/* … and the same where keys lead nowhere: whose it is cannot be told. */
static void test_no_numbers(void)
{
	guint32 slot = bed_slot_number(RULE);

	crowd_set_up(PLACES);
	bed_rule(bed, 1, 0);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	netfil_maps_delete(bed->maps, "member_numbers", &slot);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpint(crowd_transmit(SOCKET_IN, 2, 1), ==, REFUSE);
	g_assert_cmpuint(crowd_others().used.out, ==, 0);
	g_assert_cmpuint(netfil_members_end(members), ==, 1);
	expect_used(bed, RULE, 0, 0);
	expect_used(bed, 1, 0, SIZE);
	crowd_expect(1, 0, SIZE);
}

/* While nobody gets a number, who has one goes on, in a flow that is known or not. */
static void test_closed(void)
{
	crowd_set_up(PLACES);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	crowd_keyed()->closed = TRUE;
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 3), ==, REFUSE_SILENTLY);
	crowd_keyed()->closed = FALSE;
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 2, 1), ==, ADMIT);
	g_assert_cmpuint(crowd_others().used.out, ==, 0);
	g_assert_cmpuint(netfil_members_end(members), ==, 2);
	crowd_expect(1, 0, 2 * SIZE);
	crowd_expect(2, 0, SIZE);
}

/* A packet that gathers credit was interrupted: other terms hold all the same. */
static void test_interrupted(void)
{
	struct netfil_member *raw, *first;

	crowd_set_up(PLACES);
	crowd_arm(0, 2 * SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 3), ==, REFUSE_SILENTLY);
	raw = crowd_map();
	first = &raw[NETFIL_NUMBER_FIRST - 1];
	first->slot.moves += NETFIL_MOVE_BEGINS;
	crowd_arm(0, 3 * SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	first->slot.moves += NETFIL_MOVE_ENDS;
	crowd_expect(1, 0, 3 * SIZE);
	crowd_unmap(raw);
}

/* A cap that no counter can reach, after a turn too. */
static void test_vast(void)
{
	crowd_set_up(PLACES);
	crowd_arm(0, NETFIL_NO_LIMIT - 1, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	crowd_arm(0, NETFIL_NO_LIMIT - 1, 0, TRUE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	crowd_expect(1, 0, 2 * SIZE);
}

static pthread_barrier_t start;

static gpointer make_many(gpointer data)
{
	Packet own = packet;

	(void)data;
	pthread_barrier_wait(&start);
	for (guint n = 0; n < MANY; n++) {
		struct in6_addr address = crowd_address(n);

		memcpy(&own.bytes[14 + 16], &address.s6_addr32[3], 4);
		g_assert_cmpint(bed_repeat(bed, SOCKET_OUT, &own, 1), ==, ADMIT);
	}
	return NULL;
}

/* Two CPUs meet the same addresses at the same time: one member each, and nothing is lost. */
static void test_race(void)
{
	GThread *threads[2];
	guint64 sum = 0;
	guint found = 0;

	crowd_set_up(MANY);
	pthread_barrier_init(&start, NULL, 2);
	for (guint i = 0; i < 2; i++)
		threads[i] = g_thread_new("maker", make_many, NULL);
	for (guint i = 0; i < 2; i++)
		g_thread_join(threads[i]);
	pthread_barrier_destroy(&start);
	for (guint index = 0; index < netfil_members_end(members); index++) {
		NetfilMemberReading reading;

		if (!netfil_members_read(members, index, &reading))
			continue;
		found++;
		sum += reading.used.out;
	}
	sum += crowd_others().used.out;
	g_assert_cmpuint(sum, ==, 2ULL * MANY * SIZE);
	g_assert_cmpuint(found, >, MANY - MANY / 100); /* places are lost to races, if seldom */
	g_assert_cmpuint(netfil_members_bytes(members) / MANY, <, 300);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/members/each", test_each);
	g_test_add_func("/members/others", test_others);
	g_test_add_func("/members/events", test_events);
	g_test_add_func("/members/terms", test_terms);
	g_test_add_func("/members/lent", test_lent);
	g_test_add_func("/members/restore", test_restore);
	g_test_add_func("/members/interface", test_interface);
	g_test_add_func("/members/undo-others", test_undo_others);
	g_test_add_func("/members/missing", test_missing);
	g_test_add_func("/members/no-numbers", test_no_numbers);
	g_test_add_func("/members/closed", test_closed);
	g_test_add_func("/members/interrupted", test_interrupted);
	g_test_add_func("/members/vast", test_vast);
	g_test_add_func("/members/race", test_race);
	bed = bed_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	crowd_free();
	return status;
}
