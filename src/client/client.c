/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "client-private.h"

#include "bus.h"
#include "core/error.h"
#include "paths.h"

/* Loading programs anew takes seconds on a slow machine; GDBus gives up at 25. */
#define CALL_TIMEOUT_MS (120 * 1000)
#define PAGE 250          /* what netfild has in hand at once; the next is made while one is read */
#define SOCKETS_PAGE 1000 /* of netfild's */

enum {
	ADDED,
	REMOVED,
	CHANGED,
	CAP_REACHED,
	CAP_REACHED_OF,
	WARNED,
	WARNED_OF,
	CYCLE_STARTED,
	TROUBLE,
	CLOSED,
	SIGNALS,
};

static guint signals[SIGNALS];

G_DEFINE_FINAL_TYPE(NetfilClient, netfil_client, G_TYPE_OBJECT)

static void netfil_client_dispose(GObject *object)
{
	NetfilClient *client = NETFIL_CLIENT(object);

	if (client->manager) {
		GDBusConnection *connection =
		    g_dbus_proxy_get_connection(G_DBUS_PROXY(client->manager));

		g_signal_handlers_disconnect_by_data(connection, client);
		g_signal_handlers_disconnect_by_data(client->manager, client);
		g_dbus_connection_close(connection, NULL, NULL, NULL);
	}
	g_clear_object(&client->manager);
	G_OBJECT_CLASS(netfil_client_parent_class)->dispose(object);
}

/* `n`: how many GTypes follow. */
static guint signal_new(const char *name, guint n, ...)
{
	va_list types;
	guint id;

	va_start(types, n);
	id = g_signal_new_valist(name, NETFIL_TYPE_CLIENT, G_SIGNAL_RUN_LAST, NULL, NULL, NULL,
				 NULL, G_TYPE_NONE, n, types);
	va_end(types);
	return id;
}

static void netfil_client_class_init(NetfilClientClass *class)
{
	G_OBJECT_CLASS(class)->dispose = netfil_client_dispose;
	signals[ADDED] = signal_new("added", 1, G_TYPE_STRING);
	signals[REMOVED] = signal_new("removed", 1, G_TYPE_STRING);
	signals[CHANGED] = signal_new("changed", 1, G_TYPE_POINTER);
	signals[CAP_REACHED] = signal_new("cap-reached", 2, G_TYPE_STRING, G_TYPE_STRING);
	signals[CAP_REACHED_OF] =
	    signal_new("cap-reached-of", 3, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING);
	signals[WARNED] = signal_new("warned", 3, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_STRING);
	signals[WARNED_OF] =
	    signal_new("warned-of", 4, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_STRING, G_TYPE_STRING);
	signals[CYCLE_STARTED] = signal_new("cycle-started", 2, G_TYPE_STRING, G_TYPE_INT64);
	signals[TROUBLE] = signal_new("trouble", 1, G_TYPE_STRING);
	signals[CLOSED] = signal_new("closed", 0);
}

static void netfil_client_init(NetfilClient *client)
{
	(void)client;
}

static void on_added(NetfilClient *client, const char *name)
{
	g_signal_emit(client, signals[ADDED], 0, name);
}

static void on_removed(NetfilClient *client, const char *name)
{
	g_signal_emit(client, signals[REMOVED], 0, name);
}

static void on_changed(NetfilClient *client, const char *name, GVariant *variant)
{
	g_autoptr(NetfilStatus) status = netfil_status_from_variant(variant, NULL);

	(void)name;
	/* A status that cannot be read is a newer daemon's: nothing to tell. */
	if (status)
		g_signal_emit(client, signals[CHANGED], 0, status);
}

static void on_cap_reached(NetfilClient *client, const char *name, const char *direction,
			   const char *member)
{
	g_signal_emit(client, signals[CAP_REACHED], 0, name, direction);
	g_signal_emit(client, signals[CAP_REACHED_OF], 0, name, direction, member);
}

static void on_warned(NetfilClient *client, const char *name, guint percent, const char *direction,
		      const char *member)
{
	g_signal_emit(client, signals[WARNED], 0, name, percent, direction);
	g_signal_emit(client, signals[WARNED_OF], 0, name, percent, direction, member);
}

static void on_cycle_started(NetfilClient *client, const char *name, gint64 started)
{
	g_signal_emit(client, signals[CYCLE_STARTED], 0, name, started);
}

static void on_trouble_changed(NetfilClient *client, const char *what)
{
	g_signal_emit(client, signals[TROUBLE], 0, what);
}

static void on_closed(NetfilClient *client)
{
	g_signal_emit(client, signals[CLOSED], 0);
}

/* On a message bus, which stays. */
static void on_owner_changed(NetfilClient *client)
{
	g_autofree char *owner = g_dbus_proxy_get_name_owner(G_DBUS_PROXY(client->manager));

	if (!owner)
		on_closed(client);
}

static NetfilClient *client_new(GDBusConnection *connection, NetfilBusManager *manager)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} tidings[] = {
	    {"added", G_CALLBACK(on_added)},
	    {"removed", G_CALLBACK(on_removed)},
	    {"changed", G_CALLBACK(on_changed)},
	    {"cap-reached", G_CALLBACK(on_cap_reached)},
	    {"warned", G_CALLBACK(on_warned)},
	    {"cycle-started", G_CALLBACK(on_cycle_started)},
	    {"trouble-changed", G_CALLBACK(on_trouble_changed)},
	};
	NetfilClient *client = g_object_new(NETFIL_TYPE_CLIENT, NULL);

	client->manager = manager;
	g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(manager), CALL_TIMEOUT_MS);
	for (guint i = 0; i < G_N_ELEMENTS(tidings); i++)
		g_signal_connect_swapped(manager, tidings[i].signal, tidings[i].handler, client);
	g_signal_connect_swapped(connection, "closed", G_CALLBACK(on_closed), client);
	if (g_dbus_proxy_get_name(G_DBUS_PROXY(manager)))
		g_signal_connect_swapped(manager, "notify::g-name-owner",
					 G_CALLBACK(on_owner_changed), client);
	return client;
}

static void explain_no_connection(const GError *raw, GError **error)
{
	if (g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
	    g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
				    "netfild is not running: start it with `netfild`, "
				    "or add a filter");
	else if (g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
			    "%s may not be used by you: its folder must be open to all (mode 0755)",
			    netfil_runtime_dir());
	else
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "netfild does not take the connection (%s): see its log", raw->message);
}

/* Lets netfild have the user asked for a password. Runs in the thread of GDBus; messages
 * on their way out are locked. */
static GDBusMessage *allow_questions(GDBusConnection *connection, GDBusMessage *message,
				     gboolean incoming, gpointer data)
{
	GDBusMessage *copy;

	(void)connection;
	(void)data;
	if (incoming || g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
		return message;
	copy = g_dbus_message_copy(message, NULL);
	if (!copy)
		return message;
	g_dbus_message_set_flags(copy, g_dbus_message_get_flags(message) |
					   G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
	g_object_unref(message);
	return copy;
}

/* The unique name behind `name`: so a call after that netfild has gone starts no other one,
 * and is answered by the bus. (A proxy of a name that is not to be started leaks the
 * arguments of calls when nobody owns it.) */
static char *owner_of(GDBusConnection *connection, const char *name, GError **raw)
{
	g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
	    connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
	    "GetNameOwner", g_variant_new("(s)", name), G_VARIANT_TYPE("(s)"),
	    G_DBUS_CALL_FLAGS_NONE, -1, NULL, raw);
	char *owner = NULL;

	if (reply)
		g_variant_get(reply, "(s)", &owner);
	else if (raw && g_error_matches(*raw, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)) {
		g_clear_error(raw);
		g_set_error(raw, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "nobody owns %s", name);
	}
	return owner;
}

/* `bus_name`: of netfild on a message bus; NULL where it is at the other end itself. The
 * connection is nobody else's, as a client closes it. */
static NetfilClient *connect_at(const char *address, const char *bus_name, GError **raw)
{
	GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT;
	g_autoptr(GDBusConnection) connection = NULL;
	g_autoptr(NetfilBusManager) manager = NULL;
	g_autofree char *owner = NULL;

	netfil_bus_register_errors();
	if (bus_name)
		flags |= G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION;
	connection = g_dbus_connection_new_for_address_sync(address, flags, NULL, NULL, raw);
	if (!connection)
		return NULL;
	g_dbus_connection_add_filter(connection, allow_questions, NULL, NULL);
	if (bus_name) {
		owner = owner_of(connection, bus_name, raw);
		if (!owner)
			return NULL;
	}
	manager = netfil_bus_manager_proxy_new_sync(connection, G_DBUS_PROXY_FLAGS_NONE, owner,
						    NETFIL_BUS_PATH, NULL, raw);
	if (!manager)
		return NULL;
	return client_new(connection, g_steal_pointer(&manager));
}

static NetfilClient *connect_at_system_bus(GError **raw)
{
	g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, raw);

	return address ? connect_at(address, NETFIL_BUS_NAME, raw) : NULL;
}

static NetfilClient *connect_at_own_socket(GError **raw)
{
	const char *path = netfil_bus_socket(raw);
	g_autofree char *escaped = path ? g_dbus_address_escape_value(path) : NULL;
	g_autofree char *address = g_strconcat("unix:path=", escaped, NULL);

	return path ? connect_at(address, NULL, raw) : NULL;
}

/* A netfild that is on the system bus and shows no socket here, as to a container. */
static NetfilClient *connect_by_default(GError **raw)
{
	const char *elsewhere = g_getenv("NETFIL_RUNTIME_DIR");
	NetfilClient *client = connect_at_own_socket(raw);

	if (client || (elsewhere && *elsewhere) ||
	    !g_error_matches(*raw, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
		return client;
	client = connect_at_system_bus(NULL);
	if (client)
		g_clear_error(raw);
	return client;
}

NetfilClient *netfil_client_connect_to(const char *address, GError **error)
{
	NetfilClient *client;
	GError *raw = NULL;

	if (!address)
		client = connect_by_default(&raw);
	else if (g_str_equal(address, "system"))
		client = connect_at_system_bus(&raw);
	else
		client = connect_at(address, NULL, &raw);
	if (raw && raw->domain == NETFIL_ERROR) {
		g_propagate_error(error, raw);
	} else if (raw) {
		explain_no_connection(raw, error);
		g_error_free(raw);
	}
	return client;
}

NetfilClient *netfil_client_connect(GError **error)
{
	return netfil_client_connect_to(NULL, error);
}

gboolean netfil_client_answered(gboolean ok, GError **error)
{
	gboolean gone = !ok && error &&
			(g_error_matches(*error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
			 g_error_matches(*error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
			 g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_CLOSED));

	if (gone) {
		g_clear_error(error);
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
				    "netfild has gone: connect again when it is there");
	} else if (!ok) {
		netfil_bus_clean_error(error);
	}
	return ok;
}

const char *netfil_client_version(NetfilClient *client)
{
	const char *version = netfil_bus_manager_get_version(client->manager);

	return version ? version : "";
}

static gboolean append_page(GPtrArray *statuses, GVariant *page, GError **error)
{
	GVariantIter iter;
	GVariant *entry;

	g_variant_iter_init(&iter, page);
	while ((entry = g_variant_iter_next_value(&iter))) {
		g_autoptr(GVariant) owned = entry;
		NetfilStatus *status = netfil_status_from_variant(owned, error);

		if (!status)
			return FALSE;
		g_ptr_array_add(statuses, status);
	}
	return TRUE;
}

static void keep_result(GObject *manager, GAsyncResult *result, gpointer data)
{
	(void)manager;
	*(GAsyncResult **)data = g_object_ref(result);
}

static void ask_page(NetfilClient *client, const char *after, GAsyncResult **result)
{
	netfil_bus_manager_call_list(client->manager, after, PAGE, NULL, keep_result, result);
}

static GVariant *await_page(NetfilClient *client, GAsyncResult **result, GError **error)
{
	GVariant *page = NULL;

	while (!*result)
		g_main_context_iteration(g_main_context_get_thread_default(), TRUE);
	netfil_bus_manager_call_list_finish(client->manager, &page, *result, error);
	g_clear_object(result);
	return page;
}

static char *last_name(GVariant *page)
{
	g_autoptr(GVariant) last = g_variant_get_child_value(page, PAGE - 1);
	char *name = NULL;

	return g_variant_lookup(last, "name", "s", &name) ? name : NULL;
}

/* The next page is asked for before one is read, so that netfild and this are both at work. */
static gboolean list_pages(NetfilClient *client, GPtrArray *statuses, GError **error)
{
	GAsyncResult *result = NULL;
	gboolean good = TRUE;
	GVariant *page;

	for (ask_page(client, "", &result); good;) {
		g_autofree char *after = NULL;

		page = await_page(client, &result, error);
		if (!page)
			return netfil_client_answered(FALSE, error);
		if (g_variant_n_children(page) == PAGE)
			after = last_name(page);
		if (after)
			ask_page(client, after, &result);
		good = append_page(statuses, page, error);
		g_variant_unref(page);
		if (!after)
			return good;
	}
	page = await_page(client, &result, NULL); /* it is of no use any more */
	g_clear_pointer(&page, g_variant_unref);
	return FALSE;
}

GPtrArray *netfil_client_list(NetfilClient *client, GError **error)
{
	g_autoptr(GPtrArray) statuses =
	    g_ptr_array_new_with_free_func((GDestroyNotify)netfil_status_free);
	g_autoptr(GMainContext) context = g_main_context_new();
	gboolean good;

	/* Nothing else happens meanwhile. */
	g_main_context_push_thread_default(context);
	good = list_pages(client, statuses, error);
	g_main_context_pop_thread_default(context);
	return good ? g_steal_pointer(&statuses) : NULL;
}

NetfilStatus *netfil_client_get(NetfilClient *client, const char *name, GError **error)
{
	g_autoptr(GVariant) status = NULL;

	if (!netfil_client_answered(
		netfil_bus_manager_call_get_sync(client->manager, name, &status, NULL, error),
		error))
		return NULL;
	return netfil_status_from_variant(status, error);
}

gboolean netfil_client_add_values(NetfilClient *client, const char *name, GVariant *specification,
				  GError **error)
{
	g_autofree char *path = NULL;

	return netfil_client_answered(netfil_bus_manager_call_add_sync(
					  client->manager, name, specification, &path, NULL, error),
				      error);
}

gboolean netfil_client_add_spec(NetfilClient *client, const NetfilSpec *spec, GError **error)
{
	return netfil_client_add_values(client, spec->name, netfil_spec_to_variant(spec), error);
}

gboolean netfil_client_change(NetfilClient *client, const char *name, GVariant *changes,
			      GError **error)
{
	return netfil_client_answered(
	    netfil_bus_manager_call_set_sync(client->manager, name, changes, NULL, error), error);
}

gboolean netfil_client_switch(NetfilClient *client, const char *const *names, gboolean on,
			      GError **error)
{
	return netfil_client_answered(
	    netfil_bus_manager_call_switch_sync(client->manager, names, on, NULL, error), error);
}

gboolean netfil_client_reset(NetfilClient *client, const char *const *names, GError **error)
{
	return netfil_client_answered(
	    netfil_bus_manager_call_reset_sync(client->manager, names, NULL, error), error);
}

gboolean netfil_client_remove(NetfilClient *client, const char *const *names, GError **error)
{
	return netfil_client_answered(
	    netfil_bus_manager_call_remove_sync(client->manager, names, NULL, error), error);
}

GPtrArray *netfil_client_apply(NetfilClient *client, const GPtrArray *specs, gboolean prune,
			       gboolean dry_run, GError **error)
{
	g_auto(GVariantBuilder) filters = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(sa{sas})"));
	g_autoptr(GVariant) changes = NULL;

	for (guint i = 0; i < specs->len; i++) {
		const NetfilSpec *spec = specs->pdata[i];

		g_variant_builder_add(&filters, "(s@a{sas})", spec->name,
				      netfil_spec_to_variant(spec));
	}
	if (!netfil_client_answered(
		netfil_bus_manager_call_apply_sync(client->manager, g_variant_builder_end(&filters),
						   prune, dry_run, &changes, NULL, error),
		error))
		return NULL;
	return netfil_changes_from_variant(changes);
}

gboolean netfil_client_reload(NetfilClient *client, GError **error)
{
	return netfil_client_answered(
	    netfil_bus_manager_call_reload_sync(client->manager, NULL, error), error);
}

GVariant *netfil_client_doctor(NetfilClient *client, GError **error)
{
	GVariant *features = NULL;

	return netfil_client_answered(
		   netfil_bus_manager_call_doctor_sync(client->manager, &features, NULL, error),
		   error)
		   ? features
		   : NULL;
}

gboolean netfil_client_unattributed(NetfilClient *client, guint64 bytes[2], guint64 packets[2],
				    guint64 losses[NETFIL_LOSSES], GError **error)
{
	g_autoptr(GVariant) counts = NULL;

	if (!netfil_client_answered(
		netfil_bus_manager_call_unattributed_sync(client->manager, &counts, NULL, error),
		error))
		return FALSE;
	g_variant_get(counts, "(ttttttt)", &bytes[0], &bytes[1], &packets[0], &packets[1],
		      &losses[NETFIL_LOSS_OVERMATCHED], &losses[NETFIL_LOSS_UNTAGGED],
		      &losses[NETFIL_LOSS_UNTRACKED]);
	return TRUE;
}

/* Periods. */

GArray *netfil_client_history(NetfilClient *client, const char *name, NetfilBy by, gint64 from,
			      gint64 to, GError **error)
{
	g_autoptr(GArray) periods = netfil_periods_new();
	guint64 cursor = 0;

	do {
		g_autoptr(GVariant) page = NULL;

		if (!netfil_client_answered(
			netfil_bus_manager_call_history_sync(client->manager, name ? name : "",
							     netfil_by_name(by), from, to, cursor,
							     &page, &cursor, NULL, error),
			error))
			return NULL;
		netfil_periods_add_history(periods, page);
	} while (cursor);
	return g_steal_pointer(&periods);
}

GArray *netfil_client_apps(NetfilClient *client, int by, gint64 from, gint64 to, GError **error)
{
	const char *resolution = by < 0 ? "" : netfil_by_name((NetfilBy)by);
	g_autoptr(GArray) periods = netfil_periods_new();
	guint64 cursor = 0;

	do {
		g_autoptr(GVariant) page = NULL;

		if (!netfil_client_answered(
			netfil_bus_manager_call_apps_sync(client->manager, resolution, from, to,
							  cursor, &page, &cursor, NULL, error),
			error))
			return NULL;
		netfil_periods_add_apps(periods, page);
	} while (cursor);
	return g_steal_pointer(&periods);
}

char *netfil_client_trouble(NetfilClient *client, gint64 *since, GError **error)
{
	char *what = NULL;

	return netfil_client_answered(
		   netfil_bus_manager_call_trouble_sync(client->manager, &what, since, NULL, error),
		   error)
		   ? what
		   : NULL;
}

GArray *netfil_client_sockets(NetfilClient *client, GError **error)
{
	g_autoptr(GArray) usages = netfil_socket_usages_new();
	guint64 after = 0;
	guint before;

	do {
		g_autoptr(GVariant) page = NULL;

		before = usages->len;
		if (!netfil_client_answered(netfil_bus_manager_call_sockets_sync(
						client->manager, after, &page, NULL, error),
					    error))
			return NULL;
		netfil_socket_usages_read(usages, page);
		if (usages->len > before)
			after = g_array_index(usages, NetfilSocketUsage, usages->len - 1).cookie;
	} while (usages->len - before == SOCKETS_PAGE);
	return g_steal_pointer(&usages);
}
