/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run-cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "kernel/cgroup.h"

struct NetfilRunCgroup {
	char *path;
	int directory;
	int events;
};

static gboolean fail(GError **error, const char *what, const char *path)
{
	g_set_error(
	    error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
	    "cannot %s the control group %s (%s): set NETFIL_CGROUP to one that can hold others",
	    what, path, g_strerror(errno));
	return FALSE;
}

/* Groups below go first. A group that is in use stays, as the kernel keeps it. */
static gboolean remove_tree(const char *path)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	const char *name;

	while (directory && (name = g_dir_read_name(directory))) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		if (g_file_test(below, G_FILE_TEST_IS_DIR))
			remove_tree(below);
	}
	return g_rmdir(path) == 0;
}

/* Ours by its name alone, it was left by a process that had our pid before us. */
static gboolean owner_is_dead(const char *name)
{
	gint64 pid = g_ascii_strtoll(name + strlen(NETFIL_CGROUP_RUN), NULL, 10);

	return pid > 0 && pid <= G_MAXINT &&
	       (pid == getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH));
}

/* Only what is empty goes: a pid that is not here may be at home in another pid
 * namespace, and its processes are not ours to kill. */
static void remove_stale(const char *root)
{
	g_autoptr(GDir) directory = g_dir_open(root, 0, NULL);
	const char *name;

	while (directory && (name = g_dir_read_name(directory))) {
		if (g_str_has_prefix(name, NETFIL_CGROUP_RUN) && owner_is_dead(name)) {
			g_autofree char *path = g_build_filename(root, name, NULL);

			remove_tree(path);
		}
	}
}

static char *make_directory(const char *root, GError **error)
{
	g_autofree char *path = g_strdup_printf("%s/" NETFIL_CGROUP_RUN "%d", root, getpid());

	if (g_mkdir(path, 0755) == 0)
		return g_steal_pointer(&path);
	if (errno == EEXIST) { /* it was left with processes in it */
		g_autofree char *other = g_strdup_printf("%s."
							 "%" G_GINT64_FORMAT,
							 path, g_get_monotonic_time());

		if (g_mkdir(other, 0755) == 0)
			return g_steal_pointer(&other);
	}
	fail(error, "make", path);
	return NULL;
}

NetfilRunCgroup *netfil_run_cgroup_new(const char *root, GError **error)
{
	g_autoptr(NetfilRunCgroup) cgroup = g_new0(NetfilRunCgroup, 1);

	cgroup->directory = cgroup->events = -1;
	remove_stale(root);
	cgroup->path = make_directory(root, error);
	if (!cgroup->path)
		return NULL;
	cgroup->directory = open(cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup->directory >= 0)
		cgroup->events = openat(cgroup->directory, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (cgroup->events < 0) {
		fail(error, "open", cgroup->path);
		return NULL;
	}
	return g_steal_pointer(&cgroup);
}

void netfil_run_cgroup_free(NetfilRunCgroup *cgroup)
{
	if (cgroup->events >= 0)
		close(cgroup->events);
	if (cgroup->directory >= 0)
		close(cgroup->directory);
	if (cgroup->path)
		remove_tree(cgroup->path);
	g_free(cgroup->path);
	g_free(cgroup);
}

/* The control files below take one short write, or refuse it as a whole. */
static gboolean write_file(NetfilRunCgroup *cgroup, const char *file, const char *text)
{
	int fd = openat(cgroup->directory, file, O_WRONLY | O_CLOEXEC);
	gboolean written;
	int saved;

	if (fd < 0)
		return FALSE;
	written = write(fd, text, strlen(text)) >= 0;
	saved = errno;
	close(fd);
	errno = saved;
	return written;
}

gboolean netfil_run_cgroup_adopt(NetfilRunCgroup *cgroup, pid_t pid, GError **error)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_file(cgroup, "cgroup.procs", text) ||
	       fail(error, "move the command to", cgroup->path);
}

gboolean netfil_run_cgroup_is_populated(NetfilRunCgroup *cgroup)
{
	char text[128];
	ssize_t length = pread(cgroup->events, text, sizeof(text) - 1, 0);

	if (length < 0)
		return FALSE; /* removed by somebody, which takes an empty group */
	text[length] = '\0';
	return strstr(text, "populated 1") != NULL;
}

int netfil_run_cgroup_events_fd(NetfilRunCgroup *cgroup)
{
	return cgroup->events;
}

/* For kernels before 5.14, which have no cgroup.kill. Groups below are not
 * looked into: making them takes root, and a kernel with cgroup.kill does. */
static void kill_each(NetfilRunCgroup *cgroup)
{
	int fd = openat(cgroup->directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *list = fd >= 0 ? fdopen(fd, "r") : NULL;
	int pid;

	while (list && fscanf(list, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
	if (list)
		fclose(list);
}

void netfil_run_cgroup_kill(NetfilRunCgroup *cgroup)
{
	struct pollfd events = {.fd = cgroup->events, .events = POLLPRI};
	gboolean at_once = write_file(cgroup, "cgroup.kill", "1");

	while (netfil_run_cgroup_is_populated(cgroup)) {
		if (!at_once)
			kill_each(cgroup);
		/* What was started while we read the list is met next time round. */
		poll(&events, 1, at_once ? 1000 : 10);
	}
}
