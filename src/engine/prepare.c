// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What takes long in a change, done before it: list files are read in a thread, and the prefixes
 * of rules to come are put into the kernel in slices, under numbers of rules that are reserved.
 * So others are served meanwhile, and the change itself finds all done. It does without, too, and
 * then takes its time: nothing here has to succeed.
 */
#include <string.h>

#include "engine-private.h"

#define SLICE 20000 /* microseconds */

struct NetfilPreparation {
	NetfilEngine *engine;
	guint id;
	GPtrArray *specs; /* of NetfilSpec */
	GPtrArray *lists; /* of NetfilList, ready: those that were read for it */
	GArray *reserved; /* guint: numbers of rules */
	guint source;
	NetfilPreparedFunc done;
	gpointer data;
	GDestroyNotify free_data;
};

typedef struct {
	GWeakRef engine;
	guint id;
	GPtrArray *paths;
} Reading;

static void reading_free(gpointer data)
{
	Reading *reading = data;

	g_weak_ref_clear(&reading->engine);
	g_ptr_array_unref(reading->paths);
	g_free(reading);
}

static void preparation_free(gpointer data)
{
	NetfilPreparation *p = data;

	g_clear_handle_id(&p->source, g_source_remove);
	for (guint i = 0; i < p->lists->len; i++)
		((NetfilList *)p->lists->pdata[i])->ready = FALSE;
	if (p->free_data)
		p->free_data(p->data);
	g_ptr_array_unref(p->specs);
	g_ptr_array_unref(p->lists);
	g_array_unref(p->reserved);
	g_free(p);
}

GPtrArray *netfil_preparations_new(void)
{
	return g_ptr_array_new_with_free_func(preparation_free);
}

static void finish(NetfilPreparation *p)
{
	NetfilEngine *e = p->engine;

	p->source = 0;
	p->done(p->data);
	for (guint i = 0; i < p->reserved->len; i++)
		netfil_rules_unreserve(e->rules, g_array_index(p->reserved, guint, i));
	g_ptr_array_remove_fast(e->preparations, p);
}

static gboolean on_slice(gpointer data)
{
	NetfilPreparation *p = data;
	gboolean done;

	/* What fails here fails in the change, which tells it. */
	if (netfil_rules_fill(p->engine->rules, g_get_monotonic_time() + SLICE, &done, NULL) &&
	    !done)
		return G_SOURCE_CONTINUE;
	finish(p);
	return G_SOURCE_REMOVE;
}

/* The lists as the rule will have them; NULL: one cannot be read. */
static GPtrArray *lists_of(NetfilEngine *e, const NetfilSpec *spec)
{
	g_autoptr(GPtrArray) lists =
	    g_ptr_array_new_with_free_func((GDestroyNotify)netfil_list_unref);

	for (guint i = 0; i < spec->ip_files->len; i++) {
		NetfilList *list = netfil_lists_find(e->lists, spec->ip_files->pdata[i]);

		if (!list)
			return NULL;
		g_ptr_array_add(lists, list);
	}
	return g_steal_pointer(&lists);
}

static void fill(NetfilPreparation *p)
{
	NetfilEngine *e = p->engine;

	for (guint i = 0; i < p->specs->len; i++) {
		const NetfilSpec *spec = p->specs->pdata[i];
		const NetfilFilter *filter = g_hash_table_lookup(e->filters, spec->name);
		g_autoptr(GPtrArray) lists = lists_of(e, spec);
		int number =
		    lists && lists->len
			? netfil_rules_reserve(e->rules, lists, filter ? filter->rule : NULL)
			: -1;

		if (number >= 0)
			g_array_append_val(p->reserved, number);
	}
	p->source = g_idle_add(on_slice, p);
}

static void read_all(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	const Reading *reading = data;
	GPtrArray *lists = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_list_unref);

	(void)source;
	(void)cancellable;
	for (guint i = 0; i < reading->paths->len; i++) {
		NetfilList *list = netfil_list_read(reading->paths->pdata[i], FALSE, NULL);

		if (list)
			g_ptr_array_add(lists, list);
	}
	g_task_return_pointer(task, lists, (GDestroyNotify)g_ptr_array_unref);
}

static NetfilPreparation *find(NetfilEngine *e, guint id)
{
	for (guint i = 0; e && i < e->preparations->len; i++) {
		NetfilPreparation *p = e->preparations->pdata[i];

		if (p->id == id)
			return p;
	}
	return NULL;
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data)
{
	Reading *reading = g_task_get_task_data(G_TASK(result));
	g_autoptr(NetfilEngine) e = g_weak_ref_get(&reading->engine);
	g_autoptr(GPtrArray) lists = g_task_propagate_pointer(G_TASK(result), NULL);
	NetfilPreparation *p = find(e, reading->id);

	(void)source;
	(void)data;
	for (guint i = 0; p && i < lists->len; i++) {
		NetfilList *list = lists->pdata[i];

		list->ready = TRUE;
		netfil_lists_add(e->lists, list);
		g_ptr_array_add(p->lists, netfil_list_ref(list));
	}
	if (p)
		fill(p);
}

static GPtrArray *paths_to_read(NetfilPreparation *p)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < p->specs->len; i++) {
		const GPtrArray *files = ((const NetfilSpec *)p->specs->pdata[i])->ip_files;

		for (guint k = 0; k < files->len; k++) {
			NetfilList *list = netfil_lists_find(p->engine->lists, files->pdata[k]);

			if (list)
				netfil_list_unref(list);
			else if (g_hash_table_add(seen, files->pdata[k]))
				g_ptr_array_add(paths, g_strdup(files->pdata[k]));
		}
	}
	return paths;
}

static void start_reading(NetfilPreparation *p, GPtrArray *paths)
{
	g_autoptr(GTask) task = g_task_new(NULL, NULL, on_read, NULL);
	Reading *reading = g_new0(Reading, 1);

	g_weak_ref_init(&reading->engine, p->engine);
	reading->id = p->id;
	reading->paths = g_ptr_array_ref(paths);
	g_task_set_task_data(task, reading, reading_free);
	g_task_run_in_thread(task, read_all);
}

static gboolean has_lists(const GPtrArray *specs)
{
	for (guint i = 0; i < specs->len; i++)
		if (((const NetfilSpec *)specs->pdata[i])->ip_files->len)
			return TRUE;
	return FALSE;
}

void netfil_engine_prepare(NetfilEngine *e, const GPtrArray *specs, NetfilPreparedFunc done,
			   gpointer data, GDestroyNotify free_data)
{
	g_autoptr(GPtrArray) paths = NULL;
	NetfilPreparation *p;

	if (!has_lists(specs)) {
		done(data);
		if (free_data)
			free_data(data);
		return;
	}
	p = g_new0(NetfilPreparation, 1);
	p->engine = e;
	p->id = ++e->last_preparation;
	p->specs = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_spec_free);
	for (guint i = 0; i < specs->len; i++)
		g_ptr_array_add(p->specs, netfil_spec_share(specs->pdata[i]));
	p->lists = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_list_unref);
	p->reserved = g_array_new(FALSE, FALSE, sizeof(guint));
	p->done = done;
	p->data = data;
	p->free_data = free_data;
	g_ptr_array_add(e->preparations, p);
	paths = paths_to_read(p);
	if (paths->len)
		start_reading(p, paths);
	else
		fill(p);
}
