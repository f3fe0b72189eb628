/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "top-screen.h"

#include <curses.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "top-print.h"

#define LINES_ABOVE 2 /* title and heads */
#define LINES_BELOW 1 /* message */
#define ESCAPE 27
#define PAIR_BUSY 1
#define PAIR_ERROR 2

static const char *const help[] = {
    "p e u r f    lines of processes, executables, users, remote",
    "             addresses, filters",
    "s            sort by the next: rate, in, out, total, name",
    "/            search; Escape shows all again",
    "up, down, page up, page down, home, end   choose a line",
    "c            put a cap on the chosen line",
    "?            this help, or back",
    "q            end",
    "",
    "Numbers are the kernel's, from when netfil top began; loopback",
    "is left out. A filter's are of its cycle.",
};

/* Life. */

static void start_colours(NetfilTopScreen *screen)
{
	screen->terminal.colour = screen->terminal.colour && has_colors() && start_color() == OK;
	if (!screen->terminal.colour)
		return;
	use_default_colors();
	init_pair(PAIR_BUSY, COLOR_GREEN, -1);
	init_pair(PAIR_ERROR, COLOR_RED, -1);
}

NetfilTopScreen *netfil_top_screen_open(GError **error)
{
	NetfilTopScreen *screen;

	/* Not initscr(), which ends the program where it fails. */
	if (!newterm(NULL, stdout, stdin)) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
				    "this terminal cannot be drawn on: set TERM, or use --batch");
		return NULL;
	}
	screen = g_new0(NetfilTopScreen, 1);
	screen->terminal = netfil_terminal(STDOUT_FILENO);
	start_colours(screen);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	return screen;
}

void netfil_top_screen_close(NetfilTopScreen *screen)
{
	endwin();
	g_free(screen->search);
	g_free(screen->message);
	g_free(screen->selected);
	g_free(screen->question);
	if (screen->answer)
		g_string_free(screen->answer, TRUE);
	g_free(screen);
}

void netfil_top_screen_resize(NetfilTopScreen *screen)
{
	NetfilTerminal now = netfil_terminal(STDOUT_FILENO);

	screen->terminal.width = now.width;
	screen->terminal.height = now.height;
	resizeterm((int)now.height, (int)now.width);
	clear();
}

void netfil_top_screen_say(NetfilTopScreen *screen, gboolean is_error, const char *text)
{
	g_free(screen->message);
	screen->message = g_strdup(text);
	screen->is_error = is_error;
}

/* Rows. */

static GPtrArray *rows_of(NetfilTopScreen *screen, NetfilTop *top)
{
	return netfil_top_rows(top, screen->group, screen->sort, screen->search);
}

/* The same for a row as long as it is there. */
static char *mark_of(const NetfilTopRow *row)
{
	return g_strdup_printf("%s\n%s", row->name, row->value ? row->value : "");
}

static gboolean find_selected(const NetfilTopScreen *screen, const GPtrArray *rows, guint *index)
{
	for (guint i = 0; screen->selected && i < rows->len; i++) {
		g_autofree char *mark = mark_of(rows->pdata[i]);

		*index = i;
		if (g_str_equal(mark, screen->selected))
			return TRUE;
	}
	return FALSE;
}

static guint chosen(const NetfilTopScreen *screen, const GPtrArray *rows)
{
	guint index;

	return find_selected(screen, rows, &index) ? index : 0;
}

const NetfilTopRow *netfil_top_screen_row(NetfilTopScreen *screen, NetfilTop *top)
{
	g_autoptr(GPtrArray) rows = rows_of(screen, top);

	return rows->len ? rows->pdata[chosen(screen, rows)] : NULL;
}

static guint lines_of_rows(const NetfilTopScreen *screen)
{
	guint others = LINES_ABOVE + LINES_BELOW;

	return screen->terminal.height > others ? screen->terminal.height - others : 1;
}

static void choose(NetfilTopScreen *screen, NetfilTop *top, gint step)
{
	g_autoptr(GPtrArray) rows = rows_of(screen, top);
	gint64 at;

	if (!rows->len)
		return;
	at = CLAMP((gint64)chosen(screen, rows) + step, 0, (gint64)rows->len - 1);
	g_free(screen->selected);
	screen->selected = mark_of(rows->pdata[at]);
}

void netfil_top_screen_hold(NetfilTopScreen *screen, NetfilTop *top)
{
	choose(screen, top, 0);
}

const NetfilTopRow *netfil_top_screen_held(NetfilTopScreen *screen, NetfilTop *top)
{
	g_autoptr(GPtrArray) rows = rows_of(screen, top);
	guint index;

	return find_selected(screen, rows, &index) ? rows->pdata[index] : NULL;
}

/* Drawing. */

static void put(int line, attr_t attributes, int pair, const char *text)
{
	move(line, 0);
	clrtoeol();
	attr_set(attributes, (short)pair, NULL);
	addstr(text);
	attr_set(A_NORMAL, 0, NULL);
}

static void draw_rows(NetfilTopScreen *screen, NetfilTop *top)
{
	g_autoptr(GPtrArray) rows = rows_of(screen, top);
	guint lines = lines_of_rows(screen), at = chosen(screen, rows);

	if (at < screen->first)
		screen->first = at;
	if (at >= screen->first + lines)
		screen->first = at - lines + 1;
	for (guint i = 0; i < lines; i++) {
		const NetfilTopRow *row =
		    screen->first + i < rows->len ? rows->pdata[screen->first + i] : NULL;
		g_autofree char *line =
		    row ? netfil_top_line(row, screen->group, &screen->terminal) : NULL;
		gboolean busy = row && row->rate[0] + row->rate[1] >= 1;

		put((int)(LINES_ABOVE + i), row && screen->first + i == at ? A_REVERSE : A_NORMAL,
		    busy && screen->terminal.colour ? PAIR_BUSY : 0, line ? line : "");
	}
	if (!rows->len)
		put(LINES_ABOVE, A_NORMAL, 0,
		    screen->search ? "nothing is called so" : "nothing has moved yet");
}

static void draw_help(const NetfilTopScreen *screen)
{
	guint lines = lines_of_rows(screen);

	for (guint i = 0; i < lines; i++) {
		g_autofree char *line =
		    i < G_N_ELEMENTS(help)
			? netfil_text_fit(&screen->terminal, help[i], screen->terminal.width)
			: g_strdup("");

		put((int)(LINES_ABOVE + i), A_NORMAL, 0, line);
	}
}

static void draw_below(const NetfilTopScreen *screen)
{
	g_autofree char *line = NULL;
	g_autofree char *fitted = NULL;

	if (screen->question)
		line = g_strdup_printf("%s%s_", screen->question, screen->answer->str);
	else if (screen->message)
		line = g_strdup(screen->message);
	else if (screen->search)
		line = g_strdup_printf("/%s", screen->search);
	else
		line = g_strdup("");
	/* Not the last column: a terminal would go on to the next line. */
	fitted = netfil_text_fit(&screen->terminal, line, screen->terminal.width - 1);
	put((int)screen->terminal.height - 1, A_NORMAL,
	    screen->is_error && !screen->question && screen->terminal.colour ? PAIR_ERROR : 0,
	    fitted);
}

void netfil_top_screen_draw(NetfilTopScreen *screen, NetfilTop *top)
{
	g_autofree char *title =
	    netfil_top_title(top, screen->group, screen->sort, &screen->terminal);
	g_autofree char *heads = netfil_top_heads(screen->group, &screen->terminal);

	put(0, A_NORMAL, 0, title);
	put(1, A_BOLD, 0, screen->help ? "" : heads);
	if (screen->help)
		draw_help(screen);
	else
		draw_rows(screen, top);
	draw_below(screen);
	refresh();
}

/* Keys. */

void netfil_top_screen_ask(NetfilTopScreen *screen, char *question)
{
	g_free(screen->question);
	screen->question = question;
	if (screen->answer)
		g_string_free(screen->answer, TRUE);
	screen->answer = g_string_new(NULL);
}

char *netfil_top_screen_answer(NetfilTopScreen *screen)
{
	g_clear_pointer(&screen->question, g_free);
	return g_string_free(g_steal_pointer(&screen->answer), FALSE);
}

static void rub_out(GString *text)
{
	const char *last = g_utf8_find_prev_char(text->str, text->str + text->len);

	if (last)
		g_string_truncate(text, (gsize)(last - text->str));
}

static NetfilTopKey answer_key(NetfilTopScreen *screen, gboolean function, wint_t key)
{
	if (!function && key == ESCAPE) {
		g_free(netfil_top_screen_answer(screen));
	} else if ((!function && (key == '\r' || key == '\n')) || (function && key == KEY_ENTER)) {
		return NETFIL_TOP_ANSWERED;
	} else if ((function && key == KEY_BACKSPACE) ||
		   (!function && (key == 127 || key == '\b'))) {
		rub_out(screen->answer);
	} else if (!function && g_unichar_isprint(key)) {
		g_string_append_unichar(screen->answer, key);
	}
	return NETFIL_TOP_DONE_KEY;
}

static void show_group(NetfilTopScreen *screen, NetfilTopGroup group)
{
	screen->group = group;
	screen->first = 0;
	screen->help = FALSE;
	g_clear_pointer(&screen->selected, g_free);
}

static NetfilTopKey function_key(NetfilTopScreen *screen, NetfilTop *top, wint_t key)
{
	gint page = (gint)lines_of_rows(screen);

	switch (key) {
	case KEY_UP:
		choose(screen, top, -1);
		break;
	case KEY_DOWN:
		choose(screen, top, 1);
		break;
	case KEY_PPAGE:
		choose(screen, top, -page);
		break;
	case KEY_NPAGE:
		choose(screen, top, page);
		break;
	case KEY_HOME:
		choose(screen, top, G_MININT / 2);
		break;
	case KEY_END:
		choose(screen, top, G_MAXINT / 2);
		break;
	}
	return NETFIL_TOP_DONE_KEY;
}

static NetfilTopKey letter_key(NetfilTopScreen *screen, wint_t key)
{
	static const char groups[] = "peurf";
	const char *group = key && key < 128 ? strchr(groups, (int)key) : NULL;

	if (group)
		show_group(screen, (NetfilTopGroup)(group - groups));
	else if (key == 'q')
		return screen->help ? (screen->help = FALSE, NETFIL_TOP_DONE_KEY) : NETFIL_TOP_QUIT;
	else if (key == 's')
		screen->sort = (screen->sort + 1) % NETFIL_TOP_SORTS;
	else if (key == '?' || key == 'h')
		screen->help = !screen->help;
	else if (key == '/')
		netfil_top_screen_ask(screen, g_strdup("/"));
	else if (key == 'c')
		return NETFIL_TOP_ASK_CAP;
	else if (key == ESCAPE)
		g_clear_pointer(&screen->search, g_free);
	return NETFIL_TOP_DONE_KEY;
}

NetfilTopKey netfil_top_screen_key(NetfilTopScreen *screen, NetfilTop *top)
{
	wint_t key;
	int kind = get_wch(&key);

	if (kind == ERR)
		return NETFIL_TOP_NO_KEY;
	g_clear_pointer(&screen->message, g_free);
	screen->is_error = FALSE;
	if (screen->question)
		return answer_key(screen, kind == KEY_CODE_YES, key);
	return kind == KEY_CODE_YES ? function_key(screen, top, key) : letter_key(screen, key);
}
