/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filter-list.h"

#include <glib/gi18n.h>
#include <string.h>

#include "field.h"
#include "show/level.h"
#include "text.h"

#define MINUTE 60
#define MARGIN 8

typedef struct {
	GtkWidget *box;
	NetfilModel *model;
	NetfilSpecType type;
	GHashTable *rows; /* name -> Row */
	guint minute;
	void (*selected)(const char *name, gpointer data);
	gpointer data;
} List;

typedef struct {
	GtkWidget *row;
	GtkWidget *state, *bar, *amount, *outlook;
	char *name;
	int level;
} Row;

static void set_text(GtkWidget *label, const char *text)
{
	if (g_strcmp0(gtk_label_get_text(GTK_LABEL(label)), text))
		gtk_label_set_text(GTK_LABEL(label), text);
}

static void set_level(Row *row, NetfilLevel level)
{
	static const char *const classes[] = {"level-off", "level-good", "level-warn", "level-bad"};
	GtkStyleContext *style = gtk_widget_get_style_context(row->bar);

	if (row->level == (int)level)
		return;
	if (row->level >= 0)
		gtk_style_context_remove_class(style, classes[row->level]);
	gtk_style_context_add_class(style, classes[level]);
	row->level = (int)level;
}

static void show(Row *row, const NetfilStatus *status)
{
	double fraction = netfil_status_fraction(status);
	g_autofree char *amount = netfil_text_amount(status);
	g_autofree char *outlook = netfil_text_outlook(status);
	g_autofree char *spoken = netfil_text_spoken(status);

	set_text(row->state, netfil_text_state(status));
	set_text(row->amount, amount);
	set_text(row->outlook, outlook);
	gtk_widget_set_visible(row->bar, fraction >= 0);
	if (fraction >= 0)
		gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(row->bar), CLAMP(fraction, 0, 1));
	set_level(row, netfil_level(status));
	netfil_name_widget(row->row, spoken);
}

static GtkWidget *label_new(const char *text, float xalign, gboolean dim)
{
	GtkWidget *label = gtk_label_new(text);

	gtk_label_set_xalign(GTK_LABEL(label), xalign);
	gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
	if (dim)
		gtk_style_context_add_class(gtk_widget_get_style_context(label),
					    GTK_STYLE_CLASS_DIM_LABEL);
	return label;
}

static GtkWidget *grid_of(Row *row)
{
	GtkWidget *grid = gtk_grid_new();
	GtkWidget *name = label_new(row->name, 0, FALSE);
	PangoAttrList *bold = pango_attr_list_new();

	pango_attr_list_insert(bold, pango_attr_weight_new(PANGO_WEIGHT_BOLD));
	gtk_label_set_attributes(GTK_LABEL(name), bold);
	pango_attr_list_unref(bold);
	gtk_widget_set_hexpand(name, TRUE);
	g_object_set(grid, "margin", MARGIN, "row-spacing", 3, "column-spacing", 8, NULL);
	gtk_grid_attach(GTK_GRID(grid), name, 0, 0, 1, 1);
	gtk_grid_attach(GTK_GRID(grid), row->state, 1, 0, 1, 1);
	gtk_grid_attach(GTK_GRID(grid), row->bar, 0, 1, 2, 1);
	gtk_grid_attach(GTK_GRID(grid), row->amount, 0, 2, 1, 1);
	gtk_grid_attach(GTK_GRID(grid), row->outlook, 1, 2, 1, 1);
	return grid;
}

static void row_free(gpointer data)
{
	Row *row = data;

	g_free(row->name);
	g_free(row);
}

static int compare_rows(GtkListBoxRow *a, GtkListBoxRow *b, gpointer data)
{
	(void)data;
	return strcmp(g_object_get_data(G_OBJECT(a), "name"),
		      g_object_get_data(G_OBJECT(b), "name"));
}

static void add(List *list, const NetfilStatus *status)
{
	Row *row;

	if (netfil_spec_type(status->spec) != list->type)
		return;
	row = g_new0(Row, 1);
	row->name = g_strdup(status->spec->name);
	row->level = -1;
	row->row = gtk_list_box_row_new();
	row->state = label_new(NULL, 1, FALSE);
	row->bar = gtk_progress_bar_new();
	row->amount = label_new(NULL, 0, TRUE);
	row->outlook = label_new(NULL, 1, TRUE);
	g_object_set_data(G_OBJECT(row->row), "name", row->name);
	gtk_container_add(GTK_CONTAINER(row->row), grid_of(row));
	gtk_widget_show_all(row->row);
	show(row, status);
	g_hash_table_replace(list->rows, row->name, row);
	gtk_list_box_insert(GTK_LIST_BOX(list->box), row->row, -1);
}

static void removed(List *list, const NetfilStatus *status)
{
	Row *row = g_hash_table_lookup(list->rows, status->spec->name);

	if (!row)
		return;
	gtk_widget_destroy(row->row);
	g_hash_table_remove(list->rows, status->spec->name);
}

static void changed(List *list, const NetfilStatus *before, const NetfilStatus *now)
{
	Row *row = g_hash_table_lookup(list->rows, now->spec->name);

	if (netfil_spec_type(now->spec) != netfil_spec_type(before->spec)) {
		removed(list, before);
		add(list, now);
	} else if (row) {
		show(row, now);
	}
}

static void show_all(List *list)
{
	GHashTableIter iter;
	Row *row;

	g_hash_table_iter_init(&iter, list->rows);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&row)) {
		const NetfilStatus *status = netfil_model_find(list->model, row->name);

		if (status)
			show(row, status);
	}
}

static gboolean on_minute(gpointer list)
{
	show_all(list);
	return G_SOURCE_CONTINUE;
}

static void on_up_changed(List *list)
{
	gtk_widget_set_sensitive(list->box, netfil_model_is_up(list->model));
}

static void on_row_selected(GtkListBox *box, GtkListBoxRow *row, List *list)
{
	(void)box;
	list->selected(row ? g_object_get_data(G_OBJECT(row), "name") : NULL, list->data);
}

void netfil_filter_list_select(GtkWidget *box, const char *name)
{
	List *list = g_object_get_data(G_OBJECT(box), "list");
	Row *row = name ? g_hash_table_lookup(list->rows, name) : NULL;

	if (row)
		gtk_list_box_select_row(GTK_LIST_BOX(box), GTK_LIST_BOX_ROW(row->row));
	else
		gtk_list_box_unselect_all(GTK_LIST_BOX(box));
}

static void on_destroy(List *list)
{
	g_signal_handlers_disconnect_by_data(list->model, list);
	g_signal_handlers_disconnect_by_func(list->box, on_row_selected, list);
	g_clear_handle_id(&list->minute, g_source_remove);
}

static void list_free(gpointer data)
{
	List *list = data;

	g_hash_table_unref(list->rows);
	g_object_unref(list->model);
	g_free(list);
}

static GtkWidget *placeholder_new(void)
{
	GtkWidget *label = label_new(_("No filters yet"), 0.5, TRUE);

	gtk_widget_set_margin_top(label, 24);
	gtk_widget_show(label);
	return label;
}

GtkWidget *netfil_filter_list_new(NetfilModel *model, NetfilSpecType type,
				  void (*selected)(const char *name, gpointer data), gpointer data)
{
	g_autoptr(GPtrArray) all = netfil_model_list(model);
	List *list = g_new0(List, 1);

	list->box = gtk_list_box_new();
	list->model = g_object_ref(model);
	list->type = type;
	list->rows = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, row_free);
	list->selected = selected;
	list->data = data;
	list->minute = g_timeout_add_seconds(MINUTE, on_minute, list);
	netfil_name_widget(list->box, _("Filters"));
	gtk_list_box_set_sort_func(GTK_LIST_BOX(list->box), compare_rows, NULL, NULL);
	gtk_list_box_set_placeholder(GTK_LIST_BOX(list->box), placeholder_new());
	g_object_set_data_full(G_OBJECT(list->box), "list", list, list_free);
	for (guint i = 0; i < all->len; i++)
		add(list, all->pdata[i]);
	g_signal_connect_swapped(model, "added", G_CALLBACK(add), list);
	g_signal_connect_swapped(model, "removed", G_CALLBACK(removed), list);
	g_signal_connect_swapped(model, "changed", G_CALLBACK(changed), list);
	g_signal_connect_swapped(model, "up-changed", G_CALLBACK(on_up_changed), list);
	g_signal_connect(list->box, "row-selected", G_CALLBACK(on_row_selected), list);
	g_signal_connect_swapped(list->box, "destroy", G_CALLBACK(on_destroy), list);
	on_up_changed(list);
	return list->box;
}
