/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib/gi18n.h>
#include <net/if.h>

#include "field.h"
#include "words.h"

/* A check for each interface that is there, and an entry for those that are not, and globs. */

#define OTHERS(field) ((field)->more[0])
#define CHECKS(field) ((field)->more[1])

static char **get_interfaces(NetfilField *field)
{
	g_autoptr(GList) checks = gtk_container_get_children(GTK_CONTAINER(CHECKS(field)));
	g_auto(GStrv) others = netfil_words_split(gtk_entry_get_text(GTK_ENTRY(OTHERS(field))));
	GPtrArray *values = g_ptr_array_new();

	for (GList *at = checks; at; at = at->next)
		if (gtk_toggle_button_get_active(at->data))
			g_ptr_array_add(values, g_strdup(gtk_button_get_label(at->data)));
	for (guint i = 0; others[i]; i++)
		g_ptr_array_add(values, g_strdup(others[i]));
	g_ptr_array_add(values, NULL);
	return (char **)g_ptr_array_free(values, FALSE);
}

static void add_check(NetfilField *field, const char *name)
{
	GtkWidget *check = gtk_check_button_new_with_label(name);

	gtk_box_pack_start(GTK_BOX(CHECKS(field)), check, FALSE, FALSE, 0);
	g_signal_connect_swapped(check, "toggled", G_CALLBACK(netfil_field_changed), field);
	gtk_widget_show(check);
}

static void destroy(GtkWidget *check, gpointer data)
{
	(void)data;
	gtk_widget_destroy(check);
}

/* As they are now: asked each time that the form shows a filter. */
static void list_present(NetfilField *field)
{
	struct if_nameindex *present = if_nameindex();

	gtk_container_foreach(GTK_CONTAINER(CHECKS(field)), destroy, NULL);
	for (guint i = 0; present && present[i].if_index; i++)
		add_check(field, present[i].if_name);
	if (present)
		if_freenameindex(present);
}

static GtkToggleButton *find_check(NetfilField *field, const char *name)
{
	g_autoptr(GList) checks = gtk_container_get_children(GTK_CONTAINER(CHECKS(field)));

	for (GList *at = checks; at; at = at->next)
		if (g_str_equal(gtk_button_get_label(at->data), name))
			return at->data;
	return NULL;
}

static void set_interfaces(NetfilField *field, const char *const *values)
{
	g_autoptr(GPtrArray) others = g_ptr_array_new();
	g_autofree char *text = NULL;

	list_present(field);
	for (; *values; values++) {
		GtkToggleButton *check = find_check(field, *values);

		if (check)
			gtk_toggle_button_set_active(check, TRUE);
		else
			g_ptr_array_add(others, (gpointer)*values);
	}
	g_ptr_array_add(others, NULL);
	text = netfil_words_join((const char *const *)others->pdata);
	gtk_entry_set_text(GTK_ENTRY(OTHERS(field)), text);
}

NetfilField *netfil_field_interfaces(const char *key, const char *label)
{
	NetfilField *field = netfil_field_new(key, label, gtk_entry_new());

	OTHERS(field) = field->editor;
	CHECKS(field) = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
	gtk_entry_set_placeholder_text(GTK_ENTRY(OTHERS(field)), _("others, as wwan*"));
	gtk_entry_set_activates_default(GTK_ENTRY(OTHERS(field)), TRUE);
	gtk_box_pack_start(GTK_BOX(field->box), CHECKS(field), FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(field->box), OTHERS(field), FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(field->box), field->mistake, FALSE, FALSE, 0);
	g_signal_connect_swapped(OTHERS(field), "changed", G_CALLBACK(netfil_field_changed), field);
	field->get = get_interfaces;
	field->set = set_interfaces;
	return field;
}
