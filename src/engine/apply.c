// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Many filters are made what they are to be: looked at first, then done, all or none. */
#include "batch.h"

#include <string.h>

typedef struct {
	NetfilEngine *engine;
	NetfilBatch *batch;
	GHashTable *names; /* of the specifications so far */
} Plan;

/* Users, files and processes that have to be there: each that is not is told. */
static void look_up(Plan *p, const NetfilSpec *spec, const char *key, const char *value)
{
	g_autoptr(NetfilSpec) alone = netfil_spec_new(spec->name);
	NetfilSelectors *selectors;
	GError *error = NULL;

	netfil_spec_put(alone, key, value, NULL); /* it was taken before */
	selectors = netfil_selectors_new(p->engine->kernel, p->engine->lists, alone, FALSE, &error);
	netfil_selectors_free(selectors);
	if (!selectors)
		netfil_batch_refuse(p->batch, spec->name, key, error);
}

static void look_up_all(Plan *p, const NetfilSpec *spec)
{
	for (guint i = 0; i < spec->exes->len; i++)
		look_up(p, spec, "exe", spec->exes->pdata[i]);
	for (guint i = 0; i < spec->users->len; i++)
		look_up(p, spec, "user", spec->users->pdata[i]);
	for (guint i = 0; i < spec->ip_files->len; i++)
		look_up(p, spec, "ip-file", spec->ip_files->pdata[i]);
}

static void plan_new(Plan *p, const NetfilSpec *spec)
{
	look_up_all(p, spec);
	netfil_batch_add(p->batch, spec);
}

static void plan_change(Plan *p, NetfilFilter *filter, NetfilSpec *spec)
{
	g_auto(GStrv) keys = netfil_spec_compare(filter->spec, spec);
	gboolean selects = FALSE;
	GError *error = NULL;

	if (!keys[0] && !filter->owner)
		return; /* one of a user's becomes the administrators' */
	if (!netfil_may_become(filter, spec, &error)) {
		netfil_batch_refuse(p->batch, spec->name, NULL, error);
		return;
	}
	for (guint i = 0; keys[i]; i++)
		selects |= netfil_key_selects(keys[i]);
	if (selects)
		look_up_all(p, spec);
	netfil_batch_change(p->batch, filter, spec, 0, (const char *const *)keys, selects, selects,
			    NULL);
}

static void plan_one(Plan *p, NetfilSpec *spec)
{
	NetfilFilter *filter = g_hash_table_lookup(p->engine->filters, spec->name);
	GError *error = NULL;

	if (!netfil_spec_check(spec, &error))
		netfil_batch_refuse(p->batch, spec->name, NULL, error);
	else if (!g_hash_table_add(p->names, spec->name))
		netfil_batch_refuse(
		    p->batch, spec->name, NULL,
		    g_error_new(NETFIL_ERROR, NETFIL_ERROR_INVALID,
				"'%s' is there twice: give each filter a name of its own",
				spec->name));
	else if (filter)
		plan_change(p, filter, spec);
	else
		plan_new(p, spec);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	const NetfilFilter *const *x = a, *const *y = b;

	return strcmp((*x)->spec->name, (*y)->spec->name);
}

static void plan_removals(Plan *p)
{
	g_autoptr(GPtrArray) removed = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name, filter;

	g_hash_table_iter_init(&iter, p->engine->filters);
	while (g_hash_table_iter_next(&iter, &name, &filter))
		if (!g_hash_table_contains(p->names, name) && !((NetfilFilter *)filter)->owner)
			g_ptr_array_add(removed, filter);
	g_ptr_array_sort(removed, compare_names);
	for (guint i = 0; i < removed->len; i++)
		netfil_batch_remove(p->batch, removed->pdata[i]);
}

GPtrArray *netfil_engine_apply(NetfilEngine *e, const GPtrArray *specs, gboolean prune,
			       gboolean dry_run, GError **error)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(NetfilBatch) batch = netfil_batch_new(e);
	g_autoptr(GError) problem = NULL;
	Plan p = {e, batch, names};

	netfil_lists_ask(e->lists);
	for (guint i = 0; i < specs->len; i++)
		plan_one(&p, specs->pdata[i]);
	if (prune)
		plan_removals(&p);
	if (!dry_run && !netfil_batch_carry_out(batch, &problem) &&
	    !netfil_batch_is_refused(batch)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	return netfil_batch_changes(batch);
}
