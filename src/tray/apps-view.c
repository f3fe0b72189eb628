/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "apps-view.h"

#include <glib/gi18n.h>

#include "app-icons.h"
#include "client/periods.h"
#include "field.h"
#include "show/user.h"
#include "text.h"

enum {
	COLUMN_ICON,
	COLUMN_NAME,
	COLUMN_EXE,
	COLUMN_USER,
	COLUMN_IN_TEXT,
	COLUMN_IN,
	COLUMN_OUT_TEXT,
	COLUMN_OUT,
	COLUMN_TOTAL_TEXT,
	COLUMN_TOTAL,
	COLUMNS,
};

static char *name_of(const char *exe)
{
	if (!*exe)
		return g_strdup(_("without an owner"));
	if (g_str_equal(exe, "*"))
		return g_strdup(_("other applications"));
	return g_path_get_basename(exe);
}

static void add(GtkListStore *store, const NetfilPeriod *period)
{
	guint64 total = period->in + period->out;
	g_autoptr(GIcon) icon = netfil_app_icon(period->name);
	g_autofree char *name = name_of(period->name);
	g_autofree char *user = netfil_user_name(period->uid);
	g_autofree char *in_text = netfil_text_size(period->in);
	g_autofree char *out_text = netfil_text_size(period->out);
	g_autofree char *total_text = netfil_text_size(total);

	gtk_list_store_insert_with_values(store, NULL, -1, COLUMN_ICON, icon, COLUMN_NAME, name,
					  COLUMN_EXE, period->name, COLUMN_USER, user ? user : "",
					  COLUMN_IN_TEXT, in_text, COLUMN_IN, period->in,
					  COLUMN_OUT_TEXT, out_text, COLUMN_OUT, period->out,
					  COLUMN_TOTAL_TEXT, total_text, COLUMN_TOTAL, total, -1);
}

void netfil_apps_view_show(GtkWidget *view, const GArray *periods)
{
	GtkListStore *store = GTK_LIST_STORE(gtk_tree_view_get_model(GTK_TREE_VIEW(view)));

	gtk_list_store_clear(store);
	for (guint i = 0; i < periods->len; i++) {
		const NetfilPeriod *period = &g_array_index(periods, NetfilPeriod, i);

		if (period->in + period->out)
			add(store, period);
	}
}

static GtkTreeViewColumn *column_new(const char *title, int text, int sort, float xalign)
{
	GtkCellRenderer *cell = gtk_cell_renderer_text_new();
	GtkTreeViewColumn *column =
	    gtk_tree_view_column_new_with_attributes(title, cell, "text", text, NULL);

	g_object_set(cell, "xalign", xalign, NULL);
	gtk_tree_view_column_set_alignment(column, xalign);
	gtk_tree_view_column_set_sort_column_id(column, sort);
	return column;
}

GtkWidget *netfil_apps_view_new(void)
{
	g_autoptr(GtkListStore) store = gtk_list_store_new(
	    COLUMNS, G_TYPE_ICON, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING,
	    G_TYPE_UINT64, G_TYPE_STRING, G_TYPE_UINT64, G_TYPE_STRING, G_TYPE_UINT64);
	GtkWidget *view = gtk_tree_view_new_with_model(GTK_TREE_MODEL(store));
	GtkTreeView *tree = GTK_TREE_VIEW(view);
	GtkTreeViewColumn *name = column_new(_("Application"), COLUMN_NAME, COLUMN_NAME, 0);
	GtkCellRenderer *icon = gtk_cell_renderer_pixbuf_new();

	gtk_cell_layout_pack_start(GTK_CELL_LAYOUT(name), icon, FALSE);
	gtk_cell_layout_reorder(GTK_CELL_LAYOUT(name), icon, 0);
	gtk_tree_view_column_add_attribute(name, icon, "gicon", COLUMN_ICON);
	gtk_tree_view_column_set_expand(name, TRUE);
	gtk_tree_view_append_column(tree, name);
	gtk_tree_view_append_column(tree, column_new(_("User"), COLUMN_USER, COLUMN_USER, 0));
	gtk_tree_view_append_column(tree, column_new(_("In"), COLUMN_IN_TEXT, COLUMN_IN, 1));
	gtk_tree_view_append_column(tree, column_new(_("Out"), COLUMN_OUT_TEXT, COLUMN_OUT, 1));
	gtk_tree_view_append_column(tree,
				    column_new(_("Total"), COLUMN_TOTAL_TEXT, COLUMN_TOTAL, 1));
	gtk_tree_view_set_search_column(tree, COLUMN_NAME);
	gtk_tree_sortable_set_sort_column_id(GTK_TREE_SORTABLE(store), COLUMN_TOTAL,
					     GTK_SORT_DESCENDING);
	netfil_name_widget(view, _("Applications"));
	return view;
}
