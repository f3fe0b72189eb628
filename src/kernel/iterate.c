// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "iterate.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <unistd.h>

#include "core/error.h"

static gboolean failed(struct bpf_program *program, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "program %s failed (%s): see `netfil doctor`", bpf_program__name(program),
		    g_strerror(errno));
	return FALSE;
}

static gboolean read_all(int fd, GByteArray *output)
{
	guint8 buffer[8192];
	gssize got;

	do {
		got = read(fd, buffer, sizeof(buffer));
		if (got > 0 && output)
			g_byte_array_append(output, buffer, got);
	} while (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN)));
	return got == 0;
}

gboolean netfil_iterate(struct bpf_program *program, int map_fd, GByteArray *output, GError **error)
{
	union bpf_iter_link_info info = {.map.map_fd = map_fd};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(program, map_fd < 0 ? NULL : &opts);
	gboolean done = FALSE;
	int fd;

	if (!link)
		return failed(program, error);
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd >= 0) {
		done = read_all(fd, output);
		close(fd);
	}
	bpf_link__destroy(link);
	return done || failed(program, error);
}

gboolean netfil_run_by_hand(struct bpf_program *program, GError **error)
{
	guint8 frame[ETH_ZLEN] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));
	int result;

	do
		result = bpf_prog_test_run_opts(bpf_program__fd(program), &run);
	while (result == -EINTR);
	return result == 0 || failed(program, error);
}
