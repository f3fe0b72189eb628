/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "filters.h"

#include "bus-generated.h"
#include "client/bus.h"

struct NetfilFilters {
	NetfilGate *gate;
	GHashTable *objects;     /* name -> NetfilBusFilter */
	GHashTable *connections; /* GDBusConnection */
};

typedef struct {
	GDBusInterfaceSkeleton *skeleton;
	char *path;
	NetfilStatus *shown;
} Object;

static void object_free(gpointer data)
{
	Object *object = data;

	g_object_unref(object->skeleton);
	netfil_status_free(object->shown);
	g_free(object->path);
	g_free(object);
}

static void object_export(const Object *object, GDBusConnection *connection)
{
	g_autoptr(GError) error = NULL;

	/* It fails on a connection that is closing, and then nobody is there to miss it. */
	if (!g_dbus_interface_skeleton_export(object->skeleton, connection, object->path, &error))
		g_debug("cannot show %s: %s", object->path, error->message);
}

NetfilFilters *netfil_filters_new(NetfilGate *gate)
{
	NetfilFilters *filters = g_new0(NetfilFilters, 1);

	filters->gate = gate;
	filters->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, object_free);
	filters->connections = g_hash_table_new_full(NULL, NULL, g_object_unref, NULL);
	return filters;
}

void netfil_filters_free(NetfilFilters *filters)
{
	g_hash_table_unref(filters->objects);
	g_hash_table_unref(filters->connections);
	g_free(filters);
}

void netfil_filters_attach(NetfilFilters *filters, GDBusConnection *connection)
{
	GHashTableIter iter;
	Object *object;

	g_hash_table_add(filters->connections, g_object_ref(connection));
	g_hash_table_iter_init(&iter, filters->objects);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&object))
		object_export(object, connection);
}

static void object_unexport(const Object *object, GDBusConnection *connection)
{
	/* Not there if export failed. */
	if (g_dbus_interface_skeleton_has_connection(object->skeleton, connection))
		g_dbus_interface_skeleton_unexport_from_connection(object->skeleton, connection);
}

void netfil_filters_detach(NetfilFilters *filters, GDBusConnection *connection)
{
	GHashTableIter iter;
	Object *object;

	g_hash_table_iter_init(&iter, filters->objects);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&object))
		object_unexport(object, connection);
	g_hash_table_remove(filters->connections, connection);
}

/* A tree of values is many times as large as its bytes. */
static GVariant *compact(GVariant *value)
{
	g_variant_get_data(value);
	return value;
}

static void show_cycle(NetfilBusFilter *filter, const NetfilStatus *status)
{
	const gint64 *extra = status->extra;

	netfil_bus_filter_set_started(filter, status->cycle_started);
	netfil_bus_filter_set_ends(filter, status->cycle_ends);
	netfil_bus_filter_set_extra(filter, g_variant_new("(xxx)", extra[NETFIL_IN],
							  extra[NETFIL_OUT], extra[NETFIL_TOTAL]));
	netfil_bus_filter_set_forfeited(filter, status->forfeited);
	netfil_bus_filter_set_unlimited_until(filter, status->unlimited_until);
	netfil_bus_filter_set_free_until(filter, status->free_until);
	netfil_bus_filter_set_forecast(filter, status->forecast);
	netfil_bus_filter_set_warned(
	    filter, g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, status->warned->data,
					      status->warned->len, sizeof(guint8)));
}

static void show_status(Object *object, const NetfilStatus *status)
{
	NetfilBusFilter *filter = NETFIL_BUS_FILTER(object->skeleton);

	if (object->shown && netfil_status_equal(object->shown, status))
		return; /* most of many filters stand still */
	netfil_status_free(object->shown);
	object->shown = netfil_status_copy(status);
	netfil_bus_filter_set_name(filter, status->spec->name);
	netfil_bus_filter_set_owner(filter, status->owner);
	netfil_bus_filter_set_state(filter, netfil_state_name(status->state));
	netfil_bus_filter_set_specification(filter, compact(netfil_spec_to_variant(status->spec)));
	netfil_bus_filter_set_used(filter, g_variant_new("(ttt)", status->used[NETFIL_IN],
							 status->used[NETFIL_OUT],
							 status->used[NETFIL_TOTAL]));
	netfil_bus_filter_set_refused(
	    filter, g_variant_new("(tt)", status->refused_bytes, status->refused_packets));
	netfil_bus_filter_set_resets(
	    filter, g_variant_new("(tt)", status->reset_bytes, status->reset_packets));
	netfil_bus_filter_set_counted(filter, netfil_counters_to_variant(&status->counted));
	netfil_bus_filter_set_lists(filter, status->lists);
	netfil_bus_filter_set_members(
	    filter, g_variant_new("(uu)", status->members, status->members_at_cap));
	netfil_bus_filter_set_others(filter, g_variant_new("(ttt)", status->others[NETFIL_IN],
							   status->others[NETFIL_OUT],
							   status->others[NETFIL_TOTAL]));
	show_cycle(filter, status);
}

static Object *object_new(NetfilFilters *filters, const NetfilStatus *status)
{
	Object *object = g_new0(Object, 1);

	object->skeleton = netfil_gate_filter(filters->gate);
	object->path = netfil_bus_filter_path(status->id);
	g_hash_table_insert(filters->objects, g_strdup(status->spec->name), object);
	return object;
}

void netfil_filters_show(NetfilFilters *filters, const NetfilStatus *status)
{
	Object *object = g_hash_table_lookup(filters->objects, status->spec->name);
	gboolean is_new = !object;
	GHashTableIter iter;
	gpointer connection;

	if (is_new)
		object = object_new(filters, status);
	show_status(object, status);
	if (!is_new)
		return;
	g_hash_table_iter_init(&iter, filters->connections);
	while (g_hash_table_iter_next(&iter, &connection, NULL))
		object_export(object, connection);
}

void netfil_filters_remove(NetfilFilters *filters, const char *name)
{
	Object *object = g_hash_table_lookup(filters->objects, name);
	GHashTableIter iter;
	gpointer connection;

	if (!object)
		return;
	g_hash_table_iter_init(&iter, filters->connections);
	while (g_hash_table_iter_next(&iter, &connection, NULL))
		object_unexport(object, connection);
	g_hash_table_remove(filters->objects, name);
}
