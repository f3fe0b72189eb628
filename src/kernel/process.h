/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* The users that a process acts for, as /proc shows them to us. */
typedef struct {
	guint32 real, effective, saved, file_system;
} NetfilUids;

/* FALSE: there is no such process. */
gboolean netfil_process_uids(guint32 pid, NetfilUids *uids);
