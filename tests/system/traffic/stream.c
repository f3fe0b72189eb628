/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "traffic.h"

struct stream_reader {
	int fd;
	uint64_t received;
	int error;
};

static void *read_to_end(void *data)
{
	struct stream_reader *reader = data;
	static _Thread_local char buffer[256 * 1024];
	ssize_t count;

	while ((count = read(reader->fd, buffer, sizeof(buffer))) > 0)
		reader->received += count;
	reader->error = count < 0 ? errno : 0;
	return NULL;
}

struct result stream_exchange(int fd, uint64_t bytes)
{
	struct stream_reader reader = {.fd = fd};
	struct result result = {};
	pthread_t thread;

	errno = pthread_create(&thread, NULL, read_to_end, &reader);
	if (errno)
		err(1, "pthread_create");
	result.error = -send_bytes(fd, bytes, &result.sent);
	if (settings.abandon)
		exit(report(result));
	if (!result.error && shutdown(fd, SHUT_WR))
		result.error = errno;
	pthread_join(thread, NULL);
	result.received = reader.received;
	if (!result.error)
		result.error = reader.error;
	close(fd);
	return result;
}

struct result stream_collect(int fd)
{
	struct stream_reader reader = {.fd = fd};

	read_to_end(&reader);
	close(fd);
	return (struct result){.received = reader.received, .error = reader.error};
}
