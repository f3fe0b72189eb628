/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "command.h"
#include "engine/clock.h"
#include "history-print.h"
#include "options.h"

#define DAY_SECONDS (24 * 60 * 60)

static const NetfilUsage usage = {
    .command = "history",
    .arguments = "[NAME]",
    .summary = "What filters moved by hour, day, month or cycle of theirs; with --apps, what\n"
	       "each application moved, whether a filter names it or not. Old hours become\n"
	       "days, and old days months, whose sums stay.",
    .description = "TIME is as 2026-12-24, \"2026-12-24 18:00\", 18:00, yesterday or -3d.\n"
		   "\n"
		   "Examples:\n"
		   "  netfil history hotspot\n"
		   "  netfil history --by month --csv >usage.csv\n"
		   "  netfil history --apps --from yesterday --to today\n",
};

typedef struct {
	const char *name; /* NULL: all filters */
	char *by, *from, *to;
	gboolean apps, json, csv;

	NetfilBy resolution;
	gint64 start, end; /* end 0: no bound */
} History;

static void history_clear(History *history)
{
	g_free(history->by);
	g_free(history->from);
	g_free(history->to);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(History, history_clear)

/* Periods that are shown where no --from says. */
static guint default_count(NetfilBy by)
{
	static const guint counts[] = {
	    [NETFIL_BY_HOUR] = 48,
	    [NETFIL_BY_DAY] = 30,
	    [NETFIL_BY_MONTH] = 12,
	    [NETFIL_BY_CYCLE] = 12,
	};

	return counts[by];
}

static gboolean is_time_of_day(const char *text)
{
	return strchr(text, ':') && strspn(text, "0123456789:") == strlen(text);
}

/* "18:00" is the next one to come elsewhere; here the last one that was. */
static gboolean parse_time(const char *text, gint64 *time, GError **error)
{
	gint64 now = netfil_clock_seconds();
	gint64 next;

	if (!netfil_time_parse(text, netfil_clock_zone(), now, time, error))
		return FALSE;
	if (!is_time_of_day(text))
		return TRUE;
	next = now - 2 * DAY_SECONDS;
	/* At most three times in two days. */
	for (guint i = 0; i < 3 && next <= now; i++) {
		*time = next;
		if (!netfil_time_parse(text, netfil_clock_zone(), *time, &next, error))
			return FALSE;
	}
	return TRUE;
}

/* The start of the oldest of the periods that are shown up to `end`. */
static gint64 default_start(NetfilBy by, gint64 end)
{
	gint64 start = end;

	if (by == NETFIL_BY_CYCLE)
		return 0; /* only netfild knows: see drop_old_cycles() */
	for (guint i = 0; i < default_count(by); i++)
		start = netfil_period_start(by, netfil_clock_zone(), start - 1);
	return start;
}

static gboolean find_bounds(History *history, GError **error)
{
	gint64 now = netfil_clock_seconds();

	if ((history->from && !parse_time(history->from, &history->start, error)) ||
	    (history->to && !parse_time(history->to, &history->end, error)))
		return FALSE;
	if (!history->from)
		history->start =
		    default_start(history->resolution, history->to ? history->end : now + 1);
	if (history->from && history->to && history->start > history->end)
		return netfil_usage_error(&usage, error, "--from is after --to");
	if (history->from && history->start > now)
		return netfil_usage_error(&usage, error, "--from is still to come");
	return TRUE;
}

static gboolean check_words(History *history, int argc, GError **error)
{
	if (history->json && history->csv)
		return netfil_usage_error(&usage, error, "--json and --csv exclude each other");
	if (history->apps && argc > 1)
		return netfil_usage_error(&usage, error, "--apps takes no filter's name");
	if (history->apps && history->by && history->resolution == NETFIL_BY_CYCLE)
		return netfil_usage_error(&usage, error, "applications have no cycles");
	return TRUE;
}

static gboolean parse(History *history, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"by", 0, 0, G_OPTION_ARG_FILENAME, &history->by,
	     "hour, day (the default), month or cycle", "PERIOD"},
	    {"from", 0, 0, G_OPTION_ARG_FILENAME, &history->from,
	     "start there (default: 48 hours, 30 days, 12 months ...)", "TIME"},
	    {"to", 0, 0, G_OPTION_ARG_FILENAME, &history->to, "end there (default: now)", "TIME"},
	    {"apps", 0, 0, G_OPTION_ARG_NONE, &history->apps,
	     "by application and user; one sum for each if there is no --by", NULL},
	    {"json", 0, 0, G_OPTION_ARG_NONE, &history->json, "a JSON array", NULL},
	    {"csv", 0, 0, G_OPTION_ARG_NONE, &history->csv, "comma-separated values", NULL},
	    {NULL},
	};
	const char *const *names;

	if (!netfil_options_parse(&usage, entries, NULL, argc, argv, error))
		return FALSE;
	history->resolution = NETFIL_BY_DAY;
	if ((history->by && !netfil_by_parse(history->by, &history->resolution, error)) ||
	    !check_words(history, *argc, error) ||
	    !(names = netfil_options_names(&usage, *argc, *argv, 0, 1, error)))
		return FALSE;
	history->name = names[0];
	return find_bounds(history, error);
}

static NetfilHistoryForm form_of(const History *history)
{
	if (history->json)
		return NETFIL_HISTORY_JSON;
	return history->csv ? NETFIL_HISTORY_CSV : NETFIL_HISTORY_TEXT;
}

static void say_if_empty(const History *history, const GArray *periods)
{
	if (periods->len == 0 && form_of(history) == NETFIL_HISTORY_TEXT)
		g_printerr("Nothing was counted in this time\n");
}

/* Of each filter the last ones: cycles are of any length, so no --from can be told. */
static void drop_old_cycles(GArray *periods)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = periods->len; i-- > 0;) {
		const char *name = g_intern_string(g_array_index(periods, NetfilPeriod, i).name);
		guint count = GPOINTER_TO_UINT(g_hash_table_lookup(seen, name));

		if (count >= default_count(NETFIL_BY_CYCLE))
			g_array_remove_index(periods, i);
		else
			g_hash_table_insert(seen, (gpointer)name, GUINT_TO_POINTER(count + 1));
	}
}

static gboolean show_filters(const History *history, NetfilClient *client, GError **error)
{
	g_autoptr(GArray) periods = netfil_client_history(
	    client, history->name, history->resolution, history->start, history->end, error);

	if (!periods)
		return FALSE;
	if (history->resolution == NETFIL_BY_CYCLE && !history->from)
		drop_old_cycles(periods);
	say_if_empty(history, periods);
	netfil_history_print(periods, history->resolution, form_of(history));
	return TRUE;
}

static gboolean show_apps(const History *history, NetfilClient *client, GError **error)
{
	int by = history->by ? (int)history->resolution : -1;
	g_autoptr(GArray) periods =
	    netfil_client_apps(client, by, history->start, history->end, error);

	if (!periods)
		return FALSE;
	say_if_empty(history, periods);
	netfil_history_print_apps(periods, by, form_of(history));
	return TRUE;
}

int netfil_cmd_history(int argc, char **argv, GError **error)
{
	g_auto(History) history = {0};
	g_autoptr(NetfilClient) client = NULL;
	gboolean shown;

	if (!parse(&history, &argc, &argv, error) || !(client = netfil_client_connect(error)))
		return EXIT_FAILURE;
	shown = history.apps ? show_apps(&history, client, error)
			     : show_filters(&history, client, error);
	return shown ? EXIT_SUCCESS : EXIT_FAILURE;
}
