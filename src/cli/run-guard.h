/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "run-cgroup.h"

/*
 * A small process that outlives a `netfil run` which is killed: it then kills
 * what is left in the run's control group, since the cap ended with its owner.
 * The command itself does not need it (it dies with its parent), but what the
 * command started does, and set-user-id programs.
 */
typedef struct {
	pid_t pid;
	int line; /* a byte releases it, the end of file is the alarm */
} NetfilRunGuard;

/* Call before there are threads. */
gboolean netfil_run_guard_start(NetfilRunGuard *guard, NetfilRunCgroup *cgroup, GError **error);

/* Ends it: all was cleared up. */
void netfil_run_guard_release(NetfilRunGuard *guard);
