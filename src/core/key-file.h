/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * A text file that people write: [NAME] begins a group, and below it stand lines
 * KEY=VALUE;VALUE. '#' begins a comment. GKeyFile reads the values; but it tells no lines and
 * stops at its first mistake, so lines are told apart here.
 */

/* More is no file that people write. */
#define NETFIL_KEY_FILE_MAX (16 * 1024 * 1024)

typedef struct {
	guint line; /* from 1 */
	char *text; /* "what: what to do" */
} NetfilMistake;

typedef struct {
	guint line;
	char *key;
	char **values; /* none: the line has no value */
} NetfilPair;

typedef struct {
	char *name; /* NULL: its header is wrong */
	guint line;
	gboolean good;    /* no mistake was found in it */
	GPtrArray *pairs; /* of NetfilPair, each key once */
} NetfilGroup;

typedef struct {
	GPtrArray *groups; /* of NetfilGroup, as they stand in the file, each name once */
	GArray *mistakes;  /* of NetfilMistake */
	GHashTable *lines;
} NetfilKeyFile;

/* What the groups are. */
typedef struct {
	const char *noun; /* "filter" */
	guint groups_max;
	gboolean (*check_name)(const char *name, GError **error);
} NetfilKeyForm;

/* Reads any bytes. */
NetfilKeyFile *netfil_key_file_read(const char *text, gsize length, const NetfilKeyForm *form);
void netfil_key_file_free(NetfilKeyFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilKeyFile, netfil_key_file_free)

/* A mistake that its reader found. Takes the error over. */
void netfil_key_file_note(NetfilKeyFile *file, guint line, GError *error);

/* There are so many mistakes that nobody wants to know of more. */
gboolean netfil_key_file_is_enough(const NetfilKeyFile *file);

/* Mistakes in the order of their lines: once all are noted. */
void netfil_key_file_sort(NetfilKeyFile *file);

/* The line of the group's key, else of the group; key may be NULL. 0: no such group. */
guint netfil_key_file_line(const NetfilKeyFile *file, const char *name, const char *key);
