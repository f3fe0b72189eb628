/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* The control group of one `netfil run`: holds all that the command starts, so
 * that nothing is left to go on uncapped. */
typedef struct NetfilRunCgroup NetfilRunCgroup;

/* Makes "netfil.run-PID" below `root`, and removes those that runs which died
 * left empty. */
NetfilRunCgroup *netfil_run_cgroup_new(const char *root, GError **error);

/* Removes the group if nothing is in it. */
void netfil_run_cgroup_free(NetfilRunCgroup *cgroup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilRunCgroup, netfil_run_cgroup_free)

gboolean netfil_run_cgroup_adopt(NetfilRunCgroup *cgroup, pid_t pid, GError **error);

gboolean netfil_run_cgroup_is_populated(NetfilRunCgroup *cgroup);

/* Polls as G_IO_PRI whenever netfil_run_cgroup_is_populated() may have changed. */
int netfil_run_cgroup_events_fd(NetfilRunCgroup *cgroup);

/* SIGKILL to all that is in it and below, and to what that starts meanwhile.
 * Returns when it is empty. Uses only system calls and the stack. */
void netfil_run_cgroup_kill(NetfilRunCgroup *cgroup);
