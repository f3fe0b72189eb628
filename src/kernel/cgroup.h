/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Where the version 2 hierarchy is mounted. NETFIL_ERROR_UNSUPPORTED when it is
 * not. Caller frees. */
char *netfil_cgroup_mount(GError **error);

/* The id that the kernel programs see of a cgroup directory; 0: not there. */
guint64 netfil_cgroup_id(const char *directory);

/* Calls for every cgroup of the hierarchy at `mount`, parents first: `path` is from
 * the hierarchy's root ("/" itself, "/a/b"). */
typedef void (*NetfilCgroupFunc)(const char *path, guint64 id, gpointer data);
void netfil_cgroup_walk(const char *mount, NetfilCgroupFunc func, gpointer data);
