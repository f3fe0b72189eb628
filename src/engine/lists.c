// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/error.h"
#include "core/prefix.h"

/* A list of a million ranges is about 60 MB; more is a mistake. */
#define LIST_MAX (256 * 1024 * 1024)

#define NS_PER_S G_GINT64_CONSTANT(1000000000)

/* The kernel's clock for files is not as coarse. */
#define FRESH (NS_PER_S / 2)

struct NetfilLists {
	GHashTable *by_path; /* char *, the list's -> NetfilList *, held */
	guint asked;
};

NetfilList *netfil_list_ref(NetfilList *list)
{
	g_atomic_int_inc(&list->refs);
	return list;
}

void netfil_list_unref(NetfilList *list)
{
	if (!g_atomic_int_dec_and_test(&list->refs))
		return;
	g_clear_pointer(&list->prefixes, g_array_unref);
	g_free(list->path);
	g_free(list);
}

/* ---- reading ---- */

static void identify(const struct stat *status, NetfilVersion *version)
{
	version->device = status->st_dev;
	version->inode = status->st_ino;
	version->size = status->st_size;
	version->changed = status->st_ctim.tv_sec * NS_PER_S + status->st_ctim.tv_nsec;
}

void netfil_version_get(const char *path, NetfilVersion *version)
{
	struct stat status;

	memset(version, 0, sizeof(*version));
	if (!stat(path, &status))
		identify(&status, version);
}

static gboolean is_fresh(const NetfilVersion *version)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec - version->changed < FRESH;
}

/* Read, and not mapped: whoever cuts the file short meanwhile would end netfild. Looked at
 * before it is read, so what changes meanwhile is seen to have changed. */
static char *read_text(NetfilList *list, gsize *length, const char **problem)
{
	struct stat status;
	char *text = NULL;

	if (stat(list->path, &status) < 0 || !S_ISREG(status.st_mode)) {
		*problem = "no such file";
		return NULL;
	}
	if (status.st_size > LIST_MAX)
		*problem = "over 256 MiB";
	else if (!g_file_get_contents(list->path, &text, length, NULL))
		*problem = "no access";
	identify(&status, &list->version);
	list->fresh = is_fresh(&list->version);
	return text;
}

static gboolean names_loopback(const GArray *prefixes)
{
	for (guint i = 0; i < prefixes->len; i++)
		if (netfil_prefix_is_loopback(&g_array_index(prefixes, NetfilPrefix, i)))
			return TRUE;
	return FALSE;
}

/* Room for what has a prefix on each line, so that it need not be moved as it grows. */
static GArray *prefixes_for(const char *text, gsize length)
{
	guint lines = 1;

	for (const char *at = text, *end = text + length;
	     at < end && (at = memchr(at, '\n', end - at)); at++)
		lines++;
	return g_array_sized_new(FALSE, FALSE, sizeof(NetfilPrefix), lines);
}

NetfilList *netfil_list_read(const char *path, gboolean lenient, GError **error)
{
	g_autoptr(NetfilList) list = g_new0(NetfilList, 1);
	g_autofree char *text = NULL;
	const char *problem = NULL;
	gsize length;

	list->refs = 1;
	list->path = g_strdup(path);
	text = read_text(list, &length, &problem);
	if (!text) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "the list %s cannot be read (%s): give a text file with an address, "
			    "prefix or range on each line",
			    path, problem);
		return NULL;
	}
	list->prefixes = prefixes_for(text, length);
	list->wrong =
	    !netfil_prefix_list_parse(path, text, length, list->prefixes, lenient ? NULL : error);
	if (list->wrong && !lenient)
		return NULL;
	g_clear_pointer(&text, g_free);
	netfil_prefix_sort(list->prefixes);
	list->branches = netfil_prefix_branches(list->prefixes);
	list->loopback = names_loopback(list->prefixes);
	return g_steal_pointer(&list);
}

/* ---- those that are held ---- */

NetfilLists *netfil_lists_new(void)
{
	NetfilLists *lists = g_new0(NetfilLists, 1);

	lists->by_path =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)netfil_list_unref);
	return lists;
}

void netfil_lists_free(NetfilLists *lists)
{
	g_hash_table_unref(lists->by_path);
	g_free(lists);
}

static gboolean is_alone(gpointer path, gpointer list, gpointer data)
{
	(void)path;
	(void)data;
	return g_atomic_int_get(&((NetfilList *)list)->refs) == 1;
}

void netfil_lists_ask(NetfilLists *lists)
{
	lists->asked++;
	g_hash_table_foreach_remove(lists->by_path, is_alone, NULL);
}

static gboolean is_current(const NetfilList *list)
{
	NetfilVersion now;

	netfil_version_get(list->path, &now);
	return !list->fresh && !memcmp(&now, &list->version, sizeof(now));
}

NetfilList *netfil_lists_find(NetfilLists *lists, const char *path)
{
	NetfilList *list = g_hash_table_lookup(lists->by_path, path);

	return list && (list->ready || list->asked == lists->asked || is_current(list))
		   ? netfil_list_ref(list)
		   : NULL;
}

void netfil_lists_add(NetfilLists *lists, NetfilList *list)
{
	list->asked = lists->asked;
	g_hash_table_replace(lists->by_path, list->path, netfil_list_ref(list));
}

NetfilList *netfil_lists_get(NetfilLists *lists, const char *path, gboolean lenient, GError **error)
{
	NetfilList *list = netfil_lists_find(lists, path);

	if (list)
		return list;
	list = netfil_list_read(path, lenient, error);
	if (list && !lenient)
		netfil_lists_add(lists, list);
	return list;
}
