// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loads of script/bench that no packaged tool makes: small datagrams as fast as they
 * go (sendmmsg; to one address, or to many in turn from one socket), and short TCP
 * connections. Prints a line of JSON: how much was done, in which time, and what it cost:
 *
 *   cpu_ns   CPU time of this process for each datagram or connection. Softirqs that run
 *            in its context are in it, so on a veth pair all that happens up to the
 *            peer's socket; what waits for others is not.
 *   stat_ns  system and softirq time of its CPU by /proc/stat, which has ticks of a
 *            hundredth of a second, and other processes' time as well.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64 /* datagrams in a call */
#define PAYLOAD_MAX 1472

typedef struct {
	struct timespec wall;
	struct timespec cpu;
	uint64_t ticks; /* of the CPU it runs on: system, irq and softirq */
} Moment;

typedef struct {
	int count; /* in argv */
	const char *name;
	const char *arguments;
	void (*run)(char **argv);
} Command;

static struct sockaddr_in endpoint(const char *address, const char *port)
{
	struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};

	if (inet_pton(AF_INET, address, &result.sin_addr) != 1)
		errx(2, "%s: not an address", address);
	return result;
}

static int open_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static uint64_t kernel_ticks(void)
{
	unsigned long long system, irq, softirq;
	char line[256], name[16];
	uint64_t ticks = 0;
	size_t length;
	FILE *file = fopen("/proc/stat", "r");

	if (!file)
		err(1, "/proc/stat");
	length = snprintf(name, sizeof(name), "cpu%d ", sched_getcpu());
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, length) == 0 &&
		    sscanf(line, "%*s %*s %*s %llu %*s %*s %llu %llu", &system, &irq, &softirq) ==
			3)
			ticks = system + irq + softirq;
	fclose(file);
	return ticks;
}

static Moment now(void)
{
	Moment moment = {.ticks = kernel_ticks()};

	clock_gettime(CLOCK_MONOTONIC, &moment.wall);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &moment.cpu);
	return moment;
}

static double between(const struct timespec *from, const struct timespec *to)
{
	return to->tv_sec - from->tv_sec + (to->tv_nsec - from->tv_nsec) / 1e9;
}

static bool time_is_up(const Moment *begin, double seconds)
{
	struct timespec wall;

	clock_gettime(CLOCK_MONOTONIC, &wall);
	return between(&begin->wall, &wall) >= seconds;
}

static void report(const Moment *begin, uint64_t count)
{
	Moment end = now();
	double seconds = between(&begin->wall, &end.wall);

	if (!count)
		errx(1, "nothing went out");
	printf("{\"count\": %llu, \"seconds\": %.6f, \"rate\": %.1f, \"cpu_ns\": %.2f, "
	       "\"stat_ns\": %.2f}\n",
	       (unsigned long long)count, seconds, count / seconds,
	       between(&begin->cpu, &end.cpu) * 1e9 / count,
	       (end.ticks - begin->ticks) * 1e9 / sysconf(_SC_CLK_TCK) / count);
}

/* A batch; how many went out. A full queue is waited for by trying again. */
static unsigned int send_batch(int fd, struct mmsghdr *messages, unsigned int count)
{
	int sent = sendmmsg(fd, messages, count, 0);

	if (sent < 0 && errno != ENOBUFS && errno != EAGAIN)
		err(1, "sendmmsg");
	return sent < 0 ? 0 : sent;
}

static void datagrams(char **argv)
{
	struct sockaddr_in to = endpoint(argv[0], argv[1]);
	static char payload[PAYLOAD_MAX];
	struct iovec part = {.iov_base = payload, .iov_len = atoi(argv[3])};
	struct mmsghdr messages[BATCH] = {};
	double seconds = atof(argv[2]);
	int fd = open_socket(SOCK_DGRAM);
	uint64_t count = 0;
	Moment begin;

	if (part.iov_len > sizeof(payload))
		errx(2, "%s: too large", argv[3]);
	if (connect(fd, (void *)&to, sizeof(to)))
		err(1, "connect");
	for (int i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
	for (begin = now(); !time_is_up(&begin, seconds);)
		count += send_batch(fd, messages, BATCH);
	report(&begin, count);
}

/* To COUNT addresses from `first` on, in turn, until time is up; 0 seconds: once each. */
static void send_in_turn(struct sockaddr_in first, uint32_t addresses, double seconds, size_t size)
{
	static char payload[PAYLOAD_MAX];
	struct iovec part = {.iov_base = payload, .iov_len = size};
	struct mmsghdr messages[BATCH] = {};
	struct sockaddr_in to[BATCH];
	int fd = open_socket(SOCK_DGRAM);
	uint64_t count = 0;
	Moment begin = now();

	if (size > sizeof(payload) || !addresses)
		errx(2, "%zu bytes to %u addresses: cannot be sent", size, addresses);
	while (seconds ? !time_is_up(&begin, seconds) : count < addresses) {
		unsigned int batch = BATCH;

		if (!seconds && addresses - count < BATCH)
			batch = addresses - count;
		for (unsigned int i = 0; i < batch; i++) {
			to[i] = first;
			to[i].sin_addr.s_addr =
			    htonl(ntohl(first.sin_addr.s_addr) + (count + i) % addresses);
			messages[i].msg_hdr = (struct msghdr){.msg_name = &to[i],
							      .msg_namelen = sizeof(to[i]),
							      .msg_iov = &part,
							      .msg_iovlen = 1};
		}
		count += send_batch(fd, messages, batch);
	}
	report(&begin, count);
}

static void spread(char **argv)
{
	send_in_turn(endpoint(argv[0], argv[1]), atoi(argv[4]), atof(argv[2]), atoi(argv[3]));
}

static void touch(char **argv)
{
	send_in_turn(endpoint(argv[0], argv[1]), atoi(argv[2]), 0, 8);
}

/* The server closes first: what waits in TIME_WAIT is its. */
static void connections(char **argv)
{
	struct sockaddr_in to = endpoint(argv[0], argv[1]);
	double seconds = atof(argv[2]);
	uint64_t count = 0;
	char byte = 0;
	Moment begin;

	for (begin = now(); !time_is_up(&begin, seconds); count++) {
		int fd = open_socket(SOCK_STREAM);

		if (connect(fd, (void *)&to, sizeof(to)))
			err(1, "connect");
		if (send(fd, &byte, 1, 0) != 1 || recv(fd, &byte, 1, 0) != 0)
			err(1, "connection");
		close(fd);
	}
	report(&begin, count);
}

/* Takes short connections until it is killed; datagrams to the same port have a socket that
 * nobody reads, so that its buffer stays full and each costs the same. */
static void serve(char **argv)
{
	struct sockaddr_in at = endpoint(argv[0], argv[1]);
	int sink = open_socket(SOCK_DGRAM), listener = open_socket(SOCK_STREAM), on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sink, (void *)&at, sizeof(at)) || bind(listener, (void *)&at, sizeof(at)) ||
	    listen(listener, 1024))
		err(1, "%s:%s", argv[0], argv[1]);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		char byte;

		if (fd < 0)
			err(1, "accept");
		if (recv(fd, &byte, 1, 0) < 0)
			warn("recv");
		close(fd);
	}
}

static const Command commands[] = {
    {2, "serve", "ADDRESS PORT", serve},
    {4, "datagrams", "ADDRESS PORT SECONDS SIZE", datagrams},
    {5, "spread", "FIRST-ADDRESS PORT SECONDS SIZE ADDRESSES", spread},
    {3, "touch", "FIRST-ADDRESS PORT ADDRESSES", touch},
    {3, "connections", "ADDRESS PORT SECONDS", connections},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0 && argc == commands[i].count + 2) {
			commands[i].run(argv + 2);
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "usage: bench-load %s %s\n", commands[i].name,
			commands[i].arguments);
	return 2;
}
