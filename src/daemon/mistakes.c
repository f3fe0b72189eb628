/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mistakes.h"

#include "core/quote.h"

#define PATH_SHOWN 200

GPtrArray *netfil_mistakes_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

void netfil_mistakes_add(GPtrArray *mistakes, const char *path, guint line, const char *text)
{
	g_autofree char *name = netfil_escape(path, -1, PATH_SHOWN);

	g_ptr_array_add(mistakes, line ? g_strdup_printf("%s:%u: %s", name, line, text)
				       : g_strdup_printf("%s: %s", name, text));
}

void netfil_mistakes_take(GPtrArray *mistakes, GError *error)
{
	g_ptr_array_add(mistakes, g_strdup(error->message));
	g_error_free(error);
}

void netfil_mistakes_add_all(GPtrArray *mistakes, const char *path, const NetfilKeyFile *file)
{
	for (guint i = 0; i < file->mistakes->len; i++) {
		const NetfilMistake *m = &g_array_index(file->mistakes, NetfilMistake, i);

		netfil_mistakes_add(mistakes, path, m->line, m->text);
	}
}

char *netfil_mistakes_summary(const GPtrArray *mistakes)
{
	const char *first = mistakes->pdata[0];

	if (mistakes->len == 1)
		return g_strdup(first);
	return g_strdup_printf("%s (and %u more: see \"netfild --check\")", first,
			       mistakes->len - 1);
}
