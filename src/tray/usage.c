/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "usage.h"

#include <glib/gi18n.h>

#include "apps-view.h"
#include "buckets.h"
#include "calls.h"
#include "chart.h"
#include "engine/clock.h"
#include "field.h"
#include "text.h"

#define REFRESH_SECONDS 5 /* at most, and only while something moves and is looked at */
#define MARGIN 12

/* How many bars there are of each. */
static const guint counts[] = {
    [NETFIL_BY_HOUR] = 24,
    [NETFIL_BY_DAY] = 30,
    [NETFIL_BY_MONTH] = 12,
    [NETFIL_BY_CYCLE] = 12,
};

typedef struct {
	GtkWidget *box, *names, *by, *chart, *forecast, *apps;
	NetfilModel *model;
	GCancellable *cancellable; /* of what is asked at present */
	guint refresh;
	gboolean filling;
} Usage;

static NetfilBy by_of(Usage *usage)
{
	return (NetfilBy)gtk_combo_box_get_active(GTK_COMBO_BOX(usage->by));
}

static const NetfilStatus *status_of(Usage *usage)
{
	const char *name = gtk_combo_box_get_active_id(GTK_COMBO_BOX(usage->names));

	return name ? netfil_model_find(usage->model, name) : NULL;
}

/* A cap is that of a cycle, and of both directions or the one that counts most. */
static guint64 cap_of(const NetfilStatus *status, NetfilBy by)
{
	int direction = netfil_status_tightest(status);

	return by == NETFIL_BY_CYCLE && direction == NETFIL_TOTAL
		   ? netfil_status_limit(status, NETFIL_TOTAL)
		   : 0;
}

static void show_forecast(Usage *usage, const NetfilStatus *status)
{
	g_autofree char *amount = netfil_text_amount(status);
	g_autofree char *forecast = netfil_text_forecast(status);
	g_autofree char *text = *forecast
				    ? g_strdup_printf(_("This cycle: %s. %s"), amount, forecast)
				    : g_strdup_printf(_("This cycle: %s."), amount);

	gtk_label_set_text(GTK_LABEL(usage->forecast), text);
}

/* What netfild answers. */

static GArray *empty_buckets(Usage *usage)
{
	NetfilBy by = by_of(usage);

	return by == NETFIL_BY_CYCLE ? g_array_new(FALSE, TRUE, sizeof(NetfilBucket))
				     : netfil_buckets_new(by, netfil_clock_zone(),
							  netfil_clock_seconds(), counts[by]);
}

static void on_history(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GArray) periods = netfil_call_periods_finish(NETFIL_MODEL(source), result, NULL);
	Usage *usage = data;
	const NetfilStatus *status;
	GArray *buckets;
	NetfilBy by;

	/* Cancelled, as another one is asked for, or the tab is gone. */
	if (!periods)
		return;
	status = status_of(usage);
	by = by_of(usage);
	if (!status)
		return;
	buckets =
	    by == NETFIL_BY_CYCLE ? netfil_buckets_of(periods, counts[by]) : empty_buckets(usage);
	if (by != NETFIL_BY_CYCLE)
		netfil_buckets_fill(buckets, periods);
	netfil_chart_show(usage->chart, buckets, by, cap_of(status, by));
}

static void on_apps(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GArray) periods = netfil_call_periods_finish(NETFIL_MODEL(source), result, NULL);

	if (periods)
		netfil_apps_view_show(((Usage *)data)->apps, periods);
}

static void ask(Usage *usage)
{
	const NetfilStatus *status = status_of(usage);
	NetfilBy by = by_of(usage);
	g_autoptr(GArray) room = empty_buckets(usage);
	gint64 from = room->len ? g_array_index(room, NetfilBucket, 0).start : 0;

	g_cancellable_cancel(usage->cancellable);
	g_object_unref(usage->cancellable);
	usage->cancellable = g_cancellable_new();
	if (!status || !netfil_model_is_up(usage->model))
		return;
	show_forecast(usage, status);
	netfil_call_history(usage->model, status->spec->name, by, from, 0, usage->cancellable,
			    on_history, usage);
	netfil_call_apps(usage->model, by == NETFIL_BY_CYCLE ? status->cycle_started : from, 0,
			 usage->cancellable, on_apps, usage);
}

/* When it is asked again. */

static gboolean on_refresh(gpointer data)
{
	Usage *usage = data;

	usage->refresh = 0;
	if (gtk_widget_get_mapped(usage->box))
		ask(usage);
	return G_SOURCE_REMOVE;
}

static void on_changed(Usage *usage, const NetfilStatus *before, const NetfilStatus *now)
{
	(void)before;
	if (now != status_of(usage) || !gtk_widget_get_mapped(usage->box))
		return;
	show_forecast(usage, now);
	if (!usage->refresh)
		usage->refresh = g_timeout_add_seconds(REFRESH_SECONDS, on_refresh, usage);
}

static void on_chosen(Usage *usage)
{
	if (!usage->filling && gtk_widget_get_mapped(usage->box))
		ask(usage);
}

/* The names, with the same one chosen as before. */
static void fill_names(Usage *usage)
{
	GtkComboBoxText *names = GTK_COMBO_BOX_TEXT(usage->names);
	g_autofree char *chosen =
	    g_strdup(gtk_combo_box_get_active_id(GTK_COMBO_BOX(usage->names)));
	g_autoptr(GPtrArray) list = netfil_model_list(usage->model);

	usage->filling = TRUE;
	gtk_combo_box_text_remove_all(names);
	for (guint i = 0; i < list->len; i++) {
		const char *name = ((const NetfilStatus *)list->pdata[i])->spec->name;

		gtk_combo_box_text_append(names, name, name);
	}
	if (!chosen || !gtk_combo_box_set_active_id(GTK_COMBO_BOX(usage->names), chosen))
		gtk_combo_box_set_active(GTK_COMBO_BOX(usage->names), 0);
	usage->filling = FALSE;
	on_chosen(usage);
}

/* The widgets. */

static GtkWidget *chooser_new(Usage *usage)
{
	static const char *const periods[] = {N_("by hour"), N_("by day"), N_("by month"),
					      N_("by cycle")};
	GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
	GtkWidget *label = gtk_label_new_with_mnemonic(_("Filte_r"));

	usage->names = gtk_combo_box_text_new();
	usage->by = gtk_combo_box_text_new();
	gtk_label_set_mnemonic_widget(GTK_LABEL(label), usage->names);
	for (guint i = 0; i < G_N_ELEMENTS(periods); i++)
		gtk_combo_box_text_append_text(GTK_COMBO_BOX_TEXT(usage->by), _(periods[i]));
	gtk_combo_box_set_active(GTK_COMBO_BOX(usage->by), NETFIL_BY_DAY);
	netfil_name_widget(usage->by, _("Period"));
	gtk_box_pack_start(GTK_BOX(row), label, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(row), usage->names, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(row), usage->by, FALSE, FALSE, 0);
	return row;
}

static GtkWidget *heading_new(const char *text)
{
	g_autofree char *markup = g_markup_printf_escaped("<b>%s</b>", text);
	GtkWidget *label = gtk_label_new(NULL);

	gtk_label_set_markup(GTK_LABEL(label), markup);
	gtk_label_set_xalign(GTK_LABEL(label), 0);
	return label;
}

static void pack(Usage *usage)
{
	GtkBox *box = GTK_BOX(usage->box);
	GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);

	usage->chart = netfil_chart_new();
	usage->forecast = gtk_label_new(NULL);
	usage->apps = netfil_apps_view_new();
	gtk_label_set_xalign(GTK_LABEL(usage->forecast), 0);
	gtk_label_set_line_wrap(GTK_LABEL(usage->forecast), TRUE);
	gtk_container_add(GTK_CONTAINER(scrolled), usage->apps);
	gtk_scrolled_window_set_shadow_type(GTK_SCROLLED_WINDOW(scrolled), GTK_SHADOW_IN);
	gtk_box_pack_start(box, chooser_new(usage), FALSE, FALSE, 0);
	gtk_box_pack_start(box, usage->chart, TRUE, TRUE, 0);
	gtk_box_pack_start(box, usage->forecast, FALSE, FALSE, 0);
	gtk_box_pack_start(box,
			   heading_new(_("Applications in this time, by all filters and none")),
			   FALSE, FALSE, 0);
	gtk_box_pack_start(box, scrolled, TRUE, TRUE, 0);
}

static void on_destroy(Usage *usage)
{
	g_signal_handlers_disconnect_by_data(usage->model, usage);
	g_cancellable_cancel(usage->cancellable);
	g_clear_handle_id(&usage->refresh, g_source_remove);
	usage->filling = TRUE;
}

static void usage_free(gpointer data)
{
	Usage *usage = data;

	g_object_unref(usage->cancellable);
	g_object_unref(usage->model);
	g_free(usage);
}

GtkWidget *netfil_usage_new(NetfilModel *model)
{
	Usage *usage = g_new0(Usage, 1);

	usage->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, MARGIN);
	usage->model = g_object_ref(model);
	usage->cancellable = g_cancellable_new();
	g_object_set(usage->box, "margin", MARGIN, NULL);
	pack(usage);
	g_object_set_data_full(G_OBJECT(usage->box), "usage", usage, usage_free);
	fill_names(usage);
	g_signal_connect_swapped(usage->names, "changed", G_CALLBACK(on_chosen), usage);
	g_signal_connect_swapped(usage->by, "changed", G_CALLBACK(on_chosen), usage);
	g_signal_connect_swapped(usage->box, "map", G_CALLBACK(on_chosen), usage);
	g_signal_connect_swapped(usage->box, "destroy", G_CALLBACK(on_destroy), usage);
	g_signal_connect_swapped(model, "added", G_CALLBACK(fill_names), usage);
	g_signal_connect_swapped(model, "removed", G_CALLBACK(fill_names), usage);
	g_signal_connect_swapped(model, "changed", G_CALLBACK(on_changed), usage);
	g_signal_connect_swapped(model, "up-changed", G_CALLBACK(on_chosen), usage);
	return usage->box;
}
