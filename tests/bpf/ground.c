// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ground.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/sets.h"
#include "kernel/cgroup.h"

static char *cgroup, *home_cgroup;

static void enter(const char *path)
{
	g_autofree char *procs = g_build_filename(path, "cgroup.procs", NULL);
	int fd = open(procs, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		g_error("%s: %s", procs, g_strerror(errno));
	close(fd);
}

static void command(const char *line)
{
	g_autoptr(GError) error = NULL;
	int status;

	g_spawn_command_line_sync(line, NULL, NULL, &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
}

static void make_network(void)
{
	g_assert_cmpint(unshare(CLONE_NEWNET), ==, 0);
	command("ip link add bed0 type veth peer name bed1");
	command("ip address add 10.78.0.1/24 dev bed0");
	command("ip link set lo up");
	/* Its own chatter would be refused, too. */
	command("ip link set bed0 addrgenmode none");
	command("ip link set bed0 up");
	command("ip link set bed1 up");
	command("ip neighbour add " GROUND_PEER " lladdr 02:02:02:02:02:02 dev bed0");
}

#define CGROUP_PREFIX "netfil-ground-"

/* What runs that were killed left behind. */
static void sweep(const char *mount)
{
	g_autoptr(GDir) groups = g_dir_open(mount, 0, NULL);
	const char *name;

	while (groups && (name = g_dir_read_name(groups))) {
		g_autofree char *path = g_build_filename(mount, name, NULL);

		if (g_str_has_prefix(name, CGROUP_PREFIX) &&
		    kill(atoi(name + strlen(CGROUP_PREFIX)), 0))
			g_rmdir(path);
	}
}

static void make_cgroup(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *mount = netfil_cgroup_mount(&error);
	g_autofree char *own = NULL, *text = NULL;
	const char *line;

	g_assert_no_error(error);
	g_file_get_contents("/proc/self/cgroup", &text, NULL, &error);
	g_assert_no_error(error);
	line = strstr(text, "0::");
	g_assert_nonnull(line);
	own = g_strndup(line + 3, strcspn(line + 3, "\n"));
	home_cgroup = g_build_filename(mount, own, NULL);
	sweep(mount);
	cgroup = g_strdup_printf("%s/" CGROUP_PREFIX "%d", mount, getpid());
	g_assert_cmpint(g_mkdir(cgroup, 0755), ==, 0);
}

void ground_new(void)
{
	make_cgroup();
	make_network();
	ground_enter();
}

void ground_free(void)
{
	ground_leave();
	g_rmdir(cgroup);
}

const char *ground_cgroup(void)
{
	return cgroup;
}

void ground_enter(void)
{
	enter(cgroup);
}

void ground_leave(void)
{
	enter(home_cgroup);
}

int ground_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

gboolean ground_send(int fd, const char *address, guint16 port, guint size)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	char data[1024] = {0};

	inet_pton(AF_INET, address, &to.sin_addr);
	return sendto(fd, data, size, 0, (gpointer)&to, sizeof(to)) == (gssize)size;
}

gpointer ground_share(gsize size)
{
	gpointer memory =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	g_assert_true(memory != MAP_FAILED);
	return memory;
}

void ground_wait(gint *turn, gint number)
{
	while (g_atomic_int_get(turn) < number)
		sched_yield();
}

void ground_slot(NetfilKernel *kernel, guint32 number, guint32 flags, guint64 limit)
{
	struct netfil_slot *slot = netfil_kernel_slot(kernel, number);

	slot->flags = flags;
	slot->limit[NETFIL_IN] = slot->limit[NETFIL_OUT] = NETFIL_NO_LIMIT;
	slot->limit[NETFIL_TOTAL] = limit;
}

void ground_rule(NetfilKernel *kernel, guint rule, guint32 slot)
{
	struct netfil_config *config = netfil_kernel_config(kernel);

	config->slot[rule] = slot;
	for (guint kind = 0; kind < NETFIL_KINDS; kind++)
		netfil_set_add(&config->any[kind], rule);
	netfil_set_add(&config->enabled, rule);
	config->words = 1;
	config->generation++;
}
