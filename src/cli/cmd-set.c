/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>

#include "client/client.h"
#include "command.h"
#include "options.h"
#include "spec-options.h"
#include "start.h"

static const NetfilUsage usage = {
    .command = "set",
    .arguments = "NAME [SELECTOR...] [CAPS] [POLICY]",
    .summary = "Changes a filter. What is given replaces what it had of that kind; the rest,\n"
	       "and its usage, stay. An empty value clears a selector or setting (--ip=,\n"
	       "--warn=), 0 removes a cap. A cap with a sign and --used are for this cycle\n"
	       "alone.",
    .description =
	NETFIL_POLICIES_HELP "Examples:\n"
			     "  netfil set hotspot --total 60G\n"
			     "  netfil set backup --ip 192.0.2.0/24 --ip 2001:db8::/32 --out 0\n"
			     "  netfil set backup --unit=\n"
			     "  netfil set hotspot --total +5G\n"
			     "  netfil set hotspot --used 12.3G --every month@14\n"
			     "  netfil set hotspot --unlimited-until 18:00\n",
};

int netfil_cmd_set(int argc, char **argv, GError **error)
{
	g_autoptr(NetfilSpecOptions) options = netfil_spec_options_new(NETFIL_FOR_SET);
	g_autoptr(NetfilClient) client = NULL;
	g_autoptr(GVariant) changes = NULL;
	const char *const *names;

	netfil_spec_options_words(argc, argv);
	if (!netfil_options_parse(&usage, NULL, netfil_spec_options_group(options), &argc, &argv,
				  error))
		return EXIT_FAILURE;
	names = netfil_options_names(&usage, argc, argv, 1, 1, error);
	if (!names)
		return EXIT_FAILURE;
	changes = netfil_spec_options_changes(options);
	if (!changes) {
		netfil_usage_error(&usage, error, "nothing is to be changed");
		return EXIT_FAILURE;
	}
	g_variant_ref_sink(changes);
	client = netfil_connect_to_change(error);
	if (!client || !netfil_client_change(client, names[0], changes, error))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
