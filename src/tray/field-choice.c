/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib/gi18n.h>
#include <string.h>

#include "core/cycle.h"
#include "field.h"
#include "size-box.h"

#define THROTTLE "throttle"

static void pack(NetfilField *field)
{
	GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

	gtk_box_pack_start(GTK_BOX(row), field->editor, FALSE, FALSE, 0);
	for (guint i = 0; i < G_N_ELEMENTS(field->more); i++) {
		gtk_widget_set_no_show_all(field->more[i], TRUE);
		gtk_box_pack_start(GTK_BOX(row), field->more[i], FALSE, FALSE, 0);
	}
	gtk_box_pack_start(GTK_BOX(field->box), row, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(field->box), field->mistake, FALSE, FALSE, 0);
}

/* At the cap. */

static char **get_policy(NetfilField *field)
{
	const char *id = gtk_combo_box_get_active_id(GTK_COMBO_BOX(field->editor));
	g_autofree char *rate = NULL;
	char **values = g_new0(char *, 2);

	if (g_strcmp0(id, THROTTLE)) {
		values[0] = g_strdup(id ? id : "reject");
		return values;
	}
	rate = netfil_size_entered(field->more[0], field->more[1]);
	values[0] = g_strconcat(THROTTLE "=", rate, NULL);
	return values;
}

static void set_policy(NetfilField *field, const char *const *values)
{
	const char *policy = values[0] ? values[0] : "reject";
	gboolean throttles = g_str_has_prefix(policy, THROTTLE);

	gtk_combo_box_set_active_id(GTK_COMBO_BOX(field->editor), throttles ? THROTTLE : policy);
	netfil_size_enter(field->more[0], field->more[1],
			  throttles ? strchr(policy, '=') + 1 : NULL);
	if (!throttles)
		gtk_combo_box_set_active(GTK_COMBO_BOX(field->more[1]), 1); /* kB */
}

static void on_policy_changed(NetfilField *field)
{
	const char *id = gtk_combo_box_get_active_id(GTK_COMBO_BOX(field->editor));

	for (guint i = 0; i < 2; i++)
		gtk_widget_set_visible(field->more[i], !g_strcmp0(id, THROTTLE));
	netfil_field_changed(field);
}

NetfilField *netfil_field_policy(const char *key, const char *label, gboolean processes,
				 gboolean interfaces)
{
	const struct {
		const char *id, *label;
		gboolean fits;
	} choices[] = {
	    {"reject", N_("refuse, and end connections"), TRUE},
	    {"drop", N_("drop silently"), TRUE},
	    {"kill", N_("end the processes"), processes},
	    {"pause", N_("pause the processes"), processes},
	    {THROTTLE, N_("go on slowly"), TRUE},
	    {"notify", N_("tell, and go on"), TRUE},
	    {"down", N_("take the interface down"), interfaces},
	};
	NetfilField *field = netfil_field_new(key, label, gtk_combo_box_text_new());

	for (guint i = 0; i < G_N_ELEMENTS(choices); i++)
		if (choices[i].fits)
			gtk_combo_box_text_append(GTK_COMBO_BOX_TEXT(field->editor), choices[i].id,
						  _(choices[i].label));
	field->more[0] = gtk_entry_new();
	gtk_entry_set_width_chars(GTK_ENTRY(field->more[0]), 6);
	netfil_name_widget(field->more[0], _("Size a second"));
	field->more[1] = netfil_size_units_new();
	netfil_name_widget(field->more[1], _("Unit of the size a second"));
	pack(field);
	g_signal_connect_swapped(field->editor, "changed", G_CALLBACK(on_policy_changed), field);
	g_signal_connect_swapped(field->more[0], "changed", G_CALLBACK(netfil_field_changed),
				 field);
	g_signal_connect_swapped(field->more[1], "changed", G_CALLBACK(netfil_field_changed),
				 field);
	field->get = get_policy;
	field->set = set_policy;
	return field;
}

/* The cycle. */

static char **get_cycle(NetfilField *field)
{
	NetfilCycle cycle = {
	    .unit = (NetfilCycleUnit)gtk_combo_box_get_active(GTK_COMBO_BOX(field->editor)),
	};
	char **values = g_new0(char *, 2);

	if (cycle.unit == NETFIL_CYCLE_WEEK)
		cycle.at = (guint)gtk_combo_box_get_active(GTK_COMBO_BOX(field->more[0])) + 1;
	else if (cycle.unit == NETFIL_CYCLE_MONTH || cycle.unit == NETFIL_CYCLE_DAYS)
		cycle.at = (guint)gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(field->more[1]));
	values[0] = netfil_cycle_format(&cycle);
	return values;
}

static void set_cycle(NetfilField *field, const char *const *values)
{
	NetfilCycle cycle = {.unit = NETFIL_CYCLE_NEVER};

	if (values[0])
		netfil_cycle_parse(values[0], &cycle, NULL);
	gtk_combo_box_set_active(GTK_COMBO_BOX(field->editor), (int)cycle.unit);
	if (cycle.unit == NETFIL_CYCLE_WEEK)
		gtk_combo_box_set_active(GTK_COMBO_BOX(field->more[0]), (int)cycle.at - 1);
	else if (cycle.at)
		gtk_spin_button_set_value(GTK_SPIN_BUTTON(field->more[1]), cycle.at);
}

static void on_cycle_changed(NetfilField *field)
{
	GtkSpinButton *number = GTK_SPIN_BUTTON(field->more[1]);
	NetfilCycleUnit unit =
	    (NetfilCycleUnit)gtk_combo_box_get_active(GTK_COMBO_BOX(field->editor));

	gtk_widget_set_visible(field->more[0], unit == NETFIL_CYCLE_WEEK);
	gtk_widget_set_visible(field->more[1],
			       unit == NETFIL_CYCLE_MONTH || unit == NETFIL_CYCLE_DAYS);
	gtk_spin_button_set_range(number, 1, unit == NETFIL_CYCLE_MONTH ? 31 : 3650);
	netfil_name_widget(field->more[1],
			   unit == NETFIL_CYCLE_MONTH ? _("Day of the month") : _("Days"));
	netfil_field_changed(field);
}

/* In the order of NetfilCycleUnit. */
static void append_units(GtkComboBoxText *combo)
{
	static const char *const units[] = {
	    N_("never"),
	    N_("each hour"),
	    N_("each day"),
	    N_("each week, from"),
	    N_("each month, from day"),
	    N_("each number of days"),
	};

	for (guint i = 0; i < G_N_ELEMENTS(units); i++)
		gtk_combo_box_text_append_text(combo, _(units[i]));
}

static void append_weekdays(GtkComboBoxText *combo)
{
	for (int day = 1; day <= 7; day++) {
		/* 2024-01-01 was a Monday. */
		g_autoptr(GDateTime) date = g_date_time_new_utc(2024, 1, day, 0, 0, 0);
		g_autofree char *name = g_date_time_format(date, "%A");

		gtk_combo_box_text_append_text(combo, name);
	}
	gtk_combo_box_set_active(GTK_COMBO_BOX(combo), 0);
}

NetfilField *netfil_field_cycle(const char *key, const char *label)
{
	NetfilField *field = netfil_field_new(key, label, gtk_combo_box_text_new());

	append_units(GTK_COMBO_BOX_TEXT(field->editor));
	field->more[0] = gtk_combo_box_text_new();
	netfil_name_widget(field->more[0], _("Day of the week"));
	append_weekdays(GTK_COMBO_BOX_TEXT(field->more[0]));
	field->more[1] = gtk_spin_button_new_with_range(1, 3650, 1);
	pack(field);
	g_signal_connect_swapped(field->editor, "changed", G_CALLBACK(on_cycle_changed), field);
	g_signal_connect_swapped(field->more[0], "changed", G_CALLBACK(netfil_field_changed),
				 field);
	g_signal_connect_swapped(field->more[1], "value-changed", G_CALLBACK(netfil_field_changed),
				 field);
	field->get = get_cycle;
	field->set = set_cycle;
	return field;
}
