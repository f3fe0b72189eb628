/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "print.h"

#include <string.h>

#include "bar.h"
#include "core/size.h"
#include "json.h"
#include "level.h"
#include "when.h"

#define GAP 2
#define PERCENT 4 /* "100%" */
#define NAME_MAX_WIDTH 24
#define NAME_MIN_WIDTH 8
#define BAR_MIN_WIDTH 8
#define BAR_MAX_WIDTH 24
#define SELECTOR_MIN_WIDTH 10

NetfilColour netfil_print_colour(const NetfilStatus *status)
{
	static const NetfilColour colours[] = {
	    [NETFIL_LEVEL_OFF] = NETFIL_COLOUR_DIM,
	    [NETFIL_LEVEL_GOOD] = NETFIL_COLOUR_GOOD,
	    [NETFIL_LEVEL_WARN] = NETFIL_COLOUR_WARN,
	    [NETFIL_LEVEL_BAD] = NETFIL_COLOUR_BAD,
	};

	return colours[netfil_level(status)];
}

char *netfil_print_amount(const NetfilStatus *status)
{
	int direction = netfil_status_tightest(status);
	g_autofree char *used = NULL;
	g_autofree char *cap = NULL;

	if (direction < 0)
		return netfil_size_format(status->used[NETFIL_TOTAL]);
	used = netfil_size_format(status->used[direction]);
	cap = netfil_size_format(netfil_status_limit(status, (guint)direction));
	return g_strdup_printf("%s / %s%s%s", used, cap, direction == NETFIL_TOTAL ? "" : " ",
			       direction == NETFIL_TOTAL ? ""
							 : netfil_direction_name((guint)direction));
}

static char *until_text(const char *what, gint64 seconds)
{
	g_autofree char *when = netfil_when_short(seconds);

	return g_strdup_printf("%s until %s", what, when);
}

char *netfil_print_member_count(const NetfilStatus *status)
{
	g_autofree char *count = netfil_size_exact(status->members);
	g_autofree char *at_cap = netfil_size_exact(status->members_at_cap);

	return g_strdup_printf("%s member%s%s%s%s", count, status->members == 1 ? "" : "s",
			       status->members_at_cap ? ", " : "",
			       status->members_at_cap ? at_cap : "",
			       status->members_at_cap ? " at cap" : "");
}

char *netfil_print_outlook(const NetfilStatus *status)
{
	g_autofree char *left = NULL;

	if (status->unlimited_until)
		return until_text("unlimited", status->unlimited_until);
	if (status->free_until)
		return until_text("free", status->free_until);
	if (status->spec->each)
		return netfil_print_member_count(status);
	if (status->forecast) {
		left = netfil_when_left(status->forecast);
		return g_strdup_printf("cap in %s", left);
	}
	if (!status->cycle_ends)
		return g_strdup("");
	left = netfil_when_left(status->cycle_ends);
	return g_strdup_printf("%s left", left);
}

char *netfil_print_trouble(const char *what, gint64 since)
{
	g_autofree char *when = netfil_when(since, "%F %R");

	return g_strdup_printf("Trouble since %s: %s", when, what);
}

char *netfil_print_rate(double bytes_per_second)
{
	g_autofree char *size = netfil_size_format((guint64)MAX(bytes_per_second, 0));

	return g_strconcat(size, "/s", NULL);
}

/* Lines of filters. */

static void measure(NetfilColumns *columns, const GPtrArray *statuses)
{
	for (guint i = 0; i < statuses->len; i++) {
		const NetfilStatus *status = statuses->pdata[i];
		g_autofree char *amount = netfil_print_amount(status);
		g_autofree char *selector = netfil_spec_selector_text(status->spec);

		columns->name = MAX(columns->name, netfil_text_width(status->spec->name));
		columns->state = MAX(columns->state, strlen(netfil_state_name(status->state)));
		columns->amount = MAX(columns->amount, netfil_text_width(amount));
		columns->selector = MAX(columns->selector, netfil_text_width(selector));
	}
}

static guint taken(guint width)
{
	return width ? width + GAP : 0;
}

/* What is left of the line for bar and selector once the rest has its due. */
static guint left_over(const NetfilColumns *columns, guint width)
{
	guint due = columns->name + taken(columns->state) + taken(PERCENT) +
		    taken(columns->amount) + taken(columns->extra);

	return width > due ? width - due : 0;
}

/* From the widest layout down: on a narrow terminal go first the selector, then
 * the bar, the extra text and the state; the amount goes last. */
static void fit(NetfilColumns *columns, guint width)
{
	guint wanted = columns->selector;
	guint left = left_over(columns, width);

	columns->selector = columns->bar = 0;
	if (left == 0 && columns->extra) {
		columns->extra = 0;
		left = left_over(columns, width);
	}
	if (left == 0) {
		columns->state = 0;
		left = left_over(columns, width);
	}
	if (left >= taken(BAR_MIN_WIDTH) + taken(SELECTOR_MIN_WIDTH)) {
		guint most = left - taken(BAR_MIN_WIDTH) - GAP;

		columns->selector = MIN(wanted, MAX(SELECTOR_MIN_WIDTH, MIN(most, left * 3 / 5)));
	}
	left -= taken(columns->selector);
	if (left >= taken(BAR_MIN_WIDTH))
		columns->bar = MIN(left - GAP, BAR_MAX_WIDTH);
	/* A selector that is longer gets what the bar does not need. */
	left -= taken(columns->bar);
	if (columns->selector)
		columns->selector = MIN(wanted, columns->selector + left);
}

NetfilColumns netfil_print_columns(const GPtrArray *statuses, const NetfilTerminal *terminal,
				   guint extra)
{
	guint name_most = CLAMP(terminal->width / 3, NAME_MIN_WIDTH, NAME_MAX_WIDTH);
	NetfilColumns columns = {.extra = extra};
	guint due;

	measure(&columns, statuses);
	columns.name = MIN(columns.name, name_most);
	fit(&columns, terminal->width);
	due = columns.name + taken(columns.state) + taken(PERCENT) + GAP;
	if (due + columns.amount > terminal->width)
		columns.amount = terminal->width > due ? terminal->width - due : 0;
	return columns;
}

static void append_cell(GString *line, const NetfilTerminal *terminal, NetfilColour colour,
			const char *text, guint width)
{
	g_autofree char *cell = NULL;

	if (!width)
		return;
	cell = netfil_text_fit(terminal, text, width);
	if (line->len)
		g_string_append_printf(line, "%*s", GAP, "");
	netfil_terminal_append(line, terminal, colour, cell);
}

void netfil_print_bar(GString *line, const NetfilStatus *status, guint width,
		      const NetfilTerminal *terminal)
{
	double fraction = netfil_status_fraction(status);
	g_autofree char *bar = netfil_bar(fraction, width, terminal->unicode);
	g_autofree char *percent = netfil_bar_percent(fraction);

	if (width) {
		g_string_append_printf(line, "%*s", GAP, "");
		netfil_terminal_append(line, terminal, netfil_print_colour(status), bar);
	}
	g_string_append_printf(line, "%*s%*s", GAP, "", PERCENT, percent);
}

char *netfil_print_row(const NetfilStatus *status, const NetfilColumns *columns,
		       const NetfilTerminal *terminal, const char *extra)
{
	g_autofree char *selector = netfil_spec_selector_text(status->spec);
	g_autofree char *amount = netfil_print_amount(status);
	GString *line = g_string_new(NULL);

	append_cell(line, terminal, NETFIL_COLOUR_NONE, status->spec->name, columns->name);
	append_cell(line, terminal, netfil_print_colour(status), netfil_state_name(status->state),
		    columns->state);
	append_cell(line, terminal, NETFIL_COLOUR_NONE, selector, columns->selector);
	netfil_print_bar(line, status, columns->bar, terminal);
	append_cell(line, terminal, NETFIL_COLOUR_NONE, amount, columns->amount);
	append_cell(line, terminal, NETFIL_COLOUR_NONE, extra ? extra : "", columns->extra);
	return g_strchomp(g_string_free(line, FALSE));
}
