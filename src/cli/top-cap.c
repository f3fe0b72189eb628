/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "top-cap.h"

#include <string.h>

#include "core/error.h"

#define NAMES_TRIED 100
#define NAME_LENGTH 60

/* "in 25M": the cap's key, and `*size`, where the rest begins. */
static const char *read_cap(const char *text, const char **size)
{
	static const char *const keys[] = {"in", "out", "total"};

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		gsize length = strlen(keys[i]);

		if (g_str_has_prefix(text, keys[i]) && g_ascii_isspace(text[length])) {
			*size = text + length + strspn(text + length, " \t");
			return keys[i];
		}
	}
	*size = text;
	return "total";
}

/* What a filter may be called: "exe-usr.bin.curl". */
static char *name_for(NetfilTopGroup group, const NetfilTopRow *row)
{
	g_autofree char *name = g_strdup_printf("%s-%s", netfil_top_selector(group),
						row->value + (row->value[0] == '/'));

	g_strcanon(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@:-", '.');
	if (strlen(name) > NAME_LENGTH)
		name[NAME_LENGTH] = '\0';
	return g_steal_pointer(&name);
}

static gboolean add(NetfilClient *client, NetfilSpec *spec, GError **error)
{
	g_autofree char *name = g_strdup(spec->name);

	for (guint i = 2;; i++) {
		g_autoptr(GError) problem = NULL;

		if (netfil_client_add_spec(client, spec, &problem))
			return TRUE;
		if (i > NAMES_TRIED ||
		    !g_error_matches(problem, NETFIL_ERROR, NETFIL_ERROR_EXISTS)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return FALSE;
		}
		g_free(spec->name);
		spec->name = g_strdup_printf("%s.%u", name, i);
	}
}

char *netfil_top_cap(NetfilClient *client, NetfilTopGroup group, const NetfilTopRow *row,
		     const char *text, GError **error)
{
	const char *selector = netfil_top_selector(group), *size, *key = read_cap(text, &size);
	g_autofree char *name = NULL;
	g_autoptr(NetfilSpec) spec = NULL;

	if (!selector) {
		const char *const pairs[] = {key, size, NULL};

		return netfil_client_set_pairs(client, row->name, pairs, error)
			   ? g_strdup_printf("filter %s: cap %s %s%s", row->name, key, size,
					     row->each ? " for each member" : "")
			   : NULL;
	}
	if (!row->value) {
		g_set_error_literal(
		    error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
		    "nobody is known whom a cap could be put on: choose another line");
		return NULL;
	}
	name = name_for(group, row);
	spec = netfil_spec_new(name);
	spec->until_exit = group == NETFIL_TOP_PROCESS;
	if (!netfil_spec_put(spec, selector, row->value, error) ||
	    !netfil_spec_put(spec, key, size, error) || !netfil_spec_check(spec, error) ||
	    !add(client, spec, error))
		return NULL;
	return g_strdup_printf("filter %s: cap %s %s", spec->name, key, size);
}
