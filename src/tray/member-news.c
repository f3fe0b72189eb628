/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "member-news.h"

#include "core/quote.h"

#define NAMED 3 /* members, at most */
#define MEMBER_SHOWN 100

struct NetfilMemberNews {
	NetfilModel *model;
	guint quiet_ms;
	GHashTable *quiet; /* "NAME percent" -> Quiet */
	GHashTable *heard; /* names */
	NetfilMemberTell tell;
	gpointer data;
};

/* The time after something was told, and what came in it. */
typedef struct {
	NetfilMemberNews *news;
	char *key, *name;
	guint percent;
	GPtrArray *members;
	guint count;
	guint timer;
} Quiet;

static void quiet_free(gpointer data)
{
	Quiet *quiet = data;

	g_source_remove(quiet->timer);
	g_ptr_array_unref(quiet->members);
	g_free(quiet->name);
	g_free(quiet->key);
	g_free(quiet);
}

static void take(Quiet *quiet, const char *member)
{
	quiet->count++;
	if (quiet->members->len < NAMED)
		g_ptr_array_add(quiet->members, netfil_escape(member, -1, MEMBER_SHOWN));
}

static void tell(Quiet *quiet)
{
	NetfilMemberNews *news = quiet->news;

	news->tell(quiet->name, quiet->percent, quiet->members, quiet->count, news->data);
	g_ptr_array_set_size(quiet->members, 0);
	quiet->count = 0;
}

static gboolean on_quiet_over(gpointer data)
{
	Quiet *quiet = data;

	if (quiet->count) {
		tell(quiet);
		return G_SOURCE_CONTINUE;
	}
	g_hash_table_remove(quiet->news->quiet, quiet->key);
	return G_SOURCE_CONTINUE; /* it was removed with the rest */
}

static void begin(NetfilMemberNews *news, const char *key, const char *name, const char *member,
		  guint percent)
{
	Quiet *quiet = g_new0(Quiet, 1);

	quiet->news = news;
	quiet->key = g_strdup(key);
	quiet->name = g_strdup(name);
	quiet->percent = percent;
	quiet->members = g_ptr_array_new_with_free_func(g_free);
	quiet->timer = g_timeout_add(news->quiet_ms, on_quiet_over, quiet);
	g_hash_table_replace(news->quiet, quiet->key, quiet);
	take(quiet, member);
	tell(quiet);
}

static void on_warned(NetfilMemberNews *news, const char *name, const char *member, guint percent)
{
	g_autofree char *key = g_strdup_printf("%s %u", name, percent);
	Quiet *quiet = g_hash_table_lookup(news->quiet, key);

	if (quiet)
		take(quiet, member);
	else
		begin(news, key, name, member, percent);
}

static void on_reached(NetfilMemberNews *news, const char *name, const char *member)
{
	g_hash_table_add(news->heard, g_strdup(name));
	on_warned(news, name, member, 0);
}

/* What came meanwhile is told by where filters stand. */
static void on_up_changed(NetfilMemberNews *news)
{
	g_hash_table_remove_all(news->heard);
}

gboolean netfil_member_news_heard(NetfilMemberNews *news, const char *name)
{
	return g_hash_table_remove(news->heard, name);
}

NetfilMemberNews *netfil_member_news_new(NetfilModel *model, guint quiet_ms,
					 NetfilMemberTell tell_them, gpointer data)
{
	NetfilMemberNews *news = g_new0(NetfilMemberNews, 1);

	news->model = g_object_ref(model);
	news->quiet = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, quiet_free);
	news->heard = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	news->quiet_ms = quiet_ms;
	news->tell = tell_them;
	news->data = data;
	g_signal_connect_swapped(model, "member-reached", G_CALLBACK(on_reached), news);
	g_signal_connect_swapped(model, "member-warned", G_CALLBACK(on_warned), news);
	g_signal_connect_swapped(model, "up-changed", G_CALLBACK(on_up_changed), news);
	return news;
}

void netfil_member_news_free(NetfilMemberNews *news)
{
	g_signal_handlers_disconnect_by_data(news->model, news);
	g_hash_table_unref(news->quiet);
	g_hash_table_unref(news->heard);
	g_object_unref(news->model);
	g_free(news);
}
