/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "history.h"

#include "core/error.h"
#include "core/quote.h"

#define PAGE_MAX 1000
#define PATH_SHOWN 4096
#define KEPT_SECONDS 10

struct NetfilPages {
	NetfilEngine *engine;
	char *question;  /* what `entries` answer; NULL: none are kept */
	GArray *entries; /* NetfilHistory */
	guint timer;
};

typedef void (*AddFunc)(GVariantBuilder *builder, const NetfilHistory *entry);

static gboolean check_times(gint64 from, gint64 to, GError **error)
{
	if (!to || from <= to)
		return TRUE;
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "the time to start from is after the time to end at: exchange them");
	return FALSE;
}

static void add_filter(GVariantBuilder *builder, const NetfilHistory *entry)
{
	g_variant_builder_add(builder, "(sxxtttt)", entry->name, entry->start, entry->end,
			      entry->in, entry->out, entry->refused_bytes, entry->refused_packets);
}

/* Whoever runs a program chooses its path; a bus carries UTF-8 alone. */
static void add_app(GVariantBuilder *builder, const NetfilHistory *entry)
{
	g_autofree char *path = g_utf8_validate(entry->name, -1, NULL)
				    ? g_strdup(entry->name)
				    : netfil_escape(entry->name, -1, PATH_SHOWN);

	g_variant_builder_add(builder, "(suxxtt)", path, entry->uid, entry->start, entry->end,
			      entry->in, entry->out);
}

/* Keeping. */

static void forget(NetfilPages *pages)
{
	g_clear_handle_id(&pages->timer, g_source_remove);
	g_clear_pointer(&pages->question, g_free);
	g_clear_pointer(&pages->entries, g_array_unref);
}

static gboolean on_kept_long_enough(gpointer pages)
{
	((NetfilPages *)pages)->timer = 0;
	forget(pages);
	return G_SOURCE_REMOVE;
}

static GArray *recall(NetfilPages *pages, const char *question, guint64 cursor)
{
	if (!cursor || g_strcmp0(pages->question, question) != 0)
		return NULL;
	return g_array_ref(pages->entries);
}

static void keep(NetfilPages *pages, const char *question, GArray *entries)
{
	g_autoptr(GArray) kept = g_array_ref(entries);

	forget(pages);
	pages->question = g_strdup(question);
	pages->entries = g_steal_pointer(&kept);
	pages->timer = g_timeout_add_seconds(KEPT_SECONDS, on_kept_long_enough, pages);
}

NetfilPages *netfil_pages_new(NetfilEngine *engine)
{
	NetfilPages *pages = g_new0(NetfilPages, 1);

	pages->engine = g_object_ref(engine);
	return pages;
}

void netfil_pages_free(NetfilPages *pages)
{
	forget(pages);
	g_object_unref(pages->engine);
	g_free(pages);
}

/* Answering. */

static GVariant *cut_page(NetfilPages *pages, const char *question, GArray *entries,
			  const char *type, AddFunc add, guint64 cursor)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(type));
	guint first = (guint)MIN(cursor, entries->len);
	guint end = first + MIN(entries->len - first, PAGE_MAX);
	guint64 next = end < entries->len ? end : 0;

	for (guint i = first; i < end; i++)
		add(&builder, &g_array_index(entries, NetfilHistory, i));
	if (next)
		keep(pages, question, entries);
	return g_variant_new("(@*t)", g_variant_builder_end(&builder), next);
}

GVariant *netfil_pages_history(NetfilPages *pages, const char *name, const char *by, gint64 from,
			       gint64 to, guint64 cursor, GError **error)
{
	g_autofree char *question = NULL;
	g_autoptr(GArray) entries = NULL;
	NetfilBy resolution;

	if (!netfil_by_parse(by, &resolution, error) || !check_times(from, to, error))
		return NULL;
	question = g_strdup_printf("history %s %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, name,
				   (int)resolution, from, to);
	entries = recall(pages, question, cursor);
	if (!entries)
		entries = netfil_engine_history(pages->engine, *name ? name : NULL, resolution,
						from, to, error);
	return entries ? cut_page(pages, question, entries, "a(sxxtttt)", add_filter, cursor)
		       : NULL;
}

static gboolean parse_app_resolution(const char *by, int *resolution, GError **error)
{
	NetfilBy parsed;

	*resolution = -1;
	if (!*by)
		return TRUE;
	if (!netfil_by_parse(by, &parsed, error))
		return FALSE;
	*resolution = (int)parsed;
	if (parsed != NETFIL_BY_CYCLE)
		return TRUE;
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "applications have no cycles: use hour, day or month");
	return FALSE;
}

GVariant *netfil_pages_apps(NetfilPages *pages, const char *by, gint64 from, gint64 to,
			    guint64 cursor, GError **error)
{
	g_autofree char *question = NULL;
	g_autoptr(GArray) entries = NULL;
	int resolution;

	if (!parse_app_resolution(by, &resolution, error) || !check_times(from, to, error))
		return NULL;
	question =
	    g_strdup_printf("apps %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, resolution, from, to);
	entries = recall(pages, question, cursor);
	if (!entries)
		entries = netfil_engine_apps(pages->engine, resolution, from, to, error);
	return entries ? cut_page(pages, question, entries, "a(suxxtt)", add_app, cursor) : NULL;
}
