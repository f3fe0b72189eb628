/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run-child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "core/quote.h"

#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND 127

/* In the child: only system calls until exec. */
static G_NORETURN void become(char **argv, const sigset_t *mask, pid_t parent, int gate,
			      int failure)
{
	char go;
	int why;

	/* A parent that is killed cannot end us any more, and takes the cap along. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || TEMP_FAILURE_RETRY(read(gate, &go, 1)) != 1)
		_exit(EXIT_CANNOT_EXECUTE);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	why = errno;
	if (write(failure, &why, sizeof(why)) < 0)
		why = 0; /* nobody is there to be told */
	_exit(why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

gboolean netfil_run_child_start(NetfilRunChild *child, char **argv, const sigset_t *mask,
				GError **error)
{
	int gate[2] = {-1, -1}, failure[2] = {-1, -1};
	pid_t parent = getpid();

	if (pipe2(gate, O_CLOEXEC) < 0 || pipe2(failure, O_CLOEXEC) < 0 ||
	    (child->pid = fork()) < 0) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "cannot start a process (%s): end some others", g_strerror(errno));
		for (guint i = 0; i < 2; i++) {
			close(gate[i]);
			close(failure[i]);
		}
		child->pid = 0;
		return FALSE;
	}
	if (child->pid == 0) {
		close(gate[1]); /* else the end of file never comes */
		become(argv, mask, parent, gate[0], failure[1]);
	}
	close(gate[0]);
	close(failure[1]);
	child->gate = gate[1];
	child->failure = failure[0];
	return TRUE;
}

static void close_pipes(NetfilRunChild *child)
{
	close(child->gate);
	close(child->failure);
	child->gate = child->failure = -1;
}

static void reap(NetfilRunChild *child)
{
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
}

gboolean netfil_run_child_release(NetfilRunChild *child, const char *command, int *exit_status,
				  GError **error)
{
	g_autofree char *quoted = netfil_quote(command, -1);
	gboolean failed;
	int why = 0;

	/* It cannot fail but for a child that was killed meanwhile, which is met later
	 * as one that ended; SIGPIPE is blocked. */
	(void)!write(child->gate, "", 1);
	failed = TEMP_FAILURE_RETRY(read(child->failure, &why, sizeof(why))) == sizeof(why);
	close_pipes(child);
	if (!failed)
		return TRUE;
	reap(child);
	*exit_status = why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND, "cannot run %s (%s): %s", quoted,
		    g_strerror(why),
		    why == ENOENT ? "check its name and PATH" : "check that it is a program");
	return FALSE;
}

void netfil_run_child_discard(NetfilRunChild *child)
{
	close_pipes(child);
	reap(child);
}
