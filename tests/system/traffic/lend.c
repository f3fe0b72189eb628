/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traffic.h"

/* settings.socket: tcp, udp, or raw, whose port is its protocol. */
static int make_socket(const char *address, const char *port, bool at)
{
	bool raw = !strcmp(settings.socket, "raw");
	struct endpoint endpoint = endpoint_parse(address, raw ? NULL : port);
	int fd;

	if (!strcmp(settings.socket, "tcp"))
		fd = at ? open_listener(&endpoint) : open_stream(&endpoint);
	else if (raw)
		fd = open_socket(&endpoint, SOCK_RAW, number(port));
	else
		fd = open_socket(&endpoint, SOCK_DGRAM, 0);
	if (fd < 0)
		errx(1, "connect: %s", strerror(-fd));
	if (!strcmp(settings.socket, "tcp"))
		return fd;
	if (at ? bind(fd, (void *)&endpoint.address, endpoint.length)
	       : connect(fd, (void *)&endpoint.address, endpoint.length))
		err(1, "%s", address);
	return fd;
}

/* Makes a socket that is connected to ADDRESS, or bound to it (a TCP socket is one that was
 * accepted then, or with "listening" the listener), sends and receives nothing, and has PROGRAM
 * use it as descriptor 0. */
int lend(int argc, char **argv)
{
	bool at = argc && strcmp(argv[0], "to");
	int fd, listener, status;
	pid_t user;

	if (argc < 4)
		return dispatch(0, NULL);
	fd = make_socket(argv[1], argv[2], at);
	say_ready();
	if (!strcmp(argv[0], "at") && !strcmp(settings.socket, "tcp")) {
		listener = fd;
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			err(1, "accept");
		close(listener);
	}
	user = fork();
	if (user < 0)
		err(1, "fork");
	if (!user) {
		if (dup2(fd, 0) < 0)
			err(1, "dup2");
		close(fd);
		execv(argv[3], argv + 3);
		err(1, "%s", argv[3]);
	}
	close(fd);
	if (waitpid(user, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int accept_descriptor(int argc, char **argv)
{
	int fd;

	if (argc != 1)
		return dispatch(0, NULL);
	fd = accept4(number(argv[0]), NULL, NULL, SOCK_CLOEXEC);
	return fd < 0 ? failure("accept") : report(stream_collect(fd));
}

/* Sends by settings.method, and receives only when that is over. */
int write_descriptor(int argc, char **argv)
{
	struct result result = {};
	char buffer[4096];
	int fd;

	if (argc != 2)
		return dispatch(0, NULL);
	fd = number(argv[0]);
	result.error = -send_bytes(fd, number(argv[1]), &result.sent);
	if (!strcmp(settings.socket, "tcp")) {
		shutdown(fd, SHUT_WR);
		while (read(fd, buffer, sizeof(buffer)) > 0)
			;
	}
	close(fd);
	return report(result);
}

/* By way of a pipe, if there is one. */
static ssize_t take(int fd, const int ends[2])
{
	static char buffer[65536];
	ssize_t count;

	if (ends[0] < 0)
		return read(fd, buffer, sizeof(buffer));
	count = splice(fd, NULL, ends[1], NULL, sizeof(buffer), SPLICE_F_MOVE);
	return count > 0 ? read(ends[0], buffer, count) : count;
}

/* Receives so much, by read() or, with that method, by splice(). */
int read_descriptor(int argc, char **argv)
{
	struct result result = {};
	uint64_t bytes;
	int fd, ends[2] = {-1, -1};
	ssize_t count;

	if (argc != 2)
		return dispatch(0, NULL);
	fd = number(argv[0]);
	bytes = number(argv[1]);
	if (!strcmp(settings.method, "splice") && pipe2(ends, O_CLOEXEC))
		err(1, "pipe");
	while (result.received < bytes) {
		count = take(fd, ends);
		if (count <= 0) {
			result.error = count ? errno : EPIPE;
			break;
		}
		result.received += count;
	}
	if (!strcmp(settings.socket, "tcp") && take(fd, ends))
		result.error = EPROTO; /* it goes on */
	close(fd);
	return report(result);
}
