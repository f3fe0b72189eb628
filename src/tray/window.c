/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "window.h"

#include <glib/gi18n.h>

#include "filter-page.h"
#include "text.h"
#include "usage.h"

#define WIDTH 890
#define HEIGHT 660

/* Colours for how full a bar is; each filter says it in words too. */
static const char css[] = ".level-good progress { background: #2e9e4f; border-color: #2e9e4f; }"
			  ".level-warn progress { background: #e8a317; border-color: #c98a0a; }"
			  ".level-bad progress { background: #8e2f9e; border-color: #8e2f9e; }"
			  ".level-off progress { background: #8a8f93; border-color: #8a8f93; }"
			  /* Dark themes of high contrast have an error colour for light ones. */
			  ".mistake { font-size: smaller;"
			  " color: mix(@error_color, @theme_fg_color, 0.45); }";

typedef struct {
	GtkWidget *window, *tabs;
	GtkWidget *away, *away_text;       /* what is in the way */
	GtkWidget *problem, *problem_text; /* what was refused */
	NetfilModel *model;
	NetfilAct *act;
} Window;

static void load_css(void)
{
	static GtkCssProvider *provider;

	if (provider)
		return;
	provider = gtk_css_provider_new();
	gtk_css_provider_load_from_data(provider, css, -1, NULL);
	gtk_style_context_add_provider_for_screen(gdk_screen_get_default(),
						  GTK_STYLE_PROVIDER(provider),
						  GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

/* What is told. */

static void show_away(Window *window)
{
	const char *trouble = netfil_model_trouble(window->model);
	gboolean is_up = netfil_model_is_up(window->model);

	gtk_label_set_text(GTK_LABEL(window->away_text),
			   is_up ? trouble
				 : _("netfild is not there: what is shown is of before. "
				     "It goes on by itself when netfild is back."));
	gtk_widget_set_visible(window->away, !is_up || *trouble);
}

static void on_failed(Window *window, const GError *error)
{
	g_autofree char *text = netfil_act_explain(error);

	gtk_label_set_text(GTK_LABEL(window->problem_text), text);
	gtk_widget_show(window->problem);
}

static void on_done(Window *window)
{
	gtk_widget_hide(window->problem);
}

static GtkWidget *bar_new(GtkMessageType type, GtkWidget **text)
{
	GtkWidget *bar = gtk_info_bar_new();
	GtkWidget *content = gtk_info_bar_get_content_area(GTK_INFO_BAR(bar));

	*text = gtk_label_new(NULL);
	gtk_label_set_xalign(GTK_LABEL(*text), 0);
	gtk_label_set_line_wrap(GTK_LABEL(*text), TRUE);
	gtk_widget_show(*text);
	gtk_container_add(GTK_CONTAINER(content), *text);
	gtk_info_bar_set_message_type(GTK_INFO_BAR(bar), type);
	gtk_widget_set_no_show_all(bar, TRUE);
	return bar;
}

/* The tabs, also by Alt and their number. */

static void on_tab(GSimpleAction *action, GVariant *number, gpointer data)
{
	(void)action;
	gtk_notebook_set_current_page(GTK_NOTEBOOK(((Window *)data)->tabs),
				      g_variant_get_int32(number) - 1);
}

static void on_close(GSimpleAction *action, GVariant *parameter, gpointer data)
{
	(void)action;
	(void)parameter;
	gtk_window_close(GTK_WINDOW(((Window *)data)->window));
}

static void add_keys(Window *window, GtkApplication *application)
{
	static const GActionEntry actions[] = {
	    {.name = "tab", .activate = on_tab, .parameter_type = "i"},
	    {.name = "close", .activate = on_close},
	};

	g_action_map_add_action_entries(G_ACTION_MAP(window->window), actions,
					G_N_ELEMENTS(actions), window);
	for (int i = 1; i <= 4; i++) {
		g_autofree char *action = g_strdup_printf("win.tab(%d)", i);
		g_autofree char *key = g_strdup_printf("<Alt>%d", i);
		const char *const keys[] = {key, NULL};

		gtk_application_set_accels_for_action(application, action, keys);
	}
	gtk_application_set_accels_for_action(application, "win.close",
					      (const char *const[]){"<Primary>w", NULL});
	gtk_application_set_accels_for_action(application, "app.quit",
					      (const char *const[]){"<Primary>q", NULL});
}

static void add_tab(Window *window, GtkWidget *page, const char *label)
{
	gtk_notebook_append_page(GTK_NOTEBOOK(window->tabs), page, gtk_label_new(label));
}

static GtkWidget *tabs_new(Window *window)
{
	static const NetfilSpecType types[] = {NETFIL_SPEC_INTERFACE, NETFIL_SPEC_SOCKET,
					       NETFIL_SPEC_IP};

	window->tabs = gtk_notebook_new();
	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		add_tab(window, netfil_filter_page_new(window->model, window->act, types[i]),
			netfil_text_type(types[i]));
	add_tab(window, netfil_usage_new(window->model), _("Usage"));
	return window->tabs;
}

static void window_free(gpointer data)
{
	Window *window = data;

	g_object_unref(window->model);
	g_object_unref(window->act);
	g_free(window);
}

static void on_destroy(Window *window)
{
	g_signal_handlers_disconnect_by_data(window->model, window);
	g_signal_handlers_disconnect_by_data(window->act, window);
}

GtkWidget *netfil_window_new(GtkApplication *application, NetfilModel *model, NetfilAct *act)
{
	Window *window = g_new0(Window, 1);
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);

	load_css();
	window->window = gtk_application_window_new(application);
	window->model = g_object_ref(model);
	window->act = g_object_ref(act);
	window->away = bar_new(GTK_MESSAGE_WARNING, &window->away_text);
	window->problem = bar_new(GTK_MESSAGE_ERROR, &window->problem_text);
	gtk_info_bar_set_show_close_button(GTK_INFO_BAR(window->problem), TRUE);
	g_signal_connect(window->problem, "response", G_CALLBACK(gtk_widget_hide), NULL);
	gtk_window_set_title(GTK_WINDOW(window->window), "netfil");
	gtk_window_set_default_size(GTK_WINDOW(window->window), WIDTH, HEIGHT);
	gtk_box_pack_start(GTK_BOX(box), window->away, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(box), window->problem, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(box), tabs_new(window), TRUE, TRUE, 0);
	gtk_container_add(GTK_CONTAINER(window->window), box);
	g_object_set_data_full(G_OBJECT(window->window), "netfil", window, window_free);
	add_keys(window, application);
	g_signal_connect_swapped(model, "up-changed", G_CALLBACK(show_away), window);
	g_signal_connect_swapped(model, "trouble-changed", G_CALLBACK(show_away), window);
	g_signal_connect_swapped(act, "failed", G_CALLBACK(on_failed), window);
	g_signal_connect_swapped(act, "done", G_CALLBACK(on_done), window);
	g_signal_connect_swapped(window->window, "destroy", G_CALLBACK(on_destroy), window);
	gtk_widget_show_all(box);
	show_away(window);
	return window->window;
}
