/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cycle.h"
#include "core/error.h"
#include "core/quote.h"
#include "core/spec.h"
#include "engine/clock.h"
#include "kernel/cgroup.h"

static char *not_there(const char *word, const char *why, const char *remedy, GError **error)
{
	g_autofree char *quoted = netfil_quote(word, -1);

	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND, "%s: %s: %s", quoted, why, remedy);
	return NULL;
}

char *netfil_resolve_executable(const char *word, GError **error)
{
	g_autofree char *found = strchr(word, '/') ? g_strdup(word) : g_find_program_in_path(word);
	char *canonical;

	if (g_str_equal(word, NETFIL_ANY))
		return g_strdup(word);
	if (!found)
		return not_there(word, "there is no such command in PATH", "give its path", error);
	canonical = realpath(found, NULL);
	if (!canonical)
		return not_there(word, g_strerror(errno), "give the path of an executable", error);
	return canonical; /* GLib's free is libc's */
}

char *netfil_resolve_cgroup(const char *word, GError **error)
{
	return g_str_equal(word, NETFIL_ANY) ? g_strdup(word) : netfil_cgroup_path(word, error);
}

char *netfil_resolve_file(const char *word, GError **error)
{
	if (!*word)
		return not_there(word, "no file is named", "give its path", error);
	return g_canonicalize_filename(word, NULL);
}

char *netfil_resolve_time_to_come(const char *word, GError **error)
{
	gint64 now = netfil_clock_seconds();
	gint64 time = now;

	if (*word && !netfil_time_parse(word, netfil_clock_zone(), now, &time, error))
		return NULL;
	if (time < now) {
		netfil_set_invalid(error, word, -1, "is over: give a time to come, or \"now\"");
		return NULL;
	}
	return g_strdup_printf("%" G_GINT64_FORMAT, time > now ? time : 0);
}
