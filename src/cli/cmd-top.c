/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent.h"
#include "client/client.h"
#include "command.h"
#include "core/error.h"
#include "json.h"
#include "options.h"
#include "top-cap.h"
#include "top-model.h"
#include "top-print.h"
#include "top-screen.h"
#include "user.h"

#define INTERVAL_LEAST 0.1
#define INTERVAL_MOST 3600

static const NetfilUsage usage = {
    .command = "top",
    .arguments = "",
    .summary =
	"Shows who uses the network now, by process, executable, user, remote address or\n"
	"filter: full screen, until q is pressed; ? shows all keys. The key c puts a cap on\n"
	"the chosen line. Loopback is left out.",
    .description = "Examples:\n"
		   "  netfil top\n"
		   "  netfil top --by remote --sort total\n"
		   "  netfil top --batch --interval 5 --by user\n",
};

typedef struct {
	NetfilTopGroup group;
	NetfilTopSort sort;
	gboolean batch, json;
	double interval;

	NetfilTop *model;
	NetfilTopScreen *screen;
	NetfilClient *client; /* NULL while netfild is away */
	GMainLoop *loop;
} Top;

/* Asking. */

static void on_closed(Top *top)
{
	g_signal_handlers_disconnect_by_data(top->client, top);
	g_clear_object(&top->client);
	if (top->screen)
		netfil_top_screen_say(top->screen, TRUE, "netfild is away; caps hold");
}

static gboolean connect_client(Top *top, GError **error)
{
	if (!top->client && (top->client = netfil_client_connect(error)))
		g_signal_connect_swapped(top->client, "closed", G_CALLBACK(on_closed), top);
	return top->client != NULL;
}

static gboolean update(Top *top, GError **error)
{
	g_autoptr(GPtrArray) statuses = NULL;
	g_autoptr(GArray) sockets = NULL;

	if (!connect_client(top, error) || !(sockets = netfil_client_sockets(top->client, error)) ||
	    !(statuses = netfil_client_list(top->client, error)))
		return FALSE;
	netfil_top_update(top->model, sockets, statuses, netfil_user_name, g_get_monotonic_time());
	return TRUE;
}

/* Full screen. */

static gboolean on_timer(gpointer data)
{
	Top *top = data;
	gboolean was_away = !top->client;

	if (update(top, NULL) && was_away)
		netfil_top_screen_say(top->screen, FALSE, "netfild is back");
	netfil_top_screen_draw(top->screen, top->model);
	return G_SOURCE_CONTINUE;
}

static void ask_cap(Top *top)
{
	const NetfilTopRow *row = netfil_top_screen_row(top->screen, top->model);

	netfil_top_screen_hold(top->screen, top->model);
	if (row && (row->value || !netfil_top_selector(top->screen->group)))
		netfil_top_screen_ask(
		    top->screen, g_strdup_printf("cap for %s%s (25M, in 25M, out 25M): ",
						 row->each ? "each member of " : "", row->name));
	else
		netfil_top_screen_say(top->screen, TRUE, "there is nothing here to put a cap on");
}

static void put_cap(Top *top, const char *text)
{
	const NetfilTopRow *row = netfil_top_screen_held(top->screen, top->model);
	g_autoptr(GError) error = NULL;
	g_autofree char *done = NULL;

	if (!*text)
		return;
	if (!row) {
		netfil_top_screen_say(top->screen, TRUE, "it is gone: nothing was capped");
		return;
	}
	if (connect_client(top, &error))
		done = netfil_top_cap(top->client, top->screen->group, row, text, &error);
	netfil_top_screen_say(top->screen, !done, done ? done : error->message);
}

static void take_answer(Top *top)
{
	gboolean is_search = g_str_equal(top->screen->question, "/");
	g_autofree char *answer = netfil_top_screen_answer(top->screen);

	if (!is_search) {
		put_cap(top, answer);
		return;
	}
	g_free(top->screen->search);
	top->screen->search = *answer ? g_steal_pointer(&answer) : NULL;
}

static gboolean on_keys(int fd, GIOCondition condition, gpointer data)
{
	Top *top = data;
	NetfilTopKey key;

	(void)fd;
	while ((key = netfil_top_screen_key(top->screen, top->model)) != NETFIL_TOP_NO_KEY) {
		if (key == NETFIL_TOP_QUIT)
			g_main_loop_quit(top->loop);
		else if (key == NETFIL_TOP_ASK_CAP)
			ask_cap(top);
		else if (key == NETFIL_TOP_ANSWERED)
			take_answer(top);
	}
	if (condition & (G_IO_HUP | G_IO_ERR)) { /* the terminal is gone */
		g_main_loop_quit(top->loop);
		return G_SOURCE_REMOVE;
	}
	netfil_top_screen_draw(top->screen, top->model);
	return G_SOURCE_CONTINUE;
}

static gboolean on_resize(gpointer data)
{
	Top *top = data;

	netfil_top_screen_resize(top->screen);
	netfil_top_screen_draw(top->screen, top->model);
	return G_SOURCE_CONTINUE;
}

static gboolean on_end(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean show(Top *top, GError **error)
{
	if (!update(top, error))
		return FALSE;
	top->loop = g_main_loop_new(NULL, FALSE);
	/* Before curses, which would take it else. */
	g_unix_signal_add(SIGWINCH, on_resize, top);
	g_unix_signal_add(SIGTERM, on_end, top->loop);
	g_unix_signal_add(SIGINT, on_end, top->loop);
	g_unix_signal_add(SIGHUP, on_end, top->loop);
	top->screen = netfil_top_screen_open(error);
	if (!top->screen)
		return FALSE;
	top->screen->group = top->group;
	top->screen->sort = top->sort;
	g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_keys, top);
	g_timeout_add((guint)(top->interval * 1000), on_timer, top);
	netfil_top_screen_draw(top->screen, top->model);
	g_main_loop_run(top->loop);
	return TRUE;
}

/* Lines, once. */

static void print_lines(const Top *top, const GPtrArray *rows)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	g_autofree char *heads = NULL;

	if (!terminal.interactive)
		terminal.width = 120;
	heads = netfil_top_heads(top->group, &terminal);
	puts(g_strchomp(heads));
	for (guint i = 0; i < rows->len; i++) {
		g_autofree char *line = netfil_top_line(rows->pdata[i], top->group, &terminal);

		puts(g_strchomp(line));
	}
}

static void add_text(JsonBuilder *builder, const char *key, const char *text)
{
	json_builder_set_member_name(builder, key);
	if (text)
		json_builder_add_string_value(builder, text);
	else
		json_builder_add_null_value(builder);
}

static void print_json(const Top *top, const GPtrArray *rows)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_array(builder);
	for (guint i = 0; i < rows->len; i++) {
		const NetfilTopRow *row = rows->pdata[i];

		json_builder_begin_object(builder);
		add_text(builder, netfil_top_group_name(top->group), row->name);
		add_text(builder, "detail", row->detail);
		add_text(builder, "value", row->value);
		netfil_json_add_bytes(builder, "sockets", row->sockets);
		netfil_json_add_bytes(builder, "in", row->total[0]);
		netfil_json_add_bytes(builder, "out", row->total[1]);
		netfil_json_add_bytes(builder, "in_rate", (guint64)row->rate[0]);
		netfil_json_add_bytes(builder, "out_rate", (guint64)row->rate[1]);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	root = json_builder_get_root(builder);
	netfil_json_print(root);
}

static gboolean print(Top *top, GError **error)
{
	g_autoptr(GPtrArray) rows = NULL;

	if (!update(top, error))
		return FALSE;
	g_usleep((gulong)(top->interval * G_USEC_PER_SEC));
	if (!update(top, error))
		return FALSE;
	rows = netfil_top_rows(top->model, top->group, top->sort, NULL);
	(top->json ? print_json : print_lines)(top, rows);
	return TRUE;
}

static gboolean parse_words(Top *top, const char *group, const char *sort, GError **error)
{
	int number;

	if (group && (number = netfil_top_group_parse(group, error)) < 0)
		return FALSE;
	if (group)
		top->group = (NetfilTopGroup)number;
	if (sort && (number = netfil_top_sort_parse(sort, error)) < 0)
		return FALSE;
	if (sort)
		top->sort = (NetfilTopSort)number;
	if (top->interval >= INTERVAL_LEAST && top->interval <= INTERVAL_MOST)
		return TRUE;
	return netfil_usage_error(&usage, error, "--interval takes seconds, from 0.1 to 3600");
}

static gboolean parse(Top *top, int *argc, char ***argv, GError **error)
{
	g_autofree char *group = NULL, *sort = NULL;
	const GOptionEntry entries[] = {
	    {"by", 0, 0, G_OPTION_ARG_STRING, &group,
	     "lines of: process (the default), exe, user, remote, filter", "GROUP"},
	    {"sort", 0, 0, G_OPTION_ARG_STRING, &sort,
	     "by: rate (the default), in, out, total, name", "ORDER"},
	    {"interval", 0, 0, G_OPTION_ARG_DOUBLE, &top->interval,
	     "between two looks (default: 1)", "SECONDS"},
	    {"batch", 0, 0, G_OPTION_ARG_NONE, &top->batch,
	     "look twice, print the lines and end: for scripts", NULL},
	    {"json", 0, 0, G_OPTION_ARG_NONE, &top->json, "the same as JSON, to the byte", NULL},
	    {NULL},
	};

	if (!netfil_options_parse(&usage, entries, NULL, argc, argv, error) ||
	    !netfil_options_no_more(&usage, *argc, *argv, error) ||
	    !parse_words(top, group, sort, error))
		return FALSE;
	top->batch |= top->json;
	if (top->batch || (netfil_terminal(STDOUT_FILENO).interactive && isatty(STDIN_FILENO)))
		return TRUE;
	return netfil_usage_error(&usage, error, "a full screen takes a terminal: use --batch");
}

static void top_clear(Top *top)
{
	if (top->screen)
		netfil_top_screen_close(top->screen);
	if (top->client)
		g_signal_handlers_disconnect_by_data(top->client, top);
	g_clear_object(&top->client);
	g_clear_pointer(&top->loop, g_main_loop_unref);
	netfil_top_free(top->model);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Top, top_clear)

int netfil_cmd_top(int argc, char **argv, GError **error)
{
	g_auto(Top) top = {.model = netfil_top_new(), .interval = 1};

	if (!parse(&top, &argc, &argv, error))
		return EXIT_FAILURE;
	return (top.batch ? print(&top, error) : show(&top, error)) ? EXIT_SUCCESS : EXIT_FAILURE;
}
