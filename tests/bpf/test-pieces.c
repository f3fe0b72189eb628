// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where the members of keyed filters are: runs of pieces beside those of other filters, which get
 * longer and shorter while packets pass.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "engine/sets.h"
#include "ground.h"
#include "kernel/members.h"

#define SIZE 100
#define BYTES (SIZE + 28) /* of the IP packet */
#define PLACES 4
#define PIECES(n) ((n)*NETFIL_PIECE_MEMBERS - 1) /* as many members as so many pieces hold */
#define STRANGERS "10.78.0.%u"
#define MANY 20

/* Filters, by port. */
enum { FIRST, SECOND, FILTERS };

static const guint16 ports[] = {9, 10};
static const guint32 slots[] = {7, 8};

static NetfilKernel *kernel;
static NetfilMaps *maps;
static struct netfil_config *config;
static struct netfil_keyed *keyeds;
static NetfilMembers *members[FILTERS];

static void bump(gpointer data G_GNUC_UNUSED)
{
	config->generation++;
}

static void add_filter(guint filter)
{
	const NetfilMemberTerms terms = {.flags = NETFIL_SLOT_REJECT};
	g_autoptr(GError) error = NULL;

	ground_slot(kernel, slots[filter], NETFIL_SLOT_EACH, NETFIL_NO_LIMIT);
	ground_rule(kernel, filter, slots[filter]);
	netfil_set_remove(&config->any[NETFIL_KIND_PORT], filter);
	netfil_set_add(netfil_kernel_set(kernel, filter + 1), filter);
	*netfil_kernel_port_set(kernel, ports[filter]) = filter + 1;
	config->asked |= 1 << NETFIL_KIND_PORT | NETFIL_ASKED_EACH;
	members[filter] =
	    netfil_kernel_members(kernel, slots[filter], NETFIL_KIND_PREFIX, PLACES, &error);
	g_assert_no_error(error);
	netfil_members_arm(members[filter], &terms, FALSE);
	bump(NULL);
}

static void set_up(void)
{
	g_autoptr(GError) error = NULL;

	kernel = netfil_kernel_open(NULL, ground_cgroup(), &error);
	g_assert_no_error(error);
	maps = netfil_kernel_maps(kernel);
	config = netfil_kernel_config(kernel);
	keyeds = netfil_maps_memory(maps, "keyeds", &error);
	g_assert_no_error(error);
	for (guint filter = 0; filter < FILTERS; filter++)
		add_filter(filter);
	g_assert_cmpuint(keyeds[slots[FIRST]].first + 1, ==, keyeds[slots[SECOND]].first);
}

static void tear_down(void)
{
	for (guint filter = 0; filter < FILTERS; filter++)
		netfil_members_remove(members[filter]);
	g_clear_pointer(&kernel, netfil_kernel_close);
}

static void transmit(int fd, guint filter, const char *address, guint count)
{
	for (guint i = 0; i < count; i++)
		g_assert_true(ground_send(fd, address, ports[filter], SIZE));
}

static guint64 used_at(guint filter, guint index)
{
	NetfilMemberReading reading;

	return netfil_members_read(members[filter], index, &reading) ? reading.used.out : 0;
}

static struct netfil_member_key key_of(const char *address)
{
	struct netfil_member_key key = {.bytes = {[10] = 0xff, [11] = 0xff}};

	inet_pton(AF_INET, address, &key.bytes[12]);
	return key;
}

static guint64 used(guint filter, const char *address)
{
	struct netfil_member_key key = key_of(address);
	guint index;

	return netfil_members_find(members[filter], &key, &index) ? used_at(filter, index) : 0;
}

/* Of the first elements and the last ones: Linux 6.1 waits long for each. */
#define SCANNED 16

static guint pieces_there(void)
{
	guint count = 0;

	for (guint32 i = 0, id; i < NETFIL_PIECES_MAX;
	     i = i == SCANNED ? NETFIL_PIECES_MAX - 3 : i + 1)
		count += netfil_maps_get(maps, "members", &i, &id);
	return count;
}

/* ---- tests ---- */

/* More than there may be: of all but the first few, one packet each. */
static void crowd(guint filter)
{
	int fd = ground_socket(SOCK_DGRAM);

	for (guint i = 0; i < MANY; i++) {
		g_autofree char *address = g_strdup_printf(STRANGERS, 100 + i);

		transmit(fd, filter, address, 1);
	}
	close(fd);
}

typedef struct {
	guint filter;
	int fd;
	gint stop;
	guint64 sent;
} Sender;

static gpointer send_on(gpointer data)
{
	Sender *sender = data;

	while (!g_atomic_int_get(&sender->stop))
		sender->sent += ground_send(sender->fd, GROUND_PEER, ports[sender->filter], SIZE);
	return NULL;
}

/* TRUE: its members are at another place now. */
static gboolean resize(guint filter, guint max)
{
	guint32 first = keyeds[slots[filter]].first, generation = config->generation;
	g_autoptr(GError) error = NULL;

	netfil_members_resize(members[filter], max, bump, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(netfil_members_max(members[filter]), ==, max);
	g_assert_cmpuint(config->generation, !=, generation); /* no shortcut leads to before */
	return keyeds[slots[filter]].first != first;
}

/* One behind the other they get longer and shorter, and move as the other is in their way. No
 * packet of a member is refused, and each is counted where it belongs. */
static void test_moved(void)
{
	Sender senders[FILTERS] = {};
	GThread *threads[FILTERS];
	guint moved = 0;
	int fd = ground_socket(SOCK_DGRAM);

	set_up();
	for (guint filter = 0; filter < FILTERS; filter++) {
		Sender *sender = &senders[filter];

		sender->filter = filter;
		sender->fd = ground_socket(SOCK_DGRAM);
		transmit(sender->fd, filter, GROUND_PEER, 3);
		sender->sent = 3;
		crowd(filter);
		threads[filter] = g_thread_new("sender", send_on, sender);
	}
	for (guint round = 0; round < 4; round++) {
		for (guint filter = 0; filter < FILTERS; filter++) {
			if (round & 1)
				bump(NULL); /* it is not the flow that is known */
			moved += resize(filter, PIECES(3));
			g_assert_cmpuint(pieces_there(), ==, 3 + 1);
			g_assert_false(resize(filter, PLACES));
			g_assert_cmpuint(pieces_there(), ==, 1 + 1);
		}
	}
	for (guint filter = 0; filter < FILTERS; filter++) {
		guint64 others = (guint64)(MANY - PLACES + 1) * BYTES;

		g_atomic_int_set(&senders[filter].stop, TRUE);
		g_thread_join(threads[filter]);
		close(senders[filter].fd);
		g_assert_cmpuint(senders[filter].sent, >, 100);
		g_assert_cmpuint(used(filter, GROUND_PEER), ==, senders[filter].sent * BYTES);
		g_assert_cmpuint(used_at(filter, NETFIL_MEMBERS_OTHERS), ==, others);
		transmit(fd, filter, "10.78.0.100", 2);
		transmit(fd, filter, "10.78.0.99", 2);
		g_assert_cmpuint(used(filter, "10.78.0.100"), ==, 3 * BYTES);
		g_assert_cmpuint(used_at(filter, NETFIL_MEMBERS_OTHERS), ==, others + 2 * BYTES);
	}
	g_assert_cmpuint(moved, >=, 3);
	tear_down();
	close(fd);
}

/* A number that is beyond a filter's members leads to none of another one's. */
static void test_neighbour(void)
{
	struct netfil_member_key key = key_of(GROUND_PEER);
	guint32 id = 0;
	int hash, fd = ground_socket(SOCK_DGRAM);

	set_up();
	transmit(fd, SECOND, GROUND_PEER, MANY);
	g_assert_true(netfil_maps_get(maps, "member_numbers", &slots[FIRST], &id));
	hash = bpf_map_get_fd_by_id(id);
	g_assert_cmpint(hash, >=, 0);
	for (guint beyond = 0; beyond < 3; beyond++) {
		guint32 number = NETFIL_PIECE_MEMBERS + beyond;

		g_assert_cmpint(bpf_map_update_elem(hash, &key, &number, BPF_ANY), ==, 0);
		bump(NULL);
		transmit(fd, FIRST, GROUND_PEER, MANY);
	}
	g_assert_cmpuint(used_at(SECOND, NETFIL_MEMBERS_OTHERS), ==, 0);
	g_assert_cmpuint(used(SECOND, GROUND_PEER), ==, MANY * BYTES);
	g_assert_cmpuint(used_at(FIRST, NETFIL_MEMBERS_OTHERS), ==, 0);
	g_assert_cmpuint(used(FIRST, GROUND_PEER), ==, 0);
	tear_down();
	close(hash);
	close(fd);
}

/* As if other filters had all pieces but so many. */
static void take_all_but(guint left)
{
	guint32 first = keyeds[slots[SECOND]].first + 1, end = NETFIL_PIECES_MAX - left;

	for (guint slot = 100; first < end; slot++) {
		guint32 count = MIN(end - first, PIECES(1) / 32);

		keyeds[slot] = (struct netfil_keyed){
		    .kind = NETFIL_KIND_PREFIX, .max = PIECES(count), .first = first};
		first += count;
	}
}

static void expect_full(const GError *error)
{
	g_assert_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL);
	if (error)
		g_assert_nonnull(strstr(error->message, "smaller --max-members"));
}

static NetfilMembers *open_third(guint max, GError **error)
{
	return netfil_kernel_members(kernel, slots[SECOND] + 1, NETFIL_KIND_PREFIX, max, error);
}

/* Where no room is left nobody gets any, and all is as it was. */
static void test_full(void)
{
	g_autoptr(GError) refused = NULL, refused_too = NULL, error = NULL;
	int fd = ground_socket(SOCK_DGRAM);
	NetfilMembers *third;

	set_up();
	take_all_but(2);
	transmit(fd, FIRST, GROUND_PEER, MANY);
	g_assert_false(netfil_members_resize(members[FIRST], PIECES(3), bump, NULL, &refused));
	expect_full(refused);
	g_assert_null(open_third(PIECES(3), &refused_too));
	expect_full(refused_too);
	g_assert_cmpuint(netfil_members_max(members[FIRST]), ==, PLACES);
	g_assert_cmpuint(pieces_there(), ==, 2);
	transmit(fd, FIRST, GROUND_PEER, MANY);
	g_assert_cmpuint(used(FIRST, GROUND_PEER), ==, 2 * MANY * BYTES);
	/* What there is is for whoever it does for. */
	third = open_third(PIECES(2), &error);
	g_assert_no_error(error);
	g_assert_cmpuint(keyeds[slots[SECOND] + 1].first, ==, NETFIL_PIECES_MAX - 2);
	netfil_members_remove(third);
	g_assert_true(resize(FIRST, PIECES(2)));
	transmit(fd, FIRST, GROUND_PEER, MANY);
	g_assert_cmpuint(used(FIRST, GROUND_PEER), ==, 3 * MANY * BYTES);
	tear_down();
	close(fd);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pieces/moved", test_moved);
	g_test_add_func("/pieces/neighbour", test_neighbour);
	g_test_add_func("/pieces/full", test_full);
	ground_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	ground_free();
	return status;
}
