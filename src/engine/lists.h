/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/* What tells versions of a file apart. All 0: there is no file. */
typedef struct {
	guint64 device, inode, size;
	gint64 changed; /* ns since the epoch: of the inode */
} NetfilVersion;

void netfil_version_get(const char *path, NetfilVersion *version);

/* A version of a list file: it does not change, and belongs to all who hold it. */
typedef struct NetfilList {
	gint refs;
	char *path;
	GArray *prefixes;  /* of NetfilPrefix, sorted */
	gboolean loopback; /* names an address of the loopback */
	guint branches;    /* see netfil_prefix_branches() */
	NetfilVersion version;
	gboolean wrong; /* has a mistake, and so no prefix */
	gboolean fresh; /* when it was read it had just been changed: what is changed next may
			   have the same time */
	gboolean ready; /* found as it is, see prepare.c */
	guint asked;    /* the question that it was read for, see netfil_lists_ask() */
} NetfilList;

NetfilList *netfil_list_ref(NetfilList *list);
void netfil_list_unref(NetfilList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilList, netfil_list_unref)

/* Reads the file; in whatever thread. `lenient`: with a mistake in it, it is empty; only a file
 * that cannot be read at all is an error then. NETFIL_ERROR_NOT_FOUND, _INVALID. */
NetfilList *netfil_list_read(const char *path, gboolean lenient, GError **error);

/* The lists that somebody holds, by their paths, so that none is read twice. */
typedef struct NetfilLists NetfilLists;

NetfilLists *netfil_lists_new(void);
void netfil_lists_free(NetfilLists *lists);

/* The file as it stands: one that is held, if it has not changed, or read anew. */
NetfilList *netfil_lists_get(NetfilLists *lists, const char *path, gboolean lenient,
			     GError **error);

/* A new question: what is read from now on answers it to its end, whatever becomes of the file
 * meanwhile. Forgets lists that nobody holds. */
void netfil_lists_ask(NetfilLists *lists);

/* The held one of this path, if it is of this question, or if its file has not changed since;
 * else NULL. */
NetfilList *netfil_lists_find(NetfilLists *lists, const char *path);

/* Has it found, as if it was read for the question at hand. */
void netfil_lists_add(NetfilLists *lists, NetfilList *list);
