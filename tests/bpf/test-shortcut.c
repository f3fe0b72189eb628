// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets that go on with their socket's flow, and so take the short way: that they are counted
 * as all others, and that nothing of before is left where a socket, a rule or an owner changes.
 */
#include <bpf/bpf.h>
#include <netinet/udp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/sets.h"
#include "ground.h"
#include "kernel/feature.h"

#define SIZE 100
#define BYTES (SIZE + 28) /* of the IP packet */
#define USER 12345
#define MANY 20

/* Filters: by port, by user, and those of all packets, which are not there at first. */
enum { FIRST, SECOND, USERS, ALL, FILTERS = ALL + 3 };

static const guint16 ports[] = {9, 10};
static const guint32 slots[FILTERS] = {7, 8, 9, 10, 11, 12};

static NetfilKernel *kernel;
static struct netfil_config *config;
static struct netfil_shortcut *shortcuts;

/* Rule `filter`, to which the set filter + 1 leads. */
static void add_rule(guint filter, guint kind)
{
	ground_slot(kernel, slots[filter], NETFIL_SLOT_DROP, NETFIL_NO_LIMIT);
	ground_rule(kernel, filter, slots[filter]);
	netfil_set_remove(&config->any[kind], filter);
	netfil_set_add(netfil_kernel_set(kernel, filter + 1), filter);
	config->asked |= 1 << kind;
}

static void set_up(void)
{
	g_autoptr(GError) error = NULL;
	const guint32 user = USER, set = USERS + 1;

	kernel = netfil_kernel_open(NULL, ground_cgroup(), &error);
	g_assert_no_error(error);
	config = netfil_kernel_config(kernel);
	shortcuts = netfil_maps_memory(netfil_kernel_maps(kernel), "shortcuts", &error);
	g_assert_no_error(error);
	for (guint filter = FIRST; filter <= SECOND; filter++) {
		add_rule(filter, NETFIL_KIND_PORT);
		*netfil_kernel_port_set(kernel, ports[filter]) = filter + 1;
	}
	add_rule(USERS, NETFIL_KIND_USER);
	netfil_set_add(&config->owned, USERS);
	netfil_maps_put(netfil_kernel_maps(kernel), "users", &user, &set, &error);
	g_assert_no_error(error);
}

static void tear_down(void)
{
	g_clear_pointer(&kernel, netfil_kernel_close);
}

static void transmit(int fd, guint filter, guint count)
{
	for (guint i = 0; i < count; i++)
		g_assert_true(ground_send(fd, GROUND_PEER, ports[filter], SIZE));
}

static guint64 used(guint filter)
{
	guint64 bytes[2];

	netfil_kernel_slot_used(kernel, slots[filter], bytes);
	return bytes[NETFIL_OUT];
}

static guint64 cookie_of(int fd)
{
	guint64 cookie = 0;
	socklen_t length = sizeof(cookie);

	g_assert_cmpint(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), ==, 0);
	return cookie;
}

/* NULL: the socket has none. */
static struct netfil_shortcut *shortcut_of(int fd)
{
	guint64 cookie = cookie_of(fd);

	for (guint i = 0; i < NETFIL_SHORTCUTS_MAX; i++)
		if (shortcuts[i].cookie == cookie)
			return &shortcuts[i];
	return NULL;
}

/* ---- tests ---- */

static void test_counted(void)
{
	int fd = ground_socket(SOCK_DGRAM);
	const struct netfil_shortcut *shortcut;

	set_up();
	transmit(fd, FIRST, MANY);
	g_assert_cmpuint(used(FIRST), ==, MANY * BYTES);
	shortcut = shortcut_of(fd);
	g_assert_nonnull(shortcut);
	g_assert_cmpuint(shortcut->slots[0], ==, slots[FIRST]);
	g_assert_cmpuint(shortcut->generation, ==, config->generation);
	tear_down();
	close(fd);
}

static void test_cap(void)
{
	int fd = ground_socket(SOCK_DGRAM);

	set_up();
	ground_slot(kernel, slots[FIRST], NETFIL_SLOT_DROP, MANY * BYTES + BYTES - 1);
	for (guint i = 0; i < 2 * MANY; i++)
		ground_send(fd, GROUND_PEER, ports[FIRST], SIZE);
	g_assert_cmpuint(used(FIRST), ==, MANY * BYTES);
	g_assert_cmpuint(netfil_kernel_slot(kernel, slots[FIRST])->refused_packets, ==, MANY);
	tear_down();
	close(fd);
}

static void test_other_flow(void)
{
	int fd = ground_socket(SOCK_DGRAM);

	set_up();
	transmit(fd, FIRST, MANY);
	transmit(fd, SECOND, 1);
	for (guint i = 0; i < MANY; i++) {
		transmit(fd, FIRST, 1);
		transmit(fd, SECOND, 1);
	}
	transmit(fd, SECOND, MANY);
	g_assert_cmpuint(used(FIRST), ==, 2 * MANY * BYTES);
	g_assert_cmpuint(used(SECOND), ==, (2 * MANY + 1) * BYTES);
	tear_down();
	close(fd);
}

static void test_none_matches(void)
{
	int fd = ground_socket(SOCK_DGRAM);

	set_up();
	for (guint i = 0; i < MANY; i++)
		g_assert_true(ground_send(fd, GROUND_PEER, 11, SIZE));
	g_assert_nonnull(shortcut_of(fd));
	g_assert_cmpuint(used(FIRST) + used(SECOND) + used(USERS), ==, 0);
	tear_down();
	close(fd);
}

static void test_changed(void)
{
	int fd = ground_socket(SOCK_DGRAM);

	set_up();
	transmit(fd, FIRST, MANY);
	config->slot[FIRST] = slots[SECOND];
	config->generation++;
	transmit(fd, FIRST, MANY);
	g_assert_cmpuint(used(FIRST), ==, MANY * BYTES);
	g_assert_cmpuint(used(SECOND), ==, MANY * BYTES);
	tear_down();
	close(fd);
}

/* ---- several filters ---- */

/* So that, with the one of the port, so many match. */
static void match_as_many(guint count)
{
	for (guint i = 0; i + 1 < count; i++) {
		ground_slot(kernel, slots[ALL + i], NETFIL_SLOT_DROP, NETFIL_NO_LIMIT);
		ground_rule(kernel, ALL + i, slots[ALL + i]);
	}
}

static void test_several(void)
{
	for (guint count = 2; count <= 4; count++) {
		int fd = ground_socket(SOCK_DGRAM);
		const struct netfil_shortcut *shortcut;

		set_up();
		match_as_many(count);
		transmit(fd, FIRST, MANY);
		shortcut = shortcut_of(fd);
		g_assert_cmpint(!!shortcut, ==, count <= NETFIL_SHORTCUT_SLOTS);
		for (guint i = 0; shortcut && i < NETFIL_SHORTCUT_SLOTS; i++)
			g_assert_cmpuint(shortcut->slots[i], ==,
					 i == 0      ? slots[FIRST]
					 : i < count ? slots[ALL + i - 1]
						     : NETFIL_NO_SLOT16);
		g_assert_cmpuint(used(FIRST), ==, MANY * BYTES);
		for (guint i = 0; i + 1 < count; i++)
			g_assert_cmpuint(used(ALL + i), ==, MANY * BYTES);
		tear_down();
		close(fd);
	}
}

/* A slot with members is found out about by packet. */
static void test_several_keyed(void)
{
	int fd = ground_socket(SOCK_DGRAM);

	set_up();
	match_as_many(2);
	netfil_kernel_slot(kernel, slots[ALL])->flags |= NETFIL_SLOT_EACH;
	for (guint i = 0; i < MANY; i++)
		ground_send(fd, GROUND_PEER, ports[FIRST], SIZE);
	g_assert_null(shortcut_of(fd));
	tear_down();
	close(fd);
}

#define LARGE 1000
#define LARGE_BYTES (LARGE + 28)
/* So much is lent at first: see LEND_ROOM. */
#define LENDING_CAP ((guint64)(24 << 20) + 500)
#define LENDING_PACKETS ((guint)(LENDING_CAP / LARGE_BYTES))

static gpointer send_beyond(gpointer data)
{
	int fd = ground_socket(SOCK_DGRAM);

	for (guint i = 0; i < LENDING_PACKETS; i++)
		ground_send(fd, GROUND_PEER, ports[FIRST], LARGE);
	close(fd);
	return data;
}

/* Two at a time, out of the purses of all, to the cap of one of them: it is spent to the last
 * packet, and nobody else is charged for what it refuses. */
static void test_several_caps(void)
{
	for (guint capped = 0; capped < 3; capped++) {
		const guint filters[] = {FIRST, ALL, ALL + 1};
		GThread *other;

		set_up();
		match_as_many(3);
		netfil_kernel_slot(kernel, slots[filters[capped]])->limit[NETFIL_TOTAL] =
		    LENDING_CAP;
		other = g_thread_new("other", send_beyond, NULL);
		send_beyond(NULL);
		g_thread_join(other);
		for (guint i = 0; i < G_N_ELEMENTS(filters); i++)
			g_assert_cmpuint(used(filters[i]), ==,
					 (guint64)LENDING_PACKETS * LARGE_BYTES);
		g_assert_cmpuint(
		    netfil_kernel_slot(kernel, slots[filters[capped]])->refused_packets, ==,
		    LENDING_PACKETS);
		tear_down();
	}
}

/* ---- aggregated packets ---- */

#define SEGMENT 90
#define SEGMENTS 10

static void test_aggregated(void)
{
	const guint size = SEGMENT * SEGMENTS - 1, bytes = size + SEGMENTS * 28;
	const int segment = SEGMENT;
	int fd = ground_socket(SOCK_DGRAM);

	set_up();
	transmit(fd, FIRST, 2);
	g_assert_nonnull(shortcut_of(fd));
	g_assert_cmpint(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), ==, 0);
	for (guint i = 0; i < MANY; i++)
		g_assert_true(ground_send(fd, GROUND_PEER, ports[FIRST], size));
	g_assert_cmpuint(used(FIRST), ==, 2 * BYTES + MANY * bytes);
	tear_down();
	close(fd);
}

/* A socket whose shortcut drives out this one's. */
static int find_rival(int fd, guint filter)
{
	const struct netfil_shortcut *place = shortcut_of(fd);
	guint64 cookie = cookie_of(fd);

	g_assert_nonnull(place);
	for (guint i = 0; place && i < 16 * NETFIL_SHORTCUTS_MAX; i++) {
		int rival = ground_socket(SOCK_DGRAM);

		transmit(rival, filter, 2);
		if (place->cookie != cookie)
			return rival;
		close(rival);
	}
	return -1;
}

static void test_same_place(void)
{
	int fd = ground_socket(SOCK_DGRAM), rival;
	guint64 before;

	set_up();
	transmit(fd, FIRST, MANY);
	rival = find_rival(fd, SECOND);
	g_assert_cmpint(rival, >=, 0);
	before = used(SECOND);
	for (guint i = 0; i < MANY; i++) {
		transmit(fd, FIRST, 1);
		transmit(rival, SECOND, 1);
	}
	transmit(fd, FIRST, MANY);
	g_assert_cmpuint(used(FIRST), ==, 3 * MANY * BYTES);
	g_assert_cmpuint(used(SECOND) - before, ==, MANY * BYTES);
	tear_down();
	close(fd);
	close(rival);
}

/* While sockets are watched, each is counted. */
static void test_watched(void)
{
	int fd = ground_socket(SOCK_DGRAM);
	struct netfil_socket_bytes moved;
	int map;

	set_up();
	map = netfil_maps_fd(netfil_kernel_maps(kernel), "socket_bytes");
	transmit(fd, FIRST, MANY);
	g_assert_cmpint(bpf_map_lookup_elem(map, &fd, &moved), !=, 0);
	config->watched = 1;
	config->generation++;
	transmit(fd, FIRST, MANY);
	g_assert_cmpint(bpf_map_lookup_elem(map, &fd, &moved), ==, 0);
	g_assert_cmpuint(moved.bytes[NETFIL_OUT], ==, MANY * BYTES);
	g_assert_cmpuint(used(FIRST), ==, 2 * MANY * BYTES);
	tear_down();
	close(fd);
}

/* Sends as a process of the user. */
static void send_as_user(int fd, guint count)
{
	pid_t child = fork();
	int status = 1;

	if (!child) {
		gboolean sent = !setuid(USER);

		while (sent && count--)
			sent = ground_send(fd, GROUND_PEER, ports[FIRST], SIZE);
		_exit(!sent);
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_cmpint(status, ==, 0);
}

static gboolean uses_are_seen(void)
{
	if (netfil_feature_present(NETFIL_HAS_SOCK_LENGTH) ||
	    netfil_feature_present(NETFIL_HAS_TRAMPOLINES))
		return TRUE;
	g_test_skip("a socket's use by another process is not noticed here");
	return FALSE;
}

static void test_other_user(void)
{
	int fd = ground_socket(SOCK_DGRAM);
	guint64 before;

	if (!uses_are_seen())
		return;
	set_up();
	transmit(fd, FIRST, MANY);
	g_assert_cmpuint(used(USERS), ==, 0);
	send_as_user(fd, 1);
	before = used(USERS); /* its own, where it is noticed before it is sent */
	send_as_user(fd, 1);
	transmit(fd, FIRST, MANY);
	g_assert_cmpuint(used(USERS) - before, ==, (1 + MANY) * BYTES);
	tear_down();
	close(fd);
}

/* ---- processes that use a socket when they are told to ---- */

/* How often the process is to, and did. */
typedef struct {
	gint begun, done;
} Calls;

static pid_t start_user(Calls *calls, int fd, uid_t uid)
{
	pid_t child = fork();
	char byte;

	if (child)
		return child;
	if (setuid(uid) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	for (gint i = 1;; i++) {
		ground_wait(&calls->begun, i);
		recv(fd, &byte, 1, MSG_DONTWAIT); /* nothing is there */
		g_atomic_int_set(&calls->done, i);
	}
}

static void call(Calls *calls, guint times)
{
	while (times--)
		ground_wait(&calls->done, g_atomic_int_add(&calls->begun, 1) + 1);
}

/* What the owner is charged for the next packets. */
static void expect_users(int fd, gboolean charged)
{
	guint64 before = used(USERS);

	transmit(fd, FIRST, MANY);
	g_assert_cmpuint(used(USERS) - before, ==, charged ? MANY * BYTES : 0);
}

/* Whoever used it last is its user, also if it was before, and another one between. */
static void test_users_in_turn(void)
{
	Calls *calls = ground_share(2 * sizeof(*calls));
	int fd = ground_socket(SOCK_DGRAM), status;
	pid_t users[2];

	if (!uses_are_seen())
		return;
	set_up();
	transmit(fd, FIRST, MANY);
	for (guint i = 0; i < 2; i++)
		users[i] = start_user(&calls[i], fd, USER + i);
	for (guint times = 3; times > 0; times--) {
		call(&calls[0], times);
		expect_users(fd, TRUE);
		call(&calls[1], times);
		expect_users(fd, FALSE);
	}
	for (guint i = 0; i < 2; i++) {
		kill(users[i], SIGKILL);
		waitpid(users[i], &status, 0);
	}
	tear_down();
	munmap(calls, 2 * sizeof(*calls));
	close(fd);
}

/* ---- at the same time ---- */

#define SOCKETS 500
#define ROUNDS 40
#define SECONDS 20 /* at most: with others on all CPUs, each turn waits for its share */

/* How far the sender and the other user's process are: round, of all sockets. */
typedef struct {
	gint begun, sent, done;
} Turns;

static void be_other_user(Turns *turns, const int *sockets)
{
	g_autoptr(GRand) random = g_rand_new();
	char byte;

	if (setuid(USER) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	for (gint i = 0; i < SOCKETS; i++) {
		ground_wait(&turns->begun, i + 1);
		for (gint delay = g_rand_int_range(random, 0, 20000); delay > 0; delay--)
			asm volatile("");
		recv(sockets[i], &byte, 1, MSG_DONTWAIT); /* nothing is there */
		/* Who comes while the tag is being written is noticed at his next use. */
		ground_wait(&turns->sent, i + 1);
		recv(sockets[i], &byte, 1, MSG_DONTWAIT);
		g_atomic_int_set(&turns->done, i + 1);
	}
	_exit(0);
}

static void race(Turns *turns)
{
	int sockets[SOCKETS], status = 1;
	guint64 before;
	pid_t child;

	*turns = (Turns){0};
	for (guint i = 0; i < SOCKETS; i++)
		sockets[i] = ground_socket(SOCK_DGRAM);
	child = fork();
	if (!child)
		be_other_user(turns, sockets);
	for (guint i = 0; i < SOCKETS; i++) {
		g_atomic_int_set(&turns->begun, i + 1);
		transmit(sockets[i], FIRST, 2); /* the second writes the shortcut */
		g_atomic_int_set(&turns->sent, i + 1);
		ground_wait(&turns->done, i + 1);
		before = used(USERS);
		transmit(sockets[i], FIRST, 1);
		g_assert_cmpuint(used(USERS) - before, ==, BYTES);
		close(sockets[i]);
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_cmpint(status, ==, 0);
}

/* Another user comes at the moment in which a shortcut is written: afterwards all is the user's
 * too. */
static void test_race(void)
{
	Turns *turns = ground_share(sizeof(*turns));
	gint64 until = g_get_monotonic_time() + SECONDS * G_TIME_SPAN_SECOND;
	guint rounds = 0;

	if (!uses_are_seen())
		return;
	set_up();
	while (rounds < ROUNDS && g_get_monotonic_time() < until) {
		race(turns);
		rounds++;
	}
	g_assert_cmpuint(used(FIRST), ==, rounds * SOCKETS * 3 * (guint64)BYTES);
	tear_down();
	munmap(turns, sizeof(*turns));
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/shortcut/counted", test_counted);
	g_test_add_func("/shortcut/cap", test_cap);
	g_test_add_func("/shortcut/other-flow", test_other_flow);
	g_test_add_func("/shortcut/none-matches", test_none_matches);
	g_test_add_func("/shortcut/changed", test_changed);
	g_test_add_func("/shortcut/several", test_several);
	g_test_add_func("/shortcut/several-keyed", test_several_keyed);
	g_test_add_func("/shortcut/several-caps", test_several_caps);
	g_test_add_func("/shortcut/aggregated", test_aggregated);
	g_test_add_func("/shortcut/same-place", test_same_place);
	g_test_add_func("/shortcut/watched", test_watched);
	g_test_add_func("/shortcut/other-user", test_other_user);
	g_test_add_func("/shortcut/users-in-turn", test_users_in_turn);
	g_test_add_func("/shortcut/race", test_race);
	ground_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	ground_free();
	return status;
}
