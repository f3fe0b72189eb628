/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "history-print.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bar.h"
#include "core/size.h"
#include "history-data.h"
#include "terminal.h"
#include "user.h"
#include "when.h"

#define SIZE_WIDTH 7 /* "12.3 MB" */
#define BAR_MIN_WIDTH 8
#define BAR_MAX_WIDTH 40
#define HOUR_MOST (90 * 60)     /* what lasts no longer is an hour */
#define DAY_MOST (30 * 60 * 60) /* a day of any time zone */

static guint64 total_of(const NetfilPeriod *period)
{
	return period->in + period->out;
}

static const NetfilPeriod *period_at(const GArray *periods, guint i)
{
	return &g_array_index(periods, NetfilPeriod, i);
}

static guint64 largest(const GArray *periods)
{
	guint64 most = 0;

	for (guint i = 0; i < periods->len; i++)
		most = MAX(most, total_of(period_at(periods, i)));
	return most;
}

/* Old periods are longer than was asked for, and are written as what they are. */
static char *start_text(const NetfilPeriod *period, int by)
{
	gint64 length = period->end - period->start;

	if (by == NETFIL_BY_CYCLE || length <= HOUR_MOST)
		return netfil_when(period->start, "%F %R");
	return netfil_when(period->start, length <= DAY_MOST ? "%F" : "%Y-%m");
}

/* Columns that a bar may have beside `taken` others. */
static guint bar_width(const NetfilTerminal *terminal, guint taken)
{
	guint left = terminal->width > taken + 2 ? terminal->width - taken - 2 : 0;

	return left < BAR_MIN_WIDTH ? 0 : MIN(left, BAR_MAX_WIDTH);
}

static void append_bar(GString *line, const NetfilTerminal *terminal, double fraction, guint width)
{
	g_autofree char *bar = netfil_bar(fraction, width, terminal->unicode);

	if (!width)
		return;
	netfil_terminal_append(line, terminal, NETFIL_COLOUR_GOOD, bar);
	g_string_append(line, "  ");
}

static double share(guint64 part, guint64 whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* Filters. */

#define START_WIDTH 16                                 /* "2026-12-24 18:00" */
#define AMOUNTS_WIDTH (3 + 4 + 6 + 4 + 3 * SIZE_WIDTH) /* "in  out  total" and sizes */

static void print_line(const NetfilTerminal *terminal, const char *start, double fraction,
		       guint64 in, guint64 out)
{
	guint width = bar_width(terminal, START_WIDTH + 2 + AMOUNTS_WIDTH);
	g_autofree char *in_text = netfil_size_format(in);
	g_autofree char *out_text = netfil_size_format(out);
	g_autofree char *total = netfil_size_format(in + out);
	g_autoptr(GString) line = g_string_new(NULL);

	g_string_append_printf(line, "%-*s  ", START_WIDTH, start);
	append_bar(line, terminal, fraction, width);
	/* On a narrow terminal the total alone. */
	if (terminal->width >= START_WIDTH + 2 + AMOUNTS_WIDTH)
		g_string_append_printf(line, "in %*s  out %*s  ", SIZE_WIDTH, in_text, SIZE_WIDTH,
				       out_text);
	g_string_append_printf(line, "total %*s", SIZE_WIDTH, total);
	g_print("%s\n", line->str);
}

/* The periods of the filter that is at `first`; returns where the next one begins. */
static guint print_filter(const NetfilTerminal *terminal, const GArray *periods, guint first,
			  NetfilBy by, guint64 most)
{
	guint64 in = 0, out = 0;
	guint i = first;

	for (; i < periods->len; i++) {
		const NetfilPeriod *period = period_at(periods, i);
		g_autofree char *start = start_text(period, (int)by);

		if (!g_str_equal(period->name, period_at(periods, first)->name))
			break;
		print_line(terminal, start, share(total_of(period), most), period->in, period->out);
		in += period->in;
		out += period->out;
	}
	print_line(terminal, "Total", -1, in, out);
	return i;
}

static int compare_filters(gconstpointer a, gconstpointer b)
{
	const NetfilPeriod *first = a, *second = b;
	int order = strcmp(first->name, second->name);

	return order ? order : (first->start > second->start) - (first->start < second->start);
}

/* Sorted by name. */
static gboolean has_several_filters(const GArray *periods)
{
	return !g_str_equal(period_at(periods, 0)->name,
			    period_at(periods, periods->len - 1)->name);
}

void netfil_history_print(GArray *periods, NetfilBy by, NetfilHistoryForm form)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	guint64 most = largest(periods);
	guint i = 0;

	g_array_sort(periods, compare_filters);
	if (form != NETFIL_HISTORY_TEXT) {
		netfil_history_write(periods, form == NETFIL_HISTORY_JSON);
		return;
	}
	while (i < periods->len) {
		if (has_several_filters(periods))
			g_print("%s%s\n", i ? "\n" : "", period_at(periods, i)->name);
		i = print_filter(&terminal, periods, i, by, most);
	}
}

/* Applications. */

static const char *app_text(const NetfilPeriod *period)
{
	if (g_str_equal(period->name, ""))
		return "without a known owner";
	if (g_str_equal(period->name, "*"))
		return "other applications";
	return period->name;
}

static int compare_apps(gconstpointer a, gconstpointer b)
{
	const NetfilPeriod *first = a, *second = b;
	int order = (first->start > second->start) - (first->start < second->start);

	if (!order)
		order = (total_of(first) < total_of(second)) - (total_of(first) > total_of(second));
	if (!order)
		order = strcmp(first->name, second->name);
	return order ? order : (first->uid > second->uid) - (first->uid < second->uid);
}

/* Sums of the whole time may begin when each application did. */
static int compare_sums(gconstpointer a, gconstpointer b)
{
	NetfilPeriod first = *(const NetfilPeriod *)a, second = *(const NetfilPeriod *)b;

	first.start = second.start = 0;
	return compare_apps(&first, &second);
}

#define APP_AMOUNTS_WIDTH (4 + 5 + 3 * SIZE_WIDTH + 2)
#define APP_WIDTH 30 /* what the bar leaves for an executable and a user, or more */

static void print_app(const NetfilTerminal *terminal, const NetfilPeriod *period, guint64 most)
{
	guint width = bar_width(terminal, APP_AMOUNTS_WIDTH + APP_WIDTH);
	g_autofree char *total = netfil_size_format(total_of(period));
	g_autofree char *in = netfil_size_format(period->in);
	g_autofree char *out = netfil_size_format(period->out);
	g_autofree char *user = netfil_user_name(period->uid);
	g_autofree char *app = NULL;
	g_autoptr(GString) line = g_string_new(NULL);

	append_bar(line, terminal, share(total_of(period), most), width);
	g_string_append_printf(line, "%*s  in %*s  out %*s  ", SIZE_WIDTH, total, SIZE_WIDTH, in,
			       SIZE_WIDTH, out);
	/* A path is of use as a whole alone: the line may be longer than the terminal. */
	app = netfil_text_fit(terminal, app_text(period), netfil_text_width(app_text(period)));
	g_string_append_printf(line, "%s%s%s", app, user ? "  " : "", user ? user : "");
	g_print("%s\n", line->str);
}

static void print_heading(const GArray *periods, guint i, int by)
{
	const NetfilPeriod *period = period_at(periods, i);
	g_autofree char *start = start_text(period, by);

	if (i == 0 || period_at(periods, i - 1)->start != period->start)
		g_print("%s%s\n", i ? "\n" : "", start);
}

void netfil_history_print_apps(GArray *periods, int by, NetfilHistoryForm form)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	guint64 most = largest(periods);

	g_array_sort(periods, by < 0 ? compare_sums : compare_apps);
	if (form != NETFIL_HISTORY_TEXT) {
		netfil_history_write_apps(periods, form == NETFIL_HISTORY_JSON);
		return;
	}
	for (guint i = 0; i < periods->len; i++) {
		if (by >= 0)
			print_heading(periods, i, by);
		print_app(&terminal, period_at(periods, i), most);
	}
}
