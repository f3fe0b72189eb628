/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/quote.h"

#define LIMITED_LINES 20
#define LINE_SHOWN 200
#define LIMITED_PERIOD (60 * G_USEC_PER_SEC)

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

static void write_text(GLogLevelFlags level, const char *text, gboolean with_time)
{
	g_autoptr(GDateTime) now = NULL;
	g_autofree char *time = NULL;

	if (with_time) {
		now = g_date_time_new_now_utc();
		time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ ");
	}
	fprintf(stderr, "%snetfild: %s%s\n", time ? time : "", level_name(level), text);
}

static guint count_line(guint *left_out);

/* What GLib says is about what somebody sent, who is not to fill the log with it; and it
 * adds the bytes, in lines of their own. */
static void write_of_library(GLogLevelFlags level, const char *message, gboolean with_time)
{
	g_autofree char *line = netfil_escape(message, (gssize)strcspn(message, "\n"), LINE_SHOWN);
	guint left_out;

	if (count_line(&left_out) <= LIMITED_LINES)
		write_text(level, line, with_time);
}

static GLogWriterOutput write_line(GLogLevelFlags level, const GLogField *fields, gsize n,
				   gpointer with_time)
{
	const char *message = field(fields, n, "MESSAGE");
	const char *domain = field(fields, n, "GLIB_DOMAIN");

	if (level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG))
		return g_log_writer_default(level, fields, n, NULL);
	if (message && domain && !g_str_equal(domain, G_LOG_DOMAIN))
		write_of_library(level, message, with_time != NULL);
	else
		write_text(level, message ? message : "(no message)", with_time != NULL);
	return G_LOG_WRITER_HANDLED;
}

void netfil_log_start(void)
{
	gboolean with_time = !g_log_writer_is_journald(STDERR_FILENO);

	setvbuf(stderr, NULL, _IOLBF, 0);
	g_log_set_writer_func(write_line, GINT_TO_POINTER(with_time), NULL);
}

/* The number of a line in its period, from 1; and what the last period left out. */
static guint count_line(guint *left_out)
{
	static GMutex lock;
	static gint64 began;
	static guint lines;
	g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);
	gint64 now = g_get_monotonic_time();

	*left_out = 0;
	if (lines == 0 || now - began > LIMITED_PERIOD) {
		*left_out = lines > LIMITED_LINES ? lines - LIMITED_LINES : 0;
		began = now;
		lines = 0;
	}
	return ++lines;
}

void netfil_log_limited(const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;
	guint left_out;

	if (count_line(&left_out) > LIMITED_LINES)
		return;
	if (left_out)
		g_message("%u lines of this kind were left out", left_out);
	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_message("%s", text);
}
