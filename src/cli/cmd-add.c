/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>

#include "command.h"
#include "options.h"
#include "spec-options.h"
#include "start.h"

static const NetfilUsage usage = {
    .command = "add",
    .arguments = "NAME SELECTOR... [CAPS] [POLICY]",
    .summary = "Adds a filter, which is in force before the command ends. Repeats of one\n"
	       "selector widen it, different selectors narrow it. Without a cap it only counts.\n"
	       "Starts netfild if none runs.",
    .description = NETFIL_POLICIES_HELP
    "Examples:\n"
    "  netfil add hotspot --interface wlan0 --total 50G\n"
    "  netfil add backup --unit backup.service --ip 192.0.2.0/24 --out 2T\n"
    "  netfil add build --pid 4711 --in 300MiB --on-limit kill\n"
    "  netfil add phone --interface 'wwan*' --total 20G --every month@14 \\\n"
    "    --except 192.168.0.0/16 --free 01:00-07:00 --warn 80,95 --rollover \\\n"
    "    --on-limit throttle=64k\n"
    "  netfil add customers --ip 10.0.0.0/8 --each --max-members 100000 --total 100G\n"
    "  netfil add users --user '*' --each --total 5G --every day\n",
};

int netfil_cmd_add(int argc, char **argv, GError **error)
{
	g_autoptr(NetfilSpecOptions) options = netfil_spec_options_new(NETFIL_FOR_ADD);
	g_autoptr(NetfilClient) client = NULL;
	g_autoptr(NetfilSpec) spec = NULL;
	const char *const *names;

	netfil_spec_options_words(argc, argv);
	if (!netfil_options_parse(&usage, NULL, netfil_spec_options_group(options), &argc, &argv,
				  error))
		return EXIT_FAILURE;
	names = netfil_options_names(&usage, argc, argv, 1, 1, error);
	if (!names)
		return EXIT_FAILURE;
	spec = netfil_spec_options_spec(options, names[0], error);
	if (!spec || !netfil_spec_check(spec, error))
		return EXIT_FAILURE; /* before a daemon is started for it */
	client = netfil_connect_or_start(error);
	if (!client || !netfil_client_add_spec(client, spec, error))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
