/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "processes.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app-icons.h"
#include "calls.h"
#include "field.h"
#include "running.h"
#include "show/user.h"
#include "text.h"

/* What an application moves now is the difference between two of netfild's sums of it. */
#define REFRESH_SECONDS 2

enum {
	RESPONSE_PIDS = 1,
	RESPONSE_EXES,
};

enum {
	COLUMN_ICON,
	COLUMN_NAME,
	COLUMN_PID,
	COLUMN_USER,
	COLUMN_EXE,
	COLUMN_UID,
	COLUMN_RATE_TEXT,
	COLUMN_RATE, /* bytes a second; -1: not known yet */
	COLUMNS,
};

typedef struct {
	GtkWidget *dialog, *view, *search;
	GtkListStore *store;
	GtkTreeModel *filtered;
	NetfilModel *model;
	GCancellable *cancellable;
	GHashTable *sums; /* "uid path" -> bytes, as they were asked last */
	gint64 asked;     /* monotonic microseconds */
	guint timer;
	void (*picked)(const char *key, const char *value, gpointer data);
	gpointer data;
} Picker;

/* What moves now. */

static char *account_key(guint uid, const char *exe)
{
	return g_strdup_printf("%u %s", uid, exe ? exe : "");
}

static GHashTable *sums_of(const GArray *periods)
{
	GHashTable *sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (guint i = 0; i < periods->len; i++) {
		const NetfilPeriod *period = &g_array_index(periods, NetfilPeriod, i);
		guint64 bytes = period->in + period->out;

		g_hash_table_insert(sums, account_key(period->uid, period->name),
				    g_memdup2(&bytes, sizeof bytes));
	}
	return sums;
}

static double rate_of(GHashTable *before, GHashTable *now, const char *key, double seconds)
{
	const guint64 *was = g_hash_table_lookup(before, key);
	const guint64 *is = g_hash_table_lookup(now, key);

	return is ? (double)(*is - MIN(was ? *was : 0, *is)) / seconds : 0;
}

static void set_rate(GtkListStore *store, GtkTreeIter *row, double rate)
{
	g_autofree char *text = rate > 0 ? netfil_text_rate(rate) : g_strdup("");
	double before;

	gtk_tree_model_get(GTK_TREE_MODEL(store), row, COLUMN_RATE, &before, -1);
	if (before != rate)
		gtk_list_store_set(store, row, COLUMN_RATE, rate, COLUMN_RATE_TEXT, text, -1);
}

static void show_rates(Picker *picker, GHashTable *now, double seconds)
{
	GtkTreeModel *rows = GTK_TREE_MODEL(picker->store);
	GtkTreeIter row;

	for (gboolean more = gtk_tree_model_get_iter_first(rows, &row); more;
	     more = gtk_tree_model_iter_next(rows, &row)) {
		g_autofree char *exe = NULL;
		g_autofree char *key = NULL;
		guint uid;

		gtk_tree_model_get(rows, &row, COLUMN_EXE, &exe, COLUMN_UID, &uid, -1);
		key = account_key(uid, exe);
		set_rate(picker->store, &row, rate_of(picker->sums, now, key, seconds));
	}
}

static void on_apps(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) periods =
	    netfil_call_periods_finish(NETFIL_MODEL(source), result, &error);
	gint64 now = g_get_monotonic_time();
	Picker *picker = data;
	GHashTable *sums;

	/* Cancelled: the dialog is gone. */
	if (!periods)
		return;
	sums = sums_of(periods);
	if (picker->sums)
		show_rates(picker, sums, (double)(now - picker->asked) / G_USEC_PER_SEC);
	g_clear_pointer(&picker->sums, g_hash_table_unref);
	picker->sums = sums;
	picker->asked = now;
}

static gboolean on_refresh(gpointer data)
{
	Picker *picker = data;

	netfil_call_apps(picker->model, 0, 0, picker->cancellable, on_apps, picker);
	return G_SOURCE_CONTINUE;
}

/* The list. */

static void add_process(Picker *picker, const NetfilRunning *running)
{
	g_autoptr(GIcon) icon = netfil_app_icon(running->exe);
	g_autofree char *user = netfil_user_name(running->uid);
	g_autofree char *exe = running->exe ? g_utf8_make_valid(running->exe, -1) : NULL;

	gtk_list_store_insert_with_values(picker->store, NULL, -1, COLUMN_ICON, icon, COLUMN_NAME,
					  running->name, COLUMN_PID, running->pid, COLUMN_USER,
					  user, COLUMN_EXE, exe, COLUMN_UID, running->uid,
					  COLUMN_RATE_TEXT, "", COLUMN_RATE, -1.0, -1);
}

static void fill(Picker *picker)
{
	g_autoptr(GPtrArray) list = netfil_running_list();

	for (guint i = 0; i < list->len; i++)
		add_process(picker, list->pdata[i]);
}

static gboolean is_sought(GtkTreeModel *rows, GtkTreeIter *row, gpointer data)
{
	Picker *picker = data;
	g_autofree char *sought =
	    g_utf8_casefold(gtk_entry_get_text(GTK_ENTRY(picker->search)), -1);
	g_autofree char *name = NULL;
	g_autofree char *exe = NULL;
	g_autofree char *text = NULL;
	g_autofree char *folded = NULL;
	int pid;

	gtk_tree_model_get(rows, row, COLUMN_NAME, &name, COLUMN_EXE, &exe, COLUMN_PID, &pid, -1);
	text = g_strdup_printf("%s %s %d", name ? name : "", exe ? exe : "", pid);
	folded = g_utf8_casefold(text, -1);
	return strstr(folded, sought) != NULL;
}

static void append_text(GtkTreeView *view, const char *title, int column, int sort, float xalign)
{
	GtkCellRenderer *cell = gtk_cell_renderer_text_new();
	GtkTreeViewColumn *shown =
	    gtk_tree_view_column_new_with_attributes(title, cell, "text", column, NULL);

	g_object_set(cell, "xalign", xalign, "ellipsize",
		     column == COLUMN_EXE ? PANGO_ELLIPSIZE_MIDDLE : PANGO_ELLIPSIZE_NONE, NULL);
	gtk_tree_view_column_set_alignment(shown, xalign);
	gtk_tree_view_column_set_sort_column_id(shown, sort);
	gtk_tree_view_column_set_expand(shown, column == COLUMN_EXE);
	gtk_tree_view_append_column(view, shown);
}

static void append_icon_and_name(GtkTreeView *view)
{
	GtkTreeViewColumn *column = gtk_tree_view_column_new();
	GtkCellRenderer *icon = gtk_cell_renderer_pixbuf_new();
	GtkCellRenderer *name = gtk_cell_renderer_text_new();

	gtk_tree_view_column_set_title(column, _("Process"));
	gtk_tree_view_column_pack_start(column, icon, FALSE);
	gtk_tree_view_column_add_attribute(column, icon, "gicon", COLUMN_ICON);
	gtk_tree_view_column_pack_start(column, name, TRUE);
	gtk_tree_view_column_add_attribute(column, name, "text", COLUMN_NAME);
	gtk_tree_view_column_set_sort_column_id(column, COLUMN_NAME);
	gtk_tree_view_append_column(view, column);
}

static GtkWidget *view_new(Picker *picker)
{
	GtkTreeModel *sorted;
	GtkWidget *view;

	picker->store =
	    gtk_list_store_new(COLUMNS, G_TYPE_ICON, G_TYPE_STRING, G_TYPE_INT, G_TYPE_STRING,
			       G_TYPE_STRING, G_TYPE_UINT, G_TYPE_STRING, G_TYPE_DOUBLE);
	picker->filtered = gtk_tree_model_filter_new(GTK_TREE_MODEL(picker->store), NULL);
	gtk_tree_model_filter_set_visible_func(GTK_TREE_MODEL_FILTER(picker->filtered), is_sought,
					       picker, NULL);
	sorted = gtk_tree_model_sort_new_with_model(picker->filtered);
	view = gtk_tree_view_new_with_model(sorted);
	g_object_unref(sorted);
	append_icon_and_name(GTK_TREE_VIEW(view));
	append_text(GTK_TREE_VIEW(view), _("Number"), COLUMN_PID, COLUMN_PID, 1);
	append_text(GTK_TREE_VIEW(view), _("User"), COLUMN_USER, COLUMN_USER, 0);
	append_text(GTK_TREE_VIEW(view), _("Application's traffic now"), COLUMN_RATE_TEXT,
		    COLUMN_RATE, 1);
	append_text(GTK_TREE_VIEW(view), _("Executable"), COLUMN_EXE, COLUMN_EXE, 0);
	gtk_tree_selection_set_mode(gtk_tree_view_get_selection(GTK_TREE_VIEW(view)),
				    GTK_SELECTION_MULTIPLE);
	gtk_tree_view_set_enable_search(GTK_TREE_VIEW(view), FALSE);
	netfil_name_widget(view, _("Running processes"));
	return view;
}

/* The dialog. */

static void pick(GtkTreeModel *rows, GtkTreePath *path, GtkTreeIter *row, gpointer data)
{
	Picker *picker = data;
	gboolean by_exe = GPOINTER_TO_INT(g_object_get_data(G_OBJECT(picker->dialog), "by-exe"));
	g_autofree char *exe = NULL;
	g_autofree char *number = NULL;
	int pid;

	(void)path;
	gtk_tree_model_get(rows, row, COLUMN_PID, &pid, COLUMN_EXE, &exe, -1);
	number = g_strdup_printf("%d", pid);
	if (!by_exe)
		picker->picked("pid", number, picker->data);
	else if (exe)
		picker->picked("exe", exe, picker->data);
}

static void on_response(GtkDialog *dialog, int response, Picker *picker)
{
	GtkTreeSelection *selection = gtk_tree_view_get_selection(GTK_TREE_VIEW(picker->view));

	g_object_set_data(G_OBJECT(dialog), "by-exe", GINT_TO_POINTER(response == RESPONSE_EXES));
	if (response == RESPONSE_PIDS || response == RESPONSE_EXES)
		gtk_tree_selection_selected_foreach(selection, pick, picker);
	gtk_widget_destroy(GTK_WIDGET(dialog));
}

static void on_selection(GtkTreeSelection *selection, Picker *picker)
{
	gboolean any = gtk_tree_selection_count_selected_rows(selection) > 0;

	gtk_dialog_set_response_sensitive(GTK_DIALOG(picker->dialog), RESPONSE_PIDS, any);
	gtk_dialog_set_response_sensitive(GTK_DIALOG(picker->dialog), RESPONSE_EXES, any);
}

/* The first that is found is selected, so that a name and Return will do. */
static void on_search(Picker *picker)
{
	GtkTreeSelection *selection = gtk_tree_view_get_selection(GTK_TREE_VIEW(picker->view));
	g_autoptr(GtkTreePath) first = gtk_tree_path_new_first();

	gtk_tree_model_filter_refilter(GTK_TREE_MODEL_FILTER(picker->filtered));
	gtk_tree_selection_unselect_all(selection);
	if (*gtk_entry_get_text(GTK_ENTRY(picker->search)))
		gtk_tree_selection_select_path(selection, first);
}

static void on_stop_search(Picker *picker)
{
	gtk_dialog_response(GTK_DIALOG(picker->dialog), GTK_RESPONSE_CANCEL);
}

static void on_row_activated(Picker *picker)
{
	gtk_dialog_response(GTK_DIALOG(picker->dialog), RESPONSE_PIDS);
}

static void picker_free(gpointer data, GObject *gone)
{
	Picker *picker = data;

	(void)gone;
	g_cancellable_cancel(picker->cancellable);
	g_object_unref(picker->cancellable);
	g_source_remove(picker->timer);
	g_clear_pointer(&picker->sums, g_hash_table_unref);
	g_object_unref(picker->filtered);
	g_object_unref(picker->store);
	g_object_unref(picker->model);
	g_free(picker);
}

static void pack(Picker *picker)
{
	GtkBox *content = GTK_BOX(gtk_dialog_get_content_area(GTK_DIALOG(picker->dialog)));
	GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);

	picker->search = gtk_search_entry_new();
	gtk_entry_set_placeholder_text(GTK_ENTRY(picker->search), _("Search"));
	gtk_entry_set_activates_default(GTK_ENTRY(picker->search), TRUE);
	netfil_name_widget(picker->search, _("Search"));
	picker->view = view_new(picker);
	gtk_container_add(GTK_CONTAINER(scrolled), picker->view);
	gtk_box_set_spacing(content, 6);
	gtk_box_pack_start(content, picker->search, FALSE, FALSE, 0);
	gtk_box_pack_start(content, scrolled, TRUE, TRUE, 0);
	g_object_set(content, "margin", 6, NULL);
}

void netfil_processes_pick(GtkWindow *window, NetfilModel *model,
			   void (*picked)(const char *key, const char *value, gpointer data),
			   gpointer data)
{
	Picker *picker = g_new0(Picker, 1);

	picker->model = g_object_ref(model);
	picker->cancellable = g_cancellable_new();
	picker->picked = picked;
	picker->data = data;
	picker->dialog = gtk_dialog_new_with_buttons(
	    _("Pick running processes"), window, GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT,
	    _("_Cancel"), GTK_RESPONSE_CANCEL, _("Add the _executables"), RESPONSE_EXES,
	    _("Add the _processes"), RESPONSE_PIDS, NULL);
	gtk_window_set_default_size(GTK_WINDOW(picker->dialog), 760, 460);
	gtk_dialog_set_default_response(GTK_DIALOG(picker->dialog), RESPONSE_PIDS);
	pack(picker);
	fill(picker);
	picker->timer = g_timeout_add_seconds(REFRESH_SECONDS, on_refresh, picker);
	on_refresh(picker);
	g_object_weak_ref(G_OBJECT(picker->dialog), picker_free, picker);
	g_signal_connect(gtk_tree_view_get_selection(GTK_TREE_VIEW(picker->view)), "changed",
			 G_CALLBACK(on_selection), picker);
	on_selection(gtk_tree_view_get_selection(GTK_TREE_VIEW(picker->view)), picker);
	g_signal_connect_swapped(picker->search, "search-changed", G_CALLBACK(on_search), picker);
	g_signal_connect_swapped(picker->search, "stop-search", G_CALLBACK(on_stop_search), picker);
	g_signal_connect_swapped(picker->view, "row-activated", G_CALLBACK(on_row_activated),
				 picker);
	g_signal_connect(picker->dialog, "response", G_CALLBACK(on_response), picker);
	gtk_widget_show_all(picker->dialog);
}
