/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pass-socket PORT COMMAND [ARGUMENT...]: runs the command with a socket that listens at
 * 127.0.0.1, in the way of systemd's socket units; with PORT 0 one that does not listen.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASSED 3

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char pid[16];
	int fd;

	if (argc < 3)
		return 2;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((unsigned short)atoi(argv[1]));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (address.sin_port && listen(fd, 16) < 0) || (fd != PASSED && dup2(fd, PASSED) < 0)) {
		perror("pass-socket");
		return 1;
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
