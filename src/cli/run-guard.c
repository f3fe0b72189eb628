/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

/* A session of its own, so that what is sent to the run's process group, and the
 * terminal's hangup, do not reach it; and none of its files, whose readers would
 * wait for an end of file. */
static void stand_apart(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "netfil-guard");
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	if (chdir("/") < 0)
		return; /* it is then busy for a little longer */
}

static G_NORETURN void stand_guard(NetfilRunCgroup *cgroup, int line)
{
	char word;

	stand_apart();
	if (TEMP_FAILURE_RETRY(read(line, &word, 1)) == 1)
		_exit(EXIT_SUCCESS);
	netfil_run_cgroup_kill(cgroup);
	netfil_run_cgroup_free(cgroup);
	_exit(EXIT_SUCCESS);
}

gboolean netfil_run_guard_start(NetfilRunGuard *guard, NetfilRunCgroup *cgroup, GError **error)
{
	int line[2] = {-1, -1};

	if (pipe2(line, O_CLOEXEC) < 0 || (guard->pid = fork()) < 0) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "cannot start a process (%s): end some others", g_strerror(errno));
		close(line[0]);
		close(line[1]);
		return FALSE;
	}
	if (guard->pid == 0) {
		close(line[1]);
		stand_guard(cgroup, line[0]);
	}
	close(line[0]);
	guard->line = line[1];
	return TRUE;
}

void netfil_run_guard_release(NetfilRunGuard *guard)
{
	(void)!write(guard->line, "", 1); /* fails only if it is gone already */
	close(guard->line);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
