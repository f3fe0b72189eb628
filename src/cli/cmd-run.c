/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "core/error.h"
#include "core/size.h"
#include "json.h"
#include "kernel/cgroup.h"
#include "options.h"
#include "print.h"
#include "run-cap.h"
#include "run-cgroup.h"
#include "run-child.h"
#include "run-guard.h"
#include "run-screen.h"
#include "run-signals.h"
#include "run-tree.h"
#include "spec-options.h"

#define EXIT_CAPPED 124
#define EXIT_NETFIL_FAILED 125
#define DRAW_INTERVAL_MS 200

static const NetfilUsage usage = {
    .command = "run",
    .arguments = "-- COMMAND [ARGUMENT...]",
    .summary = "Runs a command under a cap that holds for it and for all that it starts. With\n"
	       "--ip, --port, --proto or --interface only such traffic counts. Root needs no\n"
	       "netfild for it; other users have it from netfild, without a password.",
    .description =
	"Exit status: the command's (128+N if signal N ended it); 124 if the cap ended\n"
	"it, 125 if netfil failed, 126 if the command cannot be executed, 127 if there\n"
	"is none.\n"
	"\n"
	"The cap lasts as long as netfil run. What the command leaves running is killed\n"
	"when it ends, or waited for with --wait. If netfil run itself is killed, so is\n"
	"all that runs under it; what moves to another control group escapes that.\n"
	"\n" NETFIL_POLICIES_HELP "Examples:\n"
	"  netfil run --total 25M -- wget https://example.org/big.iso\n"
	"  netfil run --in 1G --on-limit kill --report usage.json -- apt-get upgrade\n"
	"  netfil run --interface 'wwan*' --total 100MiB -- git fetch\n"
	"  netfil run --out 1G --every hour --on-limit pause -- rsync -a here there:\n",
    .stop_at_argument = TRUE,
};

typedef struct {
	NetfilSpecOptions *options;
	gboolean wait, quiet;
	char *report;

	int report_fd;
	sigset_t mask;           /* the command's */
	NetfilRunCgroup *cgroup; /* NULL: an ordinary user's */
	NetfilRunGuard guard;
	NetfilRunChild child;
	NetfilRunCap *cap;
	NetfilSpec *spec;
	GMainLoop *loop;
	NetfilRunScreen screen;

	gboolean command_ended;
	int wait_status;
	gboolean killed_at_cap;
} Run;

/* Making ready. */

static gboolean parse(Run *run, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"wait", 0, 0, G_OPTION_ARG_NONE, &run->wait,
	     "wait for what the command leaves running", NULL},
	    {"report", 0, 0, G_OPTION_ARG_FILENAME, &run->report,
	     "write the final numbers to this file, as JSON", "FILE"},
	    {"quiet", 0, 0, G_OPTION_ARG_NONE, &run->quiet, "no status line and no summary", NULL},
	    {NULL},
	};

	if (!netfil_options_parse(&usage, entries, netfil_spec_options_group(run->options), argc,
				  argv, error))
		return FALSE;
	if (*argc < 2)
		return netfil_usage_error(&usage, error, "no command is given");
	return TRUE;
}

/* Early, so that a run is not in vain. */
static gboolean open_report(Run *run, GError **error)
{
	if (!run->report)
		return TRUE;
	run->report_fd = open(run->report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (run->report_fd >= 0)
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "cannot write %s (%s): give another --report", run->report, g_strerror(errno));
	return FALSE;
}

/* NULL without an error: the whole hierarchy. */
static char *cgroup_root(void)
{
	const char *set = g_getenv("NETFIL_CGROUP");

	return set && *set ? g_canonicalize_filename(set, NULL) : NULL;
}

/* All forks come first: there are no threads yet, and what the engine opens is
 * in no other process. */
static gboolean start_processes(Run *run, char **command, GError **error)
{
	g_autofree char *root = NULL;

	if (geteuid() != 0) {
		netfil_run_tree_begin();
		return netfil_run_child_start(&run->child, command, &run->mask, error);
	}
	root = cgroup_root();
	if (!root)
		root = netfil_cgroup_mount(error);
	return root && (run->cgroup = netfil_run_cgroup_new(root, error)) &&
	       netfil_run_guard_start(&run->guard, run->cgroup, error) &&
	       netfil_run_child_start(&run->child, command, &run->mask, error) &&
	       netfil_run_cgroup_adopt(run->cgroup, run->child.pid, error);
}

static void kill_all(Run *run)
{
	if (run->cgroup)
		netfil_run_cgroup_kill(run->cgroup);
	else
		netfil_run_tree_kill();
}

static void say(Run *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* A line of its own, beside the status line. */
static void say(Run *run, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	netfil_run_screen_clear(&run->screen);
	g_printerr("netfil: %s\n", text);
}

static void on_cap_reached(gpointer data)
{
	Run *run = data;

	if (run->spec->on_limit == NETFIL_ON_LIMIT_KILL)
		run->killed_at_cap = TRUE;
	/* Or it would seem to hang. */
	if (run->spec->on_limit == NETFIL_ON_LIMIT_PAUSE && !run->quiet)
		say(run, "cap reached: the command is paused%s",
		    run->spec->every.unit == NETFIL_CYCLE_NEVER ? "" : " until the next cycle");
}

static void on_warned(const NetfilStatus *status, guint percent, guint direction, gpointer run)
{
	g_autofree char *cap = netfil_size_format(netfil_status_limit(status, direction));

	say(run, "%u %% of %s%s%s used", percent, cap, direction == NETFIL_TOTAL ? "" : " ",
	    direction == NETFIL_TOTAL ? "" : netfil_direction_name(direction));
}

static gboolean start_cap(Run *run, GError **error)
{
	g_autofree char *name = g_strdup_printf("run-%d", getpid());
	g_autofree char *pid = g_strdup_printf("%d", run->child.pid);
	const NetfilRunCapHandler handler = {on_cap_reached, on_warned, run};

	run->spec = netfil_spec_options_spec(run->options, name, error);
	if (!run->spec)
		return FALSE;
	if (run->spec->on_limit == NETFIL_ON_LIMIT_DOWN)
		return netfil_usage_error(&usage, error,
					  "--on-limit down is for interfaces, not for commands");
	if (!netfil_spec_put(run->spec, "pid", pid, error) || !netfil_spec_check(run->spec, error))
		return FALSE;
	run->cap = run->cgroup ? netfil_run_cap_own(run->spec, &handler, error)
			       : netfil_run_cap_lent(run->spec, &handler, error);
	return run->cap != NULL;
}

/* While it runs. */

static void end_when_empty(Run *run)
{
	if (run->cgroup ? !netfil_run_cgroup_is_populated(run->cgroup)
			: !netfil_run_tree_is_populated())
		g_main_loop_quit(run->loop);
}

static gboolean on_cgroup_event(int fd, GIOCondition condition, gpointer run)
{
	(void)fd;
	(void)condition;
	end_when_empty(run);
	return G_SOURCE_CONTINUE;
}

static gboolean command_ends(Run *run)
{
	if (!run->cgroup)
		return netfil_run_tree_reap(run->child.pid, &run->wait_status);
	return !run->command_ended && waitpid(run->child.pid, &run->wait_status, WNOHANG) > 0;
}

/* At each SIGCHLD. */
static void reap(Run *run)
{
	if (command_ends(run)) {
		run->command_ended = TRUE;
		if (!run->wait)
			kill_all(run);
		else if (run->cgroup)
			g_unix_fd_add(netfil_run_cgroup_events_fd(run->cgroup), G_IO_PRI,
				      on_cgroup_event, run);
	}
	if (run->command_ended)
		end_when_empty(run);
}

static void suspend(Run *run)
{
	netfil_run_screen_clear(&run->screen);
	netfil_run_signals_suspend();
}

static gboolean is_ending(const struct signalfd_siginfo *signal)
{
	return signal->ssi_signo != SIGUSR1 && signal->ssi_signo != SIGUSR2;
}

static gboolean is_paused(const Run *run)
{
	g_autoptr(NetfilStatus) status = netfil_run_cap_status(run->cap, NULL);

	return run->spec->on_limit == NETFIL_ON_LIMIT_PAUSE && status &&
	       status->state == NETFIL_STATE_EXHAUSTED;
}

static void on_signal(const struct signalfd_siginfo *signal, gpointer data)
{
	Run *run = data;

	if (signal->ssi_signo == SIGCHLD)
		reap(run);
	else if (signal->ssi_signo == SIGTSTP)
		suspend(run);
	else if (run->command_ended)
		kill_all(run); /* and with it the wait ends */
	else if (is_ending(signal) && is_paused(run))
		kill_all(run); /* what stands still takes no other signal */
	else if (!netfil_run_signal_is_from_terminal(signal))
		kill(run->child.pid, (int)signal->ssi_signo);
}

static gboolean on_draw_timer(gpointer data)
{
	Run *run = data;
	g_autoptr(NetfilStatus) status = netfil_run_cap_status(run->cap, NULL);

	if (status)
		netfil_run_screen_draw(&run->screen, status);
	return G_SOURCE_CONTINUE;
}

static gboolean run_loop(Run *run, GError **error)
{
	guint timer = 0;

	run->loop = g_main_loop_new(NULL, FALSE);
	if (!netfil_run_signals_watch(on_signal, run, error))
		return FALSE;
	if (!run->quiet && isatty(STDERR_FILENO))
		timer = g_timeout_add(DRAW_INTERVAL_MS, on_draw_timer, run);
	g_main_loop_run(run->loop);
	g_clear_handle_id(&timer, g_source_remove);
	netfil_run_screen_clear(&run->screen);
	return TRUE;
}

/* The end. */

/* What throttle and notify let pass beyond the cap. */
static void append_excess(GString *line, const NetfilStatus *status, guint64 bytes)
{
	g_autofree char *rate = netfil_print_rate((double)status->spec->rate);
	g_autofree char *excess = netfil_size_exact(bytes);

	g_string_append_printf(line, ", %s bytes over it", excess);
	if (status->spec->on_limit == NETFIL_ON_LIMIT_THROTTLE)
		g_string_append_printf(line, " at %s", rate);
}

static void print_summary(const Run *run, const NetfilStatus *status)
{
	int direction = netfil_status_tightest(status);
	guint shown = direction < 0 ? NETFIL_TOTAL : (guint)direction;
	guint64 limit = netfil_status_limit(status, shown);
	g_autofree char *used = netfil_size_exact(status->used[shown]);
	g_autofree char *cap = netfil_size_exact(limit);
	g_autofree char *in = netfil_size_exact(status->used[NETFIL_IN]);
	g_autofree char *out = netfil_size_exact(status->used[NETFIL_OUT]);
	g_autofree char *refused = netfil_size_exact(status->refused_packets);
	guint64 excess = limit && status->used[shown] > limit ? status->used[shown] - limit : 0;
	gboolean spent = status->state == NETFIL_STATE_EXHAUSTED || run->killed_at_cap || excess;
	g_autoptr(GString) line = g_string_new(used);

	if (direction >= 0)
		g_string_append_printf(line, " of %s", cap);
	g_string_append_printf(line, " bytes%s%s%s (in %s, out %s)",
			       shown == NETFIL_TOTAL ? "" : " ",
			       shown == NETFIL_TOTAL ? "" : netfil_direction_name(shown),
			       status->cycle_ends ? ", this cycle" : "", in, out);
	if (spent)
		g_string_append(line, ": cap reached");
	if (excess)
		append_excess(line, status, excess);
	if (status->refused_packets)
		g_string_append_printf(line, "%s%s packet%s refused", spent ? ", " : ": ", refused,
				       status->refused_packets == 1 ? "" : "s");
	g_printerr("netfil: %s\n", line->str);
}

static gboolean write_report(const Run *run, const NetfilStatus *status, GError **error)
{
	g_autoptr(JsonNode) node = netfil_json_status(status);
	g_autofree char *text = netfil_json_text(node, FALSE);

	if (dprintf(run->report_fd, "%s\n", text) >= 0)
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "cannot write %s (%s): give another --report", run->report, g_strerror(errno));
	return FALSE;
}

static gboolean give_account(Run *run, GError **error)
{
	g_autoptr(NetfilStatus) status = netfil_run_cap_end(run->cap, error);

	if (!status)
		return FALSE;
	if (!run->quiet)
		print_summary(run, status);
	return run->report_fd < 0 || write_report(run, status, error);
}

static int exit_status(const Run *run)
{
	if (run->killed_at_cap)
		return EXIT_CAPPED;
	if (WIFSIGNALED(run->wait_status))
		return 128 + WTERMSIG(run->wait_status);
	return WEXITSTATUS(run->wait_status);
}

/* Whatever was reached: no process may be left without its cap. */
static void run_clear(Run *run)
{
	kill_all(run);
	if (run->child.pid && !run->command_ended)
		netfil_run_child_discard(&run->child);
	g_clear_pointer(&run->cap, netfil_run_cap_free);
	g_clear_pointer(&run->cgroup, netfil_run_cgroup_free);
	if (run->guard.pid > 0)
		netfil_run_guard_release(&run->guard);
	g_clear_pointer(&run->options, netfil_spec_options_free);
	g_clear_pointer(&run->spec, netfil_spec_free);
	g_clear_pointer(&run->loop, g_main_loop_unref);
	g_clear_pointer(&run->report, g_free);
	if (run->report_fd >= 0)
		close(run->report_fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

int netfil_cmd_run(int argc, char **argv, GError **error)
{
	g_auto(Run) run = {.options = netfil_spec_options_new(NETFIL_FOR_RUN), .report_fd = -1};
	int status = EXIT_NETFIL_FAILED;

	if (!parse(&run, &argc, &argv, error) || !open_report(&run, error))
		return status;
	netfil_run_signals_block(&run.mask);
	if (!start_processes(&run, argv + 1, error) || !start_cap(&run, error) ||
	    !netfil_run_child_release(&run.child, argv[1], &status, error) ||
	    !run_loop(&run, error))
		return status;
	if (!give_account(&run, error))
		return status;
	return exit_status(&run);
}
