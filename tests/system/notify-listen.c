/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * notify-listen SOCKET: prints what a service tells its manager, a line a message with
 * spaces for its line breaks. SOCKET: a path, or @NAME. Says to $TRAFFIC_READY when it listens.
 */
#include <err.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *where)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t length = strlen(where);

	if (fd < 0 || length >= sizeof(address.sun_path))
		errx(EXIT_FAILURE, "%s: no socket can be there", where);
	memcpy(address.sun_path, where, length);
	if (*where == '@')
		address.sun_path[0] = '\0';
	if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length))
		err(EXIT_FAILURE, "%s", where);
	return fd;
}

static void say_ready(void)
{
	const char *path = getenv("TRAFFIC_READY");
	int fd = path ? open(path, O_WRONLY) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%d\n", getpid());
	close(fd);
}

int main(int argc, char **argv)
{
	char message[4096];
	ssize_t length;
	int fd;

	if (argc != 2)
		errx(2, "usage: notify-listen SOCKET");
	fd = listen_at(argv[1]);
	say_ready();
	setlinebuf(stdout);
	while ((length = recv(fd, message, sizeof(message) - 1, 0)) >= 0) {
		message[length] = '\0';
		for (char *at = message; (at = strchr(at, '\n'));)
			*at = ' ';
		puts(message);
	}
	err(EXIT_FAILURE, "%s", argv[1]);
}
