/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* All that the command of an ordinary user's `netfil run` starts. It gets no control group, so
 * what loses its parent becomes our child instead. */

/* Before the command is started. */
void netfil_run_tree_begin(void);

/* Takes all that have ended. TRUE where the command is among them: its status, as waitpid(2) has
 * it. Others are of no interest. */
gboolean netfil_run_tree_reap(pid_t command, int *status);

/* Whether anything is left. */
gboolean netfil_run_tree_is_populated(void);

/* SIGKILL to all that is left, and to what that starts meanwhile. Returns when nothing runs but
 * what is not ours to kill: set-user-ID programs that became somebody else's. */
void netfil_run_tree_kill(void);
