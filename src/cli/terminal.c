/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/quote.h"

NetfilTerminal netfil_terminal(int fd)
{
	const char *none = g_getenv("NO_COLOR");
	const char *kind = g_getenv("TERM");
	gboolean dumb = !kind || g_str_equal(kind, "dumb");
	NetfilTerminal terminal = {.width = 80, .height = 24};
	struct winsize size;

	terminal.unicode = g_get_charset(NULL);
	if (!isatty(fd))
		return terminal;
	terminal.interactive = !dumb;
	terminal.colour = !dumb && !(none && *none);
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		terminal.width = size.ws_col;
		terminal.height = size.ws_row;
	}
	return terminal;
}

void netfil_terminal_append(GString *line, const NetfilTerminal *terminal, NetfilColour colour,
			    const char *text)
{
	static const char *const codes[] = {
	    [NETFIL_COLOUR_DIM] = "\033[2m",
	    [NETFIL_COLOUR_GOOD] = "\033[32m",
	    [NETFIL_COLOUR_WARN] = "\033[33m",
	    [NETFIL_COLOUR_BAD] = "\033[31m",
	};

	if (terminal->colour && colour != NETFIL_COLOUR_NONE)
		g_string_append_printf(line, "%s%s\033[0m", codes[colour], text);
	else
		g_string_append(line, text);
}

static guint character_width(gunichar c)
{
	if (g_unichar_iszerowidth(c))
		return 0;
	return g_unichar_iswide(c) ? 2 : 1;
}

guint netfil_text_width(const char *text)
{
	guint width = 0;

	for (; *text; text = g_utf8_next_char(text))
		width += character_width(g_utf8_get_char(text));
	return width;
}

/* The end of the longest beginning that takes no more than `width` columns. */
static const char *cut_at(const char *text, guint width)
{
	while (*text && character_width(g_utf8_get_char(text)) <= width) {
		width -= character_width(g_utf8_get_char(text));
		text = g_utf8_next_char(text);
	}
	return text;
}

char *netfil_text_fit(const NetfilTerminal *terminal, const char *text, guint width)
{
	g_autofree char *plain = netfil_escape(text, -1, 4096);
	const char *ellipsis = terminal->unicode ? "…" : "...";
	guint ellipsis_width = netfil_text_width(ellipsis);
	GString *fitted = g_string_new(plain);

	if (netfil_text_width(plain) > width) {
		if (ellipsis_width > width)
			ellipsis = "", ellipsis_width = 0;
		g_string_truncate(fitted, (gsize)(cut_at(plain, width - ellipsis_width) - plain));
		g_string_append(fitted, ellipsis);
	}
	for (guint have = netfil_text_width(fitted->str); have < width; have++)
		g_string_append_c(fitted, ' ');
	return g_string_free(fitted, FALSE);
}
