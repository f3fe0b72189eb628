/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz-wire SOCKET bytes|calls root|UID SEED COUNT
 *
 * Sends that many messages to netfild's socket which are not as they should be: messages
 * with changed bytes, or calls with changed arguments. Beside them another client asks, and
 * has to be answered; where they come from a user who may change nothing, always the same.
 */
#include <err.h>
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/bus.h"
#include "mutate.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define MANAGER "org.netfil.Netfil1.Manager"
#define FILTER "org.netfil.Netfil1.Filter"

#define PATIENCE 20 /* seconds for an answer */
#define MESSAGES_A_CONNECTION 6
#define MESSAGES_A_LOOK 50 /* of the other client */
#define TRIES 1000         /* to connect, while netfild still closes connections */

static const struct {
	const char *path, *interface, *method, *arguments;
} calls[] = {
    {NETFIL_BUS_PATH, MANAGER, "Add",
     "('fuzz-1', {'ip': ['192.0.2.7', '2001:db8::/32'], 'port': ['80'], 'total': ['25M'], "
     "'warn': ['80', '95'], 'every': ['month@14'], 'rollover': ['true']})"},
    {NETFIL_BUS_PATH, MANAGER, "Add",
     "('fuzz-2', {'interface': ['net*'], 'in': ['1G'], 'on-limit': ['drop'], 'except': "
     "['192.168.0.0/16'], 'free': ['01:00-07:00']})"},
    {NETFIL_BUS_PATH, MANAGER, "Add",
     "('fuzz-3', {'exe': ['/bin/true'], 'user': ['root'], 'cgroup': ['/a'], 'unit': ['b'], "
     "'out': ['5M'], 'on-limit': ['throttle=9k'], 'durability': ['strict']})"},
    {NETFIL_BUS_PATH, MANAGER, "Add",
     "('fuzz-5', {'ip': ['198.51.100.0/24'], 'each': ['ip'], 'max-members': ['9'], 'total': "
     "['1M']})"},
    {NETFIL_BUS_PATH, MANAGER, "Members",
     "('fuzz-5', {'sort': <'in'>, 'reverse': <true>, 'match': <'198.'>, 'limit': <uint32 3>, "
     "'after': <'7:198.51.100.1'>})"},
    {NETFIL_BUS_PATH, MANAGER, "ResetMember", "('fuzz-5', '(others)')"},
    {NETFIL_BUS_PATH, MANAGER, "Set", "('fuzz-1', {'total': ['+1G'], 'used': ['12M']})"},
    {NETFIL_BUS_PATH, MANAGER, "Set",
     "('good', {'unlimited-until': ['1795449600'], 'on': ['true'], 'loopback': ['false']})"},
    {NETFIL_BUS_PATH, MANAGER, "Set", "('fuzz-2', {'ip': ['192.0.2.0/24'], 'proto': ['tcp']})"},
    {NETFIL_BUS_PATH, MANAGER, "Switch", "(['fuzz-1', 'good'], false)"},
    {NETFIL_BUS_PATH, MANAGER, "Reset", "(['fuzz-1', 'fuzz-2'],)"},
    {NETFIL_BUS_PATH, MANAGER, "Remove", "(['fuzz-1', 'fuzz-3'],)"},
    {NETFIL_BUS_PATH, MANAGER, "Apply",
     "([('fuzz-1', {'ip': ['192.0.2.0/24'], 'total': ['1G']}), ('fuzz-4', {'user': ['65534'], "
     "'every': ['day']})], true, false)"},
    {NETFIL_BUS_PATH, MANAGER, "Apply", "([('good', {'ip': ['192.0.2.1']})], false, true)"},
    {NETFIL_BUS_PATH, MANAGER, "List", "('', uint32 10)"},
    {NETFIL_BUS_PATH, MANAGER, "Get", "('good',)"},
    {NETFIL_BUS_PATH, MANAGER, "Doctor", "()"},
    {NETFIL_BUS_PATH, MANAGER, "Unattributed", "()"},
    {NETFIL_BUS_PATH, MANAGER, "History", "('good', 'hour', int64 0, int64 1795449600, uint64 0)"},
    {NETFIL_BUS_PATH, MANAGER, "Apps", "('day', int64 0, int64 0, uint64 0)"},
    {NETFIL_BUS_PATH, MANAGER, "Trouble", "()"},
    {NETFIL_BUS_PATH, PROPERTIES, "Get", "('" MANAGER "', 'Version')"},
    {NETFIL_BUS_PATH, PROPERTIES, "Set", "('" MANAGER "', 'Version', <'1'>)"},
    {NETFIL_BUS_PATH "/filter/1", PROPERTIES, "GetAll", "('" FILTER "',)"},
    {NETFIL_BUS_PATH "/filter/1", PROPERTIES, "Set", "('" FILTER "', 'Name', <'x'>)"},
    {NETFIL_BUS_PATH "/filter", "org.freedesktop.DBus.Introspectable", "Introspect", "()"},
    {NETFIL_BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", "()"},
};

typedef struct {
	const char *path;
	gboolean as_root;
	GRand *random;
	GDBusConnection *other; /* root's */
	GVariant *filters;      /* as the other client saw them first */
	GString *said;          /* in figures, on this connection */
} Fuzzer;

static GDBusConnection *open_bus(const char *path)
{
	g_autofree char *escaped = g_dbus_address_escape_value(path);
	g_autofree char *address = g_strconcat("unix:path=", escaped, NULL);
	g_autoptr(GError) error = NULL;
	GDBusConnection *bus = g_dbus_connection_new_for_address_sync(
	    address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);

	if (!bus)
		errx(1, "%s: %s", path, error->message);
	return bus;
}

/* ---- the other client ---- */

static GVariant *list_filters(Fuzzer *f)
{
	g_autoptr(GError) error = NULL;
	GVariant *filters = g_dbus_connection_call_sync(
	    f->other, NULL, NETFIL_BUS_PATH, MANAGER, "List", g_variant_new("(su)", "", 0), NULL,
	    G_DBUS_CALL_FLAGS_NONE, PATIENCE * 1000, NULL, &error);

	if (!filters)
		errx(1, "the other client is not served: %s", error->message);
	return filters;
}

static void look(Fuzzer *f)
{
	g_autoptr(GVariant) filters = list_filters(f);

	if (!f->as_root && !g_variant_equal(filters, f->filters)) {
		g_autofree char *text = g_variant_print(filters, FALSE);

		errx(1, "the filters are others now: %s", text);
	}
}

/* ---- messages with other bytes ---- */

static GVariant *new_arguments(Fuzzer *f, guint call)
{
	g_autoptr(GVariant) arguments =
	    g_variant_parse(NULL, calls[call].arguments, NULL, NULL, NULL);

	return g_variant_take_ref(mutate_value(f->random, arguments));
}

static GByteArray *new_message(Fuzzer *f, guint serial)
{
	guint call = (guint)g_rand_int_range(f->random, 0, G_N_ELEMENTS(calls));
	g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(
	    NULL, calls[call].path, calls[call].interface, calls[call].method);
	g_autoptr(GVariant) arguments = new_arguments(f, call);
	g_autoptr(GError) error = NULL;
	guchar *blob;
	gsize size;

	g_dbus_message_set_serial(message, serial);
	if (g_variant_n_children(arguments) > 0)
		g_dbus_message_set_body(message, arguments);
	blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
	if (!blob)
		errx(1, "%s: %s", calls[call].method, error->message);
	return g_byte_array_new_take(blob, size);
}

static GSocket *try_connect(Fuzzer *f)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(f->path);
	g_autoptr(GError) error = NULL;
	GSocket *socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, &error);

	if (!socket || !g_socket_connect(socket, address, NULL, &error))
		errx(1, "%s: %s", f->path, error->message);
	g_socket_set_timeout(socket, PATIENCE);
	return socket;
}

/* FALSE: netfild has closed the connection. */
static gboolean expect_line(GSocket *socket, const char *start)
{
	char line[256];
	gsize length = 0;

	while (length < sizeof line - 1 && (length == 0 || line[length - 1] != '\n')) {
		if (g_socket_receive(socket, line + length, 1, NULL, NULL) <= 0)
			return FALSE;
		length++;
	}
	line[length] = '\0';
	if (!g_str_has_prefix(line, start))
		errx(1, "no authentication: %s", line);
	return TRUE;
}

static gboolean say(GSocket *socket, const void *data, gsize size)
{
	const char *at = data;

	while (size > 0) {
		gssize sent = g_socket_send(socket, at, size, NULL, NULL);

		if (sent <= 0)
			return FALSE;
		at += sent;
		size -= (gsize)sent;
	}
	return TRUE;
}

/* Who is known by the socket; netfild may not have closed former connections yet. */
static GSocket *open_socket(Fuzzer *f)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\n", data[] = "DATA\r\n",
			  begin[] = "BEGIN\r\n";

	for (guint i = 0; i < TRIES; i++) {
		GSocket *socket = try_connect(f);

		if (say(socket, hello, sizeof hello - 1) && expect_line(socket, "DATA") &&
		    say(socket, data, sizeof data - 1) && expect_line(socket, "OK") &&
		    say(socket, begin, sizeof begin - 1))
			return socket;
		g_object_unref(socket);
		g_usleep(1000);
	}
	errx(1, "netfild lets nobody in any more");
}

/* netfild is done with this client when it closes the connection, too. */
static void finish(Fuzzer *f, GSocket *socket)
{
	char answer[4096];
	gssize got;

	g_socket_shutdown(socket, FALSE, TRUE, NULL);
	do {
		g_autoptr(GError) error = NULL;

		got = g_socket_receive(socket, answer, sizeof answer, NULL, &error);
		if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
			errx(1, "a connection that is over stays open after%s", f->said->str);
	} while (got > 0);
	g_object_unref(socket);
}

static gboolean say_message(Fuzzer *f, GSocket *socket, const GByteArray *bytes)
{
	g_string_append_c(f->said, ' ');
	for (guint i = 0; i < bytes->len; i++)
		g_string_append_printf(f->said, "%02x", bytes->data[i]);
	return say(socket, bytes->data, bytes->len);
}

static void send_bytes(Fuzzer *f, guint count)
{
	for (guint i = 0; i < count;) {
		GSocket *socket = open_socket(f);
		guint messages = 1 + g_rand_int(f->random) % MESSAGES_A_CONNECTION;

		g_string_truncate(f->said, 0);
		for (; messages > 0 && i < count; messages--) {
			g_autoptr(GByteArray) bytes = new_message(f, ++i);

			mutate_bytes(f->random, bytes);
			if (i % MESSAGES_A_LOOK == 0)
				look(f);
			if (!say_message(f, socket, bytes))
				break; /* what came before was enough for it */
		}
		finish(f, socket);
	}
}

/* ---- calls with other arguments ---- */

/* Answered, or refused in words. */
static void expect_answer(const char *method, GVariant *arguments, const GError *error)
{
	g_autofree char *name = g_dbus_error_get_remote_error(error);
	g_autofree char *text = g_variant_print(arguments, TRUE);

	if (!name)
		errx(1, "%s%s: no answer: %s", method, text, error->message);
	if (g_str_has_prefix(name, "org.netfil.Error.") &&
	    (!strstr(error->message, ": ") || strchr(error->message, '\n')))
		errx(1, "%s%s: it does not say what to do: %s", method, text, error->message);
}

static void send_calls(Fuzzer *f, guint count)
{
	g_autoptr(GDBusConnection) bus = open_bus(f->path);

	for (guint i = 0; i < count; i++) {
		guint call = (guint)g_rand_int_range(f->random, 0, G_N_ELEMENTS(calls));
		guint body =
		    g_rand_int(f->random) % 16 ? call : g_rand_int(f->random) % G_N_ELEMENTS(calls);
		g_autoptr(GVariant) arguments = new_arguments(f, body);
		g_autoptr(GError) error = NULL;
		g_autoptr(GVariant) answer = g_dbus_connection_call_sync(
		    bus, NULL, calls[call].path, calls[call].interface, calls[call].method,
		    g_variant_n_children(arguments) > 0 ? arguments : NULL, NULL,
		    G_DBUS_CALL_FLAGS_NONE, PATIENCE * 1000, NULL, &error);

		if (!answer)
			expect_answer(calls[call].method, arguments, error);
		if (i % MESSAGES_A_LOOK == 0)
			look(f);
	}
}

static void become_user(uid_t uid)
{
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		err(1, "uid %u", uid);
}

int main(int argc, char **argv)
{
	Fuzzer f = {0};
	guint count;

	if (argc != 6)
		errx(2, "usage: fuzz-wire SOCKET bytes|calls root|UID SEED COUNT");
	f.path = argv[1];
	f.as_root = g_str_equal(argv[3], "root");
	f.random = g_rand_new_with_seed((guint32)g_ascii_strtoull(argv[4], NULL, 10));
	count = (guint)g_ascii_strtoull(argv[5], NULL, 10);
	f.said = g_string_new(NULL);
	f.other = open_bus(f.path);
	f.filters = list_filters(&f);
	if (!f.as_root)
		become_user((uid_t)g_ascii_strtoull(argv[3], NULL, 10));
	if (g_str_equal(argv[2], "bytes"))
		send_bytes(&f, count);
	else
		send_calls(&f, count);
	look(&f);
	printf("sent=%u seed=%s\n", count, argv[4]);
	g_string_free(f.said, TRUE);
	g_variant_unref(f.filters);
	g_object_unref(f.other);
	g_rand_free(f.random);
	return 0;
}
