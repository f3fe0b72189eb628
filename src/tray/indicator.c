/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "indicator.h"

#include <libayatana-appindicator/app-indicator.h>

#include "face.h"
#include "text.h"

typedef struct {
	AppIndicator *indicator;
	NetfilModel *model;
	gboolean symbolic;
	int face; /* that is shown; -1: none yet */
} Indicator;

static void show(Indicator *indicator)
{
	g_autoptr(GPtrArray) list = netfil_model_list(indicator->model);
	NetfilFace face = netfil_face(netfil_model_is_up(indicator->model),
				      netfil_model_trouble(indicator->model), list);
	g_autofree char *icon =
	    g_strconcat(netfil_face_icon(face), indicator->symbolic ? "-symbolic" : "", NULL);

	if ((int)face == indicator->face)
		return;
	indicator->face = (int)face;
	app_indicator_set_icon_full(indicator->indicator, icon, netfil_text_face(face));
	app_indicator_set_title(indicator->indicator, netfil_text_face(face));
}

static void indicator_free(gpointer data, GObject *gone)
{
	Indicator *indicator = data;

	(void)gone;
	g_signal_handlers_disconnect_by_data(indicator->model, indicator);
	g_object_unref(indicator->model);
	g_free(indicator);
}

GObject *netfil_indicator_new(NetfilModel *model, GtkWidget *menu, gboolean symbolic)
{
	static const char *const signals[] = {"added", "removed", "changed", "up-changed",
					      "trouble-changed"};
	Indicator *indicator = g_new0(Indicator, 1);

	indicator->indicator = app_indicator_new("netfil-tray", netfil_face_icon(NETFIL_FACE_AWAY),
						 APP_INDICATOR_CATEGORY_SYSTEM_SERVICES);
	indicator->model = g_object_ref(model);
	indicator->symbolic = symbolic;
	indicator->face = -1;
	g_object_weak_ref(G_OBJECT(indicator->indicator), indicator_free, indicator);
	for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
		g_signal_connect_swapped(model, signals[i], G_CALLBACK(show), indicator);
	app_indicator_set_menu(indicator->indicator, GTK_MENU(menu));
	show(indicator);
	app_indicator_set_status(indicator->indicator, APP_INDICATOR_STATUS_ACTIVE);
	return G_OBJECT(indicator->indicator);
}
