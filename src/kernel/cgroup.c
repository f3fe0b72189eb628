// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cgroup.h"

#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
