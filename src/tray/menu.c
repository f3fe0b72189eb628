/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "menu.h"

#include <glib/gi18n.h>

#include "text.h"

#define ITEMS_MAX 12 /* a section's; the window has them all */
#define MINUTE 60

typedef struct {
	GtkWidget *shell;
	NetfilModel *model;
	NetfilAct *act;
	GActionGroup *actions;
	GHashTable *items; /* name -> GtkCheckMenuItem, for those that are shown */
	guint rebuild, minute;
} Menu;

/* What an item shows. */

static void set_label(GtkMenuItem *item, const char *text)
{
	if (g_strcmp0(gtk_menu_item_get_label(item), text))
		gtk_menu_item_set_label(item, text);
}

static void on_toggled(GtkCheckMenuItem *item, Menu *menu)
{
	const char *name = g_object_get_data(G_OBJECT(item), "name");

	netfil_act_switch(menu->act, name, gtk_check_menu_item_get_active(item));
}

/* As the filter is, not as it was clicked. */
static void set_active(GtkCheckMenuItem *item, gboolean on, Menu *menu)
{
	if (gtk_check_menu_item_get_active(item) == on)
		return;
	g_signal_handlers_block_by_func(item, on_toggled, menu);
	gtk_check_menu_item_set_active(item, on);
	g_signal_handlers_unblock_by_func(item, on_toggled, menu);
}

static void show(Menu *menu, const NetfilStatus *status)
{
	GtkWidget *item = g_hash_table_lookup(menu->items, status->spec->name);
	g_autofree char *line = NULL;

	if (!item)
		return;
	line = netfil_text_line(status);
	set_label(GTK_MENU_ITEM(item), line);
	set_active(GTK_CHECK_MENU_ITEM(item), status->spec->on, menu);
}

static void show_all(Menu *menu)
{
	g_autoptr(GPtrArray) list = netfil_model_list(menu->model);

	for (guint i = 0; i < list->len; i++)
		show(menu, list->pdata[i]);
}

/* The items. */

static GtkWidget *append(Menu *menu, GtkWidget *item, gboolean sensitive)
{
	gtk_widget_set_sensitive(item, sensitive);
	gtk_widget_show(item);
	gtk_menu_shell_append(GTK_MENU_SHELL(menu->shell), item);
	return item;
}

static void on_activated(GtkMenuItem *item, Menu *menu)
{
	g_action_group_activate_action(menu->actions, g_object_get_data(G_OBJECT(item), "action"),
				       NULL);
}

static void append_action(Menu *menu, const char *label, const char *action, gboolean sensitive)
{
	GtkWidget *item = append(menu, gtk_menu_item_new_with_mnemonic(label), sensitive);

	g_object_set_data(G_OBJECT(item), "action", (gpointer)action);
	g_signal_connect(item, "activate", G_CALLBACK(on_activated), menu);
}

static void append_separator(Menu *menu)
{
	append(menu, gtk_separator_menu_item_new(), TRUE);
}

static void append_filter(Menu *menu, const NetfilStatus *status)
{
	GtkWidget *item = gtk_check_menu_item_new_with_label("");

	g_object_set_data_full(G_OBJECT(item), "name", g_strdup(status->spec->name), g_free);
	g_signal_connect(item, "toggled", G_CALLBACK(on_toggled), menu);
	g_hash_table_insert(menu->items, g_strdup(status->spec->name), item);
	append(menu, item, netfil_model_is_up(menu->model));
}

static void append_section(Menu *menu, NetfilSpecType type, const GPtrArray *list)
{
	guint shown = 0, more = 0;

	append(menu, gtk_menu_item_new_with_label(netfil_text_type(type)), FALSE);
	for (guint i = 0; i < list->len; i++) {
		const NetfilStatus *status = list->pdata[i];

		if (netfil_spec_type(status->spec) != type)
			continue;
		if (shown < ITEMS_MAX) {
			append_filter(menu, status);
			shown++;
		} else {
			more++;
		}
	}
	if (more) {
		g_autofree char *label =
		    g_strdup_printf(ngettext("%u more …", "%u more …", more), more);

		append_action(menu, label, "settings", TRUE);
	}
	append_separator(menu);
}

/* What is in the way, if anything is. */
static void append_trouble(Menu *menu)
{
	const char *trouble = netfil_model_trouble(menu->model);

	if (!netfil_model_is_up(menu->model))
		append(menu, gtk_menu_item_new_with_label(_("netfild is not there")), FALSE);
	else if (*trouble)
		append(menu, gtk_menu_item_new_with_label(trouble), FALSE);
	else
		return;
	append_separator(menu);
}

static void destroy(GtkWidget *item, gpointer data)
{
	(void)data;
	gtk_widget_destroy(item);
}

static void build(Menu *menu)
{
	static const NetfilSpecType types[] = {NETFIL_SPEC_INTERFACE, NETFIL_SPEC_SOCKET,
					       NETFIL_SPEC_IP};
	g_autoptr(GPtrArray) list = netfil_model_list(menu->model);
	gboolean any = netfil_model_is_up(menu->model) && list->len;

	g_hash_table_remove_all(menu->items);
	gtk_container_foreach(GTK_CONTAINER(menu->shell), destroy, NULL);
	append_trouble(menu);
	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		append_section(menu, types[i], list);
	append_action(menu, _("Switch all _on"), "all-on", any);
	append_action(menu, _("Switch all o_ff"), "all-off", any);
	append_separator(menu);
	append_action(menu, _("_Settings …"), "settings", TRUE);
	append_action(menu, _("_Quit"), "quit", TRUE);
	show_all(menu);
}

static gboolean on_rebuild(gpointer data)
{
	Menu *menu = data;

	menu->rebuild = 0;
	build(menu);
	return G_SOURCE_REMOVE;
}

/* Once, however many filters come or go together. */
static void rebuild_soon(Menu *menu)
{
	if (!menu->rebuild)
		menu->rebuild = g_idle_add(on_rebuild, menu);
}

/* Times that are left go by though nothing happens. */

static gboolean on_minute(gpointer menu)
{
	show_all(menu);
	return G_SOURCE_CONTINUE;
}

static void on_changed(Menu *menu, const NetfilStatus *before, const NetfilStatus *now)
{
	if (netfil_spec_type(before->spec) != netfil_spec_type(now->spec))
		rebuild_soon(menu);
	else
		show(menu, now);
}

static void on_failed(Menu *menu)
{
	show_all(menu);
}

static void menu_free(gpointer data, GObject *gone)
{
	Menu *menu = data;

	(void)gone;
	g_signal_handlers_disconnect_by_data(menu->model, menu);
	g_signal_handlers_disconnect_by_data(menu->act, menu);
	g_clear_handle_id(&menu->rebuild, g_source_remove);
	g_source_remove(menu->minute);
	g_hash_table_unref(menu->items);
	g_object_unref(menu->model);
	g_object_unref(menu->act);
	g_object_unref(menu->actions);
	g_free(menu);
}

GtkWidget *netfil_menu_new(NetfilModel *model, NetfilAct *act, GActionGroup *actions)
{
	Menu *menu = g_new0(Menu, 1);

	menu->shell = gtk_menu_new();
	menu->model = g_object_ref(model);
	menu->act = g_object_ref(act);
	menu->actions = g_object_ref(actions);
	menu->items = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	menu->minute = g_timeout_add_seconds(MINUTE, on_minute, menu);
	g_object_weak_ref(G_OBJECT(menu->shell), menu_free, menu);
	g_signal_connect_swapped(model, "added", G_CALLBACK(rebuild_soon), menu);
	g_signal_connect_swapped(model, "removed", G_CALLBACK(rebuild_soon), menu);
	g_signal_connect_swapped(model, "changed", G_CALLBACK(on_changed), menu);
	g_signal_connect_swapped(model, "up-changed", G_CALLBACK(rebuild_soon), menu);
	g_signal_connect_swapped(model, "trouble-changed", G_CALLBACK(rebuild_soon), menu);
	g_signal_connect_swapped(act, "failed", G_CALLBACK(on_failed), menu);
	build(menu);
	return menu->shell;
}
