/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "top-print.h"

#include "core/size.h"
#include "print.h"

#define RATE_WIDTH 10 /* "999 MB/s" and a blank or two */
#define SIZE_WIDTH 9  /* "999 MB" */
#define SOCKETS_WIDTH 6
#define NAME_MIN 12

/* What there is room for, beside the name. */
typedef struct {
	guint name, detail; /* columns; detail 0: none */
	gboolean both;      /* in and out, and not their sum */
	gboolean sockets;
} Layout;

/* Before columns are left out, the name is what gets narrow. */
static Layout layout_for(NetfilTopGroup group, guint width)
{
	gboolean detailed = group == NETFIL_TOP_PROCESS || group == NETFIL_TOP_FILTER;
	guint least = NAME_MIN + (detailed ? 2 * NAME_MIN : 0);
	Layout layout = {.both = width >= least + 2 * RATE_WIDTH + 2 * SIZE_WIDTH};
	guint numbers = layout.both ? 2 * (RATE_WIDTH + SIZE_WIDTH) : RATE_WIDTH + SIZE_WIDTH;

	layout.sockets =
	    group != NETFIL_TOP_FILTER && layout.both && width >= least + numbers + SOCKETS_WIDTH;
	if (layout.sockets)
		numbers += SOCKETS_WIDTH;
	layout.name = width > numbers ? width - numbers : 1;
	if (detailed && layout.name >= least) {
		layout.detail = MIN(layout.name / 2, 2 * NAME_MIN);
		layout.name -= layout.detail;
	}
	return layout;
}

static void append_right(GString *line, const char *text, guint width)
{
	for (guint have = netfil_text_width(text); have < width; have++)
		g_string_append_c(line, ' ');
	g_string_append(line, text);
}

static void append_left(GString *line, const NetfilTerminal *terminal, const char *text,
			guint width)
{
	g_autofree char *fitted = width > 1 ? netfil_text_fit(terminal, text, width - 1) : NULL;

	if (width)
		g_string_append_printf(line, "%s ", fitted ? fitted : "");
}

static char *fit(const NetfilTerminal *terminal, const GString *line)
{
	return netfil_text_fit(terminal, line->str, terminal->width);
}

char *netfil_top_heads(NetfilTopGroup group, const NetfilTerminal *terminal)
{
	static const char *const names[] = {"PROCESS", "EXECUTABLE", "USER", "REMOTE", "FILTER"};
	static const char *const details[] = {"PID, USER", "", "", "", "CAP"};
	Layout layout = layout_for(group, terminal->width);
	g_autoptr(GString) line = g_string_new(NULL);

	append_left(line, terminal, names[group], layout.name);
	append_left(line, terminal, details[group], layout.detail);
	if (layout.sockets)
		append_right(line, "SOCK", SOCKETS_WIDTH);
	append_right(line, layout.both ? "IN/S" : "RATE", RATE_WIDTH);
	if (layout.both)
		append_right(line, "OUT/S", RATE_WIDTH);
	append_right(line, layout.both ? "IN" : "TOTAL", SIZE_WIDTH);
	if (layout.both)
		append_right(line, "OUT", SIZE_WIDTH);
	return fit(terminal, line);
}

static void append_rate(GString *line, double rate)
{
	g_autofree char *text = netfil_print_rate(rate);

	append_right(line, rate >= 1 ? text : "-", RATE_WIDTH);
}

static void append_size(GString *line, guint64 bytes)
{
	g_autofree char *text = netfil_size_format(bytes);

	append_right(line, text, SIZE_WIDTH);
}

char *netfil_top_line(const NetfilTopRow *row, NetfilTopGroup group, const NetfilTerminal *terminal)
{
	Layout layout = layout_for(group, terminal->width);
	g_autofree char *sockets = g_strdup_printf("%u", row->sockets);
	g_autoptr(GString) line = g_string_new(NULL);

	append_left(line, terminal, row->name, layout.name);
	append_left(line, terminal, row->detail, layout.detail);
	if (layout.sockets)
		append_right(line, sockets, SOCKETS_WIDTH);
	append_rate(line, layout.both ? row->rate[0] : row->rate[0] + row->rate[1]);
	if (layout.both)
		append_rate(line, row->rate[1]);
	append_size(line, layout.both ? row->total[0] : row->total[0] + row->total[1]);
	if (layout.both)
		append_size(line, row->total[1]);
	return fit(terminal, line);
}

char *netfil_top_title(const NetfilTop *top, NetfilTopGroup group, NetfilTopSort sort,
		       const NetfilTerminal *terminal)
{
	g_autofree char *in = NULL, *out = NULL;
	g_autoptr(GString) line = g_string_new(NULL);
	guint64 total[2];
	double rate[2];

	netfil_top_sum(top, rate, total);
	in = netfil_print_rate(rate[0]);
	out = netfil_print_rate(rate[1]);
	g_string_printf(line, "in %s, out %s", in, out);
	if (terminal->width >= 70)
		g_string_append_printf(line, "   by %s, sorted by %s   ? for help",
				       netfil_top_group_name(group), netfil_top_sort_name(sort));
	else
		g_string_append_printf(line, "  by %s", netfil_top_group_name(group));
	return fit(terminal, line);
}
