/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/quote.h"
#include "log.h"

#define LINES_MAX 20   /* of a run, in the log */
#define LINE_SHOWN 300 /* characters */
#define GRACE_SECONDS 2
#define DESCRIPTORS 1024

struct NetfilHook {
	char *name;
	pid_t pid;
	int pidfd, output;
	guint end_source, output_source, timer;
	guint timeout;
	gboolean timed_out;
	GString *line; /* that has no end yet */
	guint lines;
	NetfilHookDone done;
	gpointer data;
};

/* ---- in the child: system calls alone, as other threads may have held any lock ---- */

typedef struct {
	const char *path;
	char *const *environment;
	uid_t uid;
	gid_t gid;
	int null, output;
	pid_t parent;
} Start;

static void G_GNUC_NORETURN give_up(const char *what)
{
	const char *why = strerrordesc_np(errno);
	struct iovec words[] = {
	    {(char *)what, strlen(what)}, {": ", 2}, {(char *)why, strlen(why)}};

	if (writev(STDERR_FILENO, words, G_N_ELEMENTS(words)) < 0)
		_exit(126);
	_exit(127);
}

/* GIO ignores SIGPIPE, and what is ignored or blocked would stay so. */
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); /* some cannot be */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* netfild has raised its own. */
static void limit_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = MIN(limit.rlim_max, DESCRIPTORS);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void become(const Start *start)
{
	/* Not glibc's, which would have the threads that are not here do the same. */
	if (syscall(SYS_setgroups, 0, NULL) < 0)
		give_up("cannot leave its groups");
	if (syscall(SYS_setresgid, start->gid, start->gid, start->gid) < 0 ||
	    syscall(SYS_setresuid, start->uid, start->uid, start->uid) < 0)
		give_up("cannot become its user");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up("cannot give up privileges");
	/* netfild is killed: nobody would keep the time any more. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != start->parent)
		_exit(127);
}

static void G_GNUC_NORETURN run(const Start *start)
{
	char *const argv[] = {(char *)start->path, NULL};

	if (dup2(start->null, STDIN_FILENO) < 0 || dup2(start->output, STDOUT_FILENO) < 0 ||
	    dup2(start->output, STDERR_FILENO) < 0)
		_exit(127);
	if (syscall(SYS_close_range, 3U, ~0U, 0U) < 0)
		give_up("cannot close what is netfild's");
	reset_signals();
	limit_descriptors();
	umask(022);
	if (setsid() < 0 || chdir("/") < 0)
		give_up("cannot leave netfild's session");
	become(start);
	execve(start->path, argv, start->environment);
	give_up("cannot be run");
}

/* ---- what it writes ---- */

static void log_line(NetfilHook *hook, const char *text, gsize length)
{
	g_autofree char *line = netfil_escape(text, (gssize)length, LINE_SHOWN);

	if (length && hook->lines++ < LINES_MAX)
		netfil_log_event(NETFIL_LOG_HOOK, &(NetfilLogFields){.hook = hook->name},
				 "events.d/%s: %s", hook->name, line);
}

/* Of a line without an end no more is kept than is shown. */
static void take_output(NetfilHook *hook, const char *text, gsize length)
{
	for (const char *end = text + length; text < end;) {
		const char *newline = memchr(text, '\n', (gsize)(end - text));
		const char *stop = newline ? newline : end;

		if (hook->line->len <= 4 * LINE_SHOWN)
			g_string_append_len(hook->line, text, stop - text);
		if (newline) {
			log_line(hook, hook->line->str, hook->line->len);
			g_string_truncate(hook->line, 0);
		}
		text = stop + 1;
	}
}

/* FALSE: there is no more. */
static gboolean read_output(NetfilHook *hook)
{
	char part[16384];
	ssize_t n = read(hook->output, part, sizeof(part));

	if (n > 0)
		take_output(hook, part, (gsize)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static gboolean on_output(int fd, GIOCondition condition, gpointer data)
{
	NetfilHook *hook = data;

	(void)fd;
	(void)condition;
	if (read_output(hook))
		return G_SOURCE_CONTINUE;
	hook->output_source = 0;
	return G_SOURCE_REMOVE;
}

/* What is in the pipe yet, and no more: somebody may still write. */
static void read_rest(NetfilHook *hook)
{
	for (guint left = 4; left && hook->output_source; left--) {
		char part[16384];
		ssize_t n = read(hook->output, part, sizeof(part));

		if (n <= 0)
			break;
		take_output(hook, part, (gsize)n);
	}
	log_line(hook, hook->line->str, hook->line->len);
	if (hook->lines > LINES_MAX)
		netfil_log_event(NETFIL_LOG_HOOK, &(NetfilLogFields){.hook = hook->name},
				 "events.d/%s: %u more lines", hook->name, hook->lines - LINES_MAX);
}

/* ---- its end ---- */

static void hook_free(NetfilHook *hook)
{
	g_clear_handle_id(&hook->end_source, g_source_remove);
	g_clear_handle_id(&hook->output_source, g_source_remove);
	g_clear_handle_id(&hook->timer, g_source_remove);
	close(hook->pidfd);
	close(hook->output);
	g_string_free(hook->line, TRUE);
	g_free(hook->name);
	g_free(hook);
}

/* Its number is its own, and its group's, until it is waited for. */
static int reap(NetfilHook *hook)
{
	int status = 0;

	kill(-hook->pid, SIGKILL);
	while (waitpid(hook->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void log_failure(NetfilHook *hook, const char *how, int number)
{
	netfil_log_event(NETFIL_LOG_HOOK_FAILED, &(NetfilLogFields){.hook = hook->name},
			 "events.d/%s: %s %d", hook->name, how, number);
}

static gboolean on_end(int fd, GIOCondition condition, gpointer data)
{
	NetfilHook *hook = data;
	NetfilHookDone done = hook->done;
	gpointer done_data = hook->data;
	int status = reap(hook);

	(void)fd;
	(void)condition;
	read_rest(hook);
	if (WIFSIGNALED(status) && !hook->timed_out)
		log_failure(hook, "was ended by signal", WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		log_failure(hook, "ended with status", WEXITSTATUS(status));
	hook->end_source = 0;
	hook_free(hook);
	done(done_data);
	return G_SOURCE_REMOVE;
}

static gboolean on_grace_over(gpointer data)
{
	NetfilHook *hook = data;

	hook->timer = 0;
	kill(-hook->pid, SIGKILL);
	return G_SOURCE_REMOVE;
}

static gboolean on_timeout(gpointer data)
{
	NetfilHook *hook = data;

	hook->timed_out = TRUE;
	netfil_log_event(NETFIL_LOG_HOOK_FAILED, &(NetfilLogFields){.hook = hook->name},
			 "events.d/%s: is ended, as it took more than %u s", hook->name,
			 hook->timeout);
	kill(-hook->pid, SIGTERM);
	hook->timer = g_timeout_add_seconds(GRACE_SECONDS, on_grace_over, hook);
	return G_SOURCE_REMOVE;
}

/* Before its child has made a session of its own, the group is not there. */
void netfil_hook_end(NetfilHook *hook)
{
	kill(hook->pid, SIGKILL);
	reap(hook);
	hook_free(hook);
}

/* ---- its start ---- */

static gboolean open_descriptors(Start *start, int *output)
{
	int pipe_fds[2];

	start->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (start->null < 0)
		return FALSE;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		close(start->null);
		return FALSE;
	}
	fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	*output = pipe_fds[0];
	start->output = pipe_fds[1];
	return TRUE;
}

/* The descriptor of the process, which leaves its number in `pid`; -1: errno. */
static int spawn(const Start *start, pid_t *pid)
{
	int pidfd;

	*pid = fork();
	if (*pid == 0)
		run(start);
	if (*pid < 0)
		return -1;
	pidfd = pidfd_open(*pid, 0);
	if (pidfd < 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	return pidfd;
}

static NetfilHook *hook_new(const char *name, pid_t pid, int pidfd, int output, guint timeout)
{
	NetfilHook *hook = g_new0(NetfilHook, 1);

	hook->name = g_strdup(name);
	hook->pid = pid;
	hook->pidfd = pidfd;
	hook->output = output;
	hook->timeout = timeout;
	hook->line = g_string_new(NULL);
	hook->timer = g_timeout_add_seconds(timeout, on_timeout, hook);
	hook->end_source = g_unix_fd_add(pidfd, G_IO_IN, on_end, hook);
	/* However much it writes, caps come first. */
	hook->output_source =
	    g_unix_fd_add_full(G_PRIORITY_LOW, output, G_IO_IN | G_IO_HUP, on_output, hook, NULL);
	return hook;
}

NetfilHook *netfil_hook_start(const char *path, char **environment, const NetfilHookUser *user,
			      guint timeout, NetfilHookDone done, gpointer data)
{
	g_autofree char *name = g_path_get_basename(path);
	Start start = {
	    .path = path, .environment = environment, .uid = user->uid, .gid = user->gid};
	int output, pidfd = -1;
	NetfilHook *hook;
	pid_t pid;

	start.parent = getpid();
	if (open_descriptors(&start, &output)) {
		pidfd = spawn(&start, &pid);
		close(start.null);
		close(start.output);
	}
	if (pidfd < 0) {
		netfil_log_event(NETFIL_LOG_HOOK_FAILED, &(NetfilLogFields){.hook = name},
				 "events.d/%s: cannot be started (%s)", name, g_strerror(errno));
		return NULL;
	}
	hook = hook_new(name, pid, pidfd, output, timeout);
	hook->done = done;
	hook->data = data;
	return hook;
}
