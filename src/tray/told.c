/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "told.h"

#include "show/level.h"

#define CYCLE "cycle"   /* when the cycle began of which was told */
#define WARNED "warned" /* the highest percentage */
#define REACHED "reached"
#define MEMBERS "members" /* how many were at their cap, at most */

struct NetfilTold {
	char *path;
	GKeyFile *file; /* a group a filter: its id, as a name may be another filter's later */
};

NetfilTold *netfil_told_open(const char *path)
{
	NetfilTold *told = g_new0(NetfilTold, 1);

	told->path = g_strdup(path);
	told->file = g_key_file_new();
	g_key_file_load_from_file(told->file, path, G_KEY_FILE_NONE, NULL);
	return told;
}

void netfil_told_free(NetfilTold *told)
{
	if (!told)
		return;
	g_key_file_unref(told->file);
	g_free(told->path);
	g_free(told);
}

static void save(NetfilTold *told)
{
	g_autofree char *folder = g_path_get_dirname(told->path);
	g_autoptr(GError) error = NULL;

	g_mkdir_with_parents(folder, 0700);
	if (!g_key_file_save_to_file(told->file, told->path, &error))
		g_warning("%s: notifications may come again after a restart", error->message);
}

static char *group_of(const NetfilStatus *status)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, status->id);
}

static guint highest(const NetfilStatus *status)
{
	guint percent = 0;

	for (guint i = 0; i < status->warned->len; i++)
		percent = MAX(percent, g_array_index(status->warned, guint8, i));
	return percent;
}

static gboolean is_reached(const NetfilStatus *status)
{
	return netfil_level(status) == NETFIL_LEVEL_BAD;
}

/* A cycle that somebody began by a reset of a filter without cycles is no news. */
static gboolean turned(NetfilTold *told, const char *group, const NetfilStatus *status)
{
	gint64 before = g_key_file_get_int64(told->file, group, CYCLE, NULL);

	return before != status->cycle_started && status->spec->every.unit != NETFIL_CYCLE_NEVER;
}

static void remember(NetfilTold *told, const char *group, const NetfilStatus *status, guint members)
{
	g_key_file_set_int64(told->file, group, CYCLE, status->cycle_started);
	g_key_file_set_integer(told->file, group, WARNED, (int)highest(status));
	g_key_file_set_boolean(told->file, group, REACHED, is_reached(status));
	if (status->spec->each)
		g_key_file_set_integer(told->file, group, MEMBERS, (int)members);
}

NetfilNews netfil_told_news(NetfilTold *told, const NetfilStatus *status)
{
	g_autofree char *group = group_of(status);
	gboolean known = g_key_file_has_group(told->file, group);
	gint64 cycle = g_key_file_get_int64(told->file, group, CYCLE, NULL);
	gboolean same = known && cycle == status->cycle_started;
	guint warned = same ? (guint)g_key_file_get_integer(told->file, group, WARNED, NULL) : 0;
	guint members = same ? (guint)g_key_file_get_integer(told->file, group, MEMBERS, NULL) : 0;
	gboolean reached = known && g_key_file_get_boolean(told->file, group, REACHED, NULL);
	NetfilNews news = {
	    .warned = highest(status) > warned ? highest(status) : 0,
	    .reached = is_reached(status) && !(reached && same),
	    .cycle = known && turned(told, group, status),
	    .members = status->members_at_cap > members ? status->members_at_cap : 0,
	};

	/* Off, it is not at its cap, but switched on again it is no news. */
	if (status->state == NETFIL_STATE_OFF && same)
		return (NetfilNews){0};
	if (same && !news.warned && !news.members && is_reached(status) == reached &&
	    highest(status) == warned)
		return news;
	remember(told, group, status, MAX(members, status->members_at_cap));
	save(told);
	return news;
}

void netfil_told_forget(NetfilTold *told, const NetfilStatus *status)
{
	g_autofree char *group = group_of(status);

	if (g_key_file_remove_group(told->file, group, NULL))
		save(told);
}
