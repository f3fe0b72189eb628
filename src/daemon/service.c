/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "service.h"

#include <string.h>

#include "answer.h"
#include "bus-generated.h"
#include "client/bus.h"
#include "core/error.h"
#include "core/quote.h"
#include "filters.h"
#include "gate.h"
#include "history.h"
#include "log.h"
#include "members.h"
#include "own.h"

#define PAGE_MAX 1000
#define SHOWN_MAX 300 /* of a member, in the log */
#define USAGE_SECONDS 1

struct NetfilService {
	NetfilEngine *engine;
	NetfilGate *gate;
	NetfilBusManager *manager;
	NetfilFilters *filters;
	NetfilPages *pages;
	guint watchers;    /* who may look: connections, and senders on the system bus */
	guint usage_timer; /* runs while there are any */
	NetfilReloadFunc reload;
	gpointer reload_data;
};

/* Calls that change. */

/* A call that waits until lists are read and put into the kernel, while others are served. */
typedef struct {
	NetfilService *service;
	GDBusMethodInvocation *call;
	void (*go_on)(NetfilService *service, GDBusMethodInvocation *call);
} Waiting;

static void on_prepared(gpointer data)
{
	const Waiting *waiting = data;

	waiting->go_on(waiting->service, waiting->call);
}

static void waiting_free(gpointer data)
{
	Waiting *waiting = data;

	g_object_unref(waiting->call);
	g_free(waiting);
}

/* Goes on when the engine has ready what these specs (of NetfilSpec) take. */
static gboolean prepare(NetfilService *service, GDBusMethodInvocation *call, const GPtrArray *specs,
			void (*go_on)(NetfilService *, GDBusMethodInvocation *))
{
	Waiting *waiting = g_new0(Waiting, 1);

	*waiting = (Waiting){service, g_object_ref(call), go_on};
	netfil_engine_prepare(service->engine, specs, on_prepared, waiting, waiting_free);
	return TRUE;
}

static GPtrArray *specs_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)netfil_spec_free);
}

static void specs_add(GPtrArray *specs, const char *name, GVariant *specification)
{
	g_autoptr(NetfilSpec) spec = NULL;

	if (!netfil_spec_name_check(name, NULL))
		return;
	spec = netfil_spec_new(name);
	if (netfil_spec_update(spec, specification, NULL))
		g_ptr_array_add(specs, g_steal_pointer(&spec));
}

/* Of parameters that are a name, which stays theirs, and something. */
static GVariant *name_and_rest(GVariant *parameters, const char **name)
{
	g_variant_get_child(parameters, 0, "&s", name);
	return g_variant_get_child_value(parameters, 1);
}

/* `owner` 0: the administrators. */
static NetfilStatus *add_filter(NetfilService *service, const char *name, GVariant *specification,
				uid_t owner, GError **error)
{
	g_autoptr(NetfilSpec) spec = NULL;

	if (!netfil_spec_name_check(name, error))
		return NULL;
	spec = netfil_spec_new(name);
	if (!netfil_spec_update(spec, specification, error) ||
	    (owner && !netfil_own_confine(spec, owner, error)) || !netfil_spec_check(spec, error) ||
	    !netfil_engine_add(service->engine, spec, owner, error))
		return NULL;
	return netfil_engine_get(service->engine, name, error);
}

static void go_on_add(NetfilService *service, GDBusMethodInvocation *call)
{
	GVariant *parameters = g_dbus_method_invocation_get_parameters(call);
	const char *name = NULL;
	g_autoptr(GVariant) specification = name_and_rest(parameters, &name);
	g_autoptr(GError) error = NULL;
	g_autoptr(NetfilStatus) status =
	    add_filter(service, name, specification, netfil_gate_owner(call), &error);
	g_autofree char *path = status ? netfil_bus_filter_path(status->id) : NULL;
	g_autofree char *what = g_strdup_printf("add %s", name);

	netfil_answer_change(call, what, path ? g_variant_new("(o)", path) : NULL, error);
}

/* What cannot be understood is told when it goes on. */
static gboolean on_add(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *name,
		       GVariant *specification, NetfilService *service)
{
	g_autoptr(GPtrArray) specs = specs_new();

	(void)manager;
	if (!netfil_gate_owner(call))
		specs_add(specs, name, specification);
	return prepare(service, call, specs, go_on_add);
}

static void go_on_set(NetfilService *service, GDBusMethodInvocation *call)
{
	GVariant *parameters = g_dbus_method_invocation_get_parameters(call);
	const char *name = NULL;
	g_autoptr(GVariant) changes = name_and_rest(parameters, &name);
	g_autoptr(GError) error = NULL;
	g_autofree char *what = g_strdup_printf("set %s", name);

	netfil_engine_set(service->engine, name, changes, netfil_gate_owner(call), &error);
	netfil_answer_change(call, what, NULL, error);
}

static gboolean on_set(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *name,
		       GVariant *changes, NetfilService *service)
{
	g_autoptr(GPtrArray) specs = specs_new();
	NetfilSpec *spec =
	    netfil_gate_owner(call) ? NULL : netfil_engine_becomes(service->engine, name, changes);

	(void)manager;
	if (spec)
		g_ptr_array_add(specs, spec);
	return prepare(service, call, specs, go_on_set);
}

typedef gboolean (*NamesFunc)(NetfilEngine *engine, const char *const *names, GError **error);

static gboolean switch_on(NetfilEngine *engine, const char *const *names, GError **error)
{
	return netfil_engine_switch(engine, names, TRUE, error);
}

static gboolean switch_off(NetfilEngine *engine, const char *const *names, GError **error)
{
	return netfil_engine_switch(engine, names, FALSE, error);
}

static gboolean for_names(NetfilService *service, GDBusMethodInvocation *call, const char *verb,
			  const char *const *names, NamesFunc change)
{
	g_autofree char *list = g_strjoinv(" ", (char **)names);
	g_autofree char *what = g_strdup_printf("%s %s", verb, list);
	g_autoptr(GError) error = NULL;

	change(service->engine, names, &error);
	return netfil_answer_change(call, what, NULL, error);
}

static gboolean on_switch(NetfilBusManager *manager, GDBusMethodInvocation *call,
			  const char *const *names, gboolean on, NetfilService *service)
{
	(void)manager;
	return for_names(service, call, on ? "on" : "off", names, on ? switch_on : switch_off);
}

static gboolean on_reset(NetfilBusManager *manager, GDBusMethodInvocation *call,
			 const char *const *names, NetfilService *service)
{
	(void)manager;
	return for_names(service, call, "reset", names, netfil_engine_reset);
}

static gboolean on_remove(NetfilBusManager *manager, GDBusMethodInvocation *call,
			  const char *const *names, NetfilService *service)
{
	(void)manager;
	return for_names(service, call, "rm", names, netfil_engine_remove);
}

/* NULL with what is wrong in `changes`. */
static NetfilSpec *read_filter(const char *name, GVariant *specification, GPtrArray *changes)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(name);
	g_autoptr(GError) error = NULL;

	if (netfil_spec_name_check(name, &error) && netfil_spec_update(spec, specification, &error))
		return g_steal_pointer(&spec);
	g_ptr_array_add(changes,
			netfil_change_new(NETFIL_CHANGE_REFUSED, name, NULL, error->message));
	return NULL;
}

static GPtrArray *apply_filters(NetfilService *service, GVariant *filters, gboolean prune,
				gboolean dry_run, GError **error)
{
	g_autoptr(GPtrArray) specs =
	    g_ptr_array_new_with_free_func((GDestroyNotify)netfil_spec_free);
	g_autoptr(GPtrArray) refused = netfil_changes_new();
	GVariantIter iter;
	GVariant *specification;
	const char *name;

	g_variant_iter_init(&iter, filters);
	while (g_variant_iter_loop(&iter, "(&s@a{sas})", &name, &specification)) {
		NetfilSpec *spec = read_filter(name, specification, refused);

		if (spec)
			g_ptr_array_add(specs, spec);
	}
	if (refused->len)
		return g_steal_pointer(&refused);
	return netfil_engine_apply(service->engine, specs, prune, dry_run, error);
}

static char *tell_changes(const GPtrArray *changes, gboolean dry_run)
{
	guint counts[NETFIL_CHANGE_REFUSED + 1] = {0};

	for (guint i = 0; changes && i < changes->len; i++)
		counts[((const NetfilChange *)changes->pdata[i])->kind]++;
	return g_strdup_printf("apply%s: %u added, %u changed, %u removed, %u refused",
			       dry_run ? " --dry-run" : "", counts[NETFIL_CHANGE_ADDED],
			       counts[NETFIL_CHANGE_CHANGED], counts[NETFIL_CHANGE_REMOVED],
			       counts[NETFIL_CHANGE_REFUSED]);
}

static void go_on_apply(NetfilService *service, GDBusMethodInvocation *call)
{
	g_autoptr(GVariant) filters = NULL;
	g_autoptr(GPtrArray) changes = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *what = NULL;
	gboolean prune, dry_run;

	g_variant_get(g_dbus_method_invocation_get_parameters(call), "(@a(sa{sas})bb)", &filters,
		      &prune, &dry_run);
	changes = apply_filters(service, filters, prune, dry_run, &error);
	what = tell_changes(changes, dry_run);
	netfil_answer_change(
	    call, what,
	    changes ? g_variant_new("(@a(ssass))", netfil_changes_to_variant(changes)) : NULL,
	    error);
}

static gboolean on_apply(NetfilBusManager *manager, GDBusMethodInvocation *call, GVariant *filters,
			 gboolean prune, gboolean dry_run, NetfilService *service)
{
	g_autoptr(GPtrArray) specs = specs_new();

	(void)manager;
	(void)prune;
	for (gsize i = 0; !dry_run && i < g_variant_n_children(filters); i++) {
		g_autoptr(GVariant) specification = NULL;
		const char *name;

		g_variant_get_child(filters, i, "(&s@a{sas})", &name, &specification);
		if (g_variant_lookup(specification, "ip-file", "as", NULL))
			specs_add(specs, name, specification);
	}
	return prepare(service, call, specs, go_on_apply);
}

static gboolean on_reload(NetfilBusManager *manager, GDBusMethodInvocation *call,
			  NetfilService *service)
{
	g_autoptr(GError) error = NULL;

	(void)manager;
	if (service->reload)
		service->reload(service->reload_data, &error);
	else
		netfil_engine_reload(service->engine, &error);
	return netfil_answer_change(call, "reload", NULL, error);
}

/* Calls that read. */

static gboolean on_list(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *after,
			guint count, NetfilService *service)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"));
	g_autoptr(GPtrArray) statuses =
	    netfil_engine_list(service->engine, after, count ? MIN(count, PAGE_MAX) : PAGE_MAX);

	(void)manager;
	for (guint i = 0; i < statuses->len; i++)
		g_variant_builder_add_value(&builder, netfil_status_to_variant(statuses->pdata[i]));
	g_dbus_method_invocation_return_value(call, g_variant_new("(aa{sv})", &builder));
	return TRUE;
}

static gboolean on_get(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *name,
		       NetfilService *service)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(NetfilStatus) status = netfil_engine_get(service->engine, name, &error);

	if (status)
		netfil_bus_manager_complete_get(manager, call, netfil_status_to_variant(status));
	else
		netfil_answer_error(call, error);
	return TRUE;
}

static gboolean on_doctor(NetfilBusManager *manager, GDBusMethodInvocation *call,
			  NetfilService *service)
{
	g_autoptr(GArray) features = netfil_engine_features(service->engine);
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(sbbbss)"));

	for (guint i = 0; i < features->len; i++) {
		const NetfilFeature *feature = &g_array_index(features, NetfilFeature, i);

		g_variant_builder_add(&builder, "(sbbbss)", feature->name, feature->present,
				      feature->used, feature->required, feature->purpose,
				      feature->lost ? feature->lost : "");
	}
	netfil_bus_manager_complete_doctor(manager, call, g_variant_builder_end(&builder));
	return TRUE;
}

static gboolean on_unattributed(NetfilBusManager *manager, GDBusMethodInvocation *call,
				NetfilService *service)
{
	guint64 bytes[2], packets[2], losses[NETFIL_LOSSES];

	netfil_engine_unattributed(service->engine, bytes, packets);
	netfil_engine_losses(service->engine, losses);
	netfil_bus_manager_complete_unattributed(
	    manager, call,
	    g_variant_new("(ttttttt)", bytes[0], bytes[1], packets[0], packets[1],
			  losses[NETFIL_LOSS_OVERMATCHED], losses[NETFIL_LOSS_UNTAGGED],
			  losses[NETFIL_LOSS_UNTRACKED]));
	return TRUE;
}

static gboolean on_history(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *name,
			   const char *by, gint64 from, gint64 to, guint64 cursor,
			   NetfilService *service)
{
	g_autoptr(GError) error = NULL;
	GVariant *answer = netfil_pages_history(service->pages, name, by, from, to, cursor, &error);

	(void)manager;
	return netfil_answer(call, answer, error);
}

static gboolean on_apps(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *by,
			gint64 from, gint64 to, guint64 cursor, NetfilService *service)
{
	g_autoptr(GError) error = NULL;
	GVariant *answer = netfil_pages_apps(service->pages, by, from, to, cursor, &error);

	(void)manager;
	return netfil_answer(call, answer, error);
}

static gboolean on_sockets(NetfilBusManager *manager, GDBusMethodInvocation *call, guint64 after,
			   NetfilService *service)
{
	g_autoptr(GArray) usages = netfil_engine_sockets(service->engine);
	g_auto(GVariantBuilder) builder =
	    G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a" NETFIL_SOCKET_USAGE_TYPE));
	guint left = PAGE_MAX;

	(void)manager;
	for (guint i = 0; i < usages->len && left; i++) {
		const NetfilSocketUsage *usage = &g_array_index(usages, NetfilSocketUsage, i);

		if (usage->cookie <= after)
			continue;
		g_variant_builder_add_value(&builder, netfil_socket_usage_to_variant(usage));
		left--;
	}
	g_dbus_method_invocation_return_value(
	    call, g_variant_new("(a" NETFIL_SOCKET_USAGE_TYPE ")", &builder));
	return TRUE;
}

static gboolean on_trouble(NetfilBusManager *manager, GDBusMethodInvocation *call,
			   NetfilService *service)
{
	gint64 since = 0;
	const char *what = netfil_engine_trouble(service->engine, &since);

	netfil_bus_manager_complete_trouble(manager, call, what, since);
	return TRUE;
}

/* What the engine tells, passed on. */

static void on_engine_added(NetfilService *service, const char *name)
{
	g_autoptr(NetfilStatus) status = netfil_engine_get(service->engine, name, NULL);
	g_autofree char *path = NULL;

	if (!status)
		return; /* gone again */
	netfil_filters_show(service->filters, status);
	path = netfil_bus_filter_path(status->id);
	netfil_bus_manager_emit_added(service->manager, name, path);
}

static void on_engine_removed(NetfilService *service, const char *name)
{
	netfil_filters_remove(service->filters, name);
	netfil_bus_manager_emit_removed(service->manager, name);
}

static void on_engine_changed(NetfilService *service, const char *name)
{
	g_autoptr(NetfilStatus) status = netfil_engine_get(service->engine, name, NULL);

	if (!status)
		return;
	netfil_filters_show(service->filters, status);
	netfil_bus_manager_emit_changed(service->manager, name, netfil_status_to_variant(status));
}

/* " (member)", as it is shown; "" for the filter itself. Caller frees. */
static char *in_brackets(const char *member)
{
	g_autofree char *shown = netfil_escape(member, -1, SHOWN_MAX);

	return *member ? g_strconcat(" (", shown, ")", NULL) : g_strdup("");
}

static void on_engine_cap_reached(NetfilService *service, const char *name, guint direction,
				  const char *member)
{
	const char *which = netfil_direction_name(direction);
	g_autofree char *brackets = in_brackets(member);

	netfil_log_event(NETFIL_LOG_CAP_REACHED,
			 &(NetfilLogFields){.filter = name, .direction = which, .member = member},
			 "filter %s%s: cap reached (%s)", name, brackets, which);
	netfil_bus_manager_emit_cap_reached(service->manager, name, which, member);
}

static void on_engine_warned(NetfilService *service, const char *name, guint percent,
			     guint direction, const char *member)
{
	const char *which = netfil_direction_name(direction);
	g_autofree char *brackets = in_brackets(member);

	netfil_log_event(
	    NETFIL_LOG_WARNED,
	    &(NetfilLogFields){
		.filter = name, .direction = which, .percent = percent, .member = member},
	    "filter %s%s: %u %% of its %s cap is used", name, brackets, percent, which);
	netfil_bus_manager_emit_warned(service->manager, name, percent, which, member);
}

static void on_engine_cycle_started(NetfilService *service, const char *name, gint64 started)
{
	netfil_log_event(NETFIL_LOG_CYCLE_STARTED, &(NetfilLogFields){.filter = name},
			 "filter %s: a new cycle began", name);
	netfil_bus_manager_emit_cycle_started(service->manager, name, started);
}

static void log_trouble(const char *what)
{
	if (*what)
		netfil_log_event(NETFIL_LOG_TROUBLE, NULL, "%s", what);
	else
		netfil_log_event(NETFIL_LOG_TROUBLE_OVER, NULL, "the trouble is over");
}

static void on_engine_trouble(NetfilService *service, const char *what)
{
	log_trouble(what);
	netfil_bus_manager_emit_trouble_changed(service->manager, what);
}

static void show_all(NetfilService *service)
{
	g_autoptr(GPtrArray) statuses = netfil_engine_list(service->engine, NULL, G_MAXUINT);

	for (guint i = 0; i < statuses->len; i++)
		netfil_filters_show(service->filters, statuses->pdata[i]);
}

static gboolean on_usage_timer(gpointer service)
{
	show_all(service);
	return G_SOURCE_CONTINUE;
}

static void watch(gpointer data)
{
	NetfilService *service = data;

	if (service->watchers++ > 0)
		return;
	show_all(service); /* nobody looked, so the numbers were left to age */
	service->usage_timer = g_timeout_add_seconds(USAGE_SECONDS, on_usage_timer, service);
}

static void unwatch(gpointer data)
{
	NetfilService *service = data;

	if (--service->watchers == 0)
		g_clear_handle_id(&service->usage_timer, g_source_remove);
}

/* The system bus is there all the time: its senders count when they ask something. */
static gboolean is_bus(GDBusConnection *connection)
{
	return g_dbus_connection_get_unique_name(connection) != NULL;
}

void netfil_service_attach(NetfilService *service, GDBusConnection *connection)
{
	g_autoptr(GError) error = NULL;

	if (!is_bus(connection))
		watch(service);
	netfil_gate_open(service->gate, connection);
	if (!g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(service->manager),
					      connection, NETFIL_BUS_PATH, &error))
		g_warning("cannot serve a connection: %s", error->message);
	netfil_filters_attach(service->filters, connection);
}

void netfil_service_detach(NetfilService *service, GDBusConnection *connection)
{
	GDBusInterfaceSkeleton *manager = G_DBUS_INTERFACE_SKELETON(service->manager);

	netfil_filters_detach(service->filters, connection);
	if (g_dbus_interface_skeleton_has_connection(manager, connection))
		g_dbus_interface_skeleton_unexport_from_connection(manager, connection);
	netfil_gate_close(service->gate, connection);
	if (!is_bus(connection))
		unwatch(service);
}

static void connect_manager(NetfilService *service)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} calls[] = {
	    {"handle-add", G_CALLBACK(on_add)},
	    {"handle-set", G_CALLBACK(on_set)},
	    {"handle-switch", G_CALLBACK(on_switch)},
	    {"handle-reset", G_CALLBACK(on_reset)},
	    {"handle-remove", G_CALLBACK(on_remove)},
	    {"handle-apply", G_CALLBACK(on_apply)},
	    {"handle-reload", G_CALLBACK(on_reload)},
	    {"handle-list", G_CALLBACK(on_list)},
	    {"handle-get", G_CALLBACK(on_get)},
	    {"handle-doctor", G_CALLBACK(on_doctor)},
	    {"handle-unattributed", G_CALLBACK(on_unattributed)},
	    {"handle-history", G_CALLBACK(on_history)},
	    {"handle-apps", G_CALLBACK(on_apps)},
	    {"handle-sockets", G_CALLBACK(on_sockets)},
	    {"handle-trouble", G_CALLBACK(on_trouble)},
	};

	for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
		g_signal_connect(service->manager, calls[i].signal, calls[i].handler, service);
	netfil_bus_manager_set_version(service->manager, NETFIL_VERSION);
}

static void connect_engine(NetfilService *service)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} tidings[] = {
	    {"added", G_CALLBACK(on_engine_added)},
	    {"removed", G_CALLBACK(on_engine_removed)},
	    {"changed", G_CALLBACK(on_engine_changed)},
	    {"cap-reached", G_CALLBACK(on_engine_cap_reached)},
	    {"warned", G_CALLBACK(on_engine_warned)},
	    {"cycle-started", G_CALLBACK(on_engine_cycle_started)},
	    {"trouble", G_CALLBACK(on_engine_trouble)},
	};

	for (guint i = 0; i < G_N_ELEMENTS(tidings); i++)
		g_signal_connect_swapped(service->engine, tidings[i].signal, tidings[i].handler,
					 service);
}

/* What the engine met before anybody listened. */
static void log_early_trouble(NetfilService *service)
{
	gint64 since;
	const char *what = netfil_engine_trouble(service->engine, &since);

	if (*what)
		log_trouble(what);
}

NetfilService *netfil_service_new(NetfilEngine *engine)
{
	NetfilService *service = g_new0(NetfilService, 1);

	netfil_bus_register_errors();
	service->engine = g_object_ref(engine);
	service->gate = netfil_gate_new(engine, &(NetfilGateHandler){watch, unwatch, service});
	service->manager = NETFIL_BUS_MANAGER(netfil_gate_manager(service->gate));
	service->filters = netfil_filters_new(service->gate);
	service->pages = netfil_pages_new(engine);
	connect_manager(service);
	netfil_members_serve(service->manager, engine);
	connect_engine(service);
	log_early_trouble(service);
	show_all(service);
	return service;
}

void netfil_service_set_reload(NetfilService *service, NetfilReloadFunc reload, gpointer data)
{
	service->reload = reload;
	service->reload_data = data;
}

void netfil_service_free(NetfilService *service)
{
	g_signal_handlers_disconnect_by_data(service->engine, service);
	g_clear_handle_id(&service->usage_timer, g_source_remove);
	netfil_filters_free(service->filters);
	netfil_pages_free(service->pages);
	g_object_unref(service->manager);
	netfil_gate_free(service->gate);
	g_object_unref(service->engine);
	g_free(service);
}
