// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iterate.h"

static void add(GArray *fds, GHashTable *seen, const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) || g_hash_table_contains(seen, GSIZE_TO_POINTER(st.st_ino)))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	g_hash_table_add(seen, GSIZE_TO_POINTER(st.st_ino));
	g_array_append_val(fds, fd);
}

static void close_fd(gpointer fd)
{
	close(*(int *)fd);
}

GArray *netfil_namespaces(void)
{
	GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
	g_autoptr(GDir) named = g_dir_open("/run/netns", 0, NULL);
	const char *name;

	g_array_set_clear_func(fds, close_fd);
	while (processes && (name = g_dir_read_name(processes))) {
		g_autofree char *path = g_build_filename("/proc", name, "ns/net", NULL);

		if (g_ascii_isdigit(*name))
			add(fds, seen, path);
	}
	while (named && (name = g_dir_read_name(named))) {
		g_autofree char *path = g_build_filename("/run/netns", name, NULL);

		add(fds, seen, path);
	}
	return fds;
}

typedef struct {
	int fd;
	void (*func)(gpointer);
	gpointer data;
} Visit;

static gpointer visit(gpointer data)
{
	Visit *v = data;

	if (!setns(v->fd, CLONE_NEWNET))
		v->func(v->data);
	return NULL;
}

void netfil_in_namespace(int namespace_fd, void (*func)(gpointer), gpointer data)
{
	Visit v = {namespace_fd, func, data};

	/* Only the thread moves: the daemon itself stays where its interfaces are. */
	g_thread_join(g_thread_new("netns", visit, &v));
}
