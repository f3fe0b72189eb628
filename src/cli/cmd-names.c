/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The commands that do one thing to each filter named: on, off, rm. */
#include <stdlib.h>

#include "client/client.h"
#include "command.h"
#include "options.h"
#include "start.h"

typedef gboolean (*Change)(NetfilClient *client, const char *const *names, GError **error);

static gboolean switch_on(NetfilClient *client, const char *const *names, GError **error)
{
	return netfil_client_switch(client, names, TRUE, error);
}

static gboolean switch_off(NetfilClient *client, const char *const *names, GError **error)
{
	return netfil_client_switch(client, names, FALSE, error);
}

static int change(const NetfilUsage *usage, Change how, int argc, char **argv, GError **error)
{
	g_autoptr(NetfilClient) client = NULL;
	const char *const *names;

	if (!netfil_options_parse(usage, NULL, NULL, &argc, &argv, error))
		return EXIT_FAILURE;
	names = netfil_options_names(usage, argc, argv, 1, 0, error);
	if (!names || !(client = netfil_connect_to_change(error)) || !how(client, names, error))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

int netfil_cmd_on(int argc, char **argv, GError **error)
{
	static const NetfilUsage usage = {
	    .command = "on",
	    .arguments = "NAME...",
	    .summary = "Switches filters on: all of them, or none if one is not there.",
	    .description = "Example:\n  netfil on hotspot backup\n",
	};

	return change(&usage, switch_on, argc, argv, error);
}

int netfil_cmd_off(int argc, char **argv, GError **error)
{
	static const NetfilUsage usage = {
	    .command = "off",
	    .arguments = "NAME...",
	    .summary =
		"Switches filters off: they neither count nor refuse, and keep their usage.\n"
		"All of them, or none if one is not there.",
	    .description = "Example:\n  netfil off hotspot\n",
	};

	return change(&usage, switch_off, argc, argv, error);
}

int netfil_cmd_rm(int argc, char **argv, GError **error)
{
	static const NetfilUsage usage = {
	    .command = "rm",
	    .arguments = "NAME...",
	    .summary = "Removes filters: all of them, or none if one is not there.",
	    .description = "Example:\n  netfil rm hotspot backup\n",
	};

	return change(&usage, netfil_client_remove, argc, argv, error);
}
