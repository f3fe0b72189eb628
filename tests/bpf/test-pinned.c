// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Members of keyed filters as an earlier netfild left them, pinned; and more places for them, and
 * fewer, while packets pass. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "crowd.h"
#include "kernel/pin.h"

#define PLACES 4
#define MANY 20000

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
	crowd_set_up(max);
	netfil_members_remove(members);
	open_pinned(NETFIL_KIND_PREFIX, max);
	crowd_arm(0, 0, 0, FALSE);
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
	crowd_arm(0, 2 * SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 3), ==, REFUSE_SILENTLY);
	raw = crowd_map();
	raw[NETFIL_NUMBER_FIRST - 1].slot.id |= NETFIL_MEMBER_LOCKED;
	raw[NETFIL_NUMBER_OTHERS - 1].slot.id |= NETFIL_MEMBER_LOCKED;
	crowd_keyed()->closed = TRUE;
	open_again();
	g_assert_cmpuint(crowd_keyed()->closed, ==, FALSE);
	crowd_expect(1, 0, 2 * SIZE);
	crowd_arm(0, 3 * SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpuint(raw[NETFIL_NUMBER_OTHERS - 1].slot.id & NETFIL_MEMBER_LOCKED, ==, 0);
	crowd_unmap(raw);
}

/* What the programs do not find any more is put back, if it is pinned. */
static void test_put_back(void)
{
	guint32 slot = bed_slot_number(RULE);

	set_up_pinned(PLACES);
	crowd_transmit(SOCKET_OUT, 1, 1);
	netfil_maps_delete(bed->maps, "members", &crowd_keyed()->first);
	netfil_maps_delete(bed->maps, "member_numbers", &slot);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, REFUSE_SILENTLY);
	open_again();
	g_assert_true(netfil_members_taken(members));
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	crowd_expect(1, 0, 2 * SIZE);
}

/* Members of another kind are no members of this one. */
static void test_left_behind(void)
{
	guint index;

	set_up_pinned(PLACES);
	crowd_transmit(SOCKET_OUT, 1, 2);
	crowd_transmit(SOCKET_OUT, 2, 2);
	netfil_members_close(members);
	open_pinned(NETFIL_KIND_USER, PLACES);
	crowd_arm(0, 0, 0, FALSE);
	g_assert_cmpuint(netfil_members_end(members), ==, 0);
	g_assert_false(crowd_find(1, &index));
	netfil_members_close(members);
	open_pinned(NETFIL_KIND_PREFIX, PLACES);
	crowd_arm(0, SIZE, 0, FALSE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 1, 1), ==, ADMIT);
	crowd_expect(1, 0, SIZE);
	netfil_members_sweep_out(bed->maps, pins, bed_slot_number(RULE));
	netfil_members_close(members);
	open_pinned(NETFIL_KIND_PREFIX, PLACES);
	g_assert_false(netfil_members_taken(members));
	g_assert_false(crowd_find(1, &index));
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
	crowd_arm(0, 2 * SIZE, 0, FALSE);
	for (guint n = 0; n <= PLACES; n++)
		g_assert_cmpint(crowd_transmit(SOCKET_OUT, n, 1), ==, ADMIT);
	g_assert_false(resize(PLACES - 1));
	crowd_expect(PLACES - 1, 0, SIZE);
	g_assert_true(resize(PLACES + 2));
	g_assert_cmpuint(netfil_members_max(members), ==, PLACES + 2);
	g_assert_cmpuint(crowd_others().used.out, ==, SIZE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, PLACES, 2), ==, ADMIT); /* now one of its own */
	crowd_expect(PLACES, 0, 2 * SIZE);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 0, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, 0, 1), ==, REFUSE_SILENTLY);
	g_assert_true(resize(PLACES + 1));
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, PLACES + 1, 1), ==, ADMIT);
	g_assert_cmpint(crowd_transmit(SOCKET_OUT, PLACES + 1, 1), ==, REFUSE_SILENTLY);
	g_assert_cmpuint(crowd_others().used.out, ==, 2 * SIZE);
	/* Whoever takes it up finds it so; also where it was killed before it renamed the pin. */
	open_again();
	g_assert_cmpuint(netfil_members_max(members), ==, PLACES + 1);
	pin = pin_named("numbers", "");
	next = pin_named("numbers", "-next");
	g_assert_cmpint(rename(pin, next), ==, 0);
	open_again();
	g_assert_true(netfil_members_taken(members));
	g_assert_cmpint(access(next, F_OK), !=, 0);
	crowd_expect(PLACES, 0, 2 * SIZE);
	g_assert_cmpuint(crowd_others().used.out, ==, 2 * SIZE);
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
		g_assert_cmpint(crowd_transmit(SOCKET_OUT, n, 1), ==, ADMIT);
	for (guint i = 0; i < G_N_ELEMENTS(maxima); i++) {
		guint pieces = maxima[i] / NETFIL_PIECE_MEMBERS + 1;

		if (netfil_members_max(members) == PLACES) {
			g_assert_cmpint(crowd_transmit(SOCKET_OUT, MANY, 1), ==, ADMIT);
			used += SIZE;
		}
		g_assert_cmpuint(crowd_others().used.out, ==, used);
		g_assert_true(resize(maxima[i]));
		g_assert_cmpuint(crowd_others().used.out, ==, used);
		g_assert_cmpuint(pieces_there(), ==, pieces);
		g_assert_cmpuint(pins_there(), ==, pieces + 1);
		for (guint n = 0; n < PLACES; n++)
			crowd_expect(n, 0, SIZE);
	}
	g_assert_cmpuint(used, ==, 2 * SIZE);
}

/* Of what is removed, nothing is left. */
static void test_removed(void)
{
	guint fds;

	crowd_set_up(PLACES);
	netfil_members_remove(members);
	g_assert_cmpuint(pieces_there(), ==, 0);
	fds = fds_open();
	open_pinned(NETFIL_KIND_PREFIX, SEVERAL_PIECES);
	crowd_arm(0, 0, 0, FALSE);
	crowd_transmit(SOCKET_OUT, 1, 1);
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
	crowd_transmit(SOCKET_OUT, 1, 1);
	first = crowd_keyed()->first;
	put_piece(first + SEVERAL, first);
	pin_piece(bed_slot_number(RULE), SEVERAL);
	pin_piece(bed_slot_number(RULE), SEVERAL + 1);
	put_piece(first + 3 * SEVERAL, first);
	crowd_keyed()->pending = first + 3 * SEVERAL;
	crowd_keyed()->pending_count = SEVERAL;
	put_piece(NETFIL_PIECES_MAX - 1, first);
	pin_piece(other, 0);
	pin_piece(other, 1);
	crowd_keyed()[1].pending = NETFIL_PIECES_MAX - 2;
	crowd_keyed()[1].pending_count = 2;
	open_again();
	g_assert_true(netfil_members_taken(members));
	netfil_members_sweep_out(bed->maps, pins, other);
	netfil_members_sweep(bed->maps);
	g_assert_cmpuint(pieces_there(), ==, SEVERAL);
	g_assert_cmpuint(pins_there(), ==, SEVERAL + 1);
	g_assert_cmpuint(netfil_members_max(members), ==, SEVERAL_PIECES);
	crowd_expect(1, 0, SIZE);
	/* It was about to be removed: nobody takes it up. */
	crowd_keyed()->pending = first;
	crowd_keyed()->pending_count = SEVERAL;
	crowd_keyed()->kind = 0;
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
	struct in6_addr address = crowd_address(member);

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
	crowd_arm(0, 100ULL << 30, 0, FALSE);
	thread = begin_sending(send_on, &sender);
	for (guint i = 0; i < 50; i++)
		g_assert_true(resize(PLACES + 1 + (i & 1)) || netfil_members_end(members) > PLACES);
	end_sending(thread, &sender);
	for (guint index = 0; index < netfil_members_end(members); index++)
		if (netfil_members_read(members, index, &reading))
			sum += reading.used.out;
	sum += crowd_others().used.out;
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

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pinned/killed", test_killed);
	g_test_add_func("/pinned/put-back", test_put_back);
	g_test_add_func("/pinned/left-behind", test_left_behind);
	g_test_add_func("/pinned/resize", test_resize);
	g_test_add_func("/pinned/resize/race", test_resize_race);
	g_test_add_func("/pinned/resize/newcomers", test_resize_newcomers);
	g_test_add_func("/pinned/resize/others", test_resize_others);
	g_test_add_func("/pinned/removed", test_removed);
	g_test_add_func("/pinned/swept", test_swept);
	bed = bed_new();
	mount_pins();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	crowd_free();
	unmount_pins();
	return status;
}
