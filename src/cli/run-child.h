/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

/* The command of `netfil run`: made first, held back until its filter is in
 * force, then let go. */
typedef struct {
	pid_t pid;
	int gate;    /* a byte lets it go, the end of file ends it */
	int failure; /* tells the errno of exec, or nothing */
} NetfilRunChild;

/* Forks. The child has the signal mask given, and dies with this process. Call
 * before there are threads. */
gboolean netfil_run_child_start(NetfilRunChild *child, char **argv, const sigset_t *mask,
				GError **error);

/* Lets it execute the command, and waits until it has. On failure the exit status
 * is 127 if there is no such command, else 126, and the child is reaped. */
gboolean netfil_run_child_release(NetfilRunChild *child, const char *command, int *exit_status,
				  GError **error);

/* Ends and reaps a child that was not let go, or that was killed. */
void netfil_run_child_discard(NetfilRunChild *child);
