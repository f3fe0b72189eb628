/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/client.h"
#include "client/paths.h"
#include "conf.h"
#include "events.h"
#include "presets.h"

/* Users, executables and lists that are not there, and filters for which there is no room. */
static void ask_daemon(const NetfilPresets *presets, GPtrArray *mistakes)
{
	g_autoptr(NetfilClient) client = netfil_client_connect(NULL);
	g_autoptr(GPtrArray) changes = NULL;
	GError *error = NULL;

	if (!client)
		return;
	changes = netfil_client_apply(client, presets->specs, FALSE, TRUE, &error);
	if (changes)
		netfil_presets_refused(presets, changes, mistakes);
	else
		netfil_mistakes_take(mistakes, error);
}

int netfil_check(void)
{
	g_autoptr(GPtrArray) mistakes = netfil_mistakes_new();
	g_autoptr(NetfilConfig) config = netfil_config_new();
	g_autoptr(NetfilPresets) presets = NULL;
	g_autoptr(GPtrArray) hooks = NULL;
	g_autofree char *events_dir = netfil_events_dir();

	netfil_conf_read(config, mistakes);
	presets = netfil_presets_read(mistakes);
	hooks = netfil_hooks_list(events_dir, mistakes);
	if (!mistakes->len && geteuid() == 0)
		ask_daemon(presets, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		fprintf(stderr, "netfild: %s\n", (char *)mistakes->pdata[i]);
	if (mistakes->len)
		return 2;
	printf("%s: all is right (filters: %u, hooks: %u)\n", netfil_config_dir(),
	       presets->specs->len, hooks->len);
	return EXIT_SUCCESS;
}
