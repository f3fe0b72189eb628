// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * List files that change. They are looked at each second, which works on any file system and
 * however they are replaced. What changed is read, in a thread, once it has stood for a second,
 * and takes the old list's place as by `set`; what cannot be read, or put in force, leaves the
 * old one and is told.
 */
#include <string.h>

#include "batch.h"

typedef struct {
	NetfilVersion seen, bad; /* when it was last looked at; that was refused */
	gboolean reading;
	char *problem; /* why its present version is not in force; NULL: it is */
} Relist;

typedef struct {
	GWeakRef engine;
	char *path;
	NetfilVersion version;
} Reading;

static void relist_free(gpointer data)
{
	Relist *r = data;

	g_free(r->problem);
	g_free(r);
}

static void reading_free(gpointer data)
{
	Reading *reading = data;

	g_weak_ref_clear(&reading->engine);
	g_free(reading->path);
	g_free(reading);
}

GHashTable *netfil_relists_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, relist_free);
}

const char *netfil_relist_problem(NetfilEngine *e, const char *path)
{
	const Relist *r = g_hash_table_lookup(e->relists, path);

	return r ? r->problem : NULL;
}

static gboolean same(const NetfilVersion *a, const NetfilVersion *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static const NetfilList *list_in_force(const NetfilFilter *filter, const char *path)
{
	return filter->rule ? netfil_selectors_list(filter->rule->selectors, path) : NULL;
}

static gboolean names(const NetfilFilter *filter, const char *path)
{
	for (guint i = 0; i < filter->spec->ip_files->len; i++)
		if (!strcmp(filter->spec->ip_files->pdata[i], path))
			return TRUE;
	return FALSE;
}

/* ---- a new version is there ---- */

static void refuse(Relist *r, const char *path, const NetfilVersion *version, const char *why)
{
	r->bad = *version;
	g_free(r->problem);
	r->problem = g_strdup(why);
	g_warning("the new version of %s is not in force: %s", path, why);
}

static gboolean put_in_force(NetfilEngine *e, const char *path, NetfilList *list, GError **error)
{
	g_autoptr(NetfilBatch) batch = netfil_batch_new(e);
	GHashTableIter iter;
	gpointer value;

	netfil_lists_ask(e->lists);
	netfil_lists_add(e->lists, list);
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		NetfilFilter *filter = value;

		if (names(filter, path))
			netfil_batch_change(batch, filter, filter->spec, filter->owner, NULL, TRUE,
					    TRUE, NULL);
	}
	return netfil_batch_carry_out(batch, error);
}

static void read_in_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	const Reading *reading = data;
	GError *error = NULL;
	NetfilList *list = netfil_list_read(reading->path, FALSE, &error);

	(void)source;
	(void)cancellable;
	if (list)
		g_task_return_pointer(task, list, (GDestroyNotify)netfil_list_unref);
	else
		g_task_return_error(task, error);
}

/* Between the reading and the change: what takes long in it is being done. */
typedef struct {
	NetfilEngine *engine; /* which ends it */
	NetfilList *list;
	NetfilVersion version;
} Change;

static void change_free(gpointer data)
{
	Change *change = data;

	change->list->ready = FALSE;
	netfil_list_unref(change->list);
	g_free(change);
}

static void on_prepared(gpointer data)
{
	const Change *change = data;
	const char *path = change->list->path;
	Relist *r = g_hash_table_lookup(change->engine->relists, path);
	g_autoptr(GError) error = NULL;

	if (!r)
		return; /* nobody asks for it any more */
	r->reading = FALSE;
	if (!put_in_force(change->engine, path, change->list, &error)) {
		refuse(r, path, &change->version, error->message);
		return;
	}
	g_clear_pointer(&r->problem, g_free);
	g_message("the new version of %s is in force: %u prefixes", path,
		  change->list->prefixes->len);
}

static void prepare(NetfilEngine *e, NetfilList *list, const NetfilVersion *version)
{
	g_autoptr(GPtrArray) specs = g_ptr_array_new();
	Change *change = g_new0(Change, 1);
	GHashTableIter iter;
	gpointer filter;

	*change = (Change){e, netfil_list_ref(list), *version};
	list->ready = TRUE;
	netfil_lists_add(e->lists, list);
	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &filter))
		if (names(filter, list->path))
			g_ptr_array_add(specs, ((NetfilFilter *)filter)->spec);
	netfil_engine_prepare(e, specs, on_prepared, change, change_free);
}

static void on_read(GObject *source, GAsyncResult *result, gpointer data)
{
	Reading *reading = g_task_get_task_data(G_TASK(result));
	g_autoptr(NetfilEngine) e = g_weak_ref_get(&reading->engine);
	g_autoptr(GError) error = NULL;
	g_autoptr(NetfilList) list = g_task_propagate_pointer(G_TASK(result), &error);
	Relist *r = e ? g_hash_table_lookup(e->relists, reading->path) : NULL;

	(void)source;
	(void)data;
	if (!r)
		return; /* nobody asks for it any more */
	if (list) {
		prepare(e, list, &reading->version);
		return;
	}
	r->reading = FALSE;
	refuse(r, reading->path, &reading->version, error->message);
}

static void start_reading(NetfilEngine *e, Relist *r, const char *path)
{
	g_autoptr(GTask) task = g_task_new(NULL, NULL, on_read, NULL);
	Reading *reading = g_new0(Reading, 1);

	g_weak_ref_init(&reading->engine, e);
	reading->path = g_strdup(path);
	reading->version = r->seen;
	r->reading = TRUE;
	g_task_set_task_data(task, reading, reading_free);
	g_task_run_in_thread(task, read_in_thread);
}

/* ---- each second ---- */

/* Whether what is in force is the file as it stands now, for all that one can see. */
static gboolean stands(const NetfilList *list, const NetfilVersion *now)
{
	return list && !list->fresh && !list->wrong && same(&list->version, now);
}

static void look_at(NetfilEngine *e, const NetfilFilter *filter, const char *path)
{
	Relist *r = g_hash_table_lookup(e->relists, path);
	NetfilVersion before, now;

	if (!r) {
		r = g_new0(Relist, 1);
		r->bad.changed = -1; /* none */
		g_hash_table_insert(e->relists, g_strdup(path), r);
	}
	before = r->seen;
	netfil_version_get(path, &r->seen);
	now = r->seen;
	if (stands(list_in_force(filter, path), &now))
		g_clear_pointer(&r->problem, g_free);
	else if (!r->reading && same(&before, &now) && !same(&r->bad, &now))
		start_reading(e, r, path);
}

static gboolean is_gone(gpointer path, gpointer relist, gpointer named)
{
	(void)relist;
	return !g_hash_table_contains(named, path);
}

void netfil_relist(NetfilEngine *e)
{
	g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, e->filters);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const NetfilFilter *filter = value;

		for (guint i = 0; i < filter->spec->ip_files->len; i++)
			if (g_hash_table_add(named, filter->spec->ip_files->pdata[i]))
				look_at(e, filter, filter->spec->ip_files->pdata[i]);
	}
	g_hash_table_foreach_remove(e->relists, is_gone, named);
}

/* ---- what is told of a filter's lists ---- */

/* What a node of the kernel's trie takes: two pointers, a length, the address and a set's
 * number are 64 bytes in all kernels so far, with 8 more for who is charged. */
#define NODE_BYTES 72

GVariant *netfil_relist_tell(NetfilEngine *e, const NetfilFilter *filter)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(NETFIL_LISTS_TYPE));
	for (guint i = 0; i < filter->spec->ip_files->len; i++) {
		const char *path = filter->spec->ip_files->pdata[i];
		const NetfilList *list = list_in_force(filter, path);
		const char *problem = netfil_relist_problem(e, path);
		guint64 prefixes = list ? list->prefixes->len : 0;
		guint64 nodes = prefixes + (list ? list->branches : 0);

		g_variant_builder_add(&builder, "(stts)", path, prefixes, nodes * NODE_BYTES,
				      problem ? problem : "");
	}
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}
