/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traffic.h"

#define ADDRESSES_MAX 16

/* From FIRST-ADDRESS on: its last byte counts. */
static unsigned int endpoints_parse(char **argv, struct endpoint *all)
{
	unsigned int count = number(argv[2]);

	if (count > ADDRESSES_MAX)
		errx(2, "at most %d addresses", ADDRESSES_MAX);
	for (unsigned int i = 0; i < count; i++) {
		struct sockaddr_in *in = (void *)&all[i].address;
		struct sockaddr_in6 *in6 = (void *)&all[i].address;

		all[i] = endpoint_parse(argv[0], argv[1]);
		if (in->sin_family == AF_INET)
			((unsigned char *)&in->sin_addr)[3] += i;
		else
			in6->sin6_addr.s6_addr[15] += i;
	}
	return count;
}

static struct result send_rounds(int fd, char **argv)
{
	static char payload[65536];
	struct endpoint to[ADDRESSES_MAX];
	unsigned int count = endpoints_parse(argv, to);
	size_t size = number(argv[4]);
	struct result result = {};

	if (size > sizeof(payload))
		errx(2, "at most %zu bytes", sizeof(payload));
	for (uint64_t round = number(argv[3]); round; round--) {
		for (unsigned int i = 0; i < count; i++) {
			if (sendto(fd, payload, size, 0, (void *)&to[i].address, to[i].length) >=
			    0) {
				result.sent += size;
			} else if (!settings.abandon) {
				result.error = errno;
				return result;
			}
		}
	}
	return result;
}

/* A datagram to each address in turn from one socket that is not connected, ROUNDS times; and
 * the same once more by a child with the same socket, under USER, when the gate opens. */
int udp_spread(int argc, char **argv)
{
	struct result result;
	struct endpoint first;
	pid_t heir;
	int fd, status;

	if (argc != 5 && argc != 6)
		return dispatch(0, NULL);
	first = endpoint_parse(argv[0], argv[1]);
	fd = open_socket(&first, SOCK_DGRAM, 0);
	result = send_rounds(fd, argv);
	if (argc == 5 || result.error)
		return report(result);
	say_ready();
	wait_gate(settings.connected_gate);
	heir = fork();
	if (heir < 0)
		err(1, "fork");
	if (!heir) {
		if (setuid(number(argv[5])))
			err(1, "setuid");
		return report(send_rounds(fd, argv));
	}
	if (waitpid(heir, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
