/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "traffic.h"

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		errx(2, "%s: too long", path);
	strcpy(address.sun_path, path);
	return address;
}

static void send_descriptor(int channel, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(channel, &message, 0) != 1)
		err(1, "passing the descriptor");
}

static int receive_descriptor(int channel)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		err(1, "taking the descriptor");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Connects, hands the connection to whoever listens at UNIX-PATH, keeps no copy,
 * and stays until that one is done. */
int pass_descriptor(int argc, char **argv)
{
	struct sockaddr_un address;
	struct endpoint endpoint;
	int channel, fd;
	char byte;

	if (argc != 3)
		return dispatch(0, NULL);
	address = unix_address(argv[0]);
	endpoint = endpoint_parse(argv[1], argv[2]);
	fd = open_stream(&endpoint);
	if (fd < 0)
		return report((struct result){.error = -fd});
	channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (channel < 0 || connect(channel, (void *)&address, sizeof(address)))
		err(1, "%s", argv[0]);
	say_ready();
	wait_gate(settings.connected_gate);
	send_descriptor(channel, fd);
	close(fd);
	if (read(channel, &byte, 1) < 0)
		err(1, "%s", argv[0]);
	return 0;
}

int take_descriptor(int argc, char **argv)
{
	struct sockaddr_un address;
	int listener, channel, status;

	if (argc != 2)
		return dispatch(0, NULL);
	address = unix_address(argv[0]);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (void *)&address, sizeof(address)) ||
	    listen(listener, 1))
		err(1, "%s", argv[0]);
	say_ready();
	channel = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (channel < 0)
		err(1, "accept");
	status = report(stream_exchange(receive_descriptor(channel), number(argv[1])));
	close(channel);
	return status;
}

/* A connected stream inherited as descriptor NUMBER. */
int use_descriptor(int argc, char **argv)
{
	if (argc != 2)
		return dispatch(0, NULL);
	return report(stream_exchange(number(argv[0]), number(argv[1])));
}
