// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

char *netfil_cgroup_mount(GError **error)
{
	g_autofree char *found = NULL;
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;

	while (mounts && !found && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "cgroup2"))
			found = g_strdup(entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	if (!found)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_UNSUPPORTED,
			    "no cgroup version 2 hierarchy is mounted: mount one with "
			    "`mount -t cgroup2 none /sys/fs/cgroup`");
	return g_steal_pointer(&found);
}

char *netfil_cgroup_path(const char *word, GError **error)
{
	g_autofree char *mount = netfil_cgroup_mount(error);
	g_autofree char *path = NULL;
	gsize length;

	if (!mount)
		return NULL;
	length = strlen(mount);
	path = g_canonicalize_filename(word, "/");
	if (!g_str_has_prefix(path, mount) || (path[length] && path[length] != '/'))
		return g_steal_pointer(&path);
	return g_strdup(path[length] ? path + length : "/");
}

gboolean netfil_cgroup_paths(GPtrArray *words, GError **error)
{
	for (guint i = 0; i < words->len; i++) {
		char *path = netfil_cgroup_path(words->pdata[i], error);

		if (!path)
			return FALSE;
		g_free(words->pdata[i]);
		words->pdata[i] = path;
	}
	return TRUE;
}

guint64 netfil_cgroup_id(const char *directory)
{
	struct stat st;

	/* kernfs gives a cgroup's id as its inode number. */
	return stat(directory, &st) ? 0 : st.st_ino;
}

static void walk(const char *directory, const char *path, NetfilCgroupFunc func, gpointer data)
{
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	guint64 id = netfil_cgroup_id(directory);
	const char *name;

	if (!dir || !id)
		return; /* removed meanwhile */
	func(*path ? path : "/", id, data);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *below = g_build_filename(directory, name, NULL);
		g_autofree char *below_path = g_strconcat(path, "/", name, NULL);

		if (g_file_test(below, G_FILE_TEST_IS_DIR))
			walk(below, below_path, func, data);
	}
}

void netfil_cgroup_walk(const char *mount, NetfilCgroupFunc func, gpointer data)
{
	walk(mount, "", func, data);
}

/* The line of the version 2 hierarchy is "0::/a/b". */
static char *path_of(guint32 pid)
{
	g_autofree char *file = g_strdup_printf("/proc/%u/cgroup", pid);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(file, &text, NULL, NULL))
		return NULL;
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++)
		if (g_str_has_prefix(lines[i], "0::/"))
			return g_strdup(lines[i] + 3);
	return NULL;
}

char *netfil_cgroup_of(const char *mount, guint32 pid, const char *prefix)
{
	g_autofree char *path = path_of(pid);
	g_autofree char *wanted = g_strconcat("/", prefix, NULL);
	char *at = path ? g_strrstr(path, wanted) : NULL;
	char *end = at ? strchr(at + 1, '/') : NULL;

	if (!at)
		return NULL;
	if (end)
		*end = '\0';
	return g_build_filename(mount, path, NULL);
}

static void add_processes(const char *directory, GArray *pids)
{
	g_autofree char *file = g_build_filename(directory, "cgroup.procs", NULL);
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	g_autofree char *text = NULL;
	const char *name;
	char *at, *end;

	if (!dir || !g_file_get_contents(file, &text, NULL, NULL))
		return; /* removed meanwhile */
	for (at = text; *at; at = end + strspn(end, "\n")) {
		guint32 pid = strtoul(at, &end, 10);

		if (end == at)
			break;
		g_array_append_val(pids, pid);
	}
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *below = g_build_filename(directory, name, NULL);

		if (g_file_test(below, G_FILE_TEST_IS_DIR))
			add_processes(below, pids);
	}
}

GArray *netfil_cgroup_processes(const char *directory)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(guint32));

	add_processes(directory, pids);
	return pids;
}

gboolean netfil_cgroup_is_frozen(const char *directory)
{
	g_autofree char *file = g_build_filename(directory, "cgroup.freeze", NULL);
	g_autofree char *text = NULL;

	return g_file_get_contents(file, &text, NULL, NULL) && *text == '1';
}

gboolean netfil_cgroup_freeze(const char *directory, gboolean frozen)
{
	g_autofree char *file = g_build_filename(directory, "cgroup.freeze", NULL);
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	gboolean written;

	if (fd < 0)
		return FALSE;
	written = write(fd, frozen ? "1" : "0", 1) == 1;
	close(fd);
	return written;
}
