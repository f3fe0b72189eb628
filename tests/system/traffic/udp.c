/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define MOST 65507

static char payload[65536];

/* How one or more of the remaining datagrams are sent: how many, or -errno. */
struct udp_method {
	const char *name;
	bool connected;
	int (*send)(int fd, const struct endpoint *to, unsigned int remaining, size_t size);
};

static int send_connected(int fd, const struct endpoint *to, unsigned int remaining, size_t size)
{
	(void)to, (void)remaining;
	return send(fd, payload, size, 0) < 0 ? -errno : 1;
}

static int send_to(int fd, const struct endpoint *to, unsigned int remaining, size_t size)
{
	(void)remaining;
	return sendto(fd, payload, size, 0, (const void *)&to->address, to->length) < 0 ? -errno
											: 1;
}

static int send_many(int fd, const struct endpoint *to, unsigned int remaining, size_t size)
{
	struct iovec part = {.iov_base = payload, .iov_len = size};
	struct mmsghdr messages[16] = {};
	unsigned int count = remaining < 16 ? remaining : 16;
	int sent;

	for (unsigned int i = 0; i < count; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_name = (void *)&to->address,
						      .msg_namelen = to->length,
						      .msg_iov = &part,
						      .msg_iovlen = 1};
	sent = sendmmsg(fd, messages, count, 0);
	return sent < 0 ? -errno : sent;
}

/* One call, many datagrams: the kernel cuts them (UDP_SEGMENT). */
static int send_segmented(int fd, const struct endpoint *to, unsigned int remaining, size_t size)
{
	unsigned int fit = MOST / size < 64 ? MOST / size : 64;
	unsigned int count = remaining < fit ? remaining : fit;
	int segment = size;

	(void)to;
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		err(1, "UDP_SEGMENT");
	return send(fd, payload, count * size, 0) < 0 ? -errno : (int)count;
}

static const struct udp_method methods[] = {
    {"connected", true, send_connected},
    {"sendto", false, send_to},
    {"sendmmsg", false, send_many},
    {"gso", true, send_segmented},
};

static const struct udp_method *find_method(void)
{
	if (strcmp(settings.method, "write") == 0) /* the default */
		return &methods[0];
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(settings.method, methods[i].name) == 0)
			return &methods[i];
	errx(2, "%s: no such method", settings.method);
}

static unsigned int interface_index(void)
{
	unsigned int index = settings.interface ? if_nametoindex(settings.interface) : 0;

	if (settings.interface && !index)
		err(1, "%s", settings.interface);
	return index;
}

static void aim_multicast(int fd, int family)
{
	struct ip_mreqn out = {.imr_ifindex = interface_index()};
	int index = interface_index(), loop = settings.loop;

	if (family == AF_INET) {
		if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)) ||
		    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof(loop)))
			err(1, "multicast");
	} else if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) ||
		   setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &loop, sizeof(loop))) {
		err(1, "multicast");
	}
}

/* Until it is time for more than `sent` bytes. */
static void keep_pace(const struct timespec *begun, uint64_t sent)
{
	uint64_t nanoseconds;
	struct timespec due;

	if (!settings.rate)
		return;
	nanoseconds = begun->tv_nsec + sent * 1000000000 / settings.rate;
	due.tv_sec = begun->tv_sec + nanoseconds / 1000000000;
	due.tv_nsec = nanoseconds % 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

int udp_send(int argc, char **argv)
{
	const struct udp_method *method = find_method();
	struct endpoint to;
	struct result result = {};
	struct timespec begun;
	unsigned int count;
	size_t size;
	int fd, done;

	if (argc != 4)
		return dispatch(0, NULL);
	to = endpoint_parse(argv[0], argv[1]);
	count = number(argv[2]);
	size = number(argv[3]);
	if (size > MOST)
		errx(2, "a datagram holds at most %d bytes", MOST);
	fd = open_socket(&to, SOCK_DGRAM, 0);
	if (settings.interface)
		aim_multicast(fd, to.address.ss_family);
	if (method->connected && connect(fd, (const void *)&to.address, to.length))
		return failure("connect");
	say_ready();
	wait_gate(settings.connected_gate);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (unsigned int i = 0; i < count && !stop_sending; i += done) {
		keep_pace(&begun, result.sent);
		done = method->send(fd, &to, count - i, size);
		if (done < 0) {
			result.error = -done;
			break;
		}
		result.sent += done * size;
	}
	close(fd);
	return report(result);
}

/* Takes aggregates as they are, where settings.method says gro: how many datagrams
 * came in one call is then told beside them. */
static ssize_t receive(int fd, unsigned int *datagrams)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {payload, sizeof(payload)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(fd, &message, 0);
	int segment;

	*datagrams = 1;
	if (size > 0 && CMSG_FIRSTHDR(&message) && CMSG_FIRSTHDR(&message)->cmsg_type == UDP_GRO) {
		memcpy(&segment, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(segment));
		*datagrams = (size + segment - 1) / segment;
	}
	return size;
}

static void join_group(int fd, const struct endpoint *group)
{
	const struct sockaddr_in *in = (const void *)&group->address;
	const struct sockaddr_in6 *in6 = (const void *)&group->address;
	struct ip_mreqn join = {.imr_multiaddr = in->sin_addr, .imr_ifindex = interface_index()};
	struct ipv6_mreq join6 = {.ipv6mr_multiaddr = in6->sin6_addr,
				  .ipv6mr_interface = interface_index()};

	if (in->sin_family == AF_INET
		? setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join))
		: setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &join6, sizeof(join6)))
		err(1, "joining the group");
}

int udp_receive(int argc, char **argv)
{
	int buffer = 64 * 1024 * 1024; /* so that no datagram is lost for want of room */
	struct endpoint at;
	struct result result = {};
	ssize_t size;
	unsigned int datagrams;
	int fd, one = 1;

	if (argc != 3)
		return dispatch(0, NULL);
	at = endpoint_parse(argv[0], argv[1]);
	fd = open_socket(&at, SOCK_DGRAM, 0);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)))
		err(1, "SO_RCVBUFFORCE");
	if (bind(fd, (const void *)&at.address, at.length))
		err(1, "bind");
	if (settings.interface)
		join_group(fd, &at);
	if (strcmp(settings.method, "gro") == 0 &&
	    setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)))
		err(1, "UDP_GRO");
	say_ready();
	for (uint64_t left = number(argv[2]); left; left -= datagrams < left ? datagrams : left) {
		size = receive(fd, &datagrams);
		if (size < 0)
			return failure("recv");
		result.received += size;
	}
	return report(result);
}
