/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "core/error.h"
#include "core/filter-file.h"
#include "core/quote.h"
#include "kernel/cgroup.h"
#include "options.h"
#include "start.h"

static gboolean dry_run, prune;

static const GOptionEntry entries[] = {
    {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "tell what would be done, and do nothing",
     NULL},
    {"prune", 0, 0, G_OPTION_ARG_NONE, &prune, "remove filters that are not in the file", NULL},
    G_OPTION_ENTRY_NULL,
};

static const NetfilUsage usage = {
    .command = "apply",
    .arguments = "FILE",
    .summary = "Makes the filters what FILE (\"-\": standard input) says, in the form of \"netfil\n"
	       "export\": all of it, or nothing if one thing is wrong. Usage goes on. Filters\n"
	       "that are not in the file stay, unless --prune is given. Tells what it does: +\n"
	       "added, ~ changed, - removed. Starts netfild if none runs.",
    .description = "Examples:\n"
		   "  netfil apply --dry-run filters.conf\n"
		   "  netfil apply filters.conf\n",
};

/* No more than fits. */
static GString *read_all(const char *path, GError **error)
{
	gboolean is_stdin = g_str_equal(path, "-");
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	GString *text = g_string_new(NULL);
	char part[65536];
	gsize length;

	while (file && text->len <= NETFIL_FILTER_FILE_MAX &&
	       (length = fread(part, 1, sizeof part, file)) > 0)
		g_string_append_len(text, part, (gssize)length);
	if (!file || ferror(file)) {
		g_autofree char *quoted = netfil_quote(path, -1);

		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "%s cannot be read (%m): give a file as \"netfil export\" writes it",
			    quoted);
		g_string_free(text, TRUE);
		text = NULL;
	}
	if (file && !is_stdin)
		fclose(file);
	return text;
}

static void print_mistake(const char *path, guint line, const char *text)
{
	g_autofree char *name = netfil_escape(path, -1, 200);

	if (line)
		g_printerr("netfil: %s:%u: %s\n", name, line, text);
	else
		g_printerr("netfil: %s: %s\n", name, text);
}

/* "/sys/fs/cgroup/a" is taken for "/a", as on the command line. */
static gboolean resolve(const NetfilFilterFile *file, GError **error)
{
	for (guint i = 0; i < file->specs->len; i++)
		if (!netfil_cgroup_paths(((NetfilSpec *)file->specs->pdata[i])->cgroups, error))
			return FALSE;
	return TRUE;
}

static void print_change(const NetfilChange *change)
{
	g_autofree char *keys = g_strjoinv(" ", change->keys);

	g_print("%s %s%s%s\n", netfil_change_sign(change->kind), change->name, *keys ? ": " : "",
		keys);
}

/* FALSE if one was refused. */
static gboolean print_changes(const char *path, const NetfilFilterFile *file,
			      const GPtrArray *changes)
{
	gboolean done = TRUE;

	for (guint i = 0; i < changes->len; i++) {
		const NetfilChange *change = changes->pdata[i];

		if (change->kind != NETFIL_CHANGE_REFUSED) {
			print_change(change);
			continue;
		}
		done = FALSE;
		print_mistake(path, netfil_filter_file_line(file, change->name, change->keys[0]),
			      change->why);
	}
	return done;
}

static int apply(const char *path, const NetfilFilterFile *file, GError **error)
{
	g_autoptr(NetfilClient) client =
	    dry_run ? netfil_client_connect(error) : netfil_connect_or_start(error);
	g_autoptr(GPtrArray) changes =
	    client ? netfil_client_apply(client, file->specs, prune, dry_run, error) : NULL;

	if (!changes)
		return EXIT_FAILURE;
	return print_changes(path, file, changes) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int netfil_cmd_apply(int argc, char **argv, GError **error)
{
	g_autoptr(NetfilFilterFile) file = NULL;
	GString *text;

	if (!netfil_options_parse(&usage, entries, NULL, &argc, &argv, error))
		return EXIT_FAILURE;
	if (argc != 2) {
		netfil_usage_error(&usage, error,
				   argc < 2 ? "no file is named" : "more than one file is named");
		return EXIT_FAILURE;
	}
	text = read_all(argv[1], error);
	if (!text)
		return EXIT_FAILURE;
	file = netfil_filter_file_read(text->str, text->len);
	g_string_free(text, TRUE);
	for (guint i = 0; i < file->mistakes->len; i++) {
		const NetfilMistake *mistake = &g_array_index(file->mistakes, NetfilMistake, i);

		print_mistake(argv[1], mistake->line, mistake->text);
	}
	if (file->mistakes->len)
		return 2;
	return resolve(file, error) ? apply(argv[1], file, error) : EXIT_FAILURE;
}
