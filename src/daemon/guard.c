/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guard.h"

#include "bus-generated.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define DATA_KEY "netfil-guard"

typedef struct {
	NetfilGuardFunc func;
	gpointer data;
} Guard;

static void on_call(GDBusConnection *connection, const char *sender, const char *path,
		    const char *interface, const char *method, GVariant *parameters,
		    GDBusMethodInvocation *call, gpointer skeleton)
{
	const Guard *guard = g_object_get_data(skeleton, DATA_KEY);

	(void)connection;
	(void)sender;
	(void)path;
	(void)interface;
	(void)method;
	(void)parameters;
	guard->func(skeleton, call, guard->data);
}

/* Without functions for properties, GDBus asks on_call() for them as well. */
static GDBusInterfaceVTable *guarded_vtable(GDBusInterfaceSkeleton *skeleton)
{
	static GDBusInterfaceVTable vtable = {.method_call = on_call};

	(void)skeleton;
	return &vtable;
}

typedef NetfilBusManagerSkeleton NetfilGuardedManager;
typedef NetfilBusManagerSkeletonClass NetfilGuardedManagerClass;
static GType netfil_guarded_manager_get_type(void);
G_DEFINE_TYPE(NetfilGuardedManager, netfil_guarded_manager, NETFIL_BUS_TYPE_MANAGER_SKELETON)

static void netfil_guarded_manager_class_init(NetfilGuardedManagerClass *class)
{
	G_DBUS_INTERFACE_SKELETON_CLASS(class)->get_vtable = guarded_vtable;
}

static void netfil_guarded_manager_init(NetfilGuardedManager *manager)
{
	(void)manager;
}

typedef NetfilBusFilterSkeleton NetfilGuardedFilter;
typedef NetfilBusFilterSkeletonClass NetfilGuardedFilterClass;
static GType netfil_guarded_filter_get_type(void);
G_DEFINE_TYPE(NetfilGuardedFilter, netfil_guarded_filter, NETFIL_BUS_TYPE_FILTER_SKELETON)

static void netfil_guarded_filter_class_init(NetfilGuardedFilterClass *class)
{
	G_DBUS_INTERFACE_SKELETON_CLASS(class)->get_vtable = guarded_vtable;
}

static void netfil_guarded_filter_init(NetfilGuardedFilter *filter)
{
	(void)filter;
}

static GDBusInterfaceSkeleton *guard_new(GType type, NetfilGuardFunc func, gpointer data)
{
	GDBusInterfaceSkeleton *skeleton = g_object_new(type, NULL);
	Guard *guard = g_new(Guard, 1);

	*guard = (Guard){func, data};
	g_object_set_data_full(G_OBJECT(skeleton), DATA_KEY, guard, g_free);
	return skeleton;
}

GDBusInterfaceSkeleton *netfil_guard_manager(NetfilGuardFunc func, gpointer data)
{
	return guard_new(netfil_guarded_manager_get_type(), func, data);
}

GDBusInterfaceSkeleton *netfil_guard_filter(NetfilGuardFunc func, gpointer data)
{
	return guard_new(netfil_guarded_filter_get_type(), func, data);
}

gboolean netfil_guard_is_property(GDBusMethodInvocation *call)
{
	return g_str_equal(g_dbus_method_invocation_get_interface_name(call), PROPERTIES);
}

static const GDBusInterfaceVTable *generated_vtable(GDBusInterfaceSkeleton *skeleton)
{
	GDBusInterfaceSkeletonClass *generated =
	    g_type_class_peek_parent(G_OBJECT_GET_CLASS(skeleton));

	return generated->get_vtable(skeleton);
}

/* GDBus has looked whether there is such a property, and whether it may be set: none may. */
static void answer_property(GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *call)
{
	GVariant *parameters = g_dbus_method_invocation_get_parameters(call);
	const char *interface, *name;
	g_autoptr(GVariant) value = NULL;
	GError *error = NULL;

	if (g_str_equal(g_dbus_method_invocation_get_method_name(call), "GetAll")) {
		value = g_dbus_interface_skeleton_get_properties(skeleton);
		g_dbus_method_invocation_return_value(call, g_variant_new("(@a{sv})", value));
		return;
	}
	g_variant_get(parameters, "(&s&s)", &interface, &name);
	value = generated_vtable(skeleton)->get_property(
	    g_dbus_method_invocation_get_connection(call), NULL,
	    g_dbus_method_invocation_get_object_path(call), interface, name, &error, skeleton);
	if (value)
		g_dbus_method_invocation_return_value(call, g_variant_new("(v)", value));
	else
		g_dbus_method_invocation_take_error(call, error);
}

void netfil_guard_pass(GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *call)
{
	if (netfil_guard_is_property(call)) {
		answer_property(skeleton, call);
		return;
	}
	generated_vtable(skeleton)->method_call(g_dbus_method_invocation_get_connection(call),
						g_dbus_method_invocation_get_sender(call),
						g_dbus_method_invocation_get_object_path(call),
						g_dbus_method_invocation_get_interface_name(call),
						g_dbus_method_invocation_get_method_name(call),
						g_dbus_method_invocation_get_parameters(call), call,
						skeleton);
}
