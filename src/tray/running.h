/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* A process that runs. */
typedef struct {
	int pid;
	guint32 uid;
	char *name; /* as the kernel has it */
	char *exe;  /* its executable; NULL where this user may not see it */
} NetfilRunning;

/* Of NetfilRunning *, by name; kernel threads and this process left out. */
GPtrArray *netfil_running_list(void);
