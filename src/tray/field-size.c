/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib/gi18n.h>
#include <langinfo.h>
#include <string.h>

#include "core/size.h"
#include "field.h"
#include "size-box.h"

/* A number, in the locale's form, and its unit. */

static const struct {
	const char *unit; /* as netfil_size_canonical() writes it */
	const char *label;
} units[] = {
    {"", "B"},     {"k", "kB"},   {"M", "MB"},   {"G", "GB"},   {"T", "TB"},   {"P", "PB"},
    {"Ki", "KiB"}, {"Mi", "MiB"}, {"Gi", "GiB"}, {"Ti", "TiB"}, {"Pi", "PiB"},
};

#define DEFAULT_UNIT 3 /* GB */

GtkWidget *netfil_size_units_new(void)
{
	GtkWidget *combo = gtk_combo_box_text_new();

	for (guint i = 0; i < G_N_ELEMENTS(units); i++)
		gtk_combo_box_text_append_text(GTK_COMBO_BOX_TEXT(combo), units[i].label);
	gtk_combo_box_set_active(GTK_COMBO_BOX(combo), DEFAULT_UNIT);
	return combo;
}

static char *replace(const char *text, const char *what, const char *by)
{
	g_auto(GStrv) parts = g_strsplit(text, what, -1);

	return g_strjoinv(by, parts);
}

char *netfil_size_entered(GtkWidget *entry, GtkWidget *combo)
{
	g_autofree char *text = g_strdup(gtk_entry_get_text(GTK_ENTRY(entry)));
	g_autofree char *number = replace(g_strstrip(text), nl_langinfo(RADIXCHAR), ".");
	int unit = gtk_combo_box_get_active(GTK_COMBO_BOX(combo));

	if (!*number)
		return NULL;
	/* "25M" is taken as it is, whatever the unit beside it. */
	if (g_ascii_isalpha(number[strlen(number) - 1]))
		return g_steal_pointer(&number);
	return g_strconcat(number, units[unit].unit, NULL);
}

void netfil_size_enter(GtkWidget *entry, GtkWidget *combo, const char *size)
{
	g_autofree char *canonical = NULL;
	g_autofree char *number = NULL;
	g_autofree char *text = NULL;
	guint64 bytes = 0;
	gsize digits;

	if (size)
		netfil_size_parse(size, &bytes, NULL);
	if (!bytes) {
		gtk_entry_set_text(GTK_ENTRY(entry), "");
		gtk_combo_box_set_active(GTK_COMBO_BOX(combo), DEFAULT_UNIT);
		return;
	}
	canonical = netfil_size_canonical(bytes);
	digits = strspn(canonical, "0123456789.");
	for (guint i = 0; i < G_N_ELEMENTS(units); i++)
		if (g_str_equal(canonical + digits, units[i].unit))
			gtk_combo_box_set_active(GTK_COMBO_BOX(combo), (int)i);
	number = g_strndup(canonical, digits);
	text = replace(number, ".", nl_langinfo(RADIXCHAR));
	gtk_entry_set_text(GTK_ENTRY(entry), text);
}

static char **get_size(NetfilField *field)
{
	char **values = g_new0(char *, 2);

	values[0] = netfil_size_entered(field->editor, field->more[0]);
	return values;
}

static void set_size(NetfilField *field, const char *const *values)
{
	netfil_size_enter(field->editor, field->more[0], values[0]);
}

NetfilField *netfil_field_size(const char *key, const char *label)
{
	NetfilField *field = netfil_field_new(key, label, gtk_entry_new());
	GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

	field->more[0] = netfil_size_units_new();
	/* Translators: the unit of a size, as MB. */
	netfil_name_widget(field->more[0], _("Unit"));
	gtk_entry_set_placeholder_text(GTK_ENTRY(field->editor), _("no cap"));
	gtk_entry_set_activates_default(GTK_ENTRY(field->editor), TRUE);
	gtk_box_pack_start(GTK_BOX(row), field->editor, TRUE, TRUE, 0);
	gtk_box_pack_start(GTK_BOX(row), field->more[0], FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(field->box), row, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(field->box), field->mistake, FALSE, FALSE, 0);
	g_signal_connect_swapped(field->editor, "changed", G_CALLBACK(netfil_field_changed), field);
	g_signal_connect_swapped(field->more[0], "changed", G_CALLBACK(netfil_field_changed),
				 field);
	field->get = get_size;
	field->set = set_size;
	return field;
}
