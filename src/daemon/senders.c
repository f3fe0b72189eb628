/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "senders.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

struct NetfilSenders {
	GDBusConnection *bus;
	NetfilSendersHandler handler;
	GHashTable *senders; /* unique name -> Sender */
};

typedef struct {
	NetfilSenders *senders;
	char *bus_name;
	NetfilCaller *caller; /* NULL: asked for */
	GCancellable *asking;
	guint watch;
} Sender;

static void sender_free(gpointer data)
{
	Sender *sender = data;

	g_cancellable_cancel(sender->asking);
	g_object_unref(sender->asking);
	g_dbus_connection_signal_unsubscribe(sender->senders->bus, sender->watch);
	g_clear_pointer(&sender->caller, netfil_caller_unref);
	g_free(sender->bus_name);
	g_free(sender);
}

static void forget(Sender *sender)
{
	NetfilSenders *senders = sender->senders;
	g_autofree char *bus_name = g_strdup(sender->bus_name);
	gboolean had_come = sender->caller != NULL;

	g_hash_table_remove(senders->senders, bus_name);
	senders->handler.went(bus_name, had_come, senders->handler.data);
}

static void on_owner_changed(GDBusConnection *bus, const char *from, const char *path,
			     const char *interface, const char *signal, GVariant *parameters,
			     gpointer sender)
{
	const char *owner;

	(void)bus;
	(void)from;
	(void)path;
	(void)interface;
	(void)signal;
	g_variant_get(parameters, "(&s&s&s)", NULL, NULL, &owner);
	if (!*owner)
		forget(sender);
}

/* The process' descriptor, if the bus daemon gives one; else -1. */
static int take_pidfd(GVariantDict *credentials, GUnixFDList *fds)
{
	gint32 handle;

	if (!fds || !g_variant_dict_lookup(credentials, "ProcessFD", "h", &handle))
		return -1;
	return g_unix_fd_list_get(fds, handle, NULL);
}

static NetfilCaller *read_credentials(GVariant *answer, GUnixFDList *fds, const char *bus_name)
{
	g_autoptr(GVariant) dictionary = g_variant_get_child_value(answer, 0);
	g_auto(GVariantDict) credentials = G_VARIANT_DICT_INIT(dictionary);
	guint32 uid = G_MAXUINT32, pid = 0;
	NetfilCaller *caller;
	int pidfd;

	g_variant_dict_lookup(&credentials, "UnixUserID", "u", &uid);
	g_variant_dict_lookup(&credentials, "ProcessID", "u", &pid);
	pidfd = take_pidfd(&credentials, fds);
	caller = netfil_caller_of_process(uid, (pid_t)pid, pidfd, bus_name);
	if (pidfd >= 0)
		close(pidfd);
	return caller;
}

static void on_credentials(GObject *bus, GAsyncResult *result, gpointer data)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = g_dbus_connection_call_with_unix_fd_list_finish(
	    G_DBUS_CONNECTION(bus), &fds, result, &error);
	NetfilSenders *senders;
	Sender *sender = data;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return; /* the sender is no more */
	if (!answer) {
		forget(sender);
		return;
	}
	senders = sender->senders;
	sender->caller = read_credentials(answer, fds, sender->bus_name);
	senders->handler.came(sender->caller, senders->handler.data);
}

static void ask(NetfilSenders *senders, const char *bus_name)
{
	Sender *sender = g_new0(Sender, 1);

	sender->senders = senders;
	sender->bus_name = g_strdup(bus_name);
	sender->asking = g_cancellable_new();
	/* First this: so one that leaves before the answer is not missed. */
	sender->watch = g_dbus_connection_signal_subscribe(
	    senders->bus, BUS, BUS, "NameOwnerChanged", BUS_PATH, bus_name,
	    G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, sender, NULL);
	g_hash_table_insert(senders->senders, sender->bus_name, sender);
	g_dbus_connection_call_with_unix_fd_list(
	    senders->bus, BUS, BUS_PATH, BUS, "GetConnectionCredentials",
	    g_variant_new("(s)", bus_name), G_VARIANT_TYPE("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1,
	    NULL, sender->asking, on_credentials, sender);
}

NetfilCaller *netfil_senders_find(NetfilSenders *senders, const char *bus_name)
{
	Sender *sender = g_hash_table_lookup(senders->senders, bus_name);

	if (!sender)
		ask(senders, bus_name);
	return sender ? sender->caller : NULL;
}

NetfilSenders *netfil_senders_new(GDBusConnection *bus, const NetfilSendersHandler *handler)
{
	NetfilSenders *senders = g_new0(NetfilSenders, 1);

	senders->bus = g_object_ref(bus);
	senders->handler = *handler;
	senders->senders = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sender_free);
	return senders;
}

void netfil_senders_free(NetfilSenders *senders)
{
	GHashTableIter iter;
	Sender *sender;

	for (;;) {
		g_hash_table_iter_init(&iter, senders->senders);
		if (!g_hash_table_iter_next(&iter, NULL, (gpointer *)&sender))
			break;
		forget(sender);
	}
	g_hash_table_unref(senders->senders);
	g_object_unref(senders->bus);
	g_free(senders);
}
