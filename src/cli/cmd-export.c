/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "client/client.h"
#include "command.h"
#include "core/error.h"
#include "core/filter-file.h"
#include "core/quote.h"
#include "options.h"

static const NetfilUsage usage = {
    .command = "export",
    .arguments = "[FILE]",
    .summary = "Writes all filters as a text file, for people to change and for \"netfil apply\".\n"
	       "Without a FILE, or for \"-\", to standard output; else FILE is replaced as a\n"
	       "whole. Usage is not in it.",
    .description = "Example:\n  netfil export filters.conf\n",
};

/* To where a symbolic link leads. What is no file, as /dev/null, would be replaced by one. */
static char *target_of(const char *path, GError **error)
{
	g_autofree char *quoted = netfil_quote(path, -1);
	char *target = realpath(path, NULL);
	struct stat about;

	if (!target)
		return g_strdup(path);
	if (g_stat(target, &about) == 0 && S_ISREG(about.st_mode))
		return target;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "%s is no file: give one, or - for standard output", quoted);
	g_free(target);
	return NULL;
}

static gboolean save(const char *path, const char *text, GError **error)
{
	g_autofree char *target = target_of(path, error);
	g_autoptr(GError) problem = NULL;
	g_autofree char *told = NULL;

	if (!target)
		return FALSE;
	if (g_file_set_contents_full(target, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
				     &problem))
		return TRUE;
	told = netfil_escape(problem->message, -1, 200);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "the file cannot be written (%s): give another one", told);
	return FALSE;
}

int netfil_cmd_export(int argc, char **argv, GError **error)
{
	g_autoptr(GPtrArray) specs = g_ptr_array_new();
	g_autoptr(GPtrArray) statuses = NULL;
	g_autoptr(NetfilClient) client = NULL;
	g_autofree char *text = NULL;

	if (!netfil_options_parse(&usage, NULL, NULL, &argc, &argv, error))
		return EXIT_FAILURE;
	if (argc > 2) {
		netfil_usage_error(&usage, error, "unexpected argument %s", argv[2]);
		return EXIT_FAILURE;
	}
	client = netfil_client_connect(error);
	statuses = client ? netfil_client_list(client, error) : NULL;
	if (!statuses)
		return EXIT_FAILURE;
	for (guint i = 0; i < statuses->len; i++) {
		const NetfilStatus *status = statuses->pdata[i];

		if (!status->owner) /* to apply a user's filter would be to take it */
			g_ptr_array_add(specs, status->spec);
	}
	text = netfil_filter_file_write(specs);
	if (argc == 2 && !g_str_equal(argv[1], "-"))
		return save(argv[1], text, error) ? EXIT_SUCCESS : EXIT_FAILURE;
	g_print("%s", text);
	return EXIT_SUCCESS;
}
