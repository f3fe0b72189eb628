/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traffic.h"

struct served {
	pthread_t thread;
	int fd;
	uint64_t bytes;
	struct result result;
};

static void *serve_one(void *data)
{
	struct served *served = data;

	/* With nothing to send the end is what the other side waits for: it comes last. */
	served->result =
	    served->bytes ? stream_exchange(served->fd, served->bytes) : stream_collect(served->fd);
	return NULL;
}

/* Takes `connections` of them, one after the other or side by side, and ends. */
static int serve(int listener, uint64_t bytes, unsigned int connections)
{
	struct served *served = calloc(connections, sizeof(*served));
	struct result sum = {};

	if (!served)
		err(1, "calloc");
	for (unsigned int i = 0; i < connections; i++) {
		served[i].bytes = bytes;
		served[i].fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (served[i].fd < 0)
			return failure("accept");
		errno = pthread_create(&served[i].thread, NULL, serve_one, &served[i]);
		if (errno)
			err(1, "pthread_create");
	}
	for (unsigned int i = 0; i < connections; i++) {
		pthread_join(served[i].thread, NULL);
		sum.sent += served[i].result.sent;
		sum.received += served[i].result.received;
		if (!sum.error)
			sum.error = served[i].result.error;
	}
	free(served);
	close(listener);
	return report(sum);
}

int tcp_serve(int argc, char **argv)
{
	struct endpoint endpoint;
	int listener;

	if (argc < 2 || argc > 4)
		return dispatch(0, NULL);
	endpoint = endpoint_parse(argv[0], argv[1]);
	listener = open_listener(&endpoint);
	say_ready();
	return serve(listener, argc > 2 ? number(argv[2]) : 0, argc > 3 ? number(argv[3]) : 1);
}

/* The parent listens, a child forked before the connection accepts and serves. */
int prefork_serve(int argc, char **argv)
{
	struct endpoint endpoint;
	int listener, status;
	pid_t worker;

	if (argc < 2 || argc > 3)
		return dispatch(0, NULL);
	endpoint = endpoint_parse(argv[0], argv[1]);
	listener = open_listener(&endpoint);
	worker = fork();
	if (worker < 0)
		err(1, "fork");
	if (!worker) {
		say_ready(); /* tells the worker's pid */
		_exit(serve(listener, argc > 2 ? number(argv[2]) : 0, 1));
	}
	close(listener);
	if (waitpid(worker, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static struct result send_one(const struct endpoint *endpoint, uint64_t bytes)
{
	int fd = open_stream(endpoint);

	if (fd < 0)
		return (struct result){.error = -fd};
	say_ready();
	wait_gate(settings.connected_gate);
	return stream_exchange(fd, bytes);
}

/* As many processes at once as settings.parallel says, spread over the CPUs. */
static struct result send_parallel(const struct endpoint *endpoint, uint64_t bytes)
{
	struct result sum = {}, *results;
	cpu_set_t cpus;

	results = mmap(NULL, settings.parallel * sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		err(1, "mmap");
	for (unsigned int i = 0; i < settings.parallel; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid)
			continue;
		CPU_ZERO(&cpus);
		CPU_SET(i % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
		sched_setaffinity(0, sizeof(cpus), &cpus); /* only spreads the load */
		results[i] = send_one(endpoint, bytes);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	for (unsigned int i = 0; i < settings.parallel; i++) {
		sum.sent += results[i].sent;
		sum.received += results[i].received;
		if (!sum.error)
			sum.error = results[i].error;
	}
	return sum;
}

int tcp_send(int argc, char **argv)
{
	struct endpoint endpoint;

	if (argc != 3)
		return dispatch(0, NULL);
	endpoint = endpoint_parse(argv[0], argv[1]);
	return report(settings.parallel > 1 ? send_parallel(&endpoint, number(argv[2]))
					    : send_one(&endpoint, number(argv[2])));
}

int tcp_receive(int argc, char **argv)
{
	struct endpoint endpoint;
	int fd;

	if (argc != 2)
		return dispatch(0, NULL);
	endpoint = endpoint_parse(argv[0], argv[1]);
	fd = open_stream(&endpoint);
	if (fd < 0)
		return report((struct result){.error = -fd});
	say_ready();
	wait_gate(settings.connected_gate);
	return report(stream_collect(fd));
}
