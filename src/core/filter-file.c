// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter-file.h"

#include <string.h>

#include "error.h"
#include "quote.h"
#include "size.h"

#define FILTERS_MAX 4096

static gboolean put_all(NetfilSpec *spec, const char *key, char **values, GError **error)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sas}"));
	g_autoptr(GVariant) changes = NULL;

	g_variant_builder_add(&builder, "{s^as}", key, values);
	changes = g_variant_ref_sink(g_variant_builder_end(&builder));
	return netfil_spec_update(spec, changes, error);
}

/* Of several values each that is wrong is told. */
static void note_values(NetfilKeyFile *keys, const NetfilPair *pair, GError *error)
{
	g_autoptr(NetfilSpec) scratch = netfil_spec_new("");
	guint before = keys->mistakes->len;

	for (guint i = 0; pair->values[i] && !netfil_key_file_is_enough(keys); i++) {
		GError *problem = NULL;

		if (!netfil_spec_put(scratch, pair->key, pair->values[i], &problem))
			netfil_key_file_note(keys, pair->line, problem);
	}
	if (keys->mistakes->len == before)
		netfil_key_file_note(keys, pair->line, error); /* they are wrong together */
	else
		g_error_free(error);
}

/* FALSE, and told, if it is wrong. */
static gboolean take_pair(NetfilKeyFile *keys, const NetfilPair *pair, NetfilSpec *spec)
{
	GError *error = NULL;

	if (!pair->values[0]) {
		netfil_set_invalid(&error, pair->key, -1,
				   "has no value: give one, or leave the line out");
		netfil_key_file_note(keys, pair->line, error);
	} else if (put_all(spec, pair->key, pair->values, &error)) {
		return TRUE;
	} else {
		note_values(keys, pair, error);
	}
	return FALSE;
}

static void take_group(NetfilFilterFile *file, NetfilGroup *group)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(group->name ? group->name : "");
	GError *error = NULL;

	for (guint i = 0; i < group->pairs->len; i++) {
		if (netfil_key_file_is_enough(file->keys))
			return;
		if (!take_pair(file->keys, group->pairs->pdata[i], spec))
			group->good = FALSE;
	}
	if (!group->good)
		return;
	if (netfil_spec_check(spec, &error))
		g_ptr_array_add(file->specs, g_steal_pointer(&spec));
	else
		netfil_key_file_note(file->keys, group->line, error);
}

NetfilFilterFile *netfil_filter_file_read(const char *text, gsize length)
{
	static const NetfilKeyForm form = {"filter", FILTERS_MAX, netfil_spec_name_check};
	NetfilFilterFile *file = g_new0(NetfilFilterFile, 1);

	file->specs = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_spec_free);
	file->keys = netfil_key_file_read(text, length, &form);
	file->mistakes = file->keys->mistakes;
	for (guint i = 0; i < file->keys->groups->len; i++)
		take_group(file, file->keys->groups->pdata[i]);
	netfil_key_file_sort(file->keys);
	return file;
}

void netfil_filter_file_free(NetfilFilterFile *file)
{
	if (!file)
		return;
	g_ptr_array_unref(file->specs);
	netfil_key_file_free(file->keys);
	g_free(file);
}

guint netfil_filter_file_line(const NetfilFilterFile *file, const char *name, const char *key)
{
	return netfil_key_file_line(file->keys, name, key);
}

/* ---- writing ---- */

static const char introduction[] =
    "# Filters of netfil, as netfil-filters.conf(5) describes them. After a change:\n"
    "#   netfil apply --dry-run FILE   tells what would be done\n"
    "#   netfil apply FILE             does it; usage goes on\n";

static void append_value(GString *text, const char *value)
{
	gsize length = strlen(value);

	for (gsize i = 0; i < length; i++) {
		if (value[i] == '\\' || value[i] == ';')
			g_string_append_c(text, '\\');
		if (value[i] == ' ' && (i == 0 || i == length - 1))
			g_string_append(text, "\\s");
		else
			g_string_append_c(text, value[i]);
	}
}

/* Sizes as people write them. */
static char *shorten(const NetfilSpec *spec, const char *key, const char *value)
{
	static const char *const sizes[] = {"in", "out", "total", NULL};

	if (g_strv_contains(sizes, key))
		return netfil_size_canonical(g_ascii_strtoull(value, NULL, 10));
	if (g_str_equal(key, "on-limit"))
		return netfil_spec_on_limit_text(spec);
	return g_strdup(value);
}

static void append_pair(GString *text, const NetfilSpec *spec, const char *key, GVariant *values)
{
	gsize count = g_variant_n_children(values);

	if (g_str_equal(key, "pid"))
		g_string_append(text, "# This number means the process only as long as it runs.\n");
	g_string_append_printf(text, "%s=", key);
	for (gsize i = 0; i < count; i++) {
		g_autofree char *value = NULL;
		const char *full;

		g_variant_get_child(values, i, "&s", &full);
		value = shorten(spec, key, full);
		g_string_append(text, i > 0 ? ";" : "");
		append_value(text, value);
	}
	g_string_append_c(text, '\n');
}

static void append_filter(GString *text, const NetfilSpec *spec)
{
	g_autoptr(NetfilSpec) blank = netfil_spec_new(spec->name);
	g_auto(GStrv) keys = netfil_spec_compare(blank, spec);
	g_autoptr(GVariant) values = g_variant_ref_sink(netfil_spec_to_variant(spec));

	g_string_append_printf(text, "\n[%s]\n", spec->name);
	for (guint i = 0; keys[i]; i++) {
		g_autoptr(GVariant) value =
		    g_variant_lookup_value(values, keys[i], G_VARIANT_TYPE_STRING_ARRAY);

		append_pair(text, spec, keys[i], value);
	}
}

char *netfil_filter_file_write(const GPtrArray *specs)
{
	GString *text = g_string_new(introduction);

	for (guint i = 0; i < specs->len; i++)
		append_filter(text, specs->pdata[i]);
	return g_string_free(text, FALSE);
}
