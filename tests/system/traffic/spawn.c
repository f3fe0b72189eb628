/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traffic.h"

struct arguments {
	int argc;
	char **argv;
};

static int spawn_fork(int argc, char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid)
		_exit(dispatch(argc, argv));
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* As daemons do: the one that works is in a session of its own, and init's child.
 * Its exit status comes back through a pipe. */
static int spawn_double_fork(int argc, char **argv)
{
	unsigned char status = 1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		err(1, "pipe");
	if (!fork()) {
		if (setsid() < 0)
			err(1, "setsid");
		if (!fork()) {
			/* The parent must be gone before any traffic flows. */
			while (getppid() == getsid(0))
				usleep(1000);
			status = dispatch(argc, argv);
			if (write(ends[1], &status, 1) != 1)
				err(1, "write");
		}
		_exit(0);
	}
	close(ends[1]);
	wait(NULL);
	if (read(ends[0], &status, 1) != 1)
		errx(1, "the grandchild died");
	return status;
}

static int spawn_exec(int argc, char **argv)
{
	char **arguments = calloc(argc + 8, sizeof(*arguments));
	int n = 0;

	if (!arguments)
		err(1, "calloc");
	arguments[n++] = "traffic";
	arguments[n++] = "--socket";
	arguments[n++] = (char *)settings.socket;
	arguments[n++] = "--method";
	arguments[n++] = (char *)settings.method;
	memcpy(&arguments[n], argv, argc * sizeof(*argv));
	execv("/proc/self/exe", arguments);
	err(1, "exec");
}

static void *thread_main(void *data)
{
	struct arguments *arguments = data;

	return (void *)(long)dispatch(arguments->argc, arguments->argv);
}

static void *lone_thread_main(void *data)
{
	exit((int)(long)thread_main(data));
}

static pthread_t start_thread(void *(*main)(void *), struct arguments *arguments)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, main, arguments);
	if (errno)
		err(1, "pthread_create");
	return thread;
}

static int spawn_thread(int argc, char **argv)
{
	struct arguments arguments = {argc, argv};
	void *status;

	pthread_join(start_thread(thread_main, &arguments), &status);
	return (long)status;
}

/* The thread that gave the process its id ends first. */
static int spawn_lone_thread(int argc, char **argv)
{
	static struct arguments arguments;

	arguments = (struct arguments){argc, argv};
	start_thread(lone_thread_main, &arguments);
	pthread_exit(NULL);
}

int spawn(int argc, char **argv)
{
	static const struct command ways[] = {
	    {"fork", NULL, spawn_fork},
	    {"double-fork", NULL, spawn_double_fork},
	    {"exec", NULL, spawn_exec},
	    {"thread", NULL, spawn_thread},
	    {"lone-thread", NULL, spawn_lone_thread},
	};

	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(argv[0], ways[i].name) == 0)
			return ways[i].run(argc - 1, argv + 1);
	return dispatch(0, NULL);
}

/* Runs a program for which bpf(2) is not there, as on a kernel built without it. */
int without_bpf(int argc, char **argv)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (argc < 1)
		return dispatch(0, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		err(1, "seccomp");
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}
