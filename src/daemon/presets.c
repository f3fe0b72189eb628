/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "presets.h"

#include "client/paths.h"
#include "core/error.h"
#include "core/quote.h"
#include "kernel/cgroup.h"
#include "log.h"
#include "trusted.h"

/* ---- reading ---- */

static void file_free(gpointer data)
{
	NetfilPresetFile *file = data;

	g_free(file->path);
	netfil_filter_file_free(file->filters);
	g_free(file);
}

void netfil_presets_free(NetfilPresets *presets)
{
	if (!presets)
		return;
	g_ptr_array_unref(presets->files);
	g_ptr_array_unref(presets->specs);
	g_free(presets);
}

static char *presets_dir(void)
{
	return g_build_filename(netfil_config_dir(), "filters.d", NULL);
}

/* A filter that is in a file before; several of them would each undo the others. */
static void check_names(NetfilPresetFile *file, GHashTable *names)
{
	NetfilKeyFile *keys = file->filters->keys;

	for (guint i = 0; i < keys->groups->len; i++) {
		const NetfilGroup *group = keys->groups->pdata[i];
		const NetfilPresetFile *before;
		g_autofree char *path = NULL;

		if (!group->name)
			continue;
		before = g_hash_table_lookup(names, group->name);
		if (!before) {
			g_hash_table_insert(names, group->name, file);
			continue;
		}
		path = netfil_escape(before->path, -1, 200);
		netfil_key_file_note(
		    keys, group->line,
		    g_error_new(NETFIL_ERROR, NETFIL_ERROR_INVALID,
				"'%s' is in %s:%u too: leave one of them out", group->name, path,
				netfil_filter_file_line(before->filters, group->name, NULL)));
	}
}

/* What `netfil apply` may ask for, but not a file that is read again and again. */
static void check_spec(NetfilPresetFile *file, NetfilSpec *spec)
{
	const NetfilFilterFile *filters = file->filters;
	GError *error = NULL;

	if (spec->pids->len)
		netfil_key_file_note(
		    filters->keys, netfil_filter_file_line(filters, spec->name, "pid"),
		    g_error_new(NETFIL_ERROR, NETFIL_ERROR_INVALID,
				"a pid means a process only as long as it runs: use exe, user, "
				"cgroup or unit"));
	if (!netfil_cgroup_paths(spec->cgroups, &error))
		netfil_key_file_note(filters->keys,
				     netfil_filter_file_line(filters, spec->name, "cgroup"), error);
}

static void read_file(NetfilPresets *presets, const char *path, GHashTable *names,
		      GPtrArray *mistakes)
{
	NetfilPresetFile *file;
	GError *error = NULL;
	gsize length;
	g_autofree char *text = netfil_trusted_read(path, NETFIL_FILTER_FILE_MAX, &length, &error);

	if (!text) {
		netfil_mistakes_take(mistakes, error);
		return;
	}
	file = g_new0(NetfilPresetFile, 1);
	file->path = g_strdup(path);
	file->filters = netfil_filter_file_read(text, length);
	g_ptr_array_add(presets->files, file);
	check_names(file, names);
	for (guint i = 0; i < file->filters->specs->len; i++) {
		check_spec(file, file->filters->specs->pdata[i]);
		g_ptr_array_add(presets->specs, file->filters->specs->pdata[i]);
	}
	netfil_key_file_sort(file->filters->keys);
	netfil_mistakes_add_all(mistakes, path, file->filters->keys);
}

NetfilPresets *netfil_presets_read(GPtrArray *mistakes)
{
	NetfilPresets *presets = g_new0(NetfilPresets, 1);
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *directory = presets_dir();
	g_autoptr(GPtrArray) entries = NULL;
	GError *error = NULL;

	presets->files = g_ptr_array_new_with_free_func(file_free);
	presets->specs = g_ptr_array_new();
	entries = netfil_trusted_list(directory, ".conf", &error);
	if (!entries)
		netfil_mistakes_take(mistakes, error);
	for (guint i = 0; entries && i < entries->len; i++) {
		g_autofree char *path = g_build_filename(directory, entries->pdata[i], NULL);

		read_file(presets, path, names, mistakes);
	}
	return presets;
}

/* ---- applying ---- */

static void add_refusal(const NetfilPresets *presets, const NetfilChange *change,
			GPtrArray *mistakes)
{
	for (guint i = 0; i < presets->files->len; i++) {
		const NetfilPresetFile *file = presets->files->pdata[i];
		guint line = netfil_filter_file_line(file->filters, change->name, change->keys[0]);

		if (line) {
			netfil_mistakes_add(mistakes, file->path, line, change->why);
			return;
		}
	}
}

void netfil_presets_refused(const NetfilPresets *presets, const GPtrArray *changes,
			    GPtrArray *mistakes)
{
	for (guint i = 0; i < changes->len; i++) {
		const NetfilChange *change = changes->pdata[i];

		if (change->kind == NETFIL_CHANGE_REFUSED)
			add_refusal(presets, change, mistakes);
	}
}

static void log_changes(const GPtrArray *changes)
{
	for (guint i = 0; i < changes->len; i++) {
		const NetfilChange *change = changes->pdata[i];
		g_autofree char *keys = g_strjoinv(" ", change->keys);

		netfil_log_event(NETFIL_LOG_APPLIED, &(NetfilLogFields){.filter = change->name},
				 "filters.d: %s %s%s%s", netfil_change_sign(change->kind),
				 change->name, *keys ? ": " : "", keys);
	}
}

static gboolean complain(NetfilEngine *engine, const GPtrArray *mistakes, GError **error)
{
	g_autofree char *summary = netfil_mistakes_summary(mistakes);
	g_autofree char *what = g_strdup_printf("nothing of filters.d is applied: %s", summary);

	for (guint i = 0; i < mistakes->len; i++)
		netfil_log_event(NETFIL_LOG_MISTAKE, NULL, "%s", (char *)mistakes->pdata[i]);
	netfil_engine_complain(engine, what);
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_INVALID, what);
	return FALSE;
}

gboolean netfil_presets_apply(NetfilEngine *engine, GError **error)
{
	g_autoptr(GPtrArray) mistakes = netfil_mistakes_new();
	g_autoptr(NetfilPresets) presets = netfil_presets_read(mistakes);
	g_autoptr(GPtrArray) changes = NULL;
	GError *problem = NULL;

	if (!mistakes->len) {
		changes = netfil_engine_apply(engine, presets->specs, FALSE, FALSE, &problem);
		if (changes)
			netfil_presets_refused(presets, changes, mistakes);
		else
			netfil_mistakes_take(mistakes, problem);
	}
	if (mistakes->len)
		return complain(engine, mistakes, error);
	log_changes(changes);
	netfil_engine_complain(engine, NULL);
	return TRUE;
}
