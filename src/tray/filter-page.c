/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filter-page.h"

#include <glib/gi18n.h>

#include "filter-list.h"
#include "form.h"

#define LIST_WIDTH 330

typedef struct {
	GtkWidget *paned, *list, *form;
	NetfilModel *model;
} Page;

static void on_selected(const char *name, gpointer data)
{
	Page *page = data;

	if (!page->form)
		return;
	netfil_form_show(page->form, name);
}

static void on_new(Page *page)
{
	netfil_filter_list_select(page->list, NULL);
	on_selected(NULL, page);
	gtk_widget_child_focus(page->form, GTK_DIR_TAB_FORWARD);
}

/* Connected after the list's own, which has the row by then. */
static void on_added(Page *page, const NetfilStatus *status)
{
	if (netfil_form_made(page->form, status->spec->name))
		netfil_filter_list_select(page->list, status->spec->name);
}

static GtkWidget *side_new(Page *page)
{
	GtkWidget *side = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
	GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);
	GtkWidget *new = gtk_button_new_with_mnemonic(_("Ne_w filter"));

	gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
				       GTK_POLICY_AUTOMATIC);
	gtk_container_add(GTK_CONTAINER(scrolled), page->list);
	g_object_set(new, "margin", 12, NULL);
	g_signal_connect_swapped(new, "clicked", G_CALLBACK(on_new), page);
	gtk_box_pack_start(GTK_BOX(side), scrolled, TRUE, TRUE, 0);
	gtk_box_pack_start(GTK_BOX(side), new, FALSE, FALSE, 0);
	gtk_widget_set_size_request(side, LIST_WIDTH, -1);
	return side;
}

static void page_free(gpointer data)
{
	Page *page = data;

	g_signal_handlers_disconnect_by_data(page->model, page);
	g_object_unref(page->model);
	g_free(page);
}

static void on_destroy(Page *page)
{
	page->form = NULL;
}

GtkWidget *netfil_filter_page_new(NetfilModel *model, NetfilAct *act, NetfilSpecType type)
{
	Page *page = g_new0(Page, 1);

	page->paned = gtk_paned_new(GTK_ORIENTATION_HORIZONTAL);
	page->model = g_object_ref(model);
	page->list = netfil_filter_list_new(model, type, on_selected, page);
	page->form = netfil_form_new(model, act, type);
	gtk_paned_pack1(GTK_PANED(page->paned), side_new(page), FALSE, FALSE);
	gtk_paned_pack2(GTK_PANED(page->paned), page->form, TRUE, FALSE);
	g_object_set_data_full(G_OBJECT(page->paned), "page", page, page_free);
	g_signal_connect_swapped(page->paned, "destroy", G_CALLBACK(on_destroy), page);
	g_signal_connect_swapped(model, "added", G_CALLBACK(on_added), page);
	return page->paned;
}
