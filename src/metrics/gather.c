/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "gather.h"

#include "client/client.h"

static gboolean ask(NetfilClient *client, NetfilMetrics *metrics, GError **error)
{
	g_autofree char *trouble = NULL;

	g_clear_pointer(&metrics->statuses, g_ptr_array_unref);
	metrics->statuses = netfil_client_list(client, error);
	if (!metrics->statuses ||
	    !netfil_client_unattributed(client, metrics->bytes, metrics->packets, metrics->losses,
					error))
		return FALSE;
	trouble = netfil_client_trouble(client, &metrics->trouble_since, error);
	if (!trouble)
		return FALSE;
	g_free(metrics->version);
	metrics->version = g_strdup(netfil_client_version(client));
	return TRUE;
}

NetfilMetrics *netfil_metrics_gather(GError **error)
{
	g_autoptr(NetfilMetrics) metrics = netfil_metrics_new();
	g_autoptr(NetfilClient) client = netfil_client_connect(error);

	if (!client || !ask(client, metrics, error))
		return NULL;
	metrics->up = TRUE;
	return g_steal_pointer(&metrics);
}
