// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keyed filters: counters and limits for each address, made as addresses are seen. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "bed.h"
#include "engine/sets.h"
#include "kernel/members.h"
#include "kernel/pin.h"

#define SIZE 1000
#define RULE 0
#define PLACES 4
#define MANY 20000

static Bed *bed;
static NetfilMembers *members;
static Packet packet;

static void arm(guint64 in, guint64 out, guint64 total, gboolean turn)
{
	const NetfilMemberTerms terms = {.cap = {in, out, total}, .flags = NETFIL_SLOT_DROP};

	netfil_members_arm(members, &terms, turn);
	bed_changed(bed);
}

static void set_up(guint max)
{
	g_autoptr(GError) error = NULL;

	if (members)
		netfil_members_remove(members);
	bed_clear(bed);
	bed_rule(bed, RULE, 0);
	bed->config->asked |= NETFIL_ASKED_EACH;
	bed_slot(bed, RULE)->flags = NETFIL_SLOT_EACH;
	members = netfil_members_open(bed->maps, NULL, bed_slot_number(RULE), NETFIL_KIND_PREFIX,
				      max, &error);
	g_assert_no_error(error);
	arm(0, 0, 0, FALSE);
	packet_udp4(&packet, SIZE);
}

/* 10.0.0.0 + n, as the member that what is sent there has. */
static struct in6_addr address_of(guint n)
{
	struct in6_addr address = {.s6_addr32 = {0, 0, htonl(0xffff), htonl(0x0a000000 + n)}};

	return address;
}

static int transmit(Program program, guint n, guint repeat)
{
	struct in6_addr address = address_of(n);

	/* Behind Ethernet's 14 bytes: source at 12, destination at 16. */
	memcpy(&packet.bytes[14 + (bed_is_in(program) ? 12 : 16)], &address.s6_addr32[3], 4);
	return bed_repeat(bed, program, &packet, repeat);
}

static gboolean find(guint n, guint *index)
{
	struct in6_addr address = address_of(n);

	return netfil_members_find(members, (gpointer)&address, index);
}

static NetfilMemberReading read_index(guint index)
{
	NetfilMemberReading reading;

	g_assert_true(netfil_members_read(members, index, &reading));
	return reading;
}

static void expect_member(guint n, guint64 in, guint64 out)
{
	guint index = 0;

	g_assert_true(find(n, &index));
	g_assert_cmpuint(read_index(index).used.in, ==, in);
	g_assert_cmpuint(read_index(index).used.out, ==, out);
}

static NetfilMemberReading others(void)
{
	return read_index(NETFIL_MEMBERS_OTHERS);
}

/* Each address for itself, and the slot not at all. */
static void test_each(void)
{
	set_up(PLACES);
	arm(0, 0, 3 * SIZE, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_IN, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_IN, 1, 1), ==, REFUSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 2), ==, ADMIT);
	g_assert_cmpuint(netfil_members_end(members), ==, 2);
	expect_member(1, SIZE, 2 * SIZE);
	expect_member(2, 0, 3 * SIZE);
	expect_used(bed, RULE, 0, 0);
	g_assert_cmpuint(read_index(0).exhausted, ==, 1 << NETFIL_TOTAL);
	g_assert_cmpuint(read_index(0).counted.refused_packets, ==, 2);
	g_assert_cmpuint(read_index(1).exhausted, ==, 0);
	g_assert_cmpuint(others().counted.out, ==, 0);
}

/* Who does not fit is of the others, who have one cap together. */
static void test_others(void)
{
	set_up(PLACES);
	arm(0, 3 * SIZE, 0, FALSE);
	for (guint n = 0; n < PLACES + 3; n++)
		g_assert_cmpint(transmit(SOCKET_OUT, n, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, PLACES + 3, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_OUT, 0, 2), ==, ADMIT);
	g_assert_cmpuint(netfil_members_end(members), ==, PLACES);
	g_assert_cmpuint(others().used.out, ==, 3 * SIZE);
	expect_member(0, 0, 3 * SIZE);
	expect_member(PLACES - 1, 0, SIZE);
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

	set_up(PLACES);
	transmit(SOCKET_OUT, 1, 3);
	transmit(SOCKET_IN, 1, 1);
	expect_events(&moves, 1);
	netfil_members_hear(members, 0);
	arm(0, 4 * SIZE, 0, FALSE);
	transmit(SOCKET_OUT, 1, 2);
	expect_events(spent, 2);
}

/* New terms are those of all, those of a moment ago of none; a turn begins at 0. */
static void test_terms(void)
{
	guint index = 0;

	set_up(PLACES);
	arm(0, 2 * SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 3), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 1), ==, ADMIT);
	arm(0, 3 * SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	expect_member(1, 0, 3 * SIZE);
	arm(0, SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 1), ==, REFUSE_SILENTLY);
	arm(0, SIZE, 0, TRUE);
	expect_member(1, 0, 0);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	expect_member(1, 0, SIZE);
	expect_member(2, 0, 0);
	g_assert_true(find(1, &index));
	g_assert_cmpuint(read_index(index).counted.out, ==, 4 * SIZE);
	netfil_members_reset(members, index);
	bed_changed(bed);
	expect_member(1, 0, 0);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	expect_member(1, 0, SIZE);
}

/* What is lent to a member is not spent after a turn, nor under a lower cap. */
static void test_lent(void)
{
	const guint64 cap = 100 << 20;

	set_up(PLACES);
	arm(0, 0, cap, FALSE);
	transmit(SOCKET_OUT, 1, 5);
	transmit(SOCKET_IN, 1, 5);
	expect_member(1, 5 * SIZE, 5 * SIZE);
	arm(0, 0, 12 * SIZE, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	expect_member(1, 5 * SIZE, 7 * SIZE);
	arm(0, 0, cap, TRUE);
	transmit(SOCKET_OUT, 1, 5);
	arm(0, 0, cap, TRUE);
	transmit(SOCKET_OUT, 1, 1);
	expect_member(1, 0, SIZE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, cap / SIZE), ==, REFUSE_SILENTLY);
	expect_member(1, 0, cap / SIZE * SIZE);
}

/* From the ledger: to a member that is there, and to one that is not. */
static void test_restore(void)
{
	const NetfilCounters used = {.in = 10, .out = 2 * SIZE, .refused_bytes = 7};
	struct in6_addr address;

	set_up(PLACES);
	arm(0, 4 * SIZE, 0, FALSE);
	transmit(SOCKET_OUT, 1, 1);
	for (guint n = 1; n <= PLACES; n++) {
		address = address_of(n);
		g_assert_true(netfil_members_restore(members, (gpointer)&address, &used, NULL));
	}
	address = address_of(PLACES + 1);
	g_assert_false(netfil_members_restore(members, (gpointer)&address, &used, NULL));
	expect_member(1, 10, 3 * SIZE);
	expect_member(2, 10, 2 * SIZE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 2), ==, ADMIT);
	expect_member(1, 10, 4 * SIZE);
	expect_member(2, 10, 4 * SIZE);
}

/* Frames, by interface; what a socket's filter refuses afterwards is taken back. */
static void test_interface(void)
{
	g_autoptr(GError) error = NULL;
	NetfilMembers *by_interface;
	NetfilMemberReading reading;
	const NetfilMemberTerms terms = {.flags = NETFIL_SLOT_DROP};

	set_up(PLACES);
	arm(0, 0, SIZE, FALSE);
	bed_rule(bed, 1, 0);
	netfil_set_remove(&bed->config->enabled, 1);
	bed_slot(bed, 1)->flags = NETFIL_SLOT_EACH;
	bed_interface(bed, bed->device, ETH_HLEN, 0, 1, 1);
	by_interface = netfil_members_open(bed->maps, NULL, bed_slot_number(1),
					   NETFIL_KIND_INTERFACE, PLACES, &error);
	g_assert_no_error(error);
	netfil_members_arm(by_interface, &terms, FALSE);
	bed_changed(bed);
	g_assert_cmpint(transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(transmit(SOCKET_IN, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(transmit(SOCKET_IN, 1, 1), ==, REFUSE);
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

	set_up(PLACES);
	arm(0, 0, SIZE, FALSE);
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
	g_assert_cmpint(transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(transmit(SOCKET_IN, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(INTERFACE_IN, 1, 1), ==, NEXT);
	g_assert_cmpint(transmit(SOCKET_IN, 1, 1), ==, REFUSE);
	g_assert_true(netfil_members_read(by_interface, NETFIL_MEMBERS_OTHERS, &reading));
	g_assert_cmpuint(reading.used.in, ==, SIZE + ETH_HLEN);
	expect_used(bed, 1, 0, 0);
	netfil_members_remove(by_interface);
}

static struct netfil_keyed *keyed(void)
{
	struct netfil_keyed *keyeds = netfil_maps_memory(bed->maps, "keyeds", NULL);

	g_assert_nonnull(keyeds);
	return &keyeds[bed_slot_number(RULE)];
}

/* Where members are not there, nothing can be counted: it is refused, and charged to nobody. */
static void test_missing(void)
{
	set_up(PLACES);
	bed_rule(bed, 1, 0);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	netfil_maps_delete(bed->maps, "members", &keyed()->first);
	bed_changed(bed);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_IN, 1, 1), ==, REFUSE);
	expect_used(bed, RULE, 0, 0);
	expect_used(bed, 1, 0, SIZE);
	expect_member(1, 0, SIZE);
}

/* … and the same where keys lead nowhere: whose it is cannot be told. */
static void test_no_numbers(void)
{
	guint32 slot = bed_slot_number(RULE);

	set_up(PLACES);
	bed_rule(bed, 1, 0);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	netfil_maps_delete(bed->maps, "member_numbers", &slot);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpint(transmit(SOCKET_IN, 2, 1), ==, REFUSE);
	g_assert_cmpuint(others().used.out, ==, 0);
	g_assert_cmpuint(netfil_members_end(members), ==, 1);
	expect_used(bed, RULE, 0, 0);
	expect_used(bed, 1, 0, SIZE);
	expect_member(1, 0, SIZE);
}

/* While nobody gets a number, who has one goes on, in a flow that is known or not. */
static void test_closed(void)
{
	set_up(PLACES);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	keyed()->closed = TRUE;
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 3), ==, REFUSE_SILENTLY);
	keyed()->closed = FALSE;
	g_assert_cmpint(transmit(SOCKET_OUT, 2, 1), ==, ADMIT);
	g_assert_cmpuint(others().used.out, ==, 0);
	g_assert_cmpuint(netfil_members_end(members), ==, 2);
	expect_member(1, 0, 2 * SIZE);
	expect_member(2, 0, SIZE);
}

#define RAW_SIZE (sizeof(struct netfil_member) * NETFIL_PIECE_MEMBERS)

/* The members' first piece as the programs have it, that is by number less 1. */
static struct netfil_member *map_members(void)
{
	guint32 id = 0;
	gpointer memory;
	int fd;

	g_assert_true(netfil_maps_get(bed->maps, "members", &keyed()->first, &id));
	fd = bpf_map_get_fd_by_id(id);
	g_assert_cmpint(fd, >=, 0);
	memory = mmap(NULL, RAW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	g_assert_true(memory != MAP_FAILED);
	return memory;
}

/* A packet that gathers credit was interrupted: other terms hold all the same. */
static void test_interrupted(void)
{
	struct netfil_member *raw, *first;

	set_up(PLACES);
	arm(0, 2 * SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 3), ==, REFUSE_SILENTLY);
	raw = map_members();
	first = &raw[NETFIL_NUMBER_FIRST - 1];
	first->slot.moves += NETFIL_MOVE_BEGINS;
	arm(0, 3 * SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	first->slot.moves += NETFIL_MOVE_ENDS;
	expect_member(1, 0, 3 * SIZE);
	munmap(raw, RAW_SIZE);
}

/* A cap that no counter can reach, after a turn too. */
static void test_vast(void)
{
	set_up(PLACES);
	arm(0, NETFIL_NO_LIMIT - 1, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	arm(0, NETFIL_NO_LIMIT - 1, 0, TRUE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 2), ==, ADMIT);
	expect_member(1, 0, 2 * SIZE);
}

/* ---- pinned, as an earlier netfild left them ---- */

static char *pins; /* a bpffs, in a mount namespace of its own */

static void mount_pins(void)
{
	g_autofree char *folder = NULL;

	pins = g_dir_make_tmp("netfil-members-XXXXXX", NULL);
	g_assert_cmpint(unshare(CLONE_NEWNS), ==, 0);
	g_assert_cmpint(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), ==, 0);
	g_assert_cmpint(mount("bpf", pins, "bpf", 0, NULL), ==, 0);
	folder = g_build_filename(pins, NETFIL_PIN_MAPS, NULL);
	g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
}

static void unmount_pins(void)
{
	umount2(pins, MNT_DETACH);
	g_rmdir(pins);
	g_free(pins);
}

static void open_pinned(guint kind, guint max)
{
	g_autoptr(GError) error = NULL;

	members = netfil_members_open(bed->maps, pins, bed_slot_number(RULE), kind, max, &error);
	g_assert_no_error(error);
}

static void set_up_pinned(guint max)
{
	set_up(max);
	netfil_members_remove(members);
	open_pinned(NETFIL_KIND_PREFIX, max);
	arm(0, 0, 0, FALSE);
}

static void open_again(void)
{
	netfil_members_close(members);
	open_pinned(NETFIL_KIND_PREFIX, PLACES);
	bed_changed(bed);
}

static char *pin_named(const char *what, const char *suffix)
{
	return g_strdup_printf("%s/" NETFIL_PIN_MAPS "/%s-%u%s", pins, what, bed_slot_number(RULE),
			       suffix);
}

/* Killed while it had a member to itself, or nobody got a number: the next one gives it back. */
static void test_killed(void)
{
	struct netfil_member *raw;

	set_up_pinned(PLACES);
	arm(0, 2 * SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 3), ==, REFUSE_SILENTLY);
	raw = map_members();
	raw[NETFIL_NUMBER_FIRST - 1].slot.id |= NETFIL_MEMBER_LOCKED;
	raw[NETFIL_NUMBER_OTHERS - 1].slot.id |= NETFIL_MEMBER_LOCKED;
	keyed()->closed = TRUE;
	open_again();
	g_assert_cmpuint(keyed()->closed, ==, FALSE);
	expect_member(1, 0, 2 * SIZE);
	arm(0, 3 * SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpuint(raw[NETFIL_NUMBER_OTHERS - 1].slot.id & NETFIL_MEMBER_LOCKED, ==, 0);
	munmap(raw, RAW_SIZE);
}

/* What the programs do not find any more is put back, if it is pinned. */
static void test_put_back(void)
{
	guint32 slot = bed_slot_number(RULE);

	set_up_pinned(PLACES);
	transmit(SOCKET_OUT, 1, 1);
	netfil_maps_delete(bed->maps, "members", &keyed()->first);
	netfil_maps_delete(bed->maps, "member_numbers", &slot);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	open_again();
	g_assert_true(netfil_members_taken(members));
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	expect_member(1, 0, 2 * SIZE);
}

/* Members of another kind are no members of this one. */
static void test_left_behind(void)
{
	guint index;

	set_up_pinned(PLACES);
	transmit(SOCKET_OUT, 1, 2);
	transmit(SOCKET_OUT, 2, 2);
	netfil_members_close(members);
	open_pinned(NETFIL_KIND_USER, PLACES);
	arm(0, 0, 0, FALSE);
	g_assert_cmpuint(netfil_members_end(members), ==, 0);
	g_assert_false(find(1, &index));
	netfil_members_close(members);
	open_pinned(NETFIL_KIND_PREFIX, PLACES);
	arm(0, SIZE, 0, FALSE);
	g_assert_cmpint(transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	expect_member(1, 0, SIZE);
	netfil_members_sweep_out(bed->maps, pins, bed_slot_number(RULE));
	netfil_members_close(members);
	open_pinned(NETFIL_KIND_PREFIX, PLACES);
	g_assert_false(netfil_members_taken(members));
	g_assert_false(find(1, &index));
}

static void bump(gpointer data)
{
	bed_changed(data);
}

static gboolean resize(guint max)
{
	return netfil_members_resize(members, max, bump, bed, NULL);
}

/* More places, and fewer: all stay who they are, and have used what they have. */
static void test_resize(void)
{
	g_autofree char *pin = NULL, *next = NULL;

	set_up_pinned(PLACES);
	arm(0, 2 * SIZE, 0, FALSE);
	for (guint n = 0; n <= PLACES; n++)
		g_assert_cmpint(transmit(SOCKET_OUT, n, 1), ==, ADMIT);
	g_assert_false(resize(PLACES - 1));
	expect_member(PLACES - 1, 0, SIZE);
	g_assert_true(resize(PLACES + 2));
	g_assert_cmpuint(netfil_members_max(members), ==, PLACES + 2);
	g_assert_cmpuint(others().used.out, ==, SIZE);
	g_assert_cmpint(transmit(SOCKET_OUT, PLACES, 2), ==, ADMIT); /* now one of its own */
	expect_member(PLACES, 0, 2 * SIZE);
	g_assert_cmpint(transmit(SOCKET_OUT, 0, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, 0, 1), ==, REFUSE_SILENTLY);
	g_assert_true(resize(PLACES + 1));
	g_assert_cmpint(transmit(SOCKET_OUT, PLACES + 1, 1), ==, ADMIT);
	g_assert_cmpint(transmit(SOCKET_OUT, PLACES + 1, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpuint(others().used.out, ==, 2 * SIZE);
	/* Whoever takes it up finds it so; also where it was killed before it renamed the pin. */
	open_again();
	g_assert_cmpuint(netfil_members_max(members), ==, PLACES + 1);
	pin = pin_named("numbers", "");
	next = pin_named("numbers", "-next");
	g_assert_cmpint(rename(pin, next), ==, 0);
	open_again();
	g_assert_true(netfil_members_taken(members));
	g_assert_cmpint(access(next, F_OK), !=, 0);
	expect_member(PLACES, 0, 2 * SIZE);
	g_assert_cmpuint(others().used.out, ==, 2 * SIZE);
	expect_used(bed, RULE, 0, 0);
}

/* How many pieces are there, of all slots, at the first elements and the last ones: Linux 6.1
 * waits long for each. */
#define SCANNED 24
static guint pieces_there(void)
{
	guint count = 0;

	for (guint32 i = 0, id; i < NETFIL_PIECES_MAX;
	     i = i == SCANNED ? NETFIL_PIECES_MAX - 3 : i + 1)
		count += netfil_maps_get(bed->maps, "members", &i, &id);
	return count;
}

static guint pins_there(void)
{
	g_autofree char *folder = g_build_filename(pins, NETFIL_PIN_MAPS, NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	guint count = 0;

	while (g_dir_read_name(dir))
		count++;
	return count;
}

static guint fds_open(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	guint count = 0;

	while (g_dir_read_name(dir))
		count++;
	return count;
}

#define SEVERAL 5
#define SEVERAL_PIECES (SEVERAL * NETFIL_PIECE_MEMBERS - 1)

/* Others are who they are with any maximum, and with any number of pieces. */
static void test_resize_others(void)
{
	static const guint maxima[] = {SEVERAL_PIECES,           PLACES,
				       NETFIL_PIECE_MEMBERS,     PLACES + 1,
				       NETFIL_PIECE_MEMBERS - 1, PLACES};
	guint64 used = 0;

	set_up_pinned(PLACES);
	for (guint n = 0; n < PLACES; n++)
		g_assert_cmpint(transmit(SOCKET_OUT, n, 1), ==, ADMIT);
	for (guint i = 0; i < G_N_ELEMENTS(maxima); i++) {
		guint pieces = maxima[i] / NETFIL_PIECE_MEMBERS + 1;

		if (netfil_members_max(members) == PLACES) {
			g_assert_cmpint(transmit(SOCKET_OUT, MANY, 1), ==, ADMIT);
			used += SIZE;
		}
		g_assert_cmpuint(others().used.out, ==, used);
		g_assert_true(resize(maxima[i]));
		g_assert_cmpuint(others().used.out, ==, used);
		g_assert_cmpuint(pieces_there(), ==, pieces);
		g_assert_cmpuint(pins_there(), ==, pieces + 1);
		for (guint n = 0; n < PLACES; n++)
			expect_member(n, 0, SIZE);
	}
	g_assert_cmpuint(used, ==, 2 * SIZE);
}

/* Of what is removed, nothing is left. */
static void test_removed(void)
{
	guint fds;

	set_up(PLACES);
	netfil_members_remove(members);
	g_assert_cmpuint(pieces_there(), ==, 0);
	fds = fds_open();
	open_pinned(NETFIL_KIND_PREFIX, SEVERAL_PIECES);
	arm(0, 0, 0, FALSE);
	transmit(SOCKET_OUT, 1, 1);
	g_assert_cmpuint(pieces_there(), ==, SEVERAL);
	g_assert_cmpuint(pins_there(), ==, SEVERAL + 1);
	netfil_members_remove(members);
	g_assert_cmpuint(pieces_there(), ==, 0);
	g_assert_cmpuint(pins_there(), ==, 0);
	g_assert_cmpuint(fds_open(), ==, fds);
	members = NULL;
}

static void put_piece(guint32 element, guint32 like)
{
	guint32 id = 0;
	int fd;

	g_assert_true(netfil_maps_get(bed->maps, "members", &like, &id));
	fd = bpf_map_get_fd_by_id(id);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(netfil_maps_put(bed->maps, "members", &element, &fd, NULL));
	close(fd);
}

static void pin_piece(guint slot, guint piece)
{
	g_autofree char *path = pin_named("members", "-0"), *pin = NULL;
	int fd = bpf_obj_get(path);

	pin = g_strdup_printf("%s/" NETFIL_PIN_MAPS "/members-%u-%u", pins, slot, piece);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bpf_obj_pin(fd, pin), ==, 0);
	close(fd);
}

/* A netfild that was killed left pieces: behind a run that was about to be longer, at the place
 * of before or that to come, of a filter that was about to be there, or not any more. */
static void test_swept(void)
{
	const guint other = bed_slot_number(RULE) + 1;
	guint32 first;

	set_up_pinned(SEVERAL_PIECES);
	transmit(SOCKET_OUT, 1, 1);
	first = keyed()->first;
	put_piece(first + SEVERAL, first);
	pin_piece(bed_slot_number(RULE), SEVERAL);
	pin_piece(bed_slot_number(RULE), SEVERAL + 1);
	put_piece(first + 3 * SEVERAL, first);
	keyed()->pending = first + 3 * SEVERAL;
	keyed()->pending_count = SEVERAL;
	put_piece(NETFIL_PIECES_MAX - 1, first);
	pin_piece(other, 0);
	pin_piece(other, 1);
	keyed()[1].pending = NETFIL_PIECES_MAX - 2;
	keyed()[1].pending_count = 2;
	open_again();
	g_assert_true(netfil_members_taken(members));
	netfil_members_sweep_out(bed->maps, pins, other);
	netfil_members_sweep(bed->maps);
	g_assert_cmpuint(pieces_there(), ==, SEVERAL);
	g_assert_cmpuint(pins_there(), ==, SEVERAL + 1);
	g_assert_cmpuint(netfil_members_max(members), ==, SEVERAL_PIECES);
	expect_member(1, 0, SIZE);
	/* It was about to be removed: nobody takes it up. */
	keyed()->pending = first;
	keyed()->pending_count = SEVERAL;
	keyed()->kind = 0;
	open_again();
	g_assert_false(netfil_members_taken(members));
	netfil_members_sweep(bed->maps);
	g_assert_cmpuint(pieces_there(), ==, 1);
	g_assert_cmpuint(pins_there(), ==, 2);
}

/* A thread that sends until it is told to end. */
typedef struct {
	gint ending;
	gint begun; /* a packet has been sent */
	guint admitted;
} Sender;

static void send_to(Sender *sender, guint member)
{
	Packet own = packet;
	struct in6_addr address = address_of(member);

	memcpy(&own.bytes[14 + 16], &address.s6_addr32[3], 4);
	sender->admitted += bed_repeat(bed, SOCKET_OUT, &own, 1) == ADMIT;
	g_atomic_int_set(&sender->begun, TRUE);
}

/* It sends when this returns, however late its thread got a CPU. */
static GThread *begin_sending(GThreadFunc send, Sender *sender)
{
	GThread *thread = g_thread_new("sender", send, sender);

	while (!g_atomic_int_get(&sender->begun))
		g_thread_yield();
	return thread;
}

static void end_sending(GThread *thread, Sender *sender)
{
	g_atomic_int_set(&sender->ending, TRUE);
	g_thread_join(thread);
}

static gpointer send_on(gpointer data)
{
	Sender *sender = data;

	for (guint n = 0; !g_atomic_int_get(&sender->ending); n++)
		send_to(sender, n % (2 * PLACES));
	return NULL;
}

/* What is admitted meanwhile is counted, and what is refused is not. */
static void test_resize_race(void)
{
	NetfilMemberReading reading;
	Sender sender = {0};
	GThread *thread;
	guint64 sum = 0;

	set_up_pinned(PLACES);
	arm(0, 100ULL << 30, 0, FALSE);
	thread = begin_sending(send_on, &sender);
	for (guint i = 0; i < 50; i++)
		g_assert_true(resize(PLACES + 1 + (i & 1)) || netfil_members_end(members) > PLACES);
	end_sending(thread, &sender);
	for (guint index = 0; index < netfil_members_end(members); index++)
		if (netfil_members_read(members, index, &reading))
			sum += reading.used.out;
	sum += others().used.out;
	g_assert_cmpuint(sender.admitted, >, 0);
	g_assert_cmpuint(sum, ==, (guint64)sender.admitted * SIZE);
}

#define NEWCOMERS 100000
#define TOGETHER 64 /* who come a second time when so many have come */

static gpointer send_to_new(gpointer data)
{
	Sender *sender = data;

	for (guint n = 0; n < 2 * NEWCOMERS && !g_atomic_int_get(&sender->ending); n++)
		send_to(sender, n / TOGETHER / 2 * TOGETHER + n % TOGETHER);
	return NULL;
}

/* Who comes meanwhile is one member, and is found afterwards. */
static void test_resize_newcomers(void)
{
	NetfilMemberReading reading;
	Sender sender = {0};
	GThread *thread;
	guint64 sum = 0;
	guint index;

	set_up_pinned(NEWCOMERS);
	thread = begin_sending(send_to_new, &sender);
	for (guint i = 0; i < 50; i++)
		g_assert_true(resize(NEWCOMERS + 1 + (i & 1)));
	end_sending(thread, &sender);
	for (guint i = 0; i < netfil_members_end(members); i++) {
		g_assert_true(netfil_members_read(members, i, &reading));
		g_assert_true(netfil_members_find(members, &reading.key, &index));
		g_assert_cmpuint(index, ==, i);
		sum += reading.used.out;
	}
	g_assert_cmpuint(sum, >, 0);
	g_assert_cmpuint(sum, ==, (guint64)sender.admitted * SIZE);
}

static pthread_barrier_t start;

static gpointer make_many(gpointer data)
{
	Packet own = packet;

	(void)data;
	pthread_barrier_wait(&start);
	for (guint n = 0; n < MANY; n++) {
		struct in6_addr address = address_of(n);

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

	set_up(MANY);
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
	sum += others().used.out;
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
	g_test_add_func("/members/killed", test_killed);
	g_test_add_func("/members/put-back", test_put_back);
	g_test_add_func("/members/left-behind", test_left_behind);
	g_test_add_func("/members/resize", test_resize);
	g_test_add_func("/members/resize/race", test_resize_race);
	g_test_add_func("/members/resize/newcomers", test_resize_newcomers);
	g_test_add_func("/members/resize/others", test_resize_others);
	g_test_add_func("/members/removed", test_removed);
	g_test_add_func("/members/swept", test_swept);
	bed = bed_new();
	mount_pins();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	netfil_members_remove(members);
	unmount_pins();
	bed_free(bed);
	return status;
}
