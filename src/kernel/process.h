/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* The users that a process acts for, as /proc shows them to us. */
typedef struct {
	guint32 real, effective, saved, file_system;
} NetfilUids;

/* FALSE: there is no such process. */
gboolean netfil_process_uids(guint32 pid, NetfilUids *uids);

/* A number may be given again; with its start it means the same process for ever. */
typedef struct {
	guint32 pid;
	guint64 start; /* clock ticks since the machine's; never 0 */
	char state;    /* as /proc says */
} NetfilProcess;

/* FALSE: there is no such process. */
gboolean netfil_process_look_at(guint32 pid, NetfilProcess *process);

/* FALSE also for one that is about to end. */
gboolean netfil_process_has_memory(guint32 pid);
