// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feature.h"
#include "iterate.h"

#define OWN "/proc/self/ns/net"

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
	gboolean others = netfil_feature_present(NETFIL_HAS_NAMESPACES);
	GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(GDir) processes = others ? g_dir_open("/proc", 0, NULL) : NULL;
	g_autoptr(GDir) named = others ? g_dir_open("/run/netns", 0, NULL) : NULL;
	const char *name;

	g_array_set_clear_func(fds, close_fd);
	add(fds, seen, OWN);
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
	gboolean inside;
} Visit;

static gpointer visit(gpointer data)
{
	Visit *v = data;

	v->inside = !setns(v->fd, CLONE_NEWNET);
	if (v->inside && v->func)
		v->func(v->data);
	return NULL;
}

/* Only the thread moves: the daemon itself stays where its interfaces are. */
static gboolean send_thread(Visit *v)
{
	g_thread_join(g_thread_new("netns", visit, v));
	return v->inside;
}

static gboolean is_own(int fd)
{
	struct stat given, own;

	return !fstat(fd, &given) && !stat(OWN, &own) && given.st_ino == own.st_ino;
}

void netfil_in_namespace(int namespace_fd, void (*func)(gpointer), gpointer data)
{
	if (is_own(namespace_fd))
		func(data); /* takes no privilege */
	else
		send_thread(&(Visit){namespace_fd, func, data, FALSE});
}

/* The one we are in is as good as any to try it with. */
gboolean netfil_namespaces_open(void)
{
	int fd = open(OWN, O_RDONLY | O_CLOEXEC);
	gboolean entered = fd >= 0 && send_thread(&(Visit){fd, NULL, NULL, FALSE});

	if (fd >= 0)
		close(fd);
	return entered;
}
