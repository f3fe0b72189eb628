// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process.h"

#include <stdio.h>
#include <string.h>

gboolean netfil_process_uids(guint32 pid, NetfilUids *uids)
{
	g_autofree char *path = g_strdup_printf("/proc/%u/status", pid);
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return FALSE;
	/* Its name is one line whatever it is: what is not printable is escaped. */
	line = strstr(text, "\nUid:");
	return line && sscanf(line, "\nUid: %u %u %u %u", &uids->real, &uids->effective,
			      &uids->saved, &uids->file_system) == 4;
}
