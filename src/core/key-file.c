// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "key-file.h"

#include <string.h>

#include "error.h"
#include "quote.h"

#define VALUES "values" /* of what GKeyFile is given, where a key is the number of its line */
#define MISTAKES_MAX 1000

typedef struct {
	NetfilKeyFile *file;
	const NetfilKeyForm *form;
	GString *values; /* for GKeyFile */
} Reader;

static void pair_free(gpointer data)
{
	NetfilPair *pair = data;

	g_free(pair->key);
	g_strfreev(pair->values);
	g_free(pair);
}

static void group_free(gpointer data)
{
	NetfilGroup *group = data;

	g_free(group->name);
	g_ptr_array_unref(group->pairs);
	g_free(group);
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

void netfil_key_file_sort(NetfilKeyFile *file)
{
	g_array_sort(file->mistakes, compare_mistakes);
}

/* What was just told of the line is not told again. */
void netfil_key_file_note(NetfilKeyFile *file, guint line, GError *error)
{
	GArray *mistakes = file->mistakes;
	NetfilMistake mistake = {line, g_strdup(error->message)};
	const NetfilMistake *last =
	    mistakes->len ? &g_array_index(mistakes, NetfilMistake, mistakes->len - 1) : NULL;

	g_error_free(error);
	if (last && last->line == line && g_str_equal(last->text, mistake.text))
		mistake_clear(&mistake);
	else
		g_array_append_val(mistakes, mistake);
}

gboolean netfil_key_file_is_enough(const NetfilKeyFile *file)
{
	return file->mistakes->len >= MISTAKES_MAX;
}

/* ---- which line is what ---- */

/* A group whose header is wrong has keys of its own, below the number of its line. */
static char *index_of(const char *name, guint line, const char *key)
{
	g_autofree char *number = name ? NULL : g_strdup_printf("[%u]", line);

	return g_strconcat(name ? name : number, key ? "\n" : NULL, key,
			   NULL); /* neither has a newline */
}

/* FALSE if it was there before. Takes the index over. */
static gboolean index_line(Reader *r, char *index, guint line, guint *before)
{
	*before = GPOINTER_TO_UINT(g_hash_table_lookup(r->file->lines, index));
	if (*before) {
		g_free(index);
		return FALSE;
	}
	g_hash_table_insert(r->file->lines, index, GUINT_TO_POINTER(line));
	return TRUE;
}

static gboolean index_group(Reader *r, const char *name, guint line, GError **error)
{
	guint before;

	if (index_line(r, index_of(name, line, NULL), line, &before))
		return TRUE;
	return netfil_set_invalid(error, name, -1,
				  "is there twice, first in line %u: give each %s a name of "
				  "its own",
				  before, r->form->noun);
}

static gboolean index_pair(Reader *r, const NetfilGroup *group, const char *key, guint line,
			   GError **error)
{
	guint before;

	if (index_line(r, index_of(group->name, group->line, key), line, &before))
		return TRUE;
	return netfil_set_invalid(error, key, -1,
				  "is there twice, first in line %u: put the values into one line, "
				  "with ; between them",
				  before);
}

static NetfilGroup *group_new(Reader *r, guint line)
{
	NetfilGroup *group = g_new0(NetfilGroup, 1);

	group->line = line;
	group->pairs = g_ptr_array_new_with_free_func(pair_free);
	g_ptr_array_add(r->file->groups, group);
	return group;
}

/* What follows a header that is not right is read too, for its own mistakes. */
static void read_header(Reader *r, char *text, guint line)
{
	NetfilGroup *group = group_new(r, line);
	gsize length = strlen(text);
	GError *error = NULL;
	char *name;

	if (text[length - 1] != ']' || length < 2) {
		netfil_set_invalid(&error, text, -1, "has no end: write it as [NAME]");
	} else {
		text[length - 1] = '\0';
		name = g_strstrip(text + 1);
		if (r->form->check_name(name, &error) && index_group(r, name, line, &error))
			group->name = g_strdup(name);
	}
	group->good = !error;
	if (error)
		netfil_key_file_note(r->file, line, error);
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

static NetfilGroup *last_group(const Reader *r)
{
	return r->file->groups->len ? r->file->groups->pdata[r->file->groups->len - 1] : NULL;
}

/* The group that the line is of is not looked at as a whole: what it lacks may be here. */
static void note_line(Reader *r, guint line, GError *error)
{
	NetfilGroup *group = last_group(r);

	if (group)
		group->good = FALSE;
	netfil_key_file_note(r->file, line, error);
}

static void read_pair(Reader *r, char *text, char *equals, guint line)
{
	NetfilGroup *group = last_group(r);
	GError *error = NULL;
	NetfilPair *pair;

	*equals = '\0';
	g_strchomp(text);
	if (!group)
		netfil_set_invalid(&error, text, -1,
				   "stands before the first %s: begin one with [NAME]",
				   r->form->noun);
	else if (index_pair(r, group, text, line, &error))
		check_escapes(text, equals + 1, &error);
	if (error) {
		note_line(r, line, error);
		return;
	}
	pair = g_new0(NetfilPair, 1);
	pair->line = line;
	pair->key = g_strdup(text);
	g_ptr_array_add(group->pairs, pair);
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
				   "is no line of a %s: use [NAME], KEY=VALUE or # COMMENT",
				   r->form->noun);
		note_line(r, line, error);
	}
}

static void read_lines(Reader *r, const char *text, gsize length)
{
	const char *at = text, *end = text + length;

	for (guint line = 1; at < end && !netfil_key_file_is_enough(r->file); line++) {
		const char *newline = memchr(at, '\n', (gsize)(end - at));
		const char *stop = newline ? newline : end;

		read_line(r, at, (gsize)(stop - at), line);
		at = stop + 1;
		if (r->file->groups->len > r->form->groups_max) {
			note_line(r, line,
				  g_error_new(NETFIL_ERROR, NETFIL_ERROR_FULL,
					      "there are more than %u %ss: split the file",
					      r->form->groups_max, r->form->noun));
			return;
		}
	}
}

/* ---- values ---- */

static void read_values(Reader *r)
{
	g_autoptr(GKeyFile) values = g_key_file_new();

	/* Lines of its own form alone: nothing that it could refuse. */
	if (!g_key_file_load_from_data(values, r->values->str, r->values->len, G_KEY_FILE_NONE,
				       NULL))
		g_return_if_reached();
	for (guint i = 0; i < r->file->groups->len; i++) {
		const GPtrArray *pairs = ((NetfilGroup *)r->file->groups->pdata[i])->pairs;

		for (guint j = 0; j < pairs->len; j++) {
			NetfilPair *pair = pairs->pdata[j];
			g_autofree char *number = g_strdup_printf("%u", pair->line);

			pair->values =
			    g_key_file_get_string_list(values, VALUES, number, NULL, NULL);
			if (!pair->values)
				pair->values = g_new0(char *, 1);
		}
	}
}

NetfilKeyFile *netfil_key_file_read(const char *text, gsize length, const NetfilKeyForm *form)
{
	NetfilKeyFile *file = g_new0(NetfilKeyFile, 1);
	Reader r = {file, form, g_string_new("[" VALUES "]\n")};

	file->groups = g_ptr_array_new_with_free_func(group_free);
	file->mistakes = g_array_new(FALSE, FALSE, sizeof(NetfilMistake));
	g_array_set_clear_func(file->mistakes, mistake_clear);
	file->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (length > NETFIL_KEY_FILE_MAX)
		netfil_key_file_note(file, 1,
				     g_error_new(NETFIL_ERROR, NETFIL_ERROR_FULL,
						 "the file has more than %d MiB: give a file "
						 "of %ss",
						 NETFIL_KEY_FILE_MAX >> 20, form->noun));
	else
		read_lines(&r, text, length);
	read_values(&r);
	g_string_free(r.values, TRUE);
	return file;
}

void netfil_key_file_free(NetfilKeyFile *file)
{
	if (!file)
		return;
	g_ptr_array_unref(file->groups);
	g_array_unref(file->mistakes);
	g_hash_table_unref(file->lines);
	g_free(file);
}

guint netfil_key_file_line(const NetfilKeyFile *file, const char *name, const char *key)
{
	g_autofree char *group = index_of(name, 0, NULL);
	g_autofree char *pair = index_of(name, 0, key);
	gpointer line = g_hash_table_lookup(file->lines, pair);

	return GPOINTER_TO_UINT(line ? line : g_hash_table_lookup(file->lines, group));
}
