/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>

#include "client/client.h"
#include "command.h"
#include "core/filter-file.h"
#include "options.h"
#include "save.h"

static const NetfilUsage usage = {
    .command = "export",
    .arguments = "[FILE]",
    .summary = "Writes all filters as a text file, for people to change and for \"netfil apply\".\n"
	       "Without a FILE, or for \"-\", to standard output; else FILE is replaced as a\n"
	       "whole. Usage is not in it.",
    .description = "Example:\n  netfil export filters.conf\n",
};

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
		return netfil_save(argv[1], text, error) ? EXIT_SUCCESS : EXIT_FAILURE;
	g_print("%s", text);
	return EXIT_SUCCESS;
}
