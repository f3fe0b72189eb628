// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What each socket moves. It is counted as long as somebody asks now and then. */
#include <string.h>

#include "engine-private.h"

#define WATCH_SECONDS 10

static gboolean stop_watching(gpointer data)
{
	NetfilEngine *e = data;

	__atomic_store_n(&netfil_kernel_config(e->kernel)->watched, 0, __ATOMIC_SEQ_CST);
	netfil_rules_follow(e->rules, NULL);
	e->watch_source = 0;
	return G_SOURCE_REMOVE;
}

static void watch(NetfilEngine *e)
{
	struct netfil_config *config = netfil_kernel_config(e->kernel);
	GSource *source = g_timeout_source_new_seconds(WATCH_SECONDS);

	if (e->watch_source)
		g_source_remove(e->watch_source);
	g_source_set_callback(source, stop_watching, e, NULL);
	e->watch_source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
	if (config->watched)
		return;
	__atomic_store_n(&config->watched, 1, __ATOMIC_SEQ_CST);
	netfil_rules_follow(e->rules, NULL); /* or they are told of by who made them */
	netfil_rules_bump(e->rules);
}

void netfil_sockets_forget(NetfilEngine *e)
{
	if (e->watch_source)
		g_source_remove(e->watch_source);
	e->watch_source = 0;
}

static gint compare_cookies(gconstpointer a, gconstpointer b)
{
	guint64 x = ((const NetfilSocketUsage *)a)->cookie;
	guint64 y = ((const NetfilSocketUsage *)b)->cookie;

	return (x > y) - (x < y);
}

static NetfilSocketUsage usage_of(NetfilEngine *e, const struct netfil_socket_usage *record)
{
	NetfilSocketUsage usage = {
	    .cookie = record->cookie,
	    .pid = record->tgid,
	    .start = record->start,
	    .uid = record->tgid ? record->uid : G_MAXUINT32,
	    .remote = {.length = 128},
	    .remote_port = record->flow.remote_port,
	    .local_port = record->flow.local_port,
	    .proto = record->flow.proto,
	    .in = record->bytes[NETFIL_IN],
	    .out = record->bytes[NETFIL_OUT],
	};

	memcpy(usage.remote.address, record->flow.remote, sizeof(usage.remote.address));
	usage.exe = record->tgid && e->apps
			? netfil_apps_path(e->apps, record->account, &record->exe)
			: g_strdup("");
	return usage;
}

GArray *netfil_engine_sockets(NetfilEngine *e)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_int64_hash, g_int64_equal);
	g_autoptr(GByteArray) records = NULL;
	GArray *usages = netfil_socket_usages_new();
	const struct netfil_socket_usage *record;

	watch(e);
	records = netfil_kernel_socket_usage(e->kernel);
	record = (gconstpointer)records->data;
	for (gsize n = records->len / sizeof(*record); n; n--, record++) {
		NetfilSocketUsage usage;

		if (!g_hash_table_add(seen, (gpointer)&record->cookie))
			continue;
		usage = usage_of(e, record);
		g_array_append_val(usages, usage);
	}
	g_array_sort(usages, compare_cookies);
	return usages;
}
