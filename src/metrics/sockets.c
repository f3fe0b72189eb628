/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"

#define BACKLOG 128
#define PASSED_FIRST 3 /* SD_LISTEN_FDS_START */
#define PASSED_MAX 16

static gboolean is_listening(int fd)
{
	int listening = 0, type = 0, family = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 &&
	       (family == AF_INET || family == AF_INET6);
}

static gboolean take_passed(GArray *sockets, guint count, GError **error)
{
	for (int fd = PASSED_FIRST; fd < PASSED_FIRST + (int)count; fd++) {
		if (!is_listening(fd)) {
			g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
				    "descriptor %d that was passed is no listening TCP socket: "
				    "use ListenStream=ADDRESS:PORT",
				    fd);
			return FALSE;
		}
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		g_array_append_val(sockets, fd);
	}
	return TRUE;
}

/* How many sockets were passed to this very process. */
static guint count_passed(void)
{
	const char *pid = g_getenv("LISTEN_PID");
	const char *count = g_getenv("LISTEN_FDS");

	if (!pid || !count || g_ascii_strtoll(pid, NULL, 10) != getpid())
		return 0;
	return (guint)CLAMP(g_ascii_strtoll(count, NULL, 10), 0, PASSED_MAX);
}

/* -1 with errno. */
static int listen_at(GSocketAddress *address)
{
	struct sockaddr_storage native = {0};
	gssize size = g_socket_address_get_native_size(address);
	int fd, why, yes = 1;

	if (!g_socket_address_to_native(address, &native, sizeof(native), NULL)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	fd = socket(native.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0)
		return -1;
	/* One that was restarted need not wait for the old connections' end. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, (struct sockaddr *)&native, (socklen_t)size) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* A machine without IPv6 has no ::1, which a port alone asks for too. */
static gboolean may_be_absent(const GPtrArray *addresses, int why)
{
	return addresses->len > 1 && (why == EADDRNOTAVAIL || why == EAFNOSUPPORT);
}

static gboolean bind_all(GArray *sockets, const GPtrArray *addresses, GError **error)
{
	for (guint i = 0; i < addresses->len; i++) {
		int fd = listen_at(addresses->pdata[i]);
		int why = errno;
		g_autofree char *text = g_socket_connectable_to_string(addresses->pdata[i]);

		if (fd >= 0) {
			g_array_append_val(sockets, fd);
		} else if (!may_be_absent(addresses, why) ||
			   (i + 1 == addresses->len && !sockets->len)) {
			g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
				    "cannot listen at %s (%s): use another address or port", text,
				    g_strerror(why));
			return FALSE;
		}
	}
	return TRUE;
}

GArray *netfil_sockets_open(const GPtrArray *addresses, GError **error)
{
	g_autoptr(GArray) sockets = g_array_new(FALSE, FALSE, sizeof(int));
	guint passed = count_passed();

	if (passed ? !take_passed(sockets, passed, error) : !bind_all(sockets, addresses, error))
		return NULL;
	return g_steal_pointer(&sockets);
}
