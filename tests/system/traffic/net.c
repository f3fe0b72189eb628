/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traffic.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || end == text)
		errx(2, "%s: not a number", text);
	return value;
}

/* A dual-stack socket speaks IPv4 under IPv6 names. */
static void map_address(struct endpoint *endpoint)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&endpoint->address;
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = in->sin_port};

	if (in->sin_family != AF_INET)
		return;
	memset(&mapped.sin6_addr.s6_addr[10], 0xff, 2);
	memcpy(&mapped.sin6_addr.s6_addr[12], &in->sin_addr, 4);
	memcpy(&endpoint->address, &mapped, sizeof(mapped));
	endpoint->length = sizeof(mapped);
}

struct endpoint endpoint_parse(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct endpoint endpoint = {};
	struct addrinfo *info;
	int error;

	error = getaddrinfo(address, port, &hints, &info);
	if (error)
		errx(2, "%s port %s: %s", address, port, gai_strerror(error));
	memcpy(&endpoint.address, info->ai_addr, info->ai_addrlen);
	endpoint.length = info->ai_addrlen;
	freeaddrinfo(info);
	if (strcmp(settings.socket, "dual") == 0)
		map_address(&endpoint);
	return endpoint;
}

int open_socket(const struct endpoint *endpoint, int type, int protocol)
{
	int fd = socket(endpoint->address.ss_family, type, protocol);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static int stream_protocol(void)
{
	return strcmp(settings.socket, "mptcp") == 0 ? IPPROTO_MPTCP : IPPROTO_TCP;
}

int open_stream(const struct endpoint *endpoint)
{
	int fd = open_socket(endpoint, SOCK_STREAM, stream_protocol());
	int one = 1;

	/* connect() returns at once, and the first write travels in the SYN. */
	if (strcmp(settings.socket, "fastopen") == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)))
		err(1, "TCP_FASTOPEN_CONNECT");
	if (settings.rate &&
	    setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &settings.rate, sizeof(settings.rate)))
		err(1, "SO_MAX_PACING_RATE");
	if (connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->length)) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

int open_listener(const struct endpoint *endpoint)
{
	int fd = open_socket(endpoint, SOCK_STREAM, stream_protocol());
	int one = 1, queue = 16;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		err(1, "SO_REUSEADDR");
	if (strcmp(settings.socket, "fastopen") == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)))
		err(1, "TCP_FASTOPEN");
	if (bind(fd, (const struct sockaddr *)&endpoint->address, endpoint->length))
		err(1, "bind");
	if (listen(fd, 64))
		err(1, "listen");
	return fd;
}

void wait_gate(const char *fifo)
{
	char byte;
	int fd;

	if (!fifo)
		return;
	fd = open(fifo, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", fifo);
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

void say_ready(void)
{
	const char *fifo = getenv("TRAFFIC_READY");
	int fd;

	if (!fifo)
		return;
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%d\n", getpid()) < 0)
		err(2, "%s", fifo);
	close(fd);
}

int report(struct result result)
{
	printf("sent=%llu received=%llu error=%s\n", (unsigned long long)result.sent,
	       (unsigned long long)result.received,
	       result.error ? strerrorname_np(result.error) : "none");
	fflush(stdout);
	return result.error ? 1 : 0;
}

int failure(const char *what)
{
	struct result result = {.error = errno};

	warn("%s", what);
	return report(result);
}
