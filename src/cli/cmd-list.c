/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <unistd.h>

#include "client/client.h"
#include "command.h"
#include "core/size.h"
#include "json.h"
#include "options.h"
#include "print.h"

static const NetfilUsage usage = {
    .command = "list",
    .arguments = "",
    .summary = "A line a filter: name, state, what it applies to, and how much of its nearest\n"
	       "cap is used.",
    .description = "Examples:\n"
		   "  netfil list\n"
		   "  netfil list --json | jq '.[] | select(.state == \"exhausted\") | .name'\n",
};

static void print_json(const GPtrArray *statuses)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_ARRAY);
	JsonArray *array = json_array_sized_new(statuses->len);

	for (guint i = 0; i < statuses->len; i++)
		json_array_add_element(array, netfil_json_status(statuses->pdata[i]));
	json_node_take_array(root, array);
	netfil_json_print(root);
}

static guint outlook_width(const GPtrArray *statuses)
{
	guint width = 0;

	for (guint i = 0; i < statuses->len; i++) {
		g_autofree char *outlook = netfil_print_outlook(statuses->pdata[i]);

		width = MAX(width, netfil_text_width(outlook));
	}
	return width;
}

static void print_text(const GPtrArray *statuses)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	NetfilColumns columns = netfil_print_columns(statuses, &terminal, outlook_width(statuses));

	for (guint i = 0; i < statuses->len; i++) {
		g_autofree char *outlook = netfil_print_outlook(statuses->pdata[i]);
		g_autofree char *row =
		    netfil_print_row(statuses->pdata[i], &columns, &terminal, outlook);

		g_print("%s\n", row);
	}
	if (statuses->len == 0)
		g_printerr("No filters yet: add one with \"netfil add NAME SELECTOR... CAPS\"\n");
}

static void print_losses(const guint64 losses[NETFIL_LOSSES])
{
	if (losses[NETFIL_LOSS_OVERMATCHED])
		g_print("Refused because more than %d filters matched: %" G_GUINT64_FORMAT
			" packets\n",
			NETFIL_MATCH_MAX, losses[NETFIL_LOSS_OVERMATCHED]);
	if (losses[NETFIL_LOSS_UNTAGGED])
		g_print("Without an owner for want of memory: %" G_GUINT64_FORMAT " sockets\n",
			losses[NETFIL_LOSS_UNTAGGED]);
	if (losses[NETFIL_LOSS_UNTRACKED])
		g_print("Not followed for want of memory: %" G_GUINT64_FORMAT " processes\n",
			losses[NETFIL_LOSS_UNTRACKED]);
}

/* What no filter could be charged for is said, however little it is. */
static gboolean print_unattributed(NetfilClient *client, GError **error)
{
	guint64 bytes[2], packets[2], losses[NETFIL_LOSSES];
	g_autofree char *in = NULL;
	g_autofree char *out = NULL;

	if (!netfil_client_unattributed(client, bytes, packets, losses, error))
		return FALSE;
	print_losses(losses);
	if (!packets[0] && !packets[1])
		return TRUE;
	in = netfil_size_format(bytes[NETFIL_IN]);
	out = netfil_size_format(bytes[NETFIL_OUT]);
	g_print("Traffic without a known owner: %s in, %s out\n", in, out);
	return TRUE;
}

/* Not into JSON, which is an array of filters and nothing else. */
static gboolean print_trouble(NetfilClient *client, gboolean json, GError **error)
{
	gint64 since = 0;
	g_autofree char *what = netfil_client_trouble(client, &since, error);
	g_autofree char *line = NULL;

	if (!what)
		return FALSE;
	line = netfil_print_trouble(what, since);
	if (*what && json)
		g_printerr("netfil: %s\n", line);
	else if (*what)
		g_print("%s\n", line);
	return TRUE;
}

int netfil_cmd_list(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
	    {"json", 0, 0, G_OPTION_ARG_NONE, &json, "a JSON array", NULL},
	    {NULL},
	};
	g_autoptr(NetfilClient) client = NULL;
	g_autoptr(GPtrArray) statuses = NULL;

	if (!netfil_options_parse(&usage, entries, NULL, &argc, &argv, error) ||
	    !netfil_options_no_more(&usage, argc, argv, error) ||
	    !(client = netfil_client_connect(error)) ||
	    !(statuses = netfil_client_list(client, error)))
		return EXIT_FAILURE;
	if (json)
		print_json(statuses);
	else
		print_text(statuses);
	if (!json && !print_unattributed(client, error))
		return EXIT_FAILURE;
	return print_trouble(client, json, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
