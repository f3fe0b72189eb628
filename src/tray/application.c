/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "application.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <unistd.h>

#include "act.h"
#include "client/paths.h"
#include "indicator.h"
#include "menu.h"
#include "model.h"
#include "notify.h"
#include "session.h"
#include "window.h"

#define APPLICATION_ID "org.netfil.Tray"

typedef struct {
	GtkApplication *application;
	NetfilModel *model;
	NetfilAct *act;
	GObject *indicator;
	NetfilNotify *notify;
	GtkWidget *window; /* NULL while it is closed: it is made anew, and costs nothing then */
	gboolean background, symbolic;
} Tray;

static void on_all_on(GSimpleAction *action, GVariant *parameter, gpointer tray)
{
	(void)action;
	(void)parameter;
	netfil_act_switch_all(((Tray *)tray)->act, TRUE);
}

static void on_all_off(GSimpleAction *action, GVariant *parameter, gpointer tray)
{
	(void)action;
	(void)parameter;
	netfil_act_switch_all(((Tray *)tray)->act, FALSE);
}

static void on_settings(GSimpleAction *action, GVariant *parameter, gpointer tray)
{
	(void)action;
	(void)parameter;
	g_application_activate(G_APPLICATION(((Tray *)tray)->application));
}

static void on_quit(GSimpleAction *action, GVariant *parameter, gpointer tray)
{
	(void)action;
	(void)parameter;
	g_application_quit(G_APPLICATION(((Tray *)tray)->application));
}

static const GActionEntry actions[] = {
    {.name = "all-on", .activate = on_all_on},
    {.name = "all-off", .activate = on_all_off},
    {.name = "settings", .activate = on_settings},
    {.name = "quit", .activate = on_quit},
};

/* An instance that was moved elsewhere is on no system bus. */
static char *bus_address(void)
{
	const char *moved = g_getenv("NETFIL_RUNTIME_DIR");

	return moved && *moved ? NULL
			       : g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
}

/* The window tells it itself. */
static void on_failed(Tray *tray, const GError *error)
{
	if (!tray->window)
		netfil_notify_problem(tray->notify, error);
}

static void on_open(gpointer application)
{
	g_application_activate(application);
}

static gboolean on_terminated(gpointer application)
{
	g_application_quit(application);
	return G_SOURCE_CONTINUE;
}

/* As it was, but for what is not put in force. */
static void on_session_back(gpointer data)
{
	const Tray *tray = data;
	const char *arguments[4] = {"netfil-tray"};
	guint count = 1;

	if (!tray->window)
		arguments[count++] = "--background";
	if (tray->symbolic)
		arguments[count++] = "--symbolic";
	execv("/proc/self/exe", (char *const *)arguments);
	g_warning("netfil-tray cannot be loaded anew: start it again");
}

static void on_startup(GApplication *application, Tray *tray)
{
	g_autofree char *bus = bus_address();
	GtkWidget *menu;

	gtk_window_set_default_icon_name(APPLICATION_ID);
	g_action_map_add_action_entries(G_ACTION_MAP(application), actions, G_N_ELEMENTS(actions),
					tray);
	tray->model = netfil_model_new(netfil_bus_socket(NULL), bus);
	tray->act = netfil_act_new(tray->model);
	menu = netfil_menu_new(tray->model, tray->act, G_ACTION_GROUP(application));
	tray->indicator = netfil_indicator_new(tray->model, menu, tray->symbolic);
	tray->notify = netfil_notify_new(tray->model, tray->act, on_open, application);
	g_signal_connect_swapped(tray->act, "failed", G_CALLBACK(on_failed), tray);
	g_unix_signal_add(SIGTERM, on_terminated, application);
	g_unix_signal_add(SIGINT, on_terminated, application);
	if (g_application_get_dbus_connection(application))
		netfil_session_survive(g_application_get_dbus_connection(application),
				       on_session_back, tray);
	g_application_hold(application); /* the icon is there without a window */
	netfil_model_start(tray->model);
}

static void on_activate(GApplication *application, Tray *tray)
{
	/* Only the icon, this once. */
	if (tray->background) {
		tray->background = FALSE;
		return;
	}
	if (!tray->window) {
		tray->window =
		    netfil_window_new(GTK_APPLICATION(application), tray->model, tray->act);
		g_signal_connect(tray->window, "destroy", G_CALLBACK(gtk_widget_destroyed),
				 &tray->window);
	}
	gtk_window_present_with_time(GTK_WINDOW(tray->window), gtk_get_current_event_time());
}

static void on_shutdown(GApplication *application, Tray *tray)
{
	(void)application;
	if (tray->window)
		gtk_widget_destroy(tray->window);
	g_clear_pointer(&tray->notify, netfil_notify_free);
	g_clear_object(&tray->indicator);
	g_clear_object(&tray->act);
	g_clear_object(&tray->model);
}

static int on_options(GApplication *application, GVariantDict *options, Tray *tray)
{
	if (g_variant_dict_contains(options, "version")) {
		g_print("netfil-tray %s\n", NETFIL_VERSION);
		return 0;
	}
	tray->background = g_variant_dict_contains(options, "background");
	tray->symbolic = g_variant_dict_contains(options, "symbolic");
	/* Nothing to show, and the icon is there. */
	if (tray->background && g_application_register(application, NULL, NULL) &&
	    g_application_get_is_remote(application))
		return 0;
	return -1;
}

GApplication *netfil_application_new(void)
{
	static const GOptionEntry options[] = {
	    {.long_name = "background", .description = N_("Show the icon, but no window")},
	    {.long_name = "symbolic", .description = N_("An icon in the panel's own colour")},
	    {.long_name = "version", .description = N_("Show the version")},
	    {0},
	};
	GtkApplication *application =
	    gtk_application_new(APPLICATION_ID, G_APPLICATION_DEFAULT_FLAGS);
	Tray *tray = g_new0(Tray, 1);

	tray->application = application;
	g_object_set_data_full(G_OBJECT(application), "tray", tray, g_free);
	g_application_add_main_option_entries(G_APPLICATION(application), options);
	g_application_set_option_context_summary(
	    G_APPLICATION(application),
	    _("Byte caps that the kernel keeps, in the panel of the desktop.\n"
	      "Example: netfil-tray --background"));
	g_signal_connect(application, "handle-local-options", G_CALLBACK(on_options), tray);
	g_signal_connect(application, "startup", G_CALLBACK(on_startup), tray);
	g_signal_connect(application, "activate", G_CALLBACK(on_activate), tray);
	g_signal_connect(application, "shutdown", G_CALLBACK(on_shutdown), tray);
	return G_APPLICATION(application);
}
