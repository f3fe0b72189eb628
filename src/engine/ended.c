// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters that are to go when their processes have ended. */
#include "engine-private.h"

/* Who waits for `netfil run` to end waits for this, too. */
#define INTERVAL_MS 200
#define STALL_USEC (5 * G_USEC_PER_SEC)

static gboolean has_processes(NetfilEngine *e, const NetfilFilter *filter)
{
	g_autoptr(GArray) processes = netfil_kernel_rule_processes(e->kernel, filter->rule->number);

	return processes->len > 0;
}

static guint64 used_by(NetfilEngine *e, NetfilFilter *filter)
{
	NetfilCounters now;

	netfil_filter_read(e->kernel, filter, &now);
	return now.in + now.out;
}

/* What they left in their sockets' buffers is sent by the kernel after them, and is theirs: it
 * is waited for as long as it moves. What stands still is ended, as nobody would hold it to the
 * cap any more. */
static gboolean is_over(NetfilEngine *e, NetfilFilter *filter)
{
	gint64 now = g_get_monotonic_time();
	guint64 used = used_by(e, filter);

	if (has_processes(e, filter)) {
		filter->ended_at = 0;
		return FALSE;
	}
	if (!filter->ended_at || used != filter->ended_with) {
		filter->ended_at = now;
		filter->ended_with = used;
	}
	if (!netfil_kernel_closing_connections(e->kernel, filter->slot))
		return TRUE;
	if (now - filter->ended_at < STALL_USEC)
		return FALSE;
	netfil_kernel_reset_connections(e->kernel, filter->slot);
	return TRUE;
}

/* FALSE: no filter waits for an end. */
static gboolean remove_over(NetfilEngine *e)
{
	g_autoptr(GPtrArray) over = g_ptr_array_new();
	GHashTableIter iter;
	guint waiting = 0;
	gpointer value;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		if (!filter->spec->until_exit || !filter->rule)
			continue;
		waiting++;
		if (is_over(e, filter))
			g_ptr_array_add(over, filter);
	}
	for (guint i = 0; i < over->len; i++) {
		NetfilFilter *filter = over->pdata[i];
		const char *const names[] = {filter->spec->name, NULL};

		netfil_emit_changed(e, filter); /* its last numbers */
		/* If the ledger cannot be written, which the checkpoint tells: the next time. */
		netfil_engine_remove(e, names, NULL);
	}
	return waiting > 0;
}

static gboolean on_timer(gpointer data)
{
	NetfilEngine *e = data;

	if (remove_over(e))
		return G_SOURCE_CONTINUE;
	e->ended_source = 0;
	return G_SOURCE_REMOVE;
}

void netfil_ended_watch(NetfilEngine *e)
{
	GSource *source;

	if (e->ended_source)
		return;
	source = g_timeout_source_new(INTERVAL_MS);
	g_source_set_callback(source, on_timer, e, NULL);
	e->ended_source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
}
