/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "command.h"
#include "core/quote.h"
#include "json.h"
#include "options.h"
#include "print.h"
#include "when.h"

#define RATE_WIDTH 27 /* "in 999 MB/s, out 999 MB/s" and some */
#define LEFT_WIDTH 17 /* ", 59 minutes left" */
#define MEMBER_SHOWN 100
#define LEFT_FROM 110 /* columns of the terminal */

static const NetfilUsage usage = {
    .command = "watch",
    .arguments = "[NAME...]",
    .summary = "Follows filters (all, if none is named) until it is interrupted. On a terminal\n"
	       "it redraws a line a filter; elsewhere, and with --json, it writes a line for\n"
	       "each change and each event. It waits while netfild is away.",
    .description = "Examples:\n"
		   "  netfil watch\n"
		   "  netfil watch hotspot --json --interval 10\n"
		   "  netfil watch --json | jq --unbuffered -r \\\n"
		   "      'select(.event == \"cap-reached\") | .name'\n",
};

typedef struct {
	guint64 used[NETFIL_DIRECTIONS];
	guint64 refused;
	gint64 at; /* monotonic, microseconds */
	double rate[2];
} Sample;

typedef struct {
	const char *const *names; /* none: all */
	gboolean json;
	double interval;
	gboolean screen;     /* redraw in place */
	GArray *drawn;       /* guint: how wide each line on the screen is */
	GPtrArray *statuses; /* that are on it */
	char *news;          /* the last event, below the lines on the screen */

	GMainLoop *loop;
	NetfilClient *client; /* NULL while the daemon is away */
	GHashTable *samples;  /* name -> Sample */
} Watch;

static gboolean watches(const Watch *watch, const char *name)
{
	return !watch->names[0] || g_strv_contains(watch->names, name);
}

/* Whoever read our output may have left. */
static void flush(Watch *watch)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		g_main_loop_quit(watch->loop);
}

/* Lines: a line for each change and event. */

static char *time_now(const char *format)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();

	return g_date_time_format(now, format);
}

/* Events may follow one another within a second. */
static char *timestamp(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

	return g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);
}

/* An event's line, to which the caller adds what it has; json_end() writes it. */
static JsonBuilder *json_begin(const char *event, const char *name)
{
	JsonBuilder *builder = json_builder_new();
	g_autofree char *time = timestamp();

	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "event");
	json_builder_add_string_value(builder, event);
	json_builder_set_member_name(builder, "time");
	json_builder_add_string_value(builder, time);
	if (name) {
		json_builder_set_member_name(builder, "name");
		json_builder_add_string_value(builder, name);
	}
	return builder;
}

static void json_add_string(JsonBuilder *builder, const char *key, const char *value)
{
	json_builder_set_member_name(builder, key);
	json_builder_add_string_value(builder, value);
}

static void json_add_filter(JsonBuilder *builder, const NetfilStatus *status)
{
	json_builder_set_member_name(builder, "filter");
	json_builder_add_value(builder, netfil_json_status(status));
}

/* The same, of a filter, with its numbers as they are now; it may be gone again. */
static JsonBuilder *json_begin_filter(Watch *watch, const char *event, const char *name)
{
	g_autoptr(NetfilStatus) status = netfil_client_get(watch->client, name, NULL);
	JsonBuilder *builder = json_begin(event, name);

	if (status)
		json_add_filter(builder, status);
	return builder;
}

static void json_end(Watch *watch, JsonBuilder *builder)
{
	g_autoptr(JsonBuilder) owned = builder;
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_end_object(owned);
	root = json_builder_get_root(owned);
	text = netfil_json_text(root, TRUE);
	puts(text);
	flush(watch);
}

/* One event, for people. */
static void say(Watch *watch, const char *name, const char *what)
{
	g_autofree char *now = time_now("%T");

	if (watch->screen) {
		g_free(watch->news);
		watch->news =
		    g_strdup_printf("%s %s%s%s", now, name ? name : "", name ? ": " : "", what);
		return;
	}
	g_print("%s %s%s%s\n", now, name ? name : "", name ? ": " : "", what);
	flush(watch);
}

/* One event that has no more to it: `event` for programs, `what` for people. */
static void tell(Watch *watch, const char *event, const char *name, const char *what)
{
	if (watch->json)
		json_end(watch, json_begin(event, name));
	else
		say(watch, name, what);
}

/* Seconds until the first of its caps is reached at this rate; -1: never. */
static double seconds_left(const NetfilStatus *status, const Sample *sample)
{
	const double rates[] = {sample->rate[NETFIL_IN], sample->rate[NETFIL_OUT],
				sample->rate[NETFIL_IN] + sample->rate[NETFIL_OUT]};
	double first = -1;

	/* What each member has is not what all of them have. */
	for (guint i = 0; i < NETFIL_DIRECTIONS && !status->spec->each; i++) {
		guint64 limit = netfil_status_limit(status, i);
		double left = limit > status->used[i] ? (double)(limit - status->used[i]) : 0;

		if (limit && rates[i] > 0 && (first < 0 || left / rates[i] < first))
			first = left / rates[i];
	}
	return first;
}

/* `left`: with the time that is left at this rate. */
static char *rate_text(const NetfilStatus *status, const Sample *sample, gboolean left)
{
	g_autofree char *in = netfil_print_rate(sample->rate[NETFIL_IN]);
	g_autofree char *out = netfil_print_rate(sample->rate[NETFIL_OUT]);
	double seconds =
	    left && status->state == NETFIL_STATE_ON ? seconds_left(status, sample) : -1;
	g_autofree char *until = NULL;

	if (seconds < 0 || seconds > G_MAXINT32)
		return g_strdup_printf("in %s, out %s", in, out);
	until = netfil_when_left(g_get_real_time() / G_USEC_PER_SEC + (gint64)seconds);
	return g_strdup_printf("in %s, out %s, %s left", in, out, until);
}

static void print_line(Watch *watch, const NetfilStatus *status, const Sample *sample)
{
	g_autofree char *now = time_now("%T");
	g_autofree char *amount = netfil_print_amount(status);
	g_autofree char *rate = rate_text(status, sample, TRUE);
	gboolean suspended = status->unlimited_until || status->free_until;
	g_autofree char *until =
	    suspended || status->spec->each ? netfil_print_outlook(status) : NULL;

	g_print("%s %s: %s, %s, %s%s%s\n", now, status->spec->name,
		netfil_state_name(status->state), amount, rate, until ? ", " : "",
		until ? until : "");
	flush(watch);
}

static void write_status(Watch *watch, const char *event, const NetfilStatus *status,
			 const Sample *sample)
{
	JsonBuilder *builder;

	if (!watch->json) {
		print_line(watch, status, sample);
		return;
	}
	builder = json_begin(event, status->spec->name);
	json_add_filter(builder, status);
	json_end(watch, builder);
}

/* The screen: a line a filter, redrawn in place. */

/* Where the terminal got narrower since, it broke lines. */
static guint lines_taken(const Watch *watch, guint width)
{
	guint lines = 0;

	for (guint i = 0; i < watch->drawn->len; i++)
		lines += MAX(1, (g_array_index(watch->drawn, guint, i) + width - 1) / width);
	return lines;
}

static void clear_screen(Watch *watch)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);

	if (watch->drawn->len)
		g_print("\033[%uA\r\033[J", lines_taken(watch, terminal.width));
	g_array_set_size(watch->drawn, 0);
}

/* Columns of a line, without what colours it. */
static guint width_of(const char *line)
{
	g_autoptr(GString) plain = g_string_new(NULL);

	for (; *line; line++) {
		if (*line == '\033')
			line += strcspn(line, "m");
		else
			g_string_append_c(plain, *line);
	}
	return netfil_text_width(plain->str);
}

static void draw_line(Watch *watch, const char *text)
{
	guint width = width_of(text);

	g_print("%s\n", text);
	g_array_append_val(watch->drawn, width);
}

static void draw_text(Watch *watch, const NetfilTerminal *terminal, const char *text)
{
	g_autofree char *fitted = netfil_text_fit(terminal, text, terminal->width - 1);

	g_strchomp(fitted);
	draw_line(watch, fitted);
}

static char *extra_text(Watch *watch, const NetfilStatus *status, gboolean wide)
{
	const Sample *sample = g_hash_table_lookup(watch->samples, status->spec->name);
	/* Without a sample it was removed just now. */
	g_autofree char *rate = sample ? rate_text(status, sample, wide) : g_strdup("");
	g_autofree char *members = NULL;

	if (!wide || !status->spec->each)
		return g_steal_pointer(&rate);
	members = netfil_print_member_count(status);
	return g_strconcat(rate, ", ", members, NULL);
}

static guint extra_width(const GPtrArray *statuses, gboolean wide)
{
	guint width = wide ? LEFT_WIDTH : 0;

	for (guint i = 0; wide && i < statuses->len; i++) {
		const NetfilStatus *status = statuses->pdata[i];
		g_autofree char *members =
		    status->spec->each ? netfil_print_member_count(status) : g_strdup("");

		width = MAX(width, (guint)strlen(members) + 2);
	}
	return RATE_WIDTH + width;
}

/* How many there is room for: no line may scroll off, it could not be drawn over. */
static guint rows_shown(const Watch *watch, const NetfilTerminal *terminal)
{
	guint others = watch->news ? 2 : 1; /* with the cursor's */
	guint room = terminal->height > others ? terminal->height - others : 0;

	if (watch->statuses->len <= room)
		return watch->statuses->len;
	return room ? room - 1 : 0; /* and how many more there are */
}

static void redraw(Watch *watch)
{
	const GPtrArray *statuses = watch->statuses;
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	gboolean wide = terminal.width >= LEFT_FROM;
	NetfilColumns columns =
	    netfil_print_columns(statuses, &terminal, extra_width(statuses, wide));
	guint shown = rows_shown(watch, &terminal);

	clear_screen(watch);
	for (guint i = 0; i < shown; i++) {
		g_autofree char *extra = extra_text(watch, statuses->pdata[i], wide);
		g_autofree char *row =
		    netfil_print_row(statuses->pdata[i], &columns, &terminal, extra);

		draw_line(watch, row);
	}
	if (shown < statuses->len) {
		g_autofree char *more = g_strdup_printf(
		    "... and %u more: name those to watch, or make the terminal taller",
		    statuses->len - shown);

		draw_text(watch, &terminal, more);
	} else if (statuses->len == 0) {
		draw_text(watch, &terminal, "No filters.");
	}
	if (watch->news && terminal.height > 2)
		draw_text(watch, &terminal, watch->news);
	flush(watch);
}

/* Numbers. */

/* TRUE if there is something new to tell. */
static gboolean take_sample(Watch *watch, const NetfilStatus *status)
{
	Sample *sample = g_hash_table_lookup(watch->samples, status->spec->name);
	gint64 now = g_get_monotonic_time();
	gboolean is_new = !sample;
	gboolean changed;

	if (is_new) {
		sample = g_new0(Sample, 1);
		g_hash_table_insert(watch->samples, g_strdup(status->spec->name), sample);
	}
	for (guint i = 0; i < G_N_ELEMENTS(sample->rate); i++)
		/* Less than before: it was reset. */
		sample->rate[i] = is_new || status->used[i] < sample->used[i]
				      ? 0
				      : (double)(status->used[i] - sample->used[i]) *
					    G_USEC_PER_SEC / (double)MAX(now - sample->at, 1);
	changed = is_new || memcmp(sample->used, status->used, sizeof(sample->used)) != 0 ||
		  sample->refused != status->refused_packets;
	memcpy(sample->used, status->used, sizeof(sample->used));
	sample->refused = status->refused_packets;
	sample->at = now;
	return changed;
}

static void keep_watched(Watch *watch, GPtrArray *statuses)
{
	for (guint i = statuses->len; i > 0; i--)
		if (!watches(watch, ((NetfilStatus *)statuses->pdata[i - 1])->spec->name))
			g_ptr_array_remove_index(statuses, i - 1);
}

static void refresh(Watch *watch)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *statuses = netfil_client_list(watch->client, &error);

	if (!statuses)
		return; /* the daemon is about to be seen gone */
	keep_watched(watch, statuses);
	g_ptr_array_unref(watch->statuses);
	watch->statuses = statuses;
	for (guint i = 0; i < statuses->len; i++) {
		const NetfilStatus *status = statuses->pdata[i];

		if (take_sample(watch, status) && !watch->screen)
			write_status(watch, "usage", status,
				     g_hash_table_lookup(watch->samples, status->spec->name));
	}
	if (watch->screen)
		redraw(watch);
}

/* What the daemon tells. */

static void on_added(Watch *watch, const char *name)
{
	if (!watches(watch, name))
		return;
	if (watch->json)
		json_end(watch, json_begin_filter(watch, "added", name));
	else
		say(watch, name, "added");
}

static void on_removed(Watch *watch, const char *name)
{
	g_hash_table_remove(watch->samples, name);
	if (watches(watch, name))
		tell(watch, "removed", name, "removed");
}

static void on_changed(Watch *watch, NetfilStatus *status)
{
	if (!watches(watch, status->spec->name))
		return;
	take_sample(watch, status);
	if (!watch->screen)
		write_status(watch, "changed", status,
			     g_hash_table_lookup(watch->samples, status->spec->name));
}

/* "MEMBER: ", made visible; "" for the filter itself. Caller frees. */
static char *of_member(const char *member)
{
	g_autofree char *shown = netfil_escape(member, -1, MEMBER_SHOWN);

	return *member ? g_strconcat(shown, ": ", NULL) : g_strdup("");
}

static void json_add_member(JsonBuilder *builder, const char *member)
{
	if (*member)
		json_add_string(builder, "member", member);
}

static void on_cap_reached(Watch *watch, const char *name, const char *direction,
			   const char *member)
{
	g_autofree char *whose = of_member(member);
	g_autofree char *what = g_strdup_printf("%scap reached (%s)", whose, direction);
	JsonBuilder *builder;

	if (!watches(watch, name))
		return;
	if (!watch->json) {
		say(watch, name, what);
		return;
	}
	builder = json_begin_filter(watch, "cap-reached", name);
	json_add_string(builder, "direction", direction);
	json_add_member(builder, member);
	json_end(watch, builder);
}

static void on_warned(Watch *watch, const char *name, guint percent, const char *direction,
		      const char *member)
{
	g_autofree char *whose = of_member(member);
	g_autofree char *what =
	    g_strdup_printf("%s%u %% of its %s cap is used", whose, percent, direction);
	JsonBuilder *builder;

	if (!watches(watch, name))
		return;
	if (!watch->json) {
		say(watch, name, what);
		return;
	}
	builder = json_begin_filter(watch, "warned", name);
	netfil_json_add_bytes(builder, "percent", percent);
	json_add_string(builder, "direction", direction);
	json_add_member(builder, member);
	json_end(watch, builder);
}

static void on_cycle_started(Watch *watch, const char *name, gint64 started)
{
	JsonBuilder *builder;

	if (!watches(watch, name))
		return;
	if (!watch->json) {
		say(watch, name, "a new cycle began");
		return;
	}
	builder = json_begin_filter(watch, "cycle-started", name);
	netfil_json_add_time(builder, "started", started);
	json_end(watch, builder);
}

static void on_trouble(Watch *watch, const char *what)
{
	JsonBuilder *builder;

	if (!watch->json) {
		say(watch, NULL, *what ? what : "the trouble is over");
		return;
	}
	builder = json_begin("trouble", NULL);
	json_add_string(builder, "what", what);
	json_end(watch, builder);
}

/* What went wrong before we looked. */
static void tell_early_trouble(Watch *watch)
{
	gint64 since = 0;
	g_autofree char *what = netfil_client_trouble(watch->client, &since, NULL);

	if (what && *what)
		on_trouble(watch, what);
}

static void on_closed(Watch *watch)
{
	g_signal_handlers_disconnect_by_data(watch->client, watch);
	g_clear_object(&watch->client);
	g_hash_table_remove_all(watch->samples);
	clear_screen(watch);
	tell(watch, "disconnected", NULL, "netfild went away: waiting for it");
	if (watch->screen)
		draw_line(watch, watch->news);
}

/* FALSE with an error; absence of the daemon is one. */
static gboolean connect_to_daemon(Watch *watch, GError **error)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} tidings[] = {
	    {"added", G_CALLBACK(on_added)},      {"removed", G_CALLBACK(on_removed)},
	    {"changed", G_CALLBACK(on_changed)},  {"cap-reached-of", G_CALLBACK(on_cap_reached)},
	    {"warned-of", G_CALLBACK(on_warned)}, {"cycle-started", G_CALLBACK(on_cycle_started)},
	    {"trouble", G_CALLBACK(on_trouble)},  {"closed", G_CALLBACK(on_closed)},
	};

	watch->client = netfil_client_connect(error);
	if (!watch->client)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(tidings); i++)
		g_signal_connect_swapped(watch->client, tidings[i].signal, tidings[i].handler,
					 watch);
	return TRUE;
}

static gboolean on_tick(gpointer data)
{
	Watch *watch = data;

	if (!watch->client) {
		if (!connect_to_daemon(watch, NULL))
			return G_SOURCE_CONTINUE;
		tell(watch, "connected", NULL, "netfild is back");
		tell_early_trouble(watch);
	}
	refresh(watch);
	return G_SOURCE_CONTINUE;
}

static gboolean on_resize(gpointer data)
{
	Watch *watch = data;

	if (watch->client)
		redraw(watch);
	return G_SOURCE_CONTINUE;
}

/* A name that is mistyped is told at the start; later on filters come and go. */
static gboolean check_names(Watch *watch, GError **error)
{
	for (guint i = 0; watch->names[i]; i++) {
		g_autoptr(NetfilStatus) status =
		    netfil_client_get(watch->client, watch->names[i], error);

		if (!status)
			return FALSE;
	}
	return TRUE;
}

static gboolean on_reader_gone(int fd, GIOCondition condition, gpointer loop)
{
	(void)fd;
	(void)condition;
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static void watch_clear(Watch *watch)
{
	if (watch->client)
		g_signal_handlers_disconnect_by_data(watch->client, watch);
	g_clear_object(&watch->client);
	g_clear_pointer(&watch->samples, g_hash_table_unref);
	g_clear_pointer(&watch->statuses, g_ptr_array_unref);
	g_clear_pointer(&watch->drawn, g_array_unref);
	g_clear_pointer(&watch->loop, g_main_loop_unref);
	g_clear_pointer(&watch->news, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Watch, watch_clear)

static gboolean parse(Watch *watch, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"json", 0, 0, G_OPTION_ARG_NONE, &watch->json, "a JSON object a line", NULL},
	    {"interval", 0, 0, G_OPTION_ARG_DOUBLE, &watch->interval,
	     "look at the numbers so often (default: 1)", "SECONDS"},
	    {NULL},
	};

	if (!netfil_options_parse(&usage, entries, NULL, argc, argv, error))
		return FALSE;
	/* Not "<": what is no number is refused too. */
	if (!(watch->interval >= 0.1 && watch->interval <= 86400))
		return netfil_usage_error(&usage, error, "--interval must be 0.1 to 86400 seconds");
	watch->names = netfil_options_names(&usage, *argc, *argv, 0, 0, error);
	return watch->names != NULL;
}

int netfil_cmd_watch(int argc, char **argv, GError **error)
{
	g_auto(Watch) watch = {.interval = 1};

	if (!parse(&watch, &argc, &argv, error))
		return EXIT_FAILURE;
	watch.screen = !watch.json && netfil_terminal(STDOUT_FILENO).interactive;
	watch.drawn = g_array_new(FALSE, FALSE, sizeof(guint));
	watch.statuses = g_ptr_array_new();
	watch.samples = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	watch.loop = g_main_loop_new(NULL, FALSE);
	if (!connect_to_daemon(&watch, error) || !check_names(&watch, error))
		return EXIT_FAILURE;
	tell_early_trouble(&watch);
	refresh(&watch);
	g_timeout_add((guint)(watch.interval * 1000), on_tick, &watch);
	if (watch.screen)
		g_unix_signal_add(SIGWINCH, on_resize, &watch);
	g_unix_fd_add(STDOUT_FILENO, G_IO_ERR, on_reader_gone, watch.loop);
	g_main_loop_run(watch.loop);
	return EXIT_SUCCESS;
}
