/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>

#include "client/client.h"
#include "command.h"
#include "options.h"
#include "start.h"

static const NetfilUsage usage = {
    .command = "reload",
    .arguments = "",
    .summary = "Loads the kernel programs anew and swaps them in under traffic: no packet goes\n"
	       "uncounted, and no count is lost. Then applies /etc/netfil/filters.d/*.conf: all\n"
	       "of it, or nothing if one thing is wrong.",
    .description = "Example:\n  sudo netfil reload\n",
};

int netfil_cmd_reload(int argc, char **argv, GError **error)
{
	g_autoptr(NetfilClient) client = NULL;

	if (!netfil_options_parse(&usage, NULL, NULL, &argc, &argv, error) ||
	    !netfil_options_no_more(&usage, argc, argv, error))
		return EXIT_FAILURE;
	client = netfil_connect_to_change(error);
	if (!client || !netfil_client_reload(client, error))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
