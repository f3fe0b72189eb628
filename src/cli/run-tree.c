/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run-tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUND_USEC 2000

void netfil_run_tree_begin(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

gboolean netfil_run_tree_reap(pid_t command, int *status)
{
	gboolean found = FALSE;
	pid_t pid;
	int how;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0)
		if (pid == command) {
			*status = how;
			found = TRUE;
		}
	return found;
}

gboolean netfil_run_tree_is_populated(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* Of a process: whose child it is, and whether it runs. */
static gboolean look_at(const char *pid, pid_t *parent, char *state)
{
	g_autofree char *path = g_build_filename("/proc", pid, "stat", NULL);
	g_autofree char *text = NULL;
	const char *name_end;

	return g_file_get_contents(path, &text, NULL, NULL) && (name_end = strrchr(text, ')')) &&
	       sscanf(name_end, ") %c %d", state, parent) == 2;
}

static GHashTable *running_parents(void)
{
	GHashTable *parents = g_hash_table_new(NULL, NULL);
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	const char *name;
	pid_t parent;
	char state;

	while (proc && (name = g_dir_read_name(proc)))
		if (g_ascii_isdigit(name[0]) && look_at(name, &parent, &state) &&
		    !strchr("ZX", state))
			g_hash_table_insert(parents, GINT_TO_POINTER(atoi(name)),
					    GINT_TO_POINTER(parent));
	return parents;
}

static gboolean descends(GHashTable *parents, gpointer pid)
{
	while ((pid = g_hash_table_lookup(parents, pid)))
		if (GPOINTER_TO_INT(pid) == getpid())
			return TRUE;
	return FALSE;
}

/* How many were killed. */
static guint kill_round(void)
{
	g_autoptr(GHashTable) parents = running_parents();
	GHashTableIter iter;
	guint killed = 0;
	gpointer pid;

	g_hash_table_iter_init(&iter, parents);
	while (g_hash_table_iter_next(&iter, &pid, NULL))
		if (descends(parents, pid) && kill(GPOINTER_TO_INT(pid), SIGKILL) == 0)
			killed++;
	return killed;
}

void netfil_run_tree_kill(void)
{
	while (kill_round())
		g_usleep(ROUND_USEC); /* until what was killed is gone */
}
