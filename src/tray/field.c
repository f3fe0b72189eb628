/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "field.h"

#include <string.h>

#include "core/spec.h"
#include "words.h"

#define GAP 6

void netfil_name_widget(GtkWidget *widget, const char *name)
{
	atk_object_set_name(gtk_widget_get_accessible(widget), name);
}

static void relate(GtkWidget *widget, AtkRelationType relation, GtkWidget *to)
{
	atk_object_add_relationship(gtk_widget_get_accessible(widget), relation,
				    gtk_widget_get_accessible(to));
}

static GtkWidget *mistake_new(void)
{
	GtkWidget *mistake = gtk_label_new(NULL);

	gtk_label_set_xalign(GTK_LABEL(mistake), 0);
	gtk_label_set_line_wrap(GTK_LABEL(mistake), TRUE);
	gtk_label_set_max_width_chars(GTK_LABEL(mistake), 46);
	gtk_style_context_add_class(gtk_widget_get_style_context(mistake), "mistake");
	gtk_widget_set_no_show_all(mistake, TRUE);
	return mistake;
}

static void field_free(gpointer field, GObject *label)
{
	(void)label;
	g_free(field);
}

NetfilField *netfil_field_new(const char *key, const char *label, GtkWidget *editor)
{
	NetfilField *field = g_new0(NetfilField, 1);

	field->key = key;
	field->editor = editor;
	field->label = gtk_label_new_with_mnemonic(label);
	gtk_label_set_xalign(GTK_LABEL(field->label), 1);
	gtk_widget_set_valign(field->label, GTK_ALIGN_START);
	gtk_widget_set_margin_top(field->label, GAP);
	gtk_label_set_mnemonic_widget(GTK_LABEL(field->label), editor);
	field->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 2);
	gtk_widget_set_hexpand(field->box, TRUE);
	field->mistake = mistake_new();
	relate(editor, ATK_RELATION_DESCRIBED_BY, field->mistake);
	g_object_weak_ref(G_OBJECT(field->label), field_free, field);
	return field;
}

char **netfil_field_get(NetfilField *field)
{
	return field->get(field);
}

void netfil_field_set(NetfilField *field, const char *const *values)
{
	void (*changed)(gpointer) = field->changed;

	field->changed = NULL; /* not by the user */
	field->set(field, values);
	field->changed = changed;
	netfil_field_check(field);
}

void netfil_field_append(NetfilField *field, const char *value)
{
	g_auto(GStrv) values = netfil_field_get(field);
	guint length = g_strv_length(values);

	if (g_strv_contains((const char *const *)values, value))
		return;
	values = g_renew(char *, values, length + 2);
	values[length] = g_strdup(value);
	values[length + 1] = NULL;
	field->set(field, (const char *const *)values);
	netfil_field_changed(field);
}

static void show_mistake(NetfilField *field, const char *what)
{
	GtkStyleContext *style = gtk_widget_get_style_context(field->editor);

	if (!g_strcmp0(gtk_label_get_text(GTK_LABEL(field->mistake)), what ? what : ""))
		return;
	gtk_label_set_text(GTK_LABEL(field->mistake), what ? what : "");
	gtk_widget_set_visible(field->mistake, what != NULL);
	if (what)
		gtk_style_context_add_class(style, GTK_STYLE_CLASS_ERROR);
	else
		gtk_style_context_remove_class(style, GTK_STYLE_CLASS_ERROR);
}

gboolean netfil_field_check(NetfilField *field)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("");
	g_auto(GStrv) values = netfil_field_get(field);
	g_autoptr(GError) error = NULL;

	for (guint i = 0; values[i]; i++)
		if (!netfil_spec_put(spec, field->key, values[i], &error))
			break;
	show_mistake(field, error ? error->message : NULL);
	return !error;
}

void netfil_field_changed(NetfilField *field)
{
	netfil_field_check(field);
	if (field->changed)
		field->changed(field->data);
}

void netfil_field_watch(NetfilField *field, void (*changed)(gpointer data), gpointer data)
{
	field->changed = changed;
	field->data = data;
}

/* A list. */

static char **get_list(NetfilField *field)
{
	return netfil_words_split(gtk_entry_get_text(GTK_ENTRY(field->editor)));
}

static void set_list(NetfilField *field, const char *const *values)
{
	g_autofree char *text = netfil_words_join(values);

	gtk_entry_set_text(GTK_ENTRY(field->editor), text);
}

NetfilField *netfil_field_list(const char *key, const char *label, const char *example)
{
	NetfilField *field = netfil_field_new(key, label, gtk_entry_new());

	gtk_entry_set_placeholder_text(GTK_ENTRY(field->editor), example);
	gtk_entry_set_activates_default(GTK_ENTRY(field->editor), TRUE);
	gtk_box_pack_start(GTK_BOX(field->box), field->editor, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(field->box), field->mistake, FALSE, FALSE, 0);
	g_signal_connect_swapped(field->editor, "changed", G_CALLBACK(netfil_field_changed), field);
	field->get = get_list;
	field->set = set_list;
	return field;
}

/* A switch. */

static char **get_switch(NetfilField *field)
{
	gboolean on = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(field->editor));

	return g_strsplit(on ? "true" : "false", " ", 1);
}

static void set_switch(NetfilField *field, const char *const *values)
{
	gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(field->editor),
				     values[0] && g_str_equal(values[0], "true"));
}

NetfilField *netfil_field_switch(const char *key, const char *label)
{
	NetfilField *field = netfil_field_new(key, "", gtk_check_button_new_with_mnemonic(label));

	gtk_box_pack_start(GTK_BOX(field->box), field->editor, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(field->box), field->mistake, FALSE, FALSE, 0);
	g_signal_connect_swapped(field->editor, "toggled", G_CALLBACK(netfil_field_changed), field);
	field->get = get_switch;
	field->set = set_switch;
	return field;
}
