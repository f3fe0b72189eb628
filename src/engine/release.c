// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The end of it: caps are lifted, and nothing is left in the kernel. */
#include "engine-private.h"
#include "kernel/pin.h"

static void dismiss_all(NetfilEngine *e)
{
	GHashTableIter iter;
	gpointer filter;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		netfil_cap_dismiss(e, filter);
}

/* Nothing counts any more: these are the last figures. */
static void write_last(NetfilEngine *e)
{
	GHashTableIter iter;
	gpointer filter;

	if (!e->ledger)
		return;
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		netfil_grant_end(e, filter);
	netfil_checkpoint_last(e);
	if (e->trouble.what)
		g_warning("%s", e->trouble.what);
	netfil_ledger_backup(e->ledger);
}

static gboolean let_go(const NetfilEngineOptions *options, GError **error)
{
	g_autoptr(NetfilEngine) e = g_object_new(NETFIL_TYPE_ENGINE, NULL);

	if (!netfil_take_over(e, options, error))
		return FALSE;
	dismiss_all(e);
	if (!netfil_kernel_release(e->kernel, error))
		return FALSE;
	write_last(e);
	return TRUE;
}

gboolean netfil_engine_release(const NetfilEngineOptions *options, GError **error)
{
	g_autoptr(GError) hindrance = NULL;

	if (!g_file_test(options->bpffs_dir, G_FILE_TEST_IS_DIR) || let_go(options, &hindrance))
		return TRUE;
	g_warning("%s; what moved since the ledger was last written is not known, and what was "
		  "paused or taken down stays so",
		  hindrance->message);
	return netfil_pin_remove(options->bpffs_dir, error);
}
