// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pin.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "core/error.h"

static gboolean on_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

static gboolean failed(const char *what, const char *path, GError **error)
{
	int saved = errno;

	g_set_error(error, NETFIL_ERROR,
		    saved == EACCES || saved == EPERM ? NETFIL_ERROR_DENIED : NETFIL_ERROR_FAILED,
		    "cannot %s %s (%s): run as root, or set NETFIL_BPFFS_DIR", what, path,
		    g_strerror(saved));
	return FALSE;
}

/* /sys/fs/bpf is where a bpffs belongs: mount it there rather than below. */
static gboolean mount_for(const char *dir, GError **error)
{
	const char *at = g_str_has_prefix(dir, "/sys/fs/bpf") ? "/sys/fs/bpf" : dir;

	if (g_mkdir_with_parents(at, 0755))
		return failed("make", at, error);
	if (mount("bpf", at, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return failed("mount a bpffs at", at, error);
	return TRUE;
}

char *netfil_pin_path(const char *dir, const char *kind, const char *name)
{
	return g_build_filename(dir, kind, name, NULL);
}

gboolean netfil_pin_prepare(const char *dir, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(dir);
	g_autofree char *maps = g_build_filename(dir, NETFIL_PIN_MAPS, NULL);
	g_autofree char *links = g_build_filename(dir, "links", NULL);

	if (!on_bpffs(dir) && !on_bpffs(parent) && !mount_for(dir, error))
		return FALSE;
	if (g_mkdir_with_parents(maps, 0700))
		return failed("make", maps, error);
	if (g_mkdir_with_parents(links, 0700))
		return failed("make", links, error);
	return TRUE;
}

static GPtrArray *names_in(const char *path)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir)))
		g_ptr_array_add(names, g_strdup(name));
	return names;
}

GPtrArray *netfil_pin_links(const char *dir)
{
	g_autofree char *links = g_build_filename(dir, "links", NULL);

	return names_in(links);
}

static gboolean remove_folder(const char *path, GError **error)
{
	g_autoptr(GPtrArray) names = names_in(path);

	for (guint i = 0; i < names->len; i++) {
		g_autofree char *pin = g_build_filename(path, names->pdata[i], NULL);

		if (g_unlink(pin) && errno != ENOENT)
			return failed("remove", pin, error);
	}
	return !g_rmdir(path) || errno == ENOENT || failed("remove", path, error);
}

gboolean netfil_pin_remove(const char *dir, GError **error)
{
	g_autoptr(GPtrArray) folders = NULL;

	if (!on_bpffs(dir))
		return TRUE; /* nothing can be pinned there */
	folders = names_in(dir);
	for (guint i = 0; i < folders->len; i++) {
		g_autofree char *folder = g_build_filename(dir, folders->pdata[i], NULL);

		if (!remove_folder(folder, error))
			return FALSE;
	}
	/* Where a bpffs of its own is mounted at it, the folder stays. */
	return !g_rmdir(dir) || errno == EBUSY || failed("remove", dir, error);
}
