/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <unistd.h>

#include "client/client.h"
#include "command.h"
#include "json.h"
#include "options.h"
#include "print.h"

static const NetfilUsage usage = {
    .command = "show",
    .arguments = "NAME",
    .summary = "All about one filter, to the byte.",
    .description = "Examples:\n"
		   "  netfil show hotspot\n"
		   "  netfil show hotspot --json | jq .used.total\n",
};

static void print_text(const NetfilStatus *status)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	g_autofree char *text = netfil_print_details(status, &terminal);

	g_print("%s", text);
}

static void print_json(const NetfilStatus *status)
{
	g_autoptr(JsonNode) node = netfil_json_status(status);

	netfil_json_print(node);
}

int netfil_cmd_show(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
	    {"json", 0, 0, G_OPTION_ARG_NONE, &json, "a JSON object", NULL},
	    {NULL},
	};
	g_autoptr(NetfilClient) client = NULL;
	g_autoptr(NetfilStatus) status = NULL;
	const char *const *names;

	if (!netfil_options_parse(&usage, entries, NULL, &argc, &argv, error) ||
	    !(names = netfil_options_names(&usage, argc, argv, 1, 1, error)) ||
	    !(client = netfil_client_connect(error)) ||
	    !(status = netfil_client_get(client, names[0], error)))
		return EXIT_FAILURE;
	if (json)
		print_json(status);
	else
		print_text(status);
	return EXIT_SUCCESS;
}
