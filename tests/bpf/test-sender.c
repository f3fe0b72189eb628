// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who uses a socket, as its packets tell: to the first byte, and nobody else. What they do not tell
 * is looked for at calls.
 */
#include <arpa/inet.h>
#include <liburing.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/sets.h"
#include "ground.h"
#include "kernel/feature.h"

#define PORT 9
#define SIZE 100
#define BYTES (SIZE + 28) /* of the IP packet */
#define USER 12345
#define MANY 20

/* Filters of all packets, and of those of a user; loopback counts. */
enum { ALL, USERS, FILTERS };

static const guint32 slots[FILTERS] = {7, 8};

static NetfilKernel *kernel;
static struct netfil_config *config;

static void on_event(const struct netfil_event *event G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

static void set_up(void)
{
	g_autoptr(GError) error = NULL;
	const guint32 user = USER, set = 1;

	kernel = netfil_kernel_open(NULL, ground_cgroup(), &error);
	g_assert_no_error(error);
	config = netfil_kernel_config(kernel);
	for (guint filter = 0; filter < FILTERS; filter++) {
		ground_slot(kernel, slots[filter], NETFIL_SLOT_DROP, NETFIL_NO_LIMIT);
		ground_rule(kernel, filter, slots[filter]);
		netfil_set_add(&config->loopback, filter);
	}
	netfil_set_remove(&config->any[NETFIL_KIND_USER], USERS);
	netfil_set_add(&config->owned, USERS);
	netfil_set_add(netfil_kernel_set(kernel, set), USERS);
	config->asked |= 1 << NETFIL_KIND_USER;
	netfil_maps_put(netfil_kernel_maps(kernel), "users", &user, &set, &error);
	g_assert_no_error(error);
	netfil_kernel_watch(kernel, on_event, NULL, &error);
	g_assert_no_error(error);
}

static void tear_down(void)
{
	g_clear_pointer(&kernel, netfil_kernel_close);
}

static gboolean senders_are_seen(void)
{
	if (netfil_feature_senders())
		return TRUE;
	g_test_skip("packets do not tell who sends them here: no sock_length and casts");
	return FALSE;
}

static guint64 used(guint filter)
{
	guint64 bytes[2];

	netfil_kernel_slot_used(kernel, slots[filter], bytes);
	return bytes[NETFIL_OUT];
}

/* A child that is `uid` does it, and is waited for. */
typedef gboolean (*Deed)(int fd, gpointer data);

static void as_user(uid_t uid, Deed deed, int fd, gpointer data)
{
	pid_t child = fork();
	int status = 1;

	if (!child)
		_exit(setuid(uid) || !deed(fd, data));
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_cmpint(status, ==, 0);
}

static gboolean send_some(int fd, gpointer count)
{
	guint left = GPOINTER_TO_UINT(count);

	while (left && ground_send(fd, GROUND_PEER, PORT, SIZE))
		left--;
	return !left;
}

static void transmit(int fd, guint count)
{
	g_assert_true(send_some(fd, GUINT_TO_POINTER(count)));
}

/* ---- who it is ---- */

static void test_first(void)
{
	int fd = ground_socket(SOCK_DGRAM);

	if (!senders_are_seen())
		return;
	set_up();
	transmit(fd, MANY);
	g_assert_cmpuint(used(USERS), ==, 0);
	as_user(USER, send_some, fd, GUINT_TO_POINTER(1));
	g_assert_cmpuint(used(USERS), ==, BYTES);
	tear_down();
	close(fd);
}

static void test_in_turn(void)
{
	int fd = ground_socket(SOCK_DGRAM);
	guint expected = 0;

	if (!senders_are_seen())
		return;
	set_up();
	transmit(fd, MANY);
	for (guint count = 1; count <= 3; count++) {
		as_user(USER, send_some, fd, GUINT_TO_POINTER(count));
		expected += count;
		g_assert_cmpuint(used(USERS), ==, expected * BYTES);
		as_user(USER + 1, send_some, fd, GUINT_TO_POINTER(count));
		g_assert_cmpuint(used(USERS), ==, expected * BYTES);
	}
	tear_down();
	close(fd);
}

/* From one that is connected by another process, the first packet of all. */
static gboolean connect_nowhere(int fd, gpointer data)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};

	(void)data;
	inet_pton(AF_INET, GROUND_PEER, &to.sin_addr);
	return connect(fd, (gpointer)&to, sizeof(to)) && errno == EINPROGRESS;
}

static void test_connect(void)
{
	int fd = ground_socket(SOCK_STREAM);

	if (!senders_are_seen())
		return;
	set_up();
	as_user(USER, connect_nowhere, fd, NULL);
	g_assert_cmpuint(used(USERS), >, 0);
	g_assert_cmpuint(used(USERS), ==, used(ALL));
	tear_down();
	close(fd);
}

static gboolean send_from_afar(int fd, gpointer data)
{
	int far = GPOINTER_TO_INT(data);

	return dup2(fd, far) == far && !close(fd) && ground_send(far, GROUND_PEER, PORT, SIZE);
}

/* Descriptors of a process are looked through as far as FILES_MAX of bpf/sender.h. */
static void test_far(void)
{
	struct rlimit limit, wide;
	int fd = ground_socket(SOCK_DGRAM);

	if (!senders_are_seen())
		return;
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	wide = (struct rlimit){MAX(limit.rlim_cur, 17000), MAX(limit.rlim_max, 17000)};
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &wide), ==, 0);
	set_up();
	as_user(USER, send_from_afar, fd, GINT_TO_POINTER(16383));
	g_assert_cmpuint(used(USERS), ==, BYTES);
	g_assert_cmpuint(config->strangers, ==, 0);
	as_user(USER + 1, send_from_afar, fd, GINT_TO_POINTER(16384));
	g_assert_cmpuint(used(USERS), ==, 2 * BYTES);
	g_assert_cmpuint(config->strangers, ==, 1);
	tear_down();
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	close(fd);
}

/* ---- who it is not ---- */

/* A connection over loopback of which this group's programs see one side, whose peer takes little
 * at a time. */
static int connect_outside(int *outside)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(at);
	const int little = 4096, much = 4 << 20;
	int listener, fd;

	ground_leave();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	g_assert_cmpint(bind(listener, (gpointer)&at, sizeof(at)), ==, 0);
	g_assert_cmpint(listen(listener, 1), ==, 0);
	g_assert_cmpint(getsockname(listener, (gpointer)&at, &length), ==, 0);
	ground_enter();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &much, sizeof(much));
	g_assert_cmpint(connect(fd, (gpointer)&at, sizeof(at)), ==, 0);
	*outside = accept(listener, NULL, NULL);
	g_assert_cmpint(*outside, >=, 0);
	close(listener);
	return fd;
}

static gboolean take(int fd, gpointer data)
{
	gsize left = GPOINTER_TO_SIZE(data);
	char buffer[4096];

	while (left) {
		gssize got = recv(fd, buffer, MIN(left, sizeof(buffer)), 0);

		if (got <= 0)
			return FALSE;
		left -= (gsize)got;
	}
	return TRUE;
}

/* What acknowledgements let out while another process runs, which holds the socket too. */
static void test_held(void)
{
	char block[65536] = {0};
	gsize sent = 0;
	int outside, fd;
	guint64 before;
	gssize more;

	set_up();
	fd = connect_outside(&outside);
	while ((more = send(fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
		sent += (gsize)more;
	before = used(ALL);
	g_assert_cmpuint(before, <, sent); /* the rest waits for the peer */
	as_user(USER, take, outside, GSIZE_TO_POINTER(sent));
	g_assert_cmpuint(used(ALL), >, sent);
	g_assert_cmpuint(used(USERS), ==, 0);
	g_assert_cmpuint(config->strangers, ==, 0);
	tear_down();
	close(fd);
	close(outside);
}

/* Who closes it last, and did nothing else with it. */
static void test_closed(void)
{
	int outside, fd, gate[2], status;
	guint64 before;
	pid_t child;
	char byte;

	set_up();
	fd = connect_outside(&outside);
	g_assert_cmpint(pipe(gate), ==, 0);
	child = fork();
	if (!child) {
		close(gate[1]);
		_exit(setuid(USER) || read(gate[0], &byte, 1) || close(fd));
	}
	g_assert_cmpint(send(fd, "", 1, 0), ==, 1);
	before = used(ALL);
	close(fd);
	g_assert_cmpuint(used(ALL), ==, before);
	close(gate[0]);
	close(gate[1]);
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpuint(used(ALL), >, before);
	g_assert_cmpuint(used(USERS), ==, 0);
	g_assert_cmpuint(config->strangers, ==, 0);
	tear_down();
	close(outside);
}

/* ---- what packets do not tell ---- */

static void send_by_ring(struct io_uring *ring)
{
	static char data[SIZE];
	struct io_uring_cqe *done;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_send(sqe, 0, data, sizeof(data), 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	if (io_uring_submit(ring) != 1 || io_uring_wait_cqe(ring, &done) || done->res != SIZE)
		_exit(1);
	io_uring_cqe_seen(ring, done);
}

typedef struct {
	gint begun, done;
} Turns;

/* Has the socket in its ring alone, and sends when it is told to. */
static pid_t start_ring(Turns *turns, int fd)
{
	pid_t child = fork();
	struct io_uring ring;

	if (child)
		return child;
	if (connect_nowhere(fd, NULL) || setuid(USER) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    io_uring_queue_init(8, &ring, 0) || io_uring_register_files(&ring, &fd, 1) || close(fd))
		_exit(1);
	for (gint i = 1;; i++) {
		g_atomic_int_set(&turns->done, i);
		ground_wait(&turns->begun, i);
		send_by_ring(&ring);
	}
}

static void let_send(Turns *turns)
{
	ground_wait(&turns->done, g_atomic_int_add(&turns->begun, 1) + 2);
}

static gboolean give_up(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_REMOVE;
}

/* Until calls are looked at. */
static void expect_calls(void)
{
	gboolean late = FALSE;
	guint source = g_timeout_add_seconds(20, give_up, &late);

	while (g_atomic_int_get((gint *)&config->senders) && !late)
		g_main_context_iteration(NULL, TRUE);
	g_assert_false(late);
	if (!late)
		g_source_remove(source);
}

static void test_ring(void)
{
	Turns *turns = ground_share(sizeof(*turns));
	int fd = ground_socket(SOCK_DGRAM), status;
	guint64 before;
	pid_t user;

	if (!senders_are_seen())
		return;
	set_up();
	g_assert_cmpuint(config->senders, ==, 1);
	user = start_ring(turns, fd);
	ground_wait(&turns->done, 1);
	g_assert_cmpuint(config->strangers, ==, 0);
	let_send(turns);
	g_assert_cmpuint(config->strangers, ==, 1);
	expect_calls();
	let_send(turns); /* its end tells */
	before = used(USERS);
	for (guint i = 0; i < MANY; i++)
		let_send(turns);
	g_assert_cmpuint(used(USERS) - before, ==, MANY * BYTES);
	/* And so it stays. */
	netfil_kernel_follow(kernel, FALSE, NULL);
	netfil_kernel_follow(kernel, TRUE, NULL);
	g_assert_cmpuint(config->senders, ==, 0);
	kill(user, SIGKILL);
	waitpid(user, &status, 0);
	tear_down();
	munmap(turns, sizeof(*turns));
	close(fd);
}

static void test_mptcp(void)
{
	int fd;

	if (!senders_are_seen())
		return;
	set_up();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	if (fd < 0) {
		g_test_skip("the kernel lacks MPTCP");
	} else {
		expect_calls();
		close(fd);
	}
	tear_down();
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sender/first", test_first);
	g_test_add_func("/sender/in-turn", test_in_turn);
	g_test_add_func("/sender/connect", test_connect);
	g_test_add_func("/sender/far", test_far);
	g_test_add_func("/sender/held", test_held);
	g_test_add_func("/sender/closed", test_closed);
	g_test_add_func("/sender/ring", test_ring);
	g_test_add_func("/sender/mptcp", test_mptcp);
	ground_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	ground_free();
	return status;
}
