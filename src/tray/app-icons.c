/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "app-icons.h"

#define PLAIN "application-x-executable"

/* By the executable's name without its folder: .desktop files often name no more. */
static GHashTable *read_icons(void)
{
	GHashTable *icons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
	GList *apps = g_app_info_get_all();

	for (GList *at = apps; at; at = at->next) {
		const char *exe = g_app_info_get_executable(at->data);
		GIcon *icon = g_app_info_get_icon(at->data);

		if (exe && icon)
			g_hash_table_insert(icons, g_path_get_basename(exe), g_object_ref(icon));
	}
	g_list_free_full(apps, g_object_unref);
	return icons;
}

GIcon *netfil_app_icon(const char *exe)
{
	static GHashTable *icons;
	g_autofree char *name = exe ? g_path_get_basename(exe) : NULL;
	GIcon *icon;

	if (!icons)
		icons = read_icons();
	icon = name ? g_hash_table_lookup(icons, name) : NULL;
	return icon ? g_object_ref(icon) : g_themed_icon_new(PLAIN);
}
