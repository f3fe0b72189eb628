/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "log.h"

#include <glib.h>
#include <stdio.h>
#include <unistd.h>

static const char *level_name(GLogLevelFlags level)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		return "bug: ";
	if (level & G_LOG_LEVEL_WARNING)
		return "warning: ";
	return "";
}

static const char *field(const GLogField *fields, gsize n, const char *key)
{
	for (gsize i = 0; i < n; i++)
		if (g_str_equal(fields[i].key, key) && fields[i].length < 0)
			return fields[i].value;
	return NULL;
}

static GLogWriterOutput write_line(GLogLevelFlags level, const GLogField *fields, gsize n,
				   gpointer with_time)
{
	const char *message = field(fields, n, "MESSAGE");
	g_autoptr(GDateTime) now = NULL;
	g_autofree char *time = NULL;

	if (level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG))
		return g_log_writer_default(level, fields, n, NULL);
	if (with_time) {
		now = g_date_time_new_now_utc();
		time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ ");
	}
	fprintf(stderr, "%snetfild: %s%s\n", time ? time : "", level_name(level),
		message ? message : "(no message)");
	return G_LOG_WRITER_HANDLED;
}

void netfil_log_start(void)
{
	gboolean with_time = !g_log_writer_is_journald(STDERR_FILENO);

	setvbuf(stderr, NULL, _IOLBF, 0);
	g_log_set_writer_func(write_line, GINT_TO_POINTER(with_time), NULL);
}
