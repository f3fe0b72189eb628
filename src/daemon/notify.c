/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address;
static socklen_t address_length; /* 0: nobody listens */
static guint64 watchdog_usec;    /* 0: nobody asks */

static void read_address(const char *path)
{
	gsize length = path ? strlen(path) : 0;

	if (length < 2 || length >= sizeof(address.sun_path) || !strchr("/@", *path))
		return;
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		*address.sun_path = '\0'; /* abstract: a name, no file */
	address_length = offsetof(struct sockaddr_un, sun_path) + length + (*path == '/');
}

/* Other processes inherit the variables, too: it says who is meant. */
static gboolean is_for_us(const char *pid)
{
	return !pid || g_ascii_strtoll(pid, NULL, 10) == getpid();
}

void netfil_notify_start(void)
{
	const char *usec = g_getenv("WATCHDOG_USEC");

	read_address(g_getenv("NOTIFY_SOCKET"));
	if (usec && is_for_us(g_getenv("WATCHDOG_PID")))
		watchdog_usec = g_ascii_strtoull(usec, NULL, 10);
	g_unsetenv("NOTIFY_SOCKET");
	g_unsetenv("WATCHDOG_USEC");
	g_unsetenv("WATCHDOG_PID");
}

static void say(const char *state)
{
	int fd;

	if (!address_length)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (const struct sockaddr *)&address, address_length) < 0)
		g_warning("the service manager cannot be told \"%s\": %s", state,
			  g_strerror(errno));
	if (fd >= 0)
		close(fd);
}

void netfil_notify_ready(void)
{
	say("READY=1");
}

void netfil_notify_reloading(void)
{
	g_autofree char *state = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
						 g_get_monotonic_time());

	say(state);
}

void netfil_notify_stopping(void)
{
	say("STOPPING=1");
}

static gboolean on_sign_due(gpointer data G_GNUC_UNUSED)
{
	say("WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

void netfil_notify_watch(void)
{
	if (!watchdog_usec)
		return;
	say("WATCHDOG=1");
	g_timeout_add(MAX(watchdog_usec / 2000, 1), on_sign_due, NULL);
}
