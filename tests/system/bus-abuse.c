/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bus-abuse SOCKET KIND UID: a client of netfild's socket, or of the system bus, that does not
 * behave, under this user. It says so to the FIFO in $TRAFFIC_READY when it has done what it does.
 * Ends well if the other side closed the connection, for kinds that earn it; others stay until they
 * are killed, or flood for some seconds.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME "org.netfil.Netfil1"
#define MANAGER NAME ".Manager"
#define PATH "/org/netfil/Netfil1"
#define FLOOD_SECONDS 3
#define PATIENCE_MS 15000

static const char *const greeting[] = {"AUTH EXTERNAL\r\n", "DATA\r\n", "BEGIN\r\n"};

static int ready_fd;

static void become(const char *user)
{
	const char *fifo = getenv("TRAFFIC_READY");
	uid_t uid = (uid_t)strtoul(user, NULL, 10);

	ready_fd = fifo ? open(fifo, O_WRONLY | O_CLOEXEC) : STDERR_FILENO;
	if (ready_fd < 0 || setresuid(uid, uid, uid) < 0)
		err(1, "%s", user);
}

static void say_ready(void)
{
	if (write(ready_fd, "ready\n", 6) != 6)
		warnx("nobody waits");
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0)
		err(1, "%s", path);
	return fd;
}

/* FALSE: the other side has closed. */
static gboolean put(int fd, const void *bytes, gsize n)
{
	for (const char *at = bytes; n;) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent < 0)
			return FALSE;
		at += sent;
		n -= (gsize)sent;
	}
	return TRUE;
}

static void greet(int fd)
{
	char answer[256];

	put(fd, "", 1);
	for (guint i = 0; i < G_N_ELEMENTS(greeting); i++) {
		put(fd, greeting[i], strlen(greeting[i]));
		if (i < 2 && recv(fd, answer, sizeof(answer), 0) <= 0)
			errx(1, "not greeted");
	}
}

/* Reads until the other side closes. */
static void await_close(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char bytes[4096];

	while (poll(&readable, 1, PATIENCE_MS) > 0)
		if (recv(fd, bytes, sizeof(bytes), 0) <= 0)
			return;
	errx(1, "still connected");
}

static void stay(int fd)
{
	(void)fd;
	say_ready();
	for (;;)
		pause();
}

static void *message(const char *to, const char *interface, const char *method, GVariant *body,
		     gsize *size)
{
	static guint32 serial;
	g_autoptr(GDBusMessage) call =
	    g_dbus_message_new_method_call(to, to ? PATH : "/", interface, method);
	void *blob;

	g_dbus_message_set_path(call, PATH);
	g_dbus_message_set_serial(call, ++serial);
	if (body)
		g_dbus_message_set_body(call, body);
	blob = g_dbus_message_to_blob(call, size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
	return blob ? blob : (errx(1, "no message"), NULL);
}

/* Before the greeting. */

static void send_garbage(int fd)
{
	guint32 noise[256];

	for (guint i = 0; i < G_N_ELEMENTS(noise); i++)
		noise[i] = g_random_int() | 1;
	put(fd, noise, sizeof(noise));
	await_close(fd);
}

static void send_endless_line(int fd)
{
	char line[4096];

	memset(line, 'A', sizeof(line));
	put(fd, "", 1);
	for (guint i = 0; i < 256 && put(fd, line, sizeof(line)); i++)
		;
	await_close(fd);
}

static void send_no_password(int fd)
{
	put(fd, "", 1);
	put(fd, "AUTH ANONYMOUS\r\nBEGIN\r\n", 23);
	for (guint i = 0; i < 64 && put(fd, "AUTH\r\n", 6); i++)
		;
	await_close(fd);
}

static void greet_half(int fd)
{
	put(fd, "", 1);
	put(fd, "AUTH EXT", 8);
	stay(fd);
}

/* After it. */

static void send_garbage_messages(int fd)
{
	greet(fd);
	send_garbage(fd);
}

static void send_half_header(int fd)
{
	greet(fd);
	put(fd, "l\1\0\1\0\0\0", 7);
	stay(fd);
}

static void send_half_message(int fd)
{
	gsize size;
	g_autofree char *list = NULL;

	greet(fd);
	list = message(NULL, MANAGER, "Get", g_variant_new("(s)", "good"), &size);
	put(fd, list, size - 3);
	stay(fd);
}

/* A call that says to be 64 MB long, and goes on for as long as it is read. */
static void send_large_header(int fd)
{
	static char nothing[65536];
	gsize size;
	g_autofree char *list = NULL;

	greet(fd);
	list = message(NULL, MANAGER, "Get", g_variant_new("(s)", "good"), &size);
	*(guint32 *)(void *)(list + 4) = GUINT32_TO_LE(64 << 20);
	put(fd, list, size);
	for (guint i = 0; i < 1024 && put(fd, nothing, sizeof(nothing)); i++)
		;
	await_close(fd);
}

static GVariant *many_names(guint count)
{
	g_auto(GVariantBuilder) names = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));

	for (guint i = 0; i < count; i++)
		g_variant_builder_add(&names, "s", "some-name-of-a-filter-that-is-not-there");
	return g_variant_new("(as)", &names);
}

static void send_many_names(int fd)
{
	gsize size;
	g_autofree char *remove = NULL;

	greet(fd);
	remove = message(NULL, MANAGER, "Remove", many_names(200000), &size); /* 9 MB */
	put(fd, remove, size);
	await_close(fd);
}

/* Calls, and no answer is read. */
static void ask_and_not_read(int fd)
{
	greet(fd);
	for (guint i = 0; i < 100000; i++) {
		gsize size;
		g_autofree char *list =
		    message(NULL, MANAGER, "List", g_variant_new("(su)", "", 0), &size);

		if (!put(fd, list, size))
			break;
	}
	await_close(fd);
}

/* On the system bus. */

static void enter_bus(int fd)
{
	gsize size;
	g_autoptr(GDBusMessage) call = g_dbus_message_new_method_call(
	    "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello");
	g_autofree guchar *hello = NULL;
	char answer[1024];

	greet(fd);
	g_dbus_message_set_serial(call, 1000000);
	hello = g_dbus_message_to_blob(call, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
	if (!put(fd, hello, size) || recv(fd, answer, sizeof(answer), 0) <= 0)
		errx(1, "the bus does not answer");
}

static void flood(int fd, gboolean reads, GVariant *(*body)(void), const char *method)
{
	gint64 end = g_get_monotonic_time() + FLOOD_SECONDS * G_USEC_PER_SEC;
	static char answers[65536];
	gsize size;
	g_autofree char *call = NULL;
	gsize sent = 0;

	enter_bus(fd);
	say_ready();
	while (g_get_monotonic_time() < end) {
		struct pollfd io = {.fd = fd, .events = POLLOUT | (reads ? POLLIN : 0)};

		if (!sent) {
			g_free(call);
			call = message(NAME, MANAGER, method, body(), &size);
		}
		if (poll(&io, 1, 100) <= 0)
			continue;
		if (io.revents & POLLIN && recv(fd, answers, sizeof(answers), MSG_DONTWAIT) <= 0)
			return; /* the bus had enough of it */
		if (io.revents & POLLOUT) {
			ssize_t n = send(fd, call + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

			if (n < 0 && errno != EAGAIN)
				return;
			sent = n > 0 && sent + (gsize)n < size ? sent + (gsize)n : n > 0 ? 0 : sent;
		}
	}
}

static GVariant *list_body(void)
{
	return g_variant_new("(su)", "", 0);
}

static GVariant *names_body(void)
{
	return many_names(200000);
}

static void flood_bus(int fd)
{
	flood(fd, TRUE, list_body, "List");
}

static void flood_bus_unread(int fd)
{
	flood(fd, FALSE, list_body, "List");
}

static void flood_bus_with_names(int fd)
{
	flood(fd, TRUE, names_body, "Remove");
}

static const struct {
	const char *name;
	void (*abuse)(int fd);
} kinds[] = {
    {"garbage", send_garbage},
    {"endless-line", send_endless_line},
    {"no-password", send_no_password},
    {"half-greeting", greet_half},
    {"garbage-messages", send_garbage_messages},
    {"half-header", send_half_header},
    {"half-message", send_half_message},
    {"large-header", send_large_header},
    {"many-names", send_many_names},
    {"unread", ask_and_not_read},
    {"flood", flood_bus},
    {"flood-unread", flood_bus_unread},
    {"flood-names", flood_bus_with_names},
};

int main(int argc, char **argv)
{
	for (guint i = 0; argc == 4 && i < G_N_ELEMENTS(kinds); i++) {
		if (!g_str_equal(argv[2], kinds[i].name))
			continue;
		become(argv[3]);
		kinds[i].abuse(connect_to(argv[1]));
		return EXIT_SUCCESS;
	}
	errx(2, "usage: bus-abuse SOCKET KIND UID");
}
