// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The text file of filters. GKeyFile reads the values; it tells no lines, and stops at its
 * first mistake, so lines are told apart here. */
#include "filter-file.h"

#include <string.h>

#include "error.h"
#include "quote.h"
#include "size.h"

#define GROUP "values" /* of what GKeyFile is given, where a key is the number of its line */
#define FILTERS_MAX 4096
#define MISTAKES_MAX 1000

/* A filter while it is read. */
typedef struct {
	NetfilSpec *spec;
	guint line;
	gboolean good;
} Section;

typedef struct {
	guint line;
	Section *section;
	char *key;
} Entry;

typedef struct {
	NetfilFilterFile *file;
	GPtrArray *sections;
	GArray *entries;
	GString *values; /* for GKeyFile */
} Reader;

static void section_free(gpointer data)
{
	Section *section = data;

	netfil_spec_free(section->spec);
	g_free(section);
}

static void entry_clear(gpointer entry)
{
	g_free(((Entry *)entry)->key);
}

static void mistake_clear(gpointer mistake)
{
	g_free(((NetfilMistake *)mistake)->text);
}

static gint compare_mistakes(gconstpointer a, gconstpointer b)
{
	guint x = ((const NetfilMistake *)a)->line, y = ((const NetfilMistake *)b)->line;

	return (x > y) - (x < y);
}

/* Takes the error over. What was just told of the line is not told again. */
static void note(Reader *r, guint line, GError *error)
{
	GArray *mistakes = r->file->mistakes;
	NetfilMistake mistake = {line, g_strdup(error->message)};
	const NetfilMistake *last =
	    mistakes->len ? &g_array_index(mistakes, NetfilMistake, mistakes->len - 1) : NULL;

	g_error_free(error);
	if (last && last->line == line && g_str_equal(last->text, mistake.text))
		mistake_clear(&mistake);
	else
		g_array_append_val(mistakes, mistake);
}

static gboolean is_enough(const Reader *r)
{
	return r->file->mistakes->len >= MISTAKES_MAX;
}

/* ---- which line is what ---- */

static char *index_of(const char *name, const char *key)
{
	return g_strconcat(name, key ? "\n" : NULL, key, NULL); /* neither has a newline */
}

/* FALSE if it was there before. */
static gboolean index_line(Reader *r, const char *name, const char *key, guint line, GError **error)
{
	g_autofree char *index = index_of(name, key);
	guint before = GPOINTER_TO_UINT(g_hash_table_lookup(r->file->lines, index));

	if (!before) {
		g_hash_table_insert(r->file->lines, g_steal_pointer(&index),
				    GUINT_TO_POINTER(line));
		return TRUE;
	}
	if (!key)
		return netfil_set_invalid(error, name, -1,
					  "is there twice, first in line %u: give each filter "
					  "a name of its own",
					  before);
	return netfil_set_invalid(error, key, -1,
				  "is there twice, first in line %u: put the values into one line, "
				  "with ; between them",
				  before);
}

static Section *section_new(Reader *r, const char *name, guint line)
{
	Section *section = g_new0(Section, 1);

	section->spec = netfil_spec_new(name);
	section->line = line;
	section->good = TRUE;
	g_ptr_array_add(r->sections, section);
	return section;
}

/* What follows a header that is not right is read too, for its own mistakes. */
static void read_header(Reader *r, char *text, guint line)
{
	gsize length = strlen(text);
	GError *error = NULL;
	Section *section;

	if (text[length - 1] != ']' || length < 2) {
		netfil_set_invalid(&error, text, -1, "has no end: write it as [NAME]");
		section = section_new(r, text + 1, line);
	} else {
		text[length - 1] = '\0';
		section = section_new(r, g_strstrip(text + 1), line);
		if (netfil_spec_name_check(section->spec->name, &error))
			index_line(r, section->spec->name, NULL, line, &error);
	}
	if (!error)
		return;
	section->good = FALSE;
	g_free(section->spec->name);
	section->spec->name = g_strdup_printf("[%u]", line); /* its keys are its own */
	note(r, line, error);
}

/* GKeyFile tells such a mistake on standard error, if there are two. */
static gboolean check_escapes(const char *key, const char *text, GError **error)
{
	for (const char *at = strchr(text, '\\'); at; at = strchr(at + 2, '\\'))
		if (!at[1] || !strchr("\\;sntr", at[1]))
			return netfil_set_invalid(
			    error, key, -1,
			    "has a backslash that stands for nothing: write \\\\ for one");
	return TRUE;
}

/* Blanks around the values of a list are of no account, but GKeyFile keeps them. An escape
 * stands as it is. */
static void append_values(GString *values, const char *text)
{
	const char *start = text;

	for (const char *at = text;; at++) {
		g_autofree char *value = NULL;

		if (*at == '\\' && at[1]) {
			at++;
			continue;
		}
		if (*at && *at != ';')
			continue;
		value = g_strstrip(g_strndup(start, at - start));
		g_string_append(values, value);
		if (!*at)
			return;
		g_string_append_c(values, ';');
		start = at + 1;
	}
}

static Section *last_section(const Reader *r)
{
	return r->sections->len ? r->sections->pdata[r->sections->len - 1] : NULL;
}

/* The filter that the line is of is not looked at as a whole: what it lacks may be here. */
static void note_line(Reader *r, guint line, GError *error)
{
	Section *section = last_section(r);

	if (section)
		section->good = FALSE;
	note(r, line, error);
}

static void read_pair(Reader *r, char *text, char *equals, guint line)
{
	Section *section = last_section(r);
	Entry entry = {.line = line, .section = section};
	GError *error = NULL;

	*equals = '\0';
	g_strchomp(text);
	if (!section)
		netfil_set_invalid(&error, text, -1,
				   "stands before the first filter: begin one with [NAME]");
	else if (index_line(r, section->spec->name, text, line, &error))
		check_escapes(text, equals + 1, &error);
	if (error) {
		note_line(r, line, error);
		return;
	}
	entry.key = g_strdup(text);
	g_array_append_val(r->entries, entry);
	g_string_append_printf(r->values, "%u=", line);
	append_values(r->values, equals + 1);
	g_string_append_c(r->values, '\n');
}

static void read_line(Reader *r, const char *start, gsize length, guint line)
{
	g_autofree char *copy = g_strndup(start, length);
	char *text = g_strstrip(copy), *equals;
	GError *error = NULL;

	if (!g_utf8_validate(start, (gssize)length, NULL)) {
		netfil_set_invalid(&error, start, (gssize)length,
				   "is not UTF-8 text: save the file as UTF-8");
		note_line(r, line, error);
	} else if (!*text || *text == '#') {
		return;
	} else if (*text == '[') {
		read_header(r, text, line);
	} else if ((equals = strchr(text, '='))) {
		read_pair(r, text, equals, line);
	} else {
		netfil_set_invalid(&error, text, -1,
				   "is no line of a filter: use [NAME], KEY=VALUE or # COMMENT");
		note_line(r, line, error);
	}
}

static void read_lines(Reader *r, const char *text, gsize length)
{
	const char *at = text, *end = text + length;

	for (guint line = 1; at < end && !is_enough(r); line++) {
		const char *newline = memchr(at, '\n', (gsize)(end - at));
		const char *stop = newline ? newline : end;

		read_line(r, at, (gsize)(stop - at), line);
		at = stop + 1;
		if (r->sections->len > FILTERS_MAX) {
			note_line(r, line,
				  g_error_new(NETFIL_ERROR, NETFIL_ERROR_FULL,
					      "there are more than %d filters: split the file",
					      FILTERS_MAX));
			return;
		}
	}
}

/* ---- values ---- */

static gboolean put_all(NetfilSpec *spec, const char *key, char **values, GError **error)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sas}"));
	g_autoptr(GVariant) changes = NULL;

	g_variant_builder_add(&builder, "{s^as}", key, values);
	changes = g_variant_ref_sink(g_variant_builder_end(&builder));
	return netfil_spec_update(spec, changes, error);
}

/* Of several values each that is wrong is told. */
static void note_values(Reader *r, const Entry *entry, char **values, GError *error)
{
	g_autoptr(NetfilSpec) scratch = netfil_spec_new("");
	guint before = r->file->mistakes->len;

	for (guint i = 0; values[i] && !is_enough(r); i++) {
		GError *problem = NULL;

		if (!netfil_spec_put(scratch, entry->key, values[i], &problem))
			note(r, entry->line, problem);
	}
	if (r->file->mistakes->len == before)
		note(r, entry->line, error); /* they are wrong together */
	else
		g_error_free(error);
}

static void read_entry(Reader *r, GKeyFile *values, const Entry *entry)
{
	g_autofree char *number = g_strdup_printf("%u", entry->line);
	g_auto(GStrv) list = g_key_file_get_string_list(values, GROUP, number, NULL, NULL);
	GError *error = NULL;

	if (!list || !list[0])
		netfil_set_invalid(&error, entry->key, -1,
				   "has no value: give one, or leave the line out");
	else if (put_all(entry->section->spec, entry->key, list, &error))
		return;
	entry->section->good = FALSE;
	if (list && list[0])
		note_values(r, entry, list, error);
	else
		note(r, entry->line, error);
}

static void read_values(Reader *r)
{
	g_autoptr(GKeyFile) values = g_key_file_new();

	/* Lines of its own form alone: nothing that it could refuse. */
	if (!g_key_file_load_from_data(values, r->values->str, r->values->len, G_KEY_FILE_NONE,
				       NULL))
		g_return_if_reached();
	for (guint i = 0; i < r->entries->len && !is_enough(r); i++)
		read_entry(r, values, &g_array_index(r->entries, Entry, i));
}

static void take_good(Reader *r)
{
	for (guint i = 0; i < r->sections->len && !is_enough(r); i++) {
		Section *section = r->sections->pdata[i];
		GError *error = NULL;

		if (!section->good)
			continue;
		if (netfil_spec_check(section->spec, &error))
			g_ptr_array_add(r->file->specs, netfil_spec_copy(section->spec));
		else
			note(r, section->line, error);
	}
}

NetfilFilterFile *netfil_filter_file_read(const char *text, gsize length)
{
	NetfilFilterFile *file = g_new0(NetfilFilterFile, 1);
	g_autoptr(GPtrArray) sections = g_ptr_array_new_with_free_func(section_free);
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));
	Reader r = {file, sections, entries, g_string_new("[" GROUP "]\n")};

	file->specs = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_spec_free);
	file->mistakes = g_array_new(FALSE, FALSE, sizeof(NetfilMistake));
	g_array_set_clear_func(file->mistakes, mistake_clear);
	file->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_array_set_clear_func(entries, entry_clear);
	if (length > NETFIL_FILTER_FILE_MAX)
		note(&r, 1,
		     g_error_new(NETFIL_ERROR, NETFIL_ERROR_FULL,
				 "the file has more than %d MiB: give a file of filters",
				 NETFIL_FILTER_FILE_MAX >> 20));
	else
		read_lines(&r, text, length);
	read_values(&r);
	take_good(&r);
	g_array_sort(file->mistakes, compare_mistakes);
	g_string_free(r.values, TRUE);
	return file;
}

void netfil_filter_file_free(NetfilFilterFile *file)
{
	if (!file)
		return;
	g_ptr_array_unref(file->specs);
	g_array_unref(file->mistakes);
	g_hash_table_unref(file->lines);
	g_free(file);
}

guint netfil_filter_file_line(const NetfilFilterFile *file, const char *name, const char *key)
{
	g_autofree char *filter = index_of(name, NULL);
	g_autofree char *pair = index_of(name, key);
	gpointer line = g_hash_table_lookup(file->lines, pair);

	return GPOINTER_TO_UINT(line ? line : g_hash_table_lookup(file->lines, filter));
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
