/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Where the version 2 hierarchy is mounted. NETFIL_ERROR_UNSUPPORTED when it is
 * not. Caller frees. */
char *netfil_cgroup_mount(GError **error);

/* "/sys/fs/cgroup/a/b" (or wherever it is mounted) and "/a/b" give "/a/b". Caller frees. */
char *netfil_cgroup_path(const char *word, GError **error);

/* The same for each of an array of strings, in place. */
gboolean netfil_cgroup_paths(GPtrArray *words, GError **error);

/* The id that the kernel programs see of a cgroup directory; 0: not there. */
guint64 netfil_cgroup_id(const char *directory);

/* Calls for every cgroup of the hierarchy at `mount`, parents first: `path` is from
 * the hierarchy's root ("/" itself, "/a/b"). */
typedef void (*NetfilCgroupFunc)(const char *path, guint64 id, gpointer data);
void netfil_cgroup_walk(const char *mount, NetfilCgroupFunc func, gpointer data);

/* The control groups that `netfil run` makes are called so, and some more. */
#define NETFIL_CGROUP_RUN "netfil.run-"

/* The directory below `mount` of the lowest cgroup called `prefix` and more that the
 * process is in or below of; NULL: none. Caller frees. */
char *netfil_cgroup_of(const char *mount, guint32 pid, const char *prefix);

/* Process ids (guint32) in the cgroup and all below. */
GArray *netfil_cgroup_processes(const char *directory);

gboolean netfil_cgroup_is_frozen(const char *directory);

/* FALSE: the kernel cannot, or the cgroup is gone. */
gboolean netfil_cgroup_freeze(const char *directory, gboolean frozen);
