/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "notify.h"

#include <glib/gi18n.h>
#include <libnotify/notify.h>

#include "face.h"
#include "member-news.h"
#include "text.h"
#include "told.h"

#define TOP_UP "1G"
#define MEMBERS_QUIET_MS (60 * 1000)

struct NetfilNotify {
	NetfilModel *model;
	NetfilAct *act;
	NetfilTold *told;
	NetfilMemberNews *members;
	GThreadPool *pool; /* libnotify waits for its server: not in the main loop */
	void (*open)(gpointer data);
	gpointer data;
};

/* What a notification's buttons are about. */
typedef struct {
	NetfilNotify *notify;
	char *name; /* the filter's; NULL: no buttons but open */
	gboolean tops_up;
} About;

static void about_free(gpointer data)
{
	About *about = data;

	g_free(about->name);
	g_free(about);
}

/* The buttons. These are called in the main loop. */

static void on_top_up(NotifyNotification *notification, char *action, gpointer data)
{
	About *about = data;

	(void)notification;
	(void)action;
	netfil_act_top_up(about->notify->act, about->name, TOP_UP);
}

static void on_off(NotifyNotification *notification, char *action, gpointer data)
{
	About *about = data;

	(void)notification;
	(void)action;
	netfil_act_switch(about->notify->act, about->name, FALSE);
}

static void on_open(NotifyNotification *notification, char *action, gpointer data)
{
	About *about = data;

	(void)notification;
	(void)action;
	about->notify->open(about->notify->data);
}

static gboolean can_have_buttons(void)
{
	GList *caps = notify_get_server_caps();
	gboolean can = g_list_find_custom(caps, "actions", (GCompareFunc)g_strcmp0) != NULL;

	g_list_free_full(caps, g_free);
	return can;
}

static void add_buttons(NotifyNotification *notification, About *about)
{
	if (about->tops_up)
		notify_notification_add_action(notification, "top-up", _("Add 1 GB"), on_top_up,
					       about, NULL);
	if (about->name)
		notify_notification_add_action(notification, "off", _("Switch off"), on_off, about,
					       NULL);
	notify_notification_add_action(notification, "default", _("Open"), on_open, about, NULL);
}

/* In the pool's thread, one after the other. */
static void show(gpointer data, gpointer notify)
{
	NotifyNotification *notification = data;
	g_autoptr(GError) error = NULL;

	(void)notify;
	if (can_have_buttons())
		add_buttons(notification, g_object_get_data(G_OBJECT(notification), "about"));
	if (notify_notification_show(notification, &error))
		return; /* it lives until it is closed */
	g_debug("no notification: %s", error->message);
	g_object_unref(notification);
}

static void on_closed(NotifyNotification *notification)
{
	g_object_unref(notification);
}

static void tell(NetfilNotify *notify, const char *name, const char *summary, const char *body,
		 NetfilFace face, NotifyUrgency urgency)
{
	g_autofree char *escaped = g_markup_escape_text(body, -1);
	NotifyNotification *notification =
	    notify_notification_new(summary, escaped, netfil_face_icon(face));
	const NetfilStatus *status = name ? netfil_model_find(notify->model, name) : NULL;
	About *about = g_new0(About, 1);

	about->notify = notify;
	about->name = g_strdup(name);
	about->tops_up = status && netfil_status_tightest(status) >= 0;
	g_object_set_data_full(G_OBJECT(notification), "about", about, about_free);
	notify_notification_set_urgency(notification, urgency);
	notify_notification_set_hint(notification, "desktop-entry",
				     g_variant_new_string("org.netfil.Tray"));
	g_signal_connect(notification, "closed", G_CALLBACK(on_closed), NULL);
	g_thread_pool_push(notify->pool, notification, NULL);
}

/* What there is to tell. */

static void tell_reached(NetfilNotify *notify, const NetfilStatus *status)
{
	const char *name = status->spec->name;
	g_autofree char *amount = netfil_text_amount(status);
	g_autofree char *outlook = netfil_text_outlook(status);
	/* Translators: a filter's name. */
	g_autofree char *summary = g_strdup_printf(_("%s: the cap is reached"), name);
	g_autofree char *body =
	    *outlook ? g_strdup_printf("%s, %s", amount, outlook) : g_strdup(amount);

	tell(notify, name, summary, body, NETFIL_FACE_REACHED, NOTIFY_URGENCY_CRITICAL);
}

static void tell_warned(NetfilNotify *notify, const NetfilStatus *status, guint percent)
{
	const char *name = status->spec->name;
	g_autofree char *amount = netfil_text_amount(status);
	g_autofree char *forecast = netfil_text_forecast(status);
	/* Translators: a filter's name and a number. */
	g_autofree char *summary =
	    g_strdup_printf(_("%s: %u %% of the cap is used"), name, percent);
	g_autofree char *body = g_strdup_printf("%s. %s", amount, forecast);

	tell(notify, name, summary, body, NETFIL_FACE_WARNED, NOTIFY_URGENCY_NORMAL);
}

static void tell_cycle(NetfilNotify *notify, const NetfilStatus *status)
{
	g_autofree char *ends = netfil_text_when(status->cycle_ends);
	/* Translators: a filter's name. */
	g_autofree char *summary = g_strdup_printf(_("%s: a new cycle began"), status->spec->name);
	g_autofree char *body = g_strdup_printf(_("Usage starts again. It ends at %s."), ends);

	tell(notify, NULL, summary, body, NETFIL_FACE_ON, NOTIFY_URGENCY_LOW);
}

/* Members that came to their cap while nobody heard which. */
static void tell_count(NetfilNotify *notify, const NetfilStatus *status)
{
	const char *name = status->spec->name;
	g_autofree char *body = netfil_text_members(status);
	/* Translators: a filter's name. */
	g_autofree char *summary = g_strdup_printf(_("%s: members are at their cap"), name);

	tell(notify, name, summary, body, NETFIL_FACE_REACHED, NOTIFY_URGENCY_NORMAL);
}

static char *reached_by(const char *name, const GPtrArray *members, gulong count)
{
	if (count == 1)
		/* Translators: a filter's name, and a member's. */
		return g_strdup_printf(_("%s: the cap of %s is reached"), name,
				       (const char *)members->pdata[0]);
	/* Translators: a filter's name, and how many of its members. */
	return g_strdup_printf(ngettext("%s: the cap of %lu member is reached",
					"%s: the caps of %lu members are reached", count),
			       name, count);
}

static char *warned_by(const char *name, guint percent, const GPtrArray *members, gulong count)
{
	if (count == 1)
		/* Translators: a filter's name, a number, and a member's name. */
		return g_strdup_printf(_("%s: %u %% of the cap of %s is used"), name, percent,
				       (const char *)members->pdata[0]);
	return g_strdup_printf(ngettext("%s: %u %% of the cap of %lu member is used",
					"%s: %u %% of the caps of %lu members is used", count),
			       name, percent, count);
}

static void tell_members(const char *name, guint percent, const GPtrArray *members, guint count,
			 gpointer data)
{
	NetfilNotify *notify = data;
	g_autofree char *summary =
	    percent ? warned_by(name, percent, members, count) : reached_by(name, members, count);
	GString *body = g_string_new(NULL);

	for (guint i = 0; count > 1 && i < members->len; i++)
		g_string_append_printf(body, "%s%s", i ? ", " : "",
				       (const char *)members->pdata[i]);
	if (count > members->len)
		g_string_append(body, ", …");
	tell(notify, name, summary, body->str, percent ? NETFIL_FACE_WARNED : NETFIL_FACE_REACHED,
	     percent ? NOTIFY_URGENCY_NORMAL : NOTIFY_URGENCY_CRITICAL);
	g_string_free(body, TRUE);
}

static void look_at(NetfilNotify *notify, const NetfilStatus *status)
{
	NetfilNews news = netfil_told_news(notify->told, status);

	if (news.members && !netfil_member_news_heard(notify->members, status->spec->name))
		tell_count(notify, status);
	if (news.cycle)
		tell_cycle(notify, status);
	if (news.reached)
		tell_reached(notify, status);
	else if (news.warned)
		tell_warned(notify, status, news.warned);
}

static void on_added(NetfilNotify *notify, const NetfilStatus *status)
{
	look_at(notify, status);
}

static void on_changed(NetfilNotify *notify, const NetfilStatus *before, const NetfilStatus *now)
{
	(void)before;
	look_at(notify, now);
}

static void on_removed(NetfilNotify *notify, const NetfilStatus *status)
{
	netfil_told_forget(notify->told, status);
}

void netfil_notify_problem(NetfilNotify *notify, const GError *error)
{
	g_autofree char *text = netfil_act_explain(error);

	tell(notify, NULL, "netfil", text, NETFIL_FACE_AWAY, NOTIFY_URGENCY_NORMAL);
}

NetfilNotify *netfil_notify_new(NetfilModel *model, NetfilAct *act, void (*open)(gpointer data),
				gpointer data)
{
	g_autofree char *path =
	    g_build_filename(g_get_user_state_dir(), "netfil-tray", "told", NULL);
	NetfilNotify *notify = g_new0(NetfilNotify, 1);

	notify_init("netfil");
	notify->model = g_object_ref(model);
	notify->act = g_object_ref(act);
	notify->told = netfil_told_open(path);
	notify->pool = g_thread_pool_new(show, NULL, 1, FALSE, NULL);
	notify->open = open;
	notify->data = data;
	notify->members = netfil_member_news_new(model, MEMBERS_QUIET_MS, tell_members, notify);
	g_signal_connect_swapped(model, "added", G_CALLBACK(on_added), notify);
	g_signal_connect_swapped(model, "changed", G_CALLBACK(on_changed), notify);
	g_signal_connect_swapped(model, "removed", G_CALLBACK(on_removed), notify);
	return notify;
}

void netfil_notify_free(NetfilNotify *notify)
{
	g_signal_handlers_disconnect_by_data(notify->model, notify);
	netfil_member_news_free(notify->members);
	/* What is not shown yet is told at no other time: but a server that hangs may not
	 * hold up the end. */
	g_thread_pool_free(notify->pool, TRUE, FALSE);
	g_object_unref(notify->model);
	g_object_unref(notify->act);
	netfil_told_free(notify->told);
	g_free(notify);
}
