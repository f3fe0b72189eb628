/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/quote.h"

#define LIMITED_LINES 20
#define LINE_SHOWN 200
#define LIMITED_PERIOD (60 * G_USEC_PER_SEC)
#define FIELDS_MAX 16
#define IDENTIFIER "netfild"

static gboolean journal;   /* events go there, with their fields */
static gboolean with_time; /* what goes to standard error */

static const struct {
	const char *name;
	const char *id; /* MESSAGE_ID: never given to anything else */
	const char *priority;
} events[] = {
    [NETFIL_LOG_CAP_REACHED] = {"cap-reached", "8b234fa0ab96448b802456ec0aa4d5b7", "5"},
    [NETFIL_LOG_WARNED] = {"warned", "d8102be2a0df48e696fa6f6228eb0fd7", "5"},
    [NETFIL_LOG_CYCLE_STARTED] = {"cycle-started", "d0475b6be672466e896fe0adb3ab7aee", "5"},
    [NETFIL_LOG_TROUBLE] = {"trouble", "56142ef6c16241a7a4cffe770f154c2f", "4"},
    [NETFIL_LOG_TROUBLE_OVER] = {"trouble-over", "a8e54c52be30440f8aa5b9b0399b0724", "5"},
    [NETFIL_LOG_CALLED] = {"called", "5613bded7e954b998b1c367b266f047a", "5"},
    [NETFIL_LOG_DENIED] = {"denied", "907f12708140405fa5fc81d67d228bd6", "5"},
    [NETFIL_LOG_MISTAKE] = {"mistake", "4cca652db9c5479b81bf5586cd80e067", "3"},
    [NETFIL_LOG_APPLIED] = {"applied", "808e3365ce6f49dfab9a4b71d4e56fb8", "5"},
    [NETFIL_LOG_HOOK] = {"hook", "a262a5ac8e2b464e9727364dbd5690a7", "6"},
    [NETFIL_LOG_HOOK_FAILED] = {"hook-failed", "a20df7d1af554964845ce2149d3e6015", "4"},
};

/* ---- where lines go ---- */

static const char *field(const GLogField *fields, gsize n, const char *key)
{
	for (gsize i = 0; i < n; i++)
		if (g_str_equal(fields[i].key, key) && fields[i].length < 0)
			return fields[i].value;
	return NULL;
}

static const char *level_name(GLogLevelFlags level, const char *priority)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		return "bug: ";
	if (level & G_LOG_LEVEL_WARNING)
		return "warning: ";
	if (g_strcmp0(priority, "3") == 0)
		return "error: ";
	return g_strcmp0(priority, "4") == 0 ? "warning: " : "";
}

static void write_text(const char *level, const char *text)
{
	g_autoptr(GDateTime) now = NULL;
	g_autofree char *time = NULL;

	if (with_time) {
		now = g_date_time_new_now_utc();
		time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ ");
	}
	fprintf(stderr, "%s" IDENTIFIER ": %s%s\n", time ? time : "", level, text);
}

static guint count_line(guint *left_out);

/* What GLib says is about what somebody sent, who is not to fill the log with it; and it
 * adds the bytes, in lines of their own. */
static GLogWriterOutput write_of_library(GLogLevelFlags level, const char *message)
{
	g_autofree char *line = netfil_escape(message, (gssize)strcspn(message, "\n"), LINE_SHOWN);
	guint left_out;

	if (count_line(&left_out) <= LIMITED_LINES)
		write_text(level_name(level, NULL), line);
	return G_LOG_WRITER_HANDLED;
}

static GLogWriterOutput write_stderr(GLogLevelFlags level, const GLogField *fields, gsize n)
{
	const char *message = field(fields, n, "MESSAGE");

	write_text(level_name(level, field(fields, n, "PRIORITY")),
		   message ? message : "(no message)");
	return G_LOG_WRITER_HANDLED;
}

static GLogWriterOutput write_journal(GLogLevelFlags level, const GLogField *fields, gsize n)
{
	g_autofree GLogField *all = g_new(GLogField, n + 1);

	memcpy(all, fields, n * sizeof(*all));
	all[n] = (GLogField){"SYSLOG_IDENTIFIER", IDENTIFIER, -1};
	return g_log_writer_journald(level, all, n + 1, NULL);
}

static GLogWriterOutput write_line(GLogLevelFlags level, const GLogField *fields, gsize n,
				   gpointer data)
{
	const char *message = field(fields, n, "MESSAGE");
	const char *domain = field(fields, n, "GLIB_DOMAIN");

	(void)data;
	if (level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG))
		return g_log_writer_default(level, fields, n, NULL);
	if (message && domain && !g_str_equal(domain, G_LOG_DOMAIN))
		return write_of_library(level, message);
	if (journal && write_journal(level, fields, n) == G_LOG_WRITER_HANDLED)
		return G_LOG_WRITER_HANDLED;
	return write_stderr(level, fields, n);
}

/* JOURNAL_STREAM names the file that the journal reads, which may since have been exchanged:
 * see systemd.exec(5). */
static gboolean is_journals_stream(void)
{
	const char *stream = g_getenv("JOURNAL_STREAM");
	g_autofree char *ours = NULL;
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return FALSE;
	ours = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64)status.st_dev,
			       (guint64)status.st_ino);
	return g_str_equal(stream, ours);
}

void netfil_log_to(NetfilLogTo to)
{
	gboolean connected = is_journals_stream() || g_log_writer_is_journald(STDERR_FILENO);

	journal = to == NETFIL_LOG_TO_JOURNAL || (to == NETFIL_LOG_TO_AUTO && connected);
	with_time = !connected;
}

void netfil_log_start(void)
{
	setvbuf(stderr, NULL, _IOLBF, 0);
	netfil_log_to(NETFIL_LOG_TO_AUTO);
	g_log_set_writer_func(write_line, NULL, NULL);
}

/* ---- what is told ---- */

/* The number of a line in its period, from 1; and what the last period left out. */
static guint count_line(guint *left_out)
{
	static GMutex lock;
	static gint64 began;
	static guint lines;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
	gint64 now = g_get_monotonic_time();

	*left_out = 0;
	if (lines == 0 || now - began > LIMITED_PERIOD) {
		*left_out = lines > LIMITED_LINES ? lines - LIMITED_LINES : 0;
		began = now;
		lines = 0;
	}
	return ++lines;
}

static gboolean is_left_out(void)
{
	guint left_out;

	if (count_line(&left_out) > LIMITED_LINES)
		return TRUE;
	if (left_out)
		g_message("%u lines of this kind were left out", left_out);
	return FALSE;
}

void netfil_log_limited(const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	if (is_left_out())
		return;
	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_message("%s", text);
}

static void add(GLogField *fields, guint *n, const char *key, const char *value)
{
	if (value)
		fields[(*n)++] = (GLogField){key, value, -1};
}

void netfil_log_event(NetfilLogEvent event, const NetfilLogFields *known, const char *format, ...)
{
	static const NetfilLogFields nothing;
	const NetfilLogFields *f = known ? known : &nothing;
	g_autofree char *percent = f->percent ? g_strdup_printf("%u", f->percent) : NULL;
	g_autofree char *uid = f->caller ? g_strdup_printf("%d", (int)f->caller->uid) : NULL;
	g_autofree char *pid = f->caller ? g_strdup_printf("%d", (int)f->caller->pid) : NULL;
	g_autofree char *message = NULL;
	GLogField fields[FIELDS_MAX];
	va_list arguments;
	guint n = 0;

	if (event == NETFIL_LOG_DENIED && is_left_out())
		return;
	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	add(fields, &n, "MESSAGE", message);
	add(fields, &n, "PRIORITY", events[event].priority);
	add(fields, &n, "MESSAGE_ID", events[event].id);
	add(fields, &n, "NETFIL_EVENT", events[event].name);
	add(fields, &n, "NETFIL_FILTER", f->filter);
	add(fields, &n, "NETFIL_DIRECTION", f->direction);
	add(fields, &n, "NETFIL_PERCENT", percent);
	add(fields, &n, "NETFIL_MEMBER", f->member && *f->member ? f->member : NULL);
	add(fields, &n, "NETFIL_UID", uid);
	add(fields, &n, "NETFIL_PID", pid);
	add(fields, &n, "NETFIL_HOOK", f->hook);
	g_log_structured_array(G_LOG_LEVEL_MESSAGE, fields, n);
}
