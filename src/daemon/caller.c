/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "caller.h"

#include <linux/capability.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/process.h"

#ifndef SO_PEERPIDFD /* Linux 6.5 */
#define SO_PEERPIDFD 77
#endif

/* What /proc tells. */

static gboolean same_namespace(pid_t pid, const char *kind)
{
	g_autofree char *theirs = g_strdup_printf("/proc/%d/ns/%s", (int)pid, kind);
	g_autofree char *ours = g_strdup_printf("/proc/self/ns/%s", kind);
	struct stat a, b;

	return stat(theirs, &a) == 0 && stat(ours, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

gboolean netfil_caller_is_elsewhere(const NetfilCaller *caller)
{
	/* Not those that a service manager may have given netfild itself. */
	static const char *const kinds[] = {"net", "pid", "user", "cgroup"};

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (!same_namespace(caller->pid, kinds[i]))
			return TRUE;
	return FALSE;
}

static gboolean has_net_admin(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents(path, &text, NULL, NULL) || !(line = strstr(text, "\nCapEff:")))
		return FALSE;
	return g_ascii_strtoull(line + strlen("\nCapEff:"), NULL, 16) >> CAP_NET_ADMIN & 1;
}

static guint64 start_of(pid_t pid)
{
	NetfilProcess process;

	return pid > 0 && netfil_process_look_at((guint32)pid, &process) ? process.start : 0;
}

static gboolean has_ended(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) != 0;
}

static gboolean is_admin(uid_t uid, pid_t pid)
{
	return uid == 0 && pid > 0 && same_namespace(pid, "user") && same_namespace(pid, "pid") &&
	       has_net_admin(pid);
}

NetfilCaller *netfil_caller_of_process(uid_t uid, pid_t pid, int pidfd, const char *bus_name)
{
	NetfilCaller *caller = g_atomic_rc_box_new0(NetfilCaller);

	caller->uid = uid;
	caller->pid = pid;
	caller->bus_name = g_strdup(bus_name);
	caller->start = start_of(pid);
	caller->admin = is_admin(uid, pid);
	/* Then its number may be another's, and all of this that one's. */
	if (pidfd >= 0 && has_ended(pidfd)) {
		caller->admin = FALSE;
		caller->pid = 0;
		caller->start = 0;
	}
	return caller;
}

NetfilCaller *netfil_caller_of_socket(GSocket *socket)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t length = sizeof(peer);
	int fd = g_socket_get_fd(socket);
	int pidfd = -1;
	NetfilCaller *caller;

	/* Not SCM_CREDENTIALS, in which the root of a namespace may say what it likes. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		peer = (struct ucred){.uid = (uid_t)-1};
	length = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length) < 0)
		pidfd = -1; /* an older kernel: the number has to do */
	caller = netfil_caller_of_process(peer.uid, peer.pid, pidfd, NULL);
	if (pidfd >= 0)
		close(pidfd);
	return caller;
}

NetfilCaller *netfil_caller_ref(NetfilCaller *caller)
{
	return g_atomic_rc_box_acquire(caller);
}

static void caller_clear(gpointer data)
{
	NetfilCaller *caller = data;

	g_free(caller->bus_name);
}

void netfil_caller_unref(NetfilCaller *caller)
{
	g_atomic_rc_box_release_full(caller, caller_clear);
}
