/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model.h"

#include <string.h>

#include "client/bus.h"
#include "core/error.h"
#include "link.h"
#include "overlay.h"

#define MANAGER "org.netfil.Netfil1.Manager"
#define FILTER "org.netfil.Netfil1.Filter"
#define PAGE 500
#define CALL_TIMEOUT_MS (120 * 1000) /* as in src/client */

struct _NetfilModel {
	GObject parent_instance;
	NetfilLink *link;
	GCancellable *cancellable; /* of this connection's calls */
	GHashTable *statuses;      /* name -> NetfilStatus */
	GHashTable *listing;       /* the same, while netfild's list is read; else NULL */
	GDBusConnection *subscribed;
	guint subscriptions[2];
	gboolean is_up;
	char *trouble;
};

enum {
	UP_CHANGED,
	ADDED,
	REMOVED,
	CHANGED,
	TROUBLE_CHANGED,
	MEMBER_REACHED,
	MEMBER_WARNED,
	SIGNALS,
};

static guint signals[SIGNALS];

G_DEFINE_FINAL_TYPE(NetfilModel, netfil_model, G_TYPE_OBJECT)

static GHashTable *statuses_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
				     (GDestroyNotify)netfil_status_free);
}

/* What is known, and who is told. */

static void forget(NetfilModel *model, const char *name)
{
	NetfilStatus *status = NULL;

	if (!g_hash_table_steal_extended(model->statuses, name, NULL, (gpointer *)&status))
		return;
	g_signal_emit(model, signals[REMOVED], 0, status);
	netfil_status_free(status);
}

/* Takes the status over. */
static void learn(NetfilModel *model, NetfilStatus *status)
{
	const char *name = status->spec->name;
	NetfilStatus *before = g_hash_table_lookup(model->statuses, name);
	gboolean same = before && before->id == status->id;

	if (same && netfil_status_alike(before, status)) {
		netfil_status_free(status);
		return;
	}
	if (before && !same)
		forget(model, name); /* another filter of that name */
	else if (before)
		g_hash_table_steal(model->statuses, name);
	g_hash_table_replace(model->statuses, status->spec->name, status);
	if (!same) {
		g_signal_emit(model, signals[ADDED], 0, status);
		return;
	}
	g_signal_emit(model, signals[CHANGED], 0, before, status);
	netfil_status_free(before);
}

/* While the list is read, news goes there, and is told with it. */
static void take(NetfilModel *model, NetfilStatus *status)
{
	if (model->listing)
		g_hash_table_replace(model->listing, status->spec->name, status);
	else
		learn(model, status);
}

static void take_variant(NetfilModel *model, GVariant *variant)
{
	NetfilStatus *status = netfil_status_from_variant(variant, NULL);

	/* One that cannot be read is a newer netfild's: nothing to tell. */
	if (status)
		take(model, status);
}

static void set_trouble(NetfilModel *model, const char *what)
{
	if (!g_strcmp0(model->trouble, what))
		return;
	g_free(model->trouble);
	model->trouble = g_strdup(what);
	g_signal_emit(model, signals[TROUBLE_CHANGED], 0);
}

/* What netfild says. */

static GHashTable *newest(NetfilModel *model)
{
	return model->listing ? model->listing : model->statuses;
}

static void on_got(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = netfil_model_call_finish(NETFIL_MODEL(source), result, &error);
	g_autoptr(GVariant) status = NULL;

	(void)data;
	if (!answer)
		return; /* gone again */
	status = g_variant_get_child_value(answer, 0);
	take_variant(NETFIL_MODEL(source), status);
}

/* Of a filter as a whole its status tells. */
static void on_member_signal(NetfilModel *model, GVariant *arguments)
{
	const char *name, *member;
	guint percent;

	if (g_variant_is_of_type(arguments, G_VARIANT_TYPE("(sss)"))) {
		g_variant_get(arguments, "(&s&s&s)", &name, NULL, &member);
		if (*member)
			g_signal_emit(model, signals[MEMBER_REACHED], 0, name, member);
	} else if (g_variant_is_of_type(arguments, G_VARIANT_TYPE("(suss)"))) {
		g_variant_get(arguments, "(&su&s&s)", &name, &percent, NULL, &member);
		if (*member)
			g_signal_emit(model, signals[MEMBER_WARNED], 0, name, member, percent);
	}
}

static void on_manager_signal(GDBusConnection *connection, const char *sender, const char *path,
			      const char *interface, const char *signal, GVariant *arguments,
			      gpointer data)
{
	NetfilModel *model = data;
	g_autoptr(GVariant) first = g_variant_get_child_value(arguments, 0);

	(void)connection;
	(void)sender;
	(void)path;
	(void)interface;
	if (g_str_equal(signal, "Added")) {
		netfil_model_call(model, "Get", g_variant_new("(@s)", first), FALSE,
				  model->cancellable, on_got, NULL);
	} else if (g_str_equal(signal, "Changed")) {
		g_autoptr(GVariant) status = g_variant_get_child_value(arguments, 1);

		take_variant(model, status);
	} else if (g_str_equal(signal, "Removed")) {
		if (model->listing)
			g_hash_table_remove(model->listing, g_variant_get_string(first, NULL));
		else
			forget(model, g_variant_get_string(first, NULL));
	} else if (g_str_equal(signal, "TroubleChanged")) {
		set_trouble(model, g_variant_get_string(first, NULL));
	} else if (g_str_equal(signal, "CapReached") || g_str_equal(signal, "Warned")) {
		on_member_signal(model, arguments);
	}
}

static const NetfilStatus *find_by_path(NetfilModel *model, const char *path)
{
	GHashTableIter iter;
	const NetfilStatus *status;
	const char *id = strrchr(path, '/');
	guint64 number;

	if (!id || !g_ascii_string_to_unsigned(id + 1, 10, 0, G_MAXUINT64, &number, NULL))
		return NULL;
	g_hash_table_iter_init(&iter, newest(model));
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&status))
		if (status->id == number)
			return status;
	return NULL;
}

/* Usage, once a second while it moves. */
static void on_properties_changed(GDBusConnection *connection, const char *sender, const char *path,
				  const char *interface, const char *signal, GVariant *arguments,
				  gpointer data)
{
	NetfilModel *model = data;
	const NetfilStatus *known = find_by_path(model, path);
	g_autoptr(GVariant) properties = NULL;
	NetfilStatus *status;

	(void)connection;
	(void)sender;
	(void)interface;
	(void)signal;
	if (!known)
		return;
	properties = g_variant_get_child_value(arguments, 1);
	status = netfil_status_overlay(known, properties);
	if (status)
		take(model, status);
}

/* A connection comes and goes. */

static void set_up(NetfilModel *model, gboolean is_up)
{
	if (model->is_up == is_up)
		return;
	model->is_up = is_up;
	g_signal_emit(model, signals[UP_CHANGED], 0);
}

/* What was there before and is not in the list is gone; the rest is learnt. */
static void settle(NetfilModel *model)
{
	g_autoptr(GHashTable) listing = g_steal_pointer(&model->listing);
	g_autoptr(GPtrArray) known = netfil_model_list(model);
	GHashTableIter iter;
	NetfilStatus *status;

	for (guint i = 0; i < known->len; i++) {
		const char *name = ((const NetfilStatus *)known->pdata[i])->spec->name;

		if (!g_hash_table_contains(listing, name))
			forget(model, name);
	}
	g_hash_table_iter_init(&iter, listing);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&status)) {
		g_hash_table_iter_steal(&iter);
		learn(model, status);
	}
	set_up(model, TRUE);
}

static void read_list(NetfilModel *model, const char *after);

static void on_listed(GObject *source, GAsyncResult *result, gpointer data)
{
	NetfilModel *model = NETFIL_MODEL(source);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = netfil_model_call_finish(model, result, &error);
	g_autoptr(GVariant) page = answer ? g_variant_get_child_value(answer, 0) : NULL;
	g_autofree char *last = NULL;
	GVariantIter iter;
	GVariant *variant;

	(void)data;
	if (!page || !model->listing)
		return; /* the connection went meanwhile */
	g_variant_iter_init(&iter, page);
	while (g_variant_iter_loop(&iter, "@a{sv}", &variant)) {
		g_free(last);
		last = NULL;
		g_variant_lookup(variant, "name", "s", &last);
		take_variant(model, variant);
	}
	if (g_variant_n_children(page) < PAGE || !last)
		settle(model);
	else
		read_list(model, last);
}

static void read_list(NetfilModel *model, const char *after)
{
	netfil_model_call(model, "List", g_variant_new("(su)", after, PAGE), FALSE,
			  model->cancellable, on_listed, NULL);
}

static void on_trouble(GObject *source, GAsyncResult *result, gpointer data)
{
	NetfilModel *model = NETFIL_MODEL(source);
	g_autoptr(GVariant) answer = netfil_model_call_finish(model, result, NULL);
	const char *what;

	(void)data;
	if (!answer)
		return;
	g_variant_get_child(answer, 0, "&s", &what);
	set_trouble(model, what);
}

/* A connection to the bus stays when netfild goes. */
static void unsubscribe(NetfilModel *model)
{
	if (!model->subscribed)
		return;
	for (guint i = 0; i < G_N_ELEMENTS(model->subscriptions); i++)
		g_dbus_connection_signal_unsubscribe(model->subscribed, model->subscriptions[i]);
	g_clear_object(&model->subscribed);
}

static void subscribe(NetfilModel *model)
{
	GDBusConnection *connection = netfil_link_connection(model->link);
	const char *peer = netfil_link_peer(model->link);

	model->subscribed = g_object_ref(connection);
	model->subscriptions[0] = g_dbus_connection_signal_subscribe(
	    connection, peer, MANAGER, NULL, NETFIL_BUS_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
	    on_manager_signal, model, NULL);
	model->subscriptions[1] = g_dbus_connection_signal_subscribe(
	    connection, peer, "org.freedesktop.DBus.Properties", "PropertiesChanged", NULL, FILTER,
	    G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, model, NULL);
}

static void on_up(NetfilModel *model)
{
	model->cancellable = g_cancellable_new();
	subscribe(model);
	model->listing = statuses_new();
	read_list(model, "");
	netfil_model_call(model, "Trouble", NULL, FALSE, model->cancellable, on_trouble, NULL);
}

static void on_down(NetfilModel *model)
{
	unsubscribe(model);
	g_cancellable_cancel(model->cancellable);
	g_clear_object(&model->cancellable);
	g_clear_pointer(&model->listing, g_hash_table_unref);
	set_trouble(model, "");
	set_up(model, FALSE);
}

/* Calls. */

static void on_reply(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GTask) task = data;
	g_autoptr(GError) error = NULL;
	GVariant *answer = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (answer) {
		g_task_return_pointer(task, answer, (GDestroyNotify)g_variant_unref);
		return;
	}
	if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		netfil_bus_clean_error(&error);
	g_task_return_error(task, g_steal_pointer(&error));
}

void netfil_model_call(NetfilModel *model, const char *method, GVariant *arguments,
		       gboolean changes, GCancellable *cancellable, GAsyncReadyCallback callback,
		       gpointer data)
{
	GDBusConnection *connection = netfil_link_connection(model->link);
	g_autoptr(GVariant) sunk = arguments ? g_variant_ref_sink(arguments) : NULL;
	GTask *task = g_task_new(model, cancellable, callback, data);

	if (!connection) {
		g_task_return_new_error(task, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
					"netfild is not running: start it, or add a filter with "
					"netfil");
		g_object_unref(task);
		return;
	}
	g_dbus_connection_call(
	    connection, netfil_link_peer(model->link), NETFIL_BUS_PATH, MANAGER, method, sunk, NULL,
	    changes ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION : G_DBUS_CALL_FLAGS_NONE,
	    CALL_TIMEOUT_MS, cancellable, on_reply, task);
}

GVariant *netfil_model_call_finish(NetfilModel *model, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, model), NULL);
	return g_task_propagate_pointer(G_TASK(result), error);
}

/* The object. */

static void netfil_model_dispose(GObject *object)
{
	NetfilModel *model = NETFIL_MODEL(object);

	unsubscribe(model);
	if (model->link)
		g_signal_handlers_disconnect_by_data(model->link, model);
	if (model->cancellable)
		g_cancellable_cancel(model->cancellable);
	g_clear_object(&model->cancellable);
	g_clear_object(&model->link);
	G_OBJECT_CLASS(netfil_model_parent_class)->dispose(object);
}

static void netfil_model_finalize(GObject *object)
{
	NetfilModel *model = NETFIL_MODEL(object);

	g_hash_table_unref(model->statuses);
	g_clear_pointer(&model->listing, g_hash_table_unref);
	g_free(model->trouble);
	G_OBJECT_CLASS(netfil_model_parent_class)->finalize(object);
}

static void netfil_model_class_init(NetfilModelClass *class)
{
	static const struct {
		const char *name;
		guint arguments; /* the first of types[] */
	} told[SIGNALS] = {
	    [UP_CHANGED] = {"up-changed", 0},
	    [ADDED] = {"added", 1},
	    [REMOVED] = {"removed", 1},
	    [CHANGED] = {"changed", 2},
	    [TROUBLE_CHANGED] = {"trouble-changed", 0},
	    [MEMBER_REACHED] = {"member-reached", 2},
	    [MEMBER_WARNED] = {"member-warned", 3},
	};
	GType types[] = {G_TYPE_POINTER, G_TYPE_POINTER, G_TYPE_UINT};

	G_OBJECT_CLASS(class)->dispose = netfil_model_dispose;
	G_OBJECT_CLASS(class)->finalize = netfil_model_finalize;
	for (guint i = 0; i < SIGNALS; i++)
		signals[i] = g_signal_newv(told[i].name, NETFIL_TYPE_MODEL, G_SIGNAL_RUN_LAST, NULL,
					   NULL, NULL, NULL, G_TYPE_NONE, told[i].arguments, types);
}

static void netfil_model_init(NetfilModel *model)
{
	model->statuses = statuses_new();
	model->trouble = g_strdup("");
}

NetfilModel *netfil_model_new(const char *socket, const char *bus)
{
	NetfilModel *model = g_object_new(NETFIL_TYPE_MODEL, NULL);

	model->link = netfil_link_new(socket, bus);
	g_signal_connect_swapped(model->link, "up", G_CALLBACK(on_up), model);
	g_signal_connect_swapped(model->link, "down", G_CALLBACK(on_down), model);
	return model;
}

void netfil_model_start(NetfilModel *model)
{
	netfil_link_start(model->link);
}

gboolean netfil_model_is_up(NetfilModel *model)
{
	return model->is_up;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	const NetfilStatus *const *one = a, *const *other = b;

	return strcmp((*one)->spec->name, (*other)->spec->name);
}

GPtrArray *netfil_model_list(NetfilModel *model)
{
	GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(model->statuses));
	GHashTableIter iter;
	gpointer status;

	g_hash_table_iter_init(&iter, model->statuses);
	while (g_hash_table_iter_next(&iter, NULL, &status))
		g_ptr_array_add(list, status);
	g_ptr_array_sort(list, compare_names);
	return list;
}

const NetfilStatus *netfil_model_find(NetfilModel *model, const char *name)
{
	return g_hash_table_lookup(model->statuses, name);
}

const char *netfil_model_trouble(NetfilModel *model)
{
	return model->trouble;
}
