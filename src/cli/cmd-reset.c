/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>

#include "client/client.h"
#include "command.h"
#include "options.h"
#include "start.h"

static const NetfilUsage usage = {
    .command = "reset",
    .arguments = "NAME...",
    .summary = "Starts filters' usage again from 0: all of them, or none if one is not there.\n"
	       "With --member, that of one member of one filter.",
    .description = "Examples:\n"
		   "  netfil reset hotspot\n"
		   "  netfil reset customers --member 192.0.2.7\n",
};

int netfil_cmd_reset(int argc, char **argv, GError **error)
{
	g_autofree char *member = NULL;
	const GOptionEntry entries[] = {
	    {"member", 0, 0, G_OPTION_ARG_STRING, &member, "this member alone", "KEY"},
	    {NULL},
	};
	g_autoptr(NetfilClient) client = NULL;
	const char *const *names;
	gboolean done;

	if (!netfil_options_parse(&usage, entries, NULL, &argc, &argv, error) ||
	    !(names = netfil_options_names(&usage, argc, argv, 1, 0, error)))
		return EXIT_FAILURE;
	if (member && argc > 2) {
		netfil_usage_error(&usage, error, "--member is of one filter");
		return EXIT_FAILURE;
	}
	client = netfil_connect_to_change(error);
	if (!client)
		return EXIT_FAILURE;
	done = member ? netfil_client_reset_member(client, names[0], member, error)
		      : netfil_client_reset(client, names, error);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
