/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run-signals.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

#include "core/error.h"

typedef struct {
	NetfilSignalFunc func;
	gpointer data;
} Watch;

static void delivered_signals(sigset_t *set)
{
	static const int numbers[] = {SIGCHLD, SIGTERM, SIGHUP,  SIGINT,
				      SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP};

	sigemptyset(set);
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
		sigaddset(set, numbers[i]);
}

void netfil_run_signals_block(sigset_t *before)
{
	sigset_t set;

	/* Inherited as ignored, it would reap our children behind our back. */
	signal(SIGCHLD, SIG_DFL);
	delivered_signals(&set);
	sigaddset(&set, SIGPIPE); /* its writes fail with EPIPE, which is enough */
	sigprocmask(SIG_BLOCK, &set, before);
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data)
{
	struct signalfd_siginfo info;
	Watch *watch = data;

	(void)condition;
	while (read(fd, &info, sizeof(info)) == sizeof(info))
		watch->func(&info, watch->data);
	return G_SOURCE_CONTINUE;
}

gboolean netfil_run_signals_watch(NetfilSignalFunc func, gpointer data, GError **error)
{
	Watch *watch;
	sigset_t set;
	int fd;

	delivered_signals(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "cannot take signals (%s): close some files", g_strerror(errno));
		return FALSE;
	}
	watch = g_new(Watch, 1);
	*watch = (Watch){func, data};
	/* Both live as long as the process. */
	g_unix_fd_add(fd, G_IO_IN, on_readable, watch);
	return TRUE;
}

gboolean netfil_run_signal_is_from_terminal(const struct signalfd_siginfo *signal)
{
	return signal->ssi_code == SI_KERNEL;
}

void netfil_run_signals_suspend(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL); /* here we stop, if our shell can continue us */
	sigprocmask(SIG_BLOCK, &set, NULL);
}
