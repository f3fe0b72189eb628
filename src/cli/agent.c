/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOTIFY_FD 3
#define PATIENCE_MS 5000

static GPid agent;

static void end_with_parent(gpointer data)
{
	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static gboolean spawn(int notify)
{
	g_autofree char *process = g_strdup_printf("%d", (int)getpid());
	const char *const argv[] = {"pkttyagent", "--process",   process,
				    "--fallback", "--notify-fd", G_STRINGIFY(NOTIFY_FD),
				    NULL};
	const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
				  G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_STDOUT_TO_DEV_NULL |
				  G_SPAWN_STDERR_TO_DEV_NULL;

	/* It asks at /dev/tty; that there is nobody to register with is no news. */
	return g_spawn_async_with_pipes_and_fds(NULL, argv, NULL, flags, end_with_parent, NULL, -1,
						-1, -1, &notify, &(int){NOTIFY_FD}, 1, &agent, NULL,
						NULL, NULL, NULL);
}

static void stop(void)
{
	int status;

	kill(agent, SIGTERM);
	kill(agent, SIGCONT);
	while (waitpid(agent, &status, 0) < 0 && errno == EINTR)
		;
}

void netfil_agent_start(void)
{
	struct pollfd registered = {.events = POLLIN};
	int pipe_fds[2];

	if (agent || geteuid() == 0 || !isatty(STDIN_FILENO) || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return;
	if (spawn(pipe_fds[1]))
		atexit(stop);
	close(pipe_fds[1]);
	registered.fd = pipe_fds[0]; /* closed at the other end: registered, or it has ended */
	while (poll(&registered, 1, PATIENCE_MS) < 0 && errno == EINTR)
		;
	close(pipe_fds[0]);
}
