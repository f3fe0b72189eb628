/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "caller.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/process.h"

#ifndef SO_PEERPIDFD /* Linux 6.5 */
#define SO_PEERPIDFD 77
#endif

/* What /proc tells. */

static char *read_of(const char *pid, const char *file)
{
	g_autofree char *path = g_build_filename("/proc", pid, file, NULL);
	char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static gboolean is_same(const char *pid, const char *file)
{
	g_autofree char *theirs = read_of(pid, file);
	g_autofree char *ours = read_of("self", file);

	return theirs && ours && g_str_equal(theirs, ours);
}

/* EACCES in errno: not to be seen without CAP_SYS_PTRACE, as by the unit's netfild. */
static gboolean is_same_namespace(const char *pid, const char *kind)
{
	g_autofree char *theirs = g_build_filename("/proc", pid, "ns", kind, NULL);
	g_autofree char *ours = g_build_filename("/proc/self/ns", kind, NULL);
	struct stat a, b;

	if (stat(ours, &b) < 0 || stat(theirs, &a) < 0)
		return FALSE;
	errno = 0;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

gboolean netfil_caller_is_elsewhere(const NetfilCaller *caller)
{
	/* Not those that a service manager may have given netfild itself. */
	static const char *const kinds[] = {"net", "pid", "user", "cgroup"};
	g_autofree char *pid = g_strdup_printf("%d", (int)caller->pid);

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (!is_same_namespace(pid, kinds[i]))
			return TRUE;
	return FALSE;
}

/* A user namespace has maps of its own: that they are the same in full is up to whoever may be
 * every user anyway. */
static gboolean is_in_our_user_namespace(const char *pid)
{
	if (is_same_namespace(pid, "user"))
		return TRUE;
	return errno == EACCES && is_same(pid, "uid_map") && is_same(pid, "gid_map") &&
	       is_same(pid, "projid_map") && is_same(pid, "setgroups");
}

static const char *after(const char *text, const char *key)
{
	const char *line = text ? strstr(text, key) : NULL;

	return line ? line + strlen(key) : NULL;
}

/* Whoever has numbers in further namespaces shows them behind the one in ours. */
static gboolean is_in_our_pid_namespace(const char *pid, const char *status)
{
	const char *numbers = after(status, "\nNSpid:");

	if (is_same_namespace(pid, "pid"))
		return TRUE;
	return errno == EACCES && numbers && strcspn(numbers, "\n") == 1 + strlen(pid);
}

static gboolean is_admin(uid_t uid, pid_t number)
{
	g_autofree char *pid = g_strdup_printf("%d", (int)number);
	g_autofree char *status = uid == 0 && number > 0 ? read_of(pid, "status") : NULL;
	const char *capabilities = after(status, "\nCapEff:");

	return capabilities && is_in_our_user_namespace(pid) &&
	       is_in_our_pid_namespace(pid, status) &&
	       g_ascii_strtoull(capabilities, NULL, 16) >> CAP_NET_ADMIN & 1;
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
