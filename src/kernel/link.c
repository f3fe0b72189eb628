// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "core/error.h"
#include "pin.h"

struct NetfilLinks {
	char *bpffs_dir;
	GHashTable *fds; /* char *name -> int */
};

NetfilLinks *netfil_links_new(const char *bpffs_dir_or_null)
{
	NetfilLinks *links = g_new0(NetfilLinks, 1);
	g_autoptr(GPtrArray) pinned = NULL;

	links->bpffs_dir = g_strdup(bpffs_dir_or_null);
	links->fds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!bpffs_dir_or_null)
		return links;
	pinned = netfil_pin_links(bpffs_dir_or_null);
	for (guint i = 0; i < pinned->len; i++) {
		const char *name = pinned->pdata[i];
		g_autofree char *path = netfil_pin_path(links->bpffs_dir, "links", name);
		int fd = bpf_obj_get(path);

		if (fd >= 0)
			g_hash_table_insert(links->fds, g_strdup(name), GINT_TO_POINTER(fd));
	}
	return links;
}

void netfil_links_free(NetfilLinks *links)
{
	GHashTableIter iter;
	gpointer fd;

	if (!links)
		return;
	g_hash_table_iter_init(&iter, links->fds);
	while (g_hash_table_iter_next(&iter, NULL, &fd))
		close(GPOINTER_TO_INT(fd));
	g_hash_table_unref(links->fds);
	g_free(links->bpffs_dir);
	g_free(links);
}

static int fd_of(NetfilLinks *links, const char *name)
{
	gpointer fd;

	return g_hash_table_lookup_extended(links->fds, name, NULL, &fd) ? GPOINTER_TO_INT(fd) : -1;
}

static gboolean failed(const char *name, int error_number, GError **error)
{
	g_set_error(error, NETFIL_ERROR,
		    error_number == EPERM ? NETFIL_ERROR_DENIED : NETFIL_ERROR_FAILED,
		    "program %s cannot be attached (%s): see `netfil doctor`", name,
		    g_strerror(error_number));
	return FALSE;
}

/* Takes `fd` in under `name`; what stood there comes off afterwards. */
static gboolean keep(NetfilLinks *links, const char *name, int fd, GError **error)
{
	int old = fd_of(links, name);

	if (links->bpffs_dir) {
		g_autofree char *path = netfil_pin_path(links->bpffs_dir, "links", name);
		/* '.' is reserved in a bpffs */
		g_autofree char *beside = g_strconcat(path, "-new", NULL);

		g_unlink(beside);
		if (bpf_obj_pin(fd, beside) || rename(beside, path)) {
			int saved = errno;

			close(fd);
			return failed(name, saved, error);
		}
	}
	g_hash_table_insert(links->fds, g_strdup(name), GINT_TO_POINTER(fd));
	if (old >= 0)
		close(old);
	return TRUE;
}

/* Swaps the program of the link that is there. */
static gboolean swap(NetfilLinks *links, const char *name, struct bpf_program *program)
{
	int fd = fd_of(links, name);

	return fd >= 0 && !bpf_link_update(fd, bpf_program__fd(program), NULL);
}

gboolean netfil_links_create(NetfilLinks *links, const char *name, struct bpf_program *program,
			     int target, guint attach_type, guint flags, gconstpointer extra,
			     gsize extra_size, GError **error)
{
	/* linux/bpf.h of Debian 12 does not know the newer members of the union. */
	struct {
		guint32 prog_fd;
		guint32 target;
		guint32 attach_type;
		guint32 flags;
		guint8 extra[32];
	} attr = {bpf_program__fd(program), target, attach_type, flags, {0}};
	int fd;

	g_assert(extra_size <= sizeof(attr.extra));
	if (swap(links, name, program))
		return TRUE;
	if (extra)
		memcpy(attr.extra, extra, extra_size);
	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? failed(name, errno, error) : keep(links, name, fd, error);
}

static gboolean link_is_at(int fd, guint64 cgroup)
{
	struct bpf_link_info info = {};
	guint32 length = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.type == BPF_LINK_TYPE_CGROUP &&
	       info.cgroup.cgroup_id == cgroup;
}

gboolean netfil_links_cgroup(NetfilLinks *links, const char *name, struct bpf_program *program,
			     const char *cgroup, GError **error)
{
	int old = fd_of(links, name);
	int directory;
	gboolean done;

	if (old >= 0 && !link_is_at(old, netfil_cgroup_id(cgroup)))
		netfil_links_remove(links, name); /* netfild was told another cgroup */
	directory = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return failed(name, errno, error);
	done = netfil_links_create(links, name, program, directory,
				   bpf_program__expected_attach_type(program), 0, NULL, 0, error);
	close(directory);
	return done;
}

gboolean netfil_links_trace(NetfilLinks *links, const char *name, struct bpf_program *program,
			    GError **error)
{
	struct bpf_link *link = bpf_program__attach(program);
	int fd;

	if (!link)
		return failed(name, errno, error);
	fd = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 3);
	bpf_link__destroy(link); /* the copy keeps it attached */
	return keep(links, name, fd, error);
}

gboolean netfil_links_has(NetfilLinks *links, const char *name)
{
	return fd_of(links, name) >= 0;
}

void netfil_links_remove(NetfilLinks *links, const char *name)
{
	int fd = fd_of(links, name);

	if (fd < 0)
		return;
	if (links->bpffs_dir) {
		g_autofree char *path = netfil_pin_path(links->bpffs_dir, "links", name);

		g_unlink(path);
	}
	close(fd);
	g_hash_table_remove(links->fds, name);
}

GPtrArray *netfil_links_names(NetfilLinks *links)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, links->fds);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(names, g_strdup(name));
	return names;
}
