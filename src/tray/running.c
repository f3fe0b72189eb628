/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "running.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELETED " (deleted)"

static void running_free(gpointer data)
{
	NetfilRunning *running = data;

	g_free(running->name);
	g_free(running->exe);
	g_free(running);
}

/* A kernel thread has no command line. */
static gboolean is_thread_of_kernel(const char *folder)
{
	g_autofree char *path = g_build_filename(folder, "cmdline", NULL);
	g_autofree char *text = NULL;
	gsize length = 0;

	return !g_file_get_contents(path, &text, &length, NULL) || length == 0;
}

static char *read_name(const char *folder)
{
	g_autofree char *path = g_build_filename(folder, "comm", NULL);
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	return g_utf8_make_valid(g_strchomp(text), -1);
}

static char *read_exe(const char *folder)
{
	g_autofree char *path = g_build_filename(folder, "exe", NULL);
	char *exe = g_file_read_link(path, NULL);

	if (exe && g_str_has_suffix(exe, DELETED))
		exe[strlen(exe) - strlen(DELETED)] = '\0';
	return exe;
}

static NetfilRunning *look_at(const char *entry)
{
	g_autofree char *folder = g_build_filename("/proc", entry, NULL);
	struct stat owner;
	guint64 pid;
	NetfilRunning *running;

	if (!g_ascii_string_to_unsigned(entry, 10, 1, G_MAXINT, &pid, NULL) ||
	    (pid_t)pid == getpid() || stat(folder, &owner) < 0 || is_thread_of_kernel(folder))
		return NULL;
	running = g_new0(NetfilRunning, 1);
	running->pid = (int)pid;
	running->uid = owner.st_uid;
	running->name = read_name(folder);
	running->exe = read_exe(folder);
	if (running->name)
		return running;
	running_free(running); /* it ended meanwhile */
	return NULL;
}

static int compare(gconstpointer a, gconstpointer b)
{
	const NetfilRunning *const *one = a, *const *other = b;
	int order = g_utf8_collate((*one)->name, (*other)->name);

	return order ? order : (*one)->pid - (*other)->pid;
}

GPtrArray *netfil_running_list(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(running_free);
	g_autoptr(GDir) folder = g_dir_open("/proc", 0, NULL);
	const char *entry;

	while (folder && (entry = g_dir_read_name(folder))) {
		NetfilRunning *running = look_at(entry);

		if (running)
			g_ptr_array_add(list, running);
	}
	g_ptr_array_sort(list, compare);
	return list;
}
