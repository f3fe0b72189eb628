/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "fake-netfild.h"

#include "bus-generated.h"
#include "client/bus.h"
#include "core/error.h"

struct FakeNetfild {
	GDBusServer *server;
	GPtrArray *connections;
	guint name;
	NetfilBusManager *manager;
	GHashTable *statuses; /* name -> NetfilStatus */
	GHashTable *objects;  /* name -> NetfilBusFilter */
	guint refused;
	gboolean may_ask;
};

static gboolean on_list(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *after,
			guint count, FakeNetfild *fake)
{
	g_autoptr(GList) names = g_hash_table_get_keys(fake->statuses);
	GVariantBuilder page;

	g_variant_builder_init(&page, G_VARIANT_TYPE("aa{sv}"));
	names = g_list_sort(names, (GCompareFunc)g_strcmp0);
	for (GList *at = names; at && count; at = at->next)
		if (g_strcmp0(at->data, after) > 0) {
			g_variant_builder_add_value(
			    &page, netfil_status_to_variant(
				       g_hash_table_lookup(fake->statuses, at->data)));
			count--;
		}
	netfil_bus_manager_complete_list(manager, call, g_variant_builder_end(&page));
	return TRUE;
}

static gboolean on_get(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *name,
		       FakeNetfild *fake)
{
	const NetfilStatus *status = g_hash_table_lookup(fake->statuses, name);

	if (status)
		netfil_bus_manager_complete_get(manager, call, netfil_status_to_variant(status));
	else
		g_dbus_method_invocation_return_error_literal(call, NETFIL_ERROR,
							      NETFIL_ERROR_NOT_FOUND, "no: no");
	return TRUE;
}

static gboolean on_trouble(NetfilBusManager *manager, GDBusMethodInvocation *call)
{
	netfil_bus_manager_complete_trouble(manager, call, "", 0);
	return TRUE;
}

static gboolean on_switch(NetfilBusManager *manager, GDBusMethodInvocation *call,
			  const char *const *names, gboolean on, FakeNetfild *fake)
{
	GDBusMessage *message = g_dbus_method_invocation_get_message(call);

	(void)manager;
	(void)names;
	(void)on;
	fake->refused++;
	fake->may_ask = (g_dbus_message_get_flags(message) &
			 G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
	g_dbus_method_invocation_return_error_literal(call, NETFIL_ERROR, NETFIL_ERROR_DENIED,
						      "you may not: ask an administrator");
	return TRUE;
}

/* Pages of a history: the cursor is the number of the next. */
static gboolean on_history(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *name,
			   const char *by, gint64 from, gint64 to, guint64 cursor)
{
	GVariantBuilder page;

	(void)by;
	(void)to;
	g_variant_builder_init(&page, G_VARIANT_TYPE("a(sxxtttt)"));
	g_variant_builder_add(&page, "(sxxtttt)", name, from + (gint64)cursor,
			      from + (gint64)cursor + 1, cursor + 1, cursor + 2, (guint64)0,
			      (guint64)0);
	netfil_bus_manager_complete_history(manager, call, g_variant_builder_end(&page),
					    cursor < 2 ? cursor + 1 : 0);
	return TRUE;
}

static void export(FakeNetfild *fake, GDBusConnection *connection)
{
	GHashTableIter iter;
	const char *name;
	gpointer object;

	g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(fake->manager), connection,
					 NETFIL_BUS_PATH, NULL);
	g_hash_table_iter_init(&iter, fake->objects);
	while (g_hash_table_iter_next(&iter, (gpointer *)&name, &object)) {
		const NetfilStatus *status = g_hash_table_lookup(fake->statuses, name);
		g_autofree char *path = netfil_bus_filter_path(status->id);

		g_dbus_interface_skeleton_export(object, connection, path, NULL);
	}
	g_ptr_array_add(fake->connections, g_object_ref(connection));
}

static gboolean on_connection(GDBusServer *server, GDBusConnection *connection, FakeNetfild *fake)
{
	(void)server;
	export(fake, connection);
	return TRUE;
}

static FakeNetfild *fake_new(void)
{
	FakeNetfild *fake = g_new0(FakeNetfild, 1);

	netfil_bus_register_errors();
	fake->connections = g_ptr_array_new_with_free_func(g_object_unref);
	fake->manager = netfil_bus_manager_skeleton_new();
	fake->statuses = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					       (GDestroyNotify)netfil_status_free);
	fake->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
	g_signal_connect(fake->manager, "handle-list", G_CALLBACK(on_list), fake);
	g_signal_connect(fake->manager, "handle-get", G_CALLBACK(on_get), fake);
	g_signal_connect(fake->manager, "handle-trouble", G_CALLBACK(on_trouble), fake);
	g_signal_connect(fake->manager, "handle-switch", G_CALLBACK(on_switch), fake);
	g_signal_connect(fake->manager, "handle-history", G_CALLBACK(on_history), fake);
	return fake;
}

FakeNetfild *fake_netfild_on_socket(const char *path)
{
	FakeNetfild *fake = fake_new();
	g_autofree char *address = g_strconcat("unix:path=", path, NULL);
	g_autofree char *guid = g_dbus_generate_guid();
	g_autoptr(GError) error = NULL;

	fake->server =
	    g_dbus_server_new_sync(address, G_DBUS_SERVER_FLAGS_NONE, guid, NULL, NULL, &error);
	g_assert_no_error(error);
	g_signal_connect(fake->server, "new-connection", G_CALLBACK(on_connection), fake);
	g_dbus_server_start(fake->server);
	return fake;
}

FakeNetfild *fake_netfild_on_bus(const char *address)
{
	FakeNetfild *fake = fake_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GDBusConnection) connection = g_dbus_connection_new_for_address_sync(
	    address,
	    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
		G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
	    NULL, NULL, &error);

	g_assert_no_error(error);
	export(fake, connection);
	fake->name = g_bus_own_name_on_connection(
	    connection, "org.netfil.Netfil1", G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
	return fake;
}

void fake_netfild_free(FakeNetfild *fake)
{
	g_clear_handle_id(&fake->name, g_bus_unown_name);
	if (fake->server)
		g_dbus_server_stop(fake->server);
	g_clear_object(&fake->server);
	for (guint i = 0; i < fake->connections->len; i++)
		g_dbus_connection_close_sync(fake->connections->pdata[i], NULL, NULL);
	g_ptr_array_unref(fake->connections);
	g_object_unref(fake->manager);
	g_hash_table_unref(fake->statuses);
	g_hash_table_unref(fake->objects);
	g_free(fake);
}

static void show(FakeNetfild *fake, const NetfilStatus *status)
{
	NetfilBusFilter *object = g_hash_table_lookup(fake->objects, status->spec->name);

	netfil_bus_filter_set_used(object, g_variant_new("(ttt)", status->used[NETFIL_IN],
							 status->used[NETFIL_OUT],
							 status->used[NETFIL_TOTAL]));
	netfil_bus_filter_set_unlimited_until(object, status->unlimited_until);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(object));
}

void fake_netfild_put(FakeNetfild *fake, const NetfilStatus *status)
{
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_status_to_variant(status));
	gboolean is_new = !g_hash_table_contains(fake->statuses, status->spec->name);
	NetfilStatus *copy = netfil_status_from_variant(variant, NULL);
	g_autofree char *path = netfil_bus_filter_path(status->id);

	g_hash_table_replace(fake->statuses, copy->spec->name, copy);
	if (!is_new) {
		show(fake, copy);
		netfil_bus_manager_emit_changed(fake->manager, copy->spec->name, variant);
		return;
	}
	g_hash_table_insert(fake->objects, g_strdup(copy->spec->name),
			    netfil_bus_filter_skeleton_new());
	for (guint i = 0; i < fake->connections->len; i++)
		g_dbus_interface_skeleton_export(
		    g_hash_table_lookup(fake->objects, copy->spec->name),
		    fake->connections->pdata[i], path, NULL);
	show(fake, copy);
	netfil_bus_manager_emit_added(fake->manager, copy->spec->name, path);
}

void fake_netfild_use(FakeNetfild *fake, const char *name, guint64 in, guint64 out)
{
	NetfilStatus *status = g_hash_table_lookup(fake->statuses, name);

	status->used[NETFIL_IN] = in;
	status->used[NETFIL_OUT] = out;
	status->used[NETFIL_TOTAL] = in + out;
	show(fake, status);
}

void fake_netfild_remove(FakeNetfild *fake, const char *name)
{
	g_dbus_interface_skeleton_unexport(g_hash_table_lookup(fake->objects, name));
	g_hash_table_remove(fake->objects, name);
	g_hash_table_remove(fake->statuses, name);
	netfil_bus_manager_emit_removed(fake->manager, name);
}

void fake_netfild_trouble(FakeNetfild *fake, const char *what)
{
	netfil_bus_manager_emit_trouble_changed(fake->manager, what);
}

guint fake_netfild_refused(FakeNetfild *fake)
{
	return fake->refused;
}

gboolean fake_netfild_may_ask(FakeNetfild *fake)
{
	return fake->may_ask;
}
