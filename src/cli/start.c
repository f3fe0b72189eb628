/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "client/paths.h"
#include "core/error.h"
#include "program.h"

#define SYSTEMCTL "/bin/systemctl"
#define SERVICE "netfild.service"
#define NO_SUCH_UNIT 5 /* systemctl's exit status */

#define READY_FD 3
#define PATIENCE (30 * G_USEC_PER_SEC)
#define STEP (G_USEC_PER_SEC / 20)

static gboolean fail(GError **error, const char *what, const char *which, const char *why)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "cannot %s %s (%s): start netfild by hand", what, which, why);
	return FALSE;
}

/* ---- by hand ---- */

/* Of those who start a daemon at the same time, one does and the others wait for
 * it: whoever holds the directory locked is at it. */
static int lock_runtime_dir(GError **error)
{
	const char *directory = netfil_runtime_dir();
	int fd;

	if (g_mkdir_with_parents(directory, 0755) < 0 ||
	    (fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		fail(error, "use", directory, g_strerror(errno));
		return -1;
	}
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}

static void new_session(gpointer data)
{
	(void)data;
	setsid();
}

static gboolean spawn(const char *daemon, int log, int ready, GError **error)
{
	const char *const argv[] = {daemon, "--ready-fd", G_STRINGIFY(READY_FD), NULL};
	g_autoptr(GError) raw = NULL;

	/* Not to be reaped by us: GLib puts a process in between. */
	if (g_spawn_async_with_pipes_and_fds(NULL, argv, NULL, G_SPAWN_DEFAULT, new_session, NULL,
					     -1, log, log, &ready, &(int){READY_FD}, 1, NULL, NULL,
					     NULL, NULL, &raw))
		return TRUE;
	return fail(error, "start", daemon, raw->message);
}

/* Blocks until the daemon has said "ready", or what hinders it, or died. */
static gboolean wait_ready(int fd, const char *log_path, GError **error)
{
	g_autoptr(GString) said = g_string_new(NULL);
	char buffer[512];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			g_string_append_len(said, buffer, n);
	g_strchomp(said->str);
	if (g_str_equal(said->str, "ready"))
		return TRUE;
	if (*said->str)
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED, said->str);
	else
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "netfild ended while it started: see %s", log_path);
	return FALSE;
}

static gboolean start_daemon(GError **error)
{
	g_autofree char *daemon =
	    netfil_program_find("../daemon", "netfild", NETFIL_SBINDIR, error);
	g_autofree char *log_path = g_build_filename(netfil_runtime_dir(), "netfild.log", NULL);
	gboolean started;
	int pipe_fds[2];
	int log;

	if (!daemon)
		return FALSE;
	log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (log < 0)
		return fail(error, "write", log_path, g_strerror(errno));
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		close(log);
		return fail(error, "start", daemon, g_strerror(errno));
	}
	started = spawn(daemon, log, pipe_fds[1], error);
	close(log);
	close(pipe_fds[1]);
	started = started && wait_ready(pipe_fds[0], log_path, error);
	close(pipe_fds[0]);
	return started;
}

static gboolean another_lives(void)
{
	g_autofree char *path = g_build_filename(netfil_runtime_dir(), "netfild.pid", NULL);
	g_autofree char *text = NULL;
	gint64 pid = 0;

	if (g_file_get_contents(path, &text, NULL, NULL))
		pid = g_ascii_strtoll(text, NULL, 10);
	return pid > 0 && kill((pid_t)pid, 0) == 0;
}

/* One that somebody else starts, as at boot, does not answer yet, and lets no second one
 * start. A daemon of ours that failed leaves no netfild.pid. */
static NetfilClient *start_or_wait(GError **error)
{
	gint64 deadline = g_get_monotonic_time() + PATIENCE;
	g_autoptr(GError) hindrance = NULL;
	NetfilClient *client = NULL;

	if (start_daemon(&hindrance))
		return netfil_client_connect(error);
	while (!client && another_lives() && g_get_monotonic_time() < deadline) {
		g_usleep(STEP);
		client = netfil_client_connect(NULL);
	}
	if (!client)
		g_propagate_error(error, g_steal_pointer(&hindrance));
	return client;
}

/* ---- by the service manager, where there is one ---- */

/* A daemon from somebody's session would end with it, and count as theirs. */
static gboolean has_service_manager(void)
{
	static const char *const elsewhere[] = {"NETFIL_RUNTIME_DIR", "NETFIL_STATE_DIR",
						"NETFIL_BPFFS_DIR", "NETFIL_CONFIG_DIR",
						"NETFIL_CGROUP"};

	for (guint i = 0; i < G_N_ELEMENTS(elsewhere); i++)
		if (g_getenv(elsewhere[i]))
			return FALSE; /* the service is the machine's own instance */
	return g_file_test("/run/systemd/system", G_FILE_TEST_IS_DIR);
}

/* FALSE without an error: there is no such service. */
static gboolean start_service(GError **error)
{
	/* Not from PATH, as whoever calls sudo may have set it. */
	const char *const argv[] = {SYSTEMCTL, "start", SERVICE, NULL};
	g_autofree char *said = NULL;
	int status;

	if (!has_service_manager() ||
	    !g_spawn_sync("/", (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			  &said, &status, NULL))
		return FALSE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != NO_SUCH_UNIT)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    SERVICE " does not start (%s): see `systemctl status " SERVICE "`",
			    strtok(said, "\n") ?: "systemctl says nothing");
	return FALSE;
}

/* ---- one or the other ---- */

static NetfilClient *start(GError **error)
{
	g_autoptr(GError) refused = NULL;

	if (start_service(&refused))
		return netfil_client_connect(error);
	if (!refused)
		return start_or_wait(error);
	g_propagate_error(error, g_steal_pointer(&refused));
	return NULL;
}

NetfilClient *netfil_connect_to_change(GError **error)
{
	NetfilClient *client = netfil_client_connect(error);

	if (client)
		netfil_agent_start();
	return client;
}

NetfilClient *netfil_connect_or_start(GError **error)
{
	g_autoptr(GError) absent = NULL;
	NetfilClient *client = netfil_connect_to_change(&absent);
	int lock;

	if (client)
		return client;
	if (!g_error_matches(absent, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&absent));
		return NULL;
	}
	if (geteuid() != 0) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
				    "netfild is not running, and starting it needs root: "
				    "run it with sudo");
		return NULL;
	}
	lock = lock_runtime_dir(error);
	if (lock < 0)
		return NULL;
	client = netfil_client_connect(NULL); /* somebody else may have been at it */
	if (!client)
		client = start(error);
	close(lock);
	return client;
}
