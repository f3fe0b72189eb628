/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* What people type, made what a filter keeps. All are freed by the caller. */

/* The canonical path of an executable; a name without a slash is looked up in
 * PATH, as a shell does. NETFIL_ERROR_NOT_FOUND if it is not there. "*" stays. */
char *netfil_resolve_executable(const char *word, GError **error);

/* A control group's path from the root of the hierarchy; "*" stays. */
char *netfil_resolve_cgroup(const char *word, GError **error);

/* An absolute path. A symbolic link is kept, so that a list which is replaced by
 * changing the link is found again. */
char *netfil_resolve_file(const char *word, GError **error);

/* A time to come, in seconds since the epoch; "0" for "now" and for an empty word. */
char *netfil_resolve_time_to_come(const char *word, GError **error);
