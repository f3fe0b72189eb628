/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/* Files that netfild obeys, or runs: only root can have written them, nor can anybody else
 * change them or put others in their place. */

/* NETFIL_ERROR_DENIED: somebody else may write it. */
gboolean netfil_trusted_check(const char *path, const struct stat *status, GError **error);

/* The same of the directories that the file is in, also of the one that a link leads to: who
 * may write there can put another file in its place. */
gboolean netfil_trusted_place(const char *path, GError **error);

/* The whole of a regular file, with a NUL behind it. NETFIL_ERROR_NOT_FOUND: it is not there;
 * _DENIED; _FULL: it has more than `max` bytes; _FAILED. Caller frees. */
char *netfil_trusted_read(const char *path, gsize max, gsize *length, GError **error);

/* The names in a directory that end so, by their bytes; hidden ones left out. None where there
 * is no directory. NULL: an error. */
GPtrArray *netfil_trusted_list(const char *directory, const char *suffix, GError **error);
