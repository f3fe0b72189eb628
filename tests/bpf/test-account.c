// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What applications move, and connect() at the cap: with the programs attached to a cgroup
 * of the test's own and real sockets in a network namespace of its own. Copies of this
 * program are the applications.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/apps.h"
#include "ground.h"

#define HEADERS 28 /* of a datagram over IPv4 */
#define OTHER_USER 12345
#define SLOT 7

static NetfilKernel *kernel;
static NetfilApps *apps;
static char *directory; /* of the applications */

/* ---- an application ---- */

/* --send ADDRESS COUNT SIZE */
static int be_application(char **argv)
{
	int fd = ground_socket(SOCK_DGRAM);

	for (int i = atoi(argv[3]); i > 0; i--)
		if (!ground_send(fd, argv[2], 9, atoi(argv[4])))
			return 1;
	return 0;
}

static void be_user(gpointer uid)
{
	if (setuid(GPOINTER_TO_UINT(uid)))
		_exit(1);
}

static void run(const char *application, guint uid, const char *address, guint count, guint size)
{
	g_autofree char *path = g_build_filename(directory, application, NULL);
	g_autofree char *counted = g_strdup_printf("%u", count);
	g_autofree char *sized = g_strdup_printf("%u", size);
	const char *argv[] = {path, "--send", address, counted, sized, NULL};
	g_autoptr(GError) error = NULL;
	int status;

	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, be_user, GUINT_TO_POINTER(uid),
		     NULL, NULL, &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
}

/* ---- the ground ---- */

static void install(const char *self, const char *name)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *data = NULL;
	gsize size;

	g_file_get_contents(self, &data, &size, &error);
	g_assert_no_error(error);
	g_file_set_contents_full(path, data, size, G_FILE_SET_CONTENTS_NONE, 0755, &error);
	g_assert_no_error(error);
}

static void make_applications(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *self = g_file_read_link("/proc/self/exe", &error);

	g_assert_no_error(error);
	directory = g_dir_make_tmp("netfil-account-XXXXXX", &error);
	g_assert_no_error(error);
	g_assert_cmpint(g_chmod(directory, 0755), ==, 0);
	install(self, "alpha");
	install(self, "beta");
}

/* Programs and maps anew; `start`: that count applications. */
static void set_up(gboolean start)
{
	g_autoptr(GError) error = NULL;

	kernel = netfil_kernel_open(NULL, ground_cgroup(), &error);
	if (!kernel)
		g_error("%s", error->message);
	apps = netfil_apps_new(kernel, &error);
	g_assert_no_error(error);
	netfil_kernel_config(kernel)->instance = 1;
	if (start)
		netfil_apps_start(apps, &error);
	g_assert_no_error(error);
}

static void tear_down(void)
{
	g_clear_pointer(&apps, netfil_apps_free);
	g_clear_pointer(&kernel, netfil_kernel_close);
}

/* Paths are the machine's: in a chroot there is more in front of them. */
static gboolean is_path(const char *exe, const char *path)
{
	return *path == '/' ? g_str_has_suffix(exe, path) : g_str_equal(exe, path);
}

/* Takes what was moved by `application` (a name in the directory, or what NetfilAppUsage
 * says): bytes out. */
static guint64 moved_by(const GArray *moved, const char *application, guint32 uid)
{
	g_autofree char *path = *application && *application != '*'
				    ? g_build_filename(directory, application, NULL)
				    : g_strdup(application);

	for (guint i = 0; i < moved->len; i++) {
		const NetfilAppUsage *usage = &g_array_index(moved, NetfilAppUsage, i);

		if (!is_path(usage->exe, path) || usage->uid != uid)
			continue;
		/* Not kept for ever. */
		g_assert_cmpuint(g_quark_try_string(usage->exe), ==, 0);
		return usage->out;
	}
	return 0;
}

static void expect_moved(guint count, const char *application, guint32 uid, guint64 out)
{
	g_autoptr(GArray) moved = netfil_apps_moved(apps);

	g_assert_cmpuint(moved->len, ==, count);
	if (count)
		g_assert_cmpuint(moved_by(moved, application, uid), ==, out);
}

/* This program is the last one of `count`. */
static void expect_exe(guint count, guint64 out)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autoptr(GArray) moved = netfil_apps_moved(apps);
	const NetfilAppUsage *usage;

	g_assert_cmpuint(moved->len, ==, count);
	if (moved->len != count)
		return;
	usage = &g_array_index(moved, NetfilAppUsage, count - 1);
	g_assert_true(is_path(usage->exe, self));
	g_assert_cmpuint(usage->out, ==, out);
}

static void record(void)
{
	g_autoptr(GArray) moved = netfil_apps_moved(apps);

	netfil_apps_recorded(apps, moved);
}

/* ---- tests ---- */

static void test_by_exe_and_user(void)
{
	set_up(TRUE);
	expect_moved(0, NULL, 0, 0);
	run("alpha", 0, GROUND_PEER, 3, 100);
	run("alpha", 0, GROUND_PEER, 1, 101);
	run("alpha", OTHER_USER, GROUND_PEER, 2, 50);
	run("beta", 0, GROUND_PEER, 1, 200);
	expect_moved(3, "alpha", 0, 3 * (100 + HEADERS) + 101 + HEADERS);
	expect_moved(3, "alpha", OTHER_USER, 2 * (50 + HEADERS));
	expect_moved(3, "beta", 0, 200 + HEADERS);
	tear_down();
}

/* What is recorded is told no more, nor by one that takes over. */
static void test_recorded(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) moved = NULL;

	set_up(TRUE);
	run("alpha", 0, GROUND_PEER, 1, 100);
	moved = netfil_apps_moved(apps);
	expect_moved(1, "alpha", 0, 100 + HEADERS);
	netfil_apps_recorded(apps, moved);
	expect_moved(0, NULL, 0, 0);
	run("alpha", 0, GROUND_PEER, 2, 100);
	expect_moved(1, "alpha", 0, 2 * (100 + HEADERS));

	netfil_apps_free(apps);
	apps = netfil_apps_new(kernel, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < moved->len; i++) {
		const NetfilAppUsage *usage = &g_array_index(moved, NetfilAppUsage, i);

		netfil_apps_resume(apps, usage->account, usage->raw_in, usage->raw_out);
	}
	expect_moved(1, "alpha", 0, 2 * (100 + HEADERS));
	run("beta", 0, GROUND_PEER, 1, 100); /* numbers are not given twice */
	expect_moved(2, "beta", 0, 100 + HEADERS);
	tear_down();
}

/* No account is left: then all go to one. One that is free again is given. */
static void test_full(void)
{
	g_autoptr(GError) error = NULL;
	NetfilMaps *maps;
	guint32 number;

	set_up(TRUE);
	maps = netfil_kernel_maps(kernel);
	run("alpha", 0, GROUND_PEER, 1, 100);
	while (netfil_maps_pop(maps, "account_free", &number))
		;
	record();
	run("alpha", 0, GROUND_PEER, 1, 100);
	run("beta", 0, GROUND_PEER, 1, 200);
	run("alpha", OTHER_USER, GROUND_PEER, 1, 50);
	expect_moved(2, "alpha", 0, 100 + HEADERS);
	expect_moved(2, "*", G_MAXUINT32, 200 + 50 + 2 * HEADERS);
	record();
	netfil_maps_put(maps, "account_free", NULL, &number, &error);
	g_assert_no_error(error);
	run("beta", 0, GROUND_PEER, 1, 200);
	expect_moved(1, "beta", 0, 200 + HEADERS);
	tear_down();
}

/* What went out by an account, on all CPUs. */
static guint64 counted_out(guint32 number)
{
	const struct netfil_account_bytes *bytes =
	    netfil_maps_memory(netfil_kernel_maps(kernel), "account_bytes", NULL);
	guint64 sum = 0;

	g_assert_nonnull(bytes);
	for (guint cpu = 0; cpu < netfil_kernel_cpus(); cpu++)
		sum += bytes[cpu * NETFIL_ACCOUNTS_MAX + number].bytes[NETFIL_OUT];
	return sum;
}

/* What went out by all accounts, on one CPU. */
static guint64 bytes_out_on(const struct netfil_account_bytes *bytes, guint cpu)
{
	guint64 sum = 0;

	for (guint number = 0; number < NETFIL_ACCOUNTS_MAX; number++)
		sum += bytes[cpu * NETFIL_ACCOUNTS_MAX + number].bytes[NETFIL_OUT];
	return sum;
}

/* Each CPU counts for itself, the long way and the short one, and nothing is lost of the sum. */
static void test_each_cpu(void)
{
	const struct netfil_account_bytes *bytes;
	guint64 before[CPU_SETSIZE], after;
	cpu_set_t all, one;
	guint cpus = 0;
	int fd;

	set_up(TRUE);
	bytes = netfil_maps_memory(netfil_kernel_maps(kernel), "account_bytes", NULL);
	g_assert_nonnull(bytes);
	fd = ground_socket(SOCK_DGRAM);
	g_assert_cmpint(sched_getaffinity(0, sizeof(all), &all), ==, 0);
	for (guint cpu = 0; cpu < netfil_kernel_cpus(); cpu++)
		before[cpu] = bytes_out_on(bytes, cpu);
	for (guint cpu = 0; cpu < netfil_kernel_cpus(); cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		g_assert_cmpint(sched_setaffinity(0, sizeof(one), &one), ==, 0);
		for (guint i = 0; i < 3; i++)
			g_assert_true(ground_send(fd, GROUND_PEER, 9, 100));
		after = bytes_out_on(bytes, cpu);
		g_assert_cmpuint(after - before[cpu], ==, 3 * (100 + HEADERS));
		cpus++;
	}
	g_assert_cmpint(sched_setaffinity(0, sizeof(all), &all), ==, 0);
	expect_exe(1, cpus * 3 * (100 + HEADERS));
	close(fd);
	tear_down();
}

/* A socket whose account was taken back finds another one; so does one that had none. */
static void test_taken_back(void)
{
	g_autoptr(GError) error = NULL;
	struct netfil_account *accounts;
	struct netfil_account_key key;
	guint64 before;
	guint32 number;
	NetfilMaps *maps;
	int fd;

	set_up(TRUE);
	maps = netfil_kernel_maps(kernel);
	accounts = netfil_maps_memory(maps, "accounts", &error);
	fd = ground_socket(SOCK_DGRAM);
	for (int i = 0; i < 3; i++) /* the last by the shortcut */
		g_assert_true(ground_send(fd, GROUND_PEER, 9, 100));
	for (number = NETFIL_ACCOUNT_FIRST; !counted_out(number); number++)
		g_assert_cmpuint(number, <, NETFIL_ACCOUNTS_MAX - 1);
	key = accounts[number].key;
	g_assert_cmpuint(key.uid, ==, 0);
	netfil_maps_delete(maps, "account_numbers", &key);
	accounts[number].generation++;
	netfil_kernel_bump(kernel);
	before = counted_out(number);
	g_assert_true(ground_send(fd, GROUND_PEER, 9, 200));
	g_assert_true(ground_send(fd, GROUND_PEER, 9, 200));
	g_assert_cmpuint(counted_out(number), ==, before);
	g_assert_true(netfil_maps_get(maps, "account_numbers", &key, &number));
	g_assert_cmpuint(counted_out(number), ==, 2 * (200 + HEADERS));

	/* Nobody told it the path: a process that runs it has the name. */
	expect_exe(2, 2 * (200 + HEADERS));
	close(fd);
	tear_down();
}

/* Sockets of before it counted. */
static void test_started_later(void)
{
	g_autoptr(GError) error = NULL;
	int fd;

	set_up(FALSE);
	fd = ground_socket(SOCK_DGRAM);
	g_assert_true(ground_send(fd, GROUND_PEER, 9, 100));
	netfil_apps_start(apps, &error);
	g_assert_no_error(error);
	g_assert_true(ground_send(fd, GROUND_PEER, 9, 200));
	expect_exe(1, 200 + HEADERS);
	close(fd);
	tear_down();
}

/* Loopback is not counted, and nothing is while nobody wants it. */
static void test_not_counted(void)
{
	set_up(FALSE);
	ground_slot(kernel, SLOT, 0, NETFIL_NO_LIMIT);
	ground_rule(kernel, 0, SLOT);
	run("alpha", 0, GROUND_PEER, 1, 100);
	expect_moved(0, NULL, 0, 0);
	tear_down();
	set_up(TRUE);
	run("alpha", 0, "127.0.0.1", 3, 100);
	expect_moved(0, NULL, 0, 0);
	tear_down();
}

/* What is refused is not counted: by the socket's filter, and by the interface's after the
 * socket's hook had counted it. */
static void test_refused(void)
{
	struct netfil_interface entry = {.link_header = 14, .count = 1, .slots = {SLOT}};
	g_autoptr(GError) error = NULL;
	guint32 ifindex = if_nametoindex("bed0");
	int fd;

	set_up(TRUE);
	fd = ground_socket(SOCK_DGRAM);
	ground_slot(kernel, SLOT, 0, 0);
	ground_rule(kernel, 0, SLOT);
	g_assert_false(ground_send(fd, GROUND_PEER, 9, 100));
	expect_moved(0, NULL, 0, 0);
	netfil_kernel_config(kernel)->enabled.words[0] = 0;
	netfil_kernel_config(kernel)->generation++;
	entry.except[0] = NETFIL_NO_RULE;
	netfil_maps_put(netfil_kernel_maps(kernel), "interfaces", &ifindex, &entry, &error);
	g_assert_no_error(error);
	netfil_kernel_attach_interface(kernel, ifindex, &error);
	g_assert_no_error(error);
	ground_send(fd, GROUND_PEER, 9, 100);
	g_assert_cmpuint(netfil_kernel_slot(kernel, SLOT)->refused_packets, ==, 2);
	expect_moved(0, NULL, 0, 0);
	ground_slot(kernel, SLOT, 0, 1000);
	g_assert_true(ground_send(fd, GROUND_PEER, 9, 100));
	expect_exe(1, 100 + HEADERS);
	close(fd);
	tear_down();
}

/* errno of connect(). */
static int attempt(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = ground_socket(SOCK_STREAM), result;

	inet_pton(AF_INET, GROUND_PEER, &to.sin_addr);
	result = connect(fd, (gpointer)&to, sizeof(to)) ? errno : 0;
	close(fd);
	return result;
}

/* Only a spent filter that rejects says so to connect(), and not in free hours; nobody asks before
 * a cap was ever reached. */
static void test_connect(void)
{
	struct netfil_slot *slot;
	struct timespec now;

	set_up(FALSE);
	slot = netfil_kernel_slot(kernel, SLOT);
	ground_slot(kernel, SLOT, NETFIL_SLOT_REJECT, NETFIL_NO_LIMIT);
	ground_rule(kernel, 0, SLOT);
	slot->exhausted = 1 << NETFIL_TOTAL;
	g_assert_cmpint(attempt(), ==, EINPROGRESS);
	netfil_kernel_config(kernel)->refusing = 1;
	slot->exhausted = NETFIL_EXHAUSTED_KNOCKED | NETFIL_EXHAUSTED_PAUSED;
	g_assert_cmpint(attempt(), ==, EINPROGRESS);
	slot->exhausted = 1 << NETFIL_TOTAL;
	g_assert_cmpint(attempt(), ==, EPERM);
	slot->flags = NETFIL_SLOT_OVER;
	g_assert_cmpint(attempt(), ==, EINPROGRESS);
	slot->flags = NETFIL_SLOT_REJECT;
	clock_gettime(CLOCK_BOOTTIME, &now);
	slot->over_until = (now.tv_sec + 3600) * G_GUINT64_CONSTANT(1000000000);
	g_assert_cmpint(attempt(), ==, EINPROGRESS);
	slot->over_until = 1;
	g_assert_cmpint(attempt(), ==, EPERM);
	tear_down();
}

/* ---- a part of the machine ---- */

static gboolean has_tag_in(guint32 id, int fd)
{
	struct bpf_map_info info = {0};
	guint32 length = sizeof(info);
	struct netfil_tag tag;
	int map = bpf_map_get_fd_by_id(id);
	gboolean has = map >= 0 && !bpf_obj_get_info_by_fd(map, &info, &length) &&
		       g_str_equal(info.name, "tags") && !bpf_map_lookup_elem(map, &fd, &tag);

	if (map >= 0)
		close(map);
	return has;
}

/* By any netfil: others attach to groups of their own. */
static gboolean has_tag(int fd)
{
	guint32 id = 0;

	while (!bpf_map_get_next_id(id, &id))
		if (has_tag_in(id, fd))
			return TRUE;
	return FALSE;
}

static int make_outside(void)
{
	int fd;

	ground_leave();
	fd = ground_socket(SOCK_DGRAM);
	ground_enter();
	return fd;
}

/* Sockets outside of the group are neither labelled at the start nor when they are used. */
static void test_outside(void)
{
	int inside = ground_socket(SOCK_DGRAM), outside = make_outside(), later;

	set_up(TRUE);
	g_assert_true(has_tag(inside));
	g_assert_false(has_tag(outside));
	later = make_outside();
	g_assert_true(ground_send(outside, GROUND_PEER, 9, 100));
	g_assert_true(ground_send(later, GROUND_PEER, 9, 100));
	g_assert_false(has_tag(outside));
	g_assert_false(has_tag(later));
	tear_down();
	close(inside);
	close(outside);
	close(later);
}

static void clean_up(void)
{
	g_autofree char *alpha = g_build_filename(directory, "alpha", NULL);
	g_autofree char *beta = g_build_filename(directory, "beta", NULL);

	g_remove(alpha);
	g_remove(beta);
	g_rmdir(directory);
}

int main(int argc, char **argv)
{
	int status;

	if (argc == 5 && g_str_equal(argv[1], "--send"))
		return be_application(argv);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/account/by-exe-and-user", test_by_exe_and_user);
	g_test_add_func("/account/not-counted", test_not_counted);
	g_test_add_func("/account/recorded", test_recorded);
	g_test_add_func("/account/full", test_full);
	g_test_add_func("/account/each-cpu", test_each_cpu);
	g_test_add_func("/account/taken-back", test_taken_back);
	g_test_add_func("/account/started-later", test_started_later);
	g_test_add_func("/account/refused", test_refused);
	g_test_add_func("/account/connect", test_connect);
	g_test_add_func("/account/outside", test_outside);
	ground_new();
	make_applications();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	clean_up();
	ground_free();
	return status;
}
