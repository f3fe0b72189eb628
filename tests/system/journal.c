/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * journal SOCKET FILE: takes the place of systemd-journald. Each entry that it is sent, in the
 * native protocol, is appended to FILE as a JSON object of its fields, a line each.
 */
#include <errno.h>
#include <json-glib/json-glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ENTRY_MAX (1024 * 1024)

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* "KEY=value\n", or "KEY\n", eight bytes of length, the value, "\n". What follows the field. */
static const char *read_field(JsonBuilder *builder, const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	const char *equals = newline ? memchr(at, '=', (size_t)(newline - at)) : NULL;
	const char *value = equals ? equals + 1 : newline + 1 + sizeof(uint64_t);
	g_autofree char *key = NULL, *text = NULL;
	uint64_t length;

	if (!newline)
		die("a field without an end");
	if (equals)
		length = (uint64_t)(newline - value);
	else
		memcpy(&length, newline + 1, sizeof(length));
	if (value > end || length >= (uint64_t)(end - value) || value[length] != '\n')
		die("a field of another length");
	key = g_strndup(at, (size_t)((equals ? equals : newline) - at));
	text = g_strndup(value, length);
	json_builder_set_member_name(builder, key);
	json_builder_add_string_value(builder, text);
	return value + length + 1;
}

static void write_entry(FILE *file, const char *entry, size_t length)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(builder);
	for (const char *at = entry, *end = entry + length; at < end;)
		at = read_field(builder, at, end);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	text = json_to_string(root, FALSE);
	fprintf(file, "%s\n", text);
	fflush(file);
}

/* One that is too long for a datagram comes as a sealed memory file. */
static int passed_descriptor(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (control && control->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

static void take_entry(int fd, FILE *file, char *entry)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {entry, ENTRY_MAX};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(fd, &message, 0);
	int passed = passed_descriptor(&message);

	if (passed >= 0) {
		length = pread(passed, entry, ENTRY_MAX, 0);
		close(passed);
	}
	if (length < 0)
		die("no entry");
	write_entry(file, entry, (size_t)length);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_autofree char *entry = g_malloc(ENTRY_MAX);
	FILE *file;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: journal SOCKET FILE\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(argv[1]);
	file = fopen(argv[2], "we");
	if (!file)
		die(argv[2]);
	for (;;)
		take_entry(fd, file, entry);
}
