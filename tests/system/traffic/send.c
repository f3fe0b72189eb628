/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/errqueue.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "traffic.h"

#define CHUNK (128 * 1024)

static char chunk[CHUNK];

/* One step of a method: moves at most `most` bytes; bytes moved or -errno. */
struct method {
	const char *name;
	void (*prepare)(int fd);
	ssize_t (*step)(int fd, size_t most);
	void (*finish)(int fd);
};

static ssize_t write_step(int fd, size_t most)
{
	ssize_t count = write(fd, chunk, most);

	return count < 0 ? -errno : count;
}

static int source = -1;

static void source_prepare(int fd)
{
	(void)fd;
	source = memfd_create("source", MFD_CLOEXEC);
	if (source < 0 || ftruncate(source, CHUNK))
		err(1, "memfd");
}

static ssize_t sendfile_step(int fd, size_t most)
{
	off_t offset = 0;
	ssize_t count = sendfile(fd, source, &offset, most);

	return count < 0 ? -errno : count;
}

static int ends[2];

static void splice_prepare(int fd)
{
	source_prepare(fd);
	if (pipe2(ends, O_CLOEXEC))
		err(1, "pipe");
}

static ssize_t splice_step(int fd, size_t most)
{
	loff_t offset = 0;
	ssize_t loaded, moved, count;

	loaded = splice(source, &offset, ends[1], NULL, most, SPLICE_F_MOVE);
	if (loaded < 0)
		return -errno;
	for (moved = 0; moved < loaded; moved += count) {
		count = splice(ends[0], NULL, fd, NULL, loaded - moved, SPLICE_F_MOVE);
		if (count <= 0)
			return moved ? moved : -errno;
	}
	return moved;
}

static unsigned int zerocopies;

static void zerocopy_prepare(int fd)
{
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		err(1, "SO_ZEROCOPY");
}

/* Takes the notices of completed sends off the error queue. */
static void zerocopy_reap(int fd, int timeout)
{
	struct pollfd poller = {.fd = fd};
	char control[128];
	struct msghdr message;
	const struct sock_extended_err *notice;

	for (;;) {
		message =
		    (struct msghdr){.msg_control = control, .msg_controllen = sizeof(control)};
		if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
			if (!timeout || poll(&poller, 1, timeout) <= 0 ||
			    !(poller.revents & POLLERR))
				return;
			continue;
		}
		if (!CMSG_FIRSTHDR(&message))
			return;
		notice = (const void *)CMSG_DATA(CMSG_FIRSTHDR(&message));
		zerocopies -= notice->ee_data - notice->ee_info + 1;
		if (!zerocopies)
			return;
	}
}

static ssize_t zerocopy_step(int fd, size_t most)
{
	ssize_t count;

	while ((count = send(fd, chunk, most, MSG_ZEROCOPY)) < 0 && errno == ENOBUFS)
		zerocopy_reap(fd, 1000);
	if (count < 0)
		return -errno;
	zerocopies++;
	zerocopy_reap(fd, 0);
	return count;
}

static void zerocopy_finish(int fd)
{
	zerocopy_reap(fd, 1000);
}

static struct io_uring ring;

static void uring_prepare(int fd)
{
	int error = io_uring_queue_init(8, &ring, 0);

	(void)fd;
	if (error)
		errx(1, "io_uring: %s", strerror(-error));
}

static ssize_t uring_step(int fd, size_t most)
{
	struct io_uring_cqe *completion;
	ssize_t count;

	io_uring_prep_send(io_uring_get_sqe(&ring), fd, chunk, most, MSG_NOSIGNAL);
	count = io_uring_submit(&ring);
	if (count < 0)
		return count;
	count = io_uring_wait_cqe(&ring, &completion);
	if (count < 0)
		return count;
	count = completion->res;
	io_uring_cqe_seen(&ring, completion);
	return count;
}

static const struct method methods[] = {
    {"write", NULL, write_step, NULL},
    {"sendfile", source_prepare, sendfile_step, NULL},
    {"splice", splice_prepare, splice_step, NULL},
    {"zerocopy", zerocopy_prepare, zerocopy_step, zerocopy_finish},
    {"uring", uring_prepare, uring_step, NULL},
};

static const struct method *find_method(void)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(settings.method, methods[i].name) == 0)
			return &methods[i];
	errx(2, "%s: no such method", settings.method);
}

int send_bytes(int fd, uint64_t bytes, uint64_t *sent)
{
	const struct method *method = find_method();
	ssize_t count = 0;

	if (method->prepare)
		method->prepare(fd);
	while (*sent < bytes && !stop_sending) {
		count = method->step(fd, bytes - *sent < CHUNK ? bytes - *sent : CHUNK);
		if (count <= 0)
			break;
		*sent += count;
	}
	if (count >= 0 && method->finish)
		method->finish(fd);
	return count < 0 ? (int)count : 0;
}
