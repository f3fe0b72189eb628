// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process.h"

#include <stdio.h>
#include <string.h>

#define FIELD_START 19 /* of /proc/PID/stat, behind the name */

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

gboolean netfil_process_look_at(guint32 pid, NetfilProcess *process)
{
	g_autofree char *path = g_strdup_printf("/proc/%u/stat", pid);
	g_autofree char *text = NULL;
	g_auto(GStrv) fields = NULL;
	char *name_end;

	if (!g_file_get_contents(path, &text, NULL, NULL) || !(name_end = strrchr(text, ')')))
		return FALSE;
	fields = g_strsplit(g_strchug(name_end + 1), " ", -1);
	if (g_strv_length(fields) <= FIELD_START)
		return FALSE;
	process->pid = pid;
	process->state = *fields[0];
	process->start = g_ascii_strtoull(fields[FIELD_START], NULL, 10);
	return TRUE;
}

/* Not by /proc/PID/exe, which takes CAP_SYS_PTRACE. */
gboolean netfil_process_has_memory(guint32 pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%u/status", pid);
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, "\nVmSize:");
}
