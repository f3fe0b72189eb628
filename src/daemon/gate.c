/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "gate.h"

#include "authority.h"
#include "core/error.h"
#include "guard.h"
#include "log.h"
#include "own.h"
#include "room.h"
#include "senders.h"
#include "server.h"
#include "share.h"

/* Calls that may wait for polkit, and so for somebody to find their password. */
#define WAITING_PER_USER 16
#define WAITING_MAX 256
/* For so long a sender that may read need not be asked about again. */
#define READS_FOR (5 * G_USEC_PER_SEC)
#define CALLER_KEY "netfil-caller"
#define OWN_KEY "netfil-own"

struct NetfilGate {
	NetfilEngine *engine;
	NetfilGateHandler handler;
	NetfilAuthority *authority;
	NetfilShares *shares;
	GPtrArray *waiting; /* Wait */

	GDBusConnection *bus; /* the system's; NULL: none, and so is what follows */
	NetfilSenders *senders;
	NetfilRoom *room;
	GHashTable *readers; /* unique name -> until when, a gint64 of the monotonic clock */
	guint filter;
};

/* A call that is not let through yet. */
typedef struct {
	NetfilGate *gate;
	GDBusInterfaceSkeleton *skeleton;
	GDBusMethodInvocation *call; /* NULL: let through, or answered */
	NetfilCaller *caller;        /* NULL: the bus daemon is being asked */
	NetfilAction action;         /* that polkit is asked about */
	GError *beyond;              /* why it takes more than cap-own */
	GCancellable *gone;
	gboolean asking; /* polkit is being asked */
	guint pause;     /* until its user's turn */
} Wait;

static Wait *wait_new(NetfilGate *gate, GDBusInterfaceSkeleton *skeleton,
		      GDBusMethodInvocation *call)
{
	Wait *wait = g_new0(Wait, 1);

	wait->gate = gate;
	wait->skeleton = g_object_ref(skeleton);
	wait->call = call;
	wait->gone = g_cancellable_new();
	g_ptr_array_add(gate->waiting, wait);
	return wait;
}

static void wait_free(Wait *wait)
{
	g_clear_handle_id(&wait->pause, g_source_remove);
	g_object_unref(wait->skeleton);
	g_clear_object(&wait->call);
	g_clear_pointer(&wait->caller, netfil_caller_unref);
	g_clear_error(&wait->beyond);
	g_object_unref(wait->gone);
	g_free(wait);
}

static void wait_end(Wait *wait)
{
	g_ptr_array_remove(wait->gate->waiting, wait);
	wait_free(wait);
}

static void let_through(Wait *wait)
{
	GDBusMethodInvocation *call = g_steal_pointer(&wait->call);
	gint64 begun = g_get_monotonic_time();

	g_object_set_data_full(G_OBJECT(call), CALLER_KEY, netfil_caller_ref(wait->caller),
			       (GDestroyNotify)netfil_caller_unref);
	g_object_set_data(G_OBJECT(call), OWN_KEY,
			  GINT_TO_POINTER(wait->action == NETFIL_ACTION_CAP_OWN));
	netfil_guard_pass(wait->skeleton, call);
	if (!wait->caller->admin)
		netfil_shares_charge(wait->gate->shares, wait->caller->uid,
				     g_get_monotonic_time() - begun);
	wait_end(wait);
}

static void refuse(Wait *wait, NetfilError code, const char *message)
{
	const NetfilCaller *caller = wait->caller;

	netfil_log_event(NETFIL_LOG_DENIED, &(NetfilLogFields){.caller = caller},
			 "uid %d (pid %d): %s denied: %s", (int)caller->uid, (int)caller->pid,
			 g_dbus_method_invocation_get_method_name(wait->call), message);
	g_dbus_method_invocation_return_error_literal(g_steal_pointer(&wait->call), NETFIL_ERROR,
						      (int)code, message);
	wait_end(wait);
}

/* `what` needs the action that was not allowed. */
static void refuse_action(Wait *wait, const char *what, const char *why)
{
	const char *remedy = wait->action == NETFIL_ACTION_READ ? "" : "run it with sudo, or ";
	g_autofree char *message = g_strdup_printf("%s needs %s%s: %sask an administrator", what,
						   netfil_action_name(wait->action), why, remedy);

	refuse(wait, NETFIL_ERROR_DENIED, message);
}

/* Judging. */

static gboolean is_reading(GDBusMethodInvocation *call)
{
	static const char *const reading[] = {
	    "List",    "Get",  "Members", "Doctor",  "Unattributed",
	    "History", "Apps", "Sockets", "Trouble", NULL,
	};

	return netfil_guard_is_property(call) ||
	       g_strv_contains(reading, g_dbus_method_invocation_get_method_name(call));
}

static gboolean may_read_still(NetfilGate *gate, const NetfilCaller *caller)
{
	const gint64 *until = gate->readers && caller->bus_name
				  ? g_hash_table_lookup(gate->readers, caller->bus_name)
				  : NULL;

	return until && *until > g_get_monotonic_time();
}

static void remember_reader(NetfilGate *gate, const NetfilCaller *caller)
{
	gint64 *until;

	if (!gate->readers)
		return;
	until = g_new(gint64, 1);
	*until = g_get_monotonic_time() + READS_FOR;
	g_hash_table_insert(gate->readers, g_strdup(caller->bus_name), until);
}

/* Those of one user, and all, that polkit has to judge. */
static gboolean has_room_to_wait(const Wait *wait)
{
	const GPtrArray *waiting = wait->gate->waiting;
	guint of_user = 0, all = 0;

	for (guint i = 0; i < waiting->len; i++) {
		const Wait *other = waiting->pdata[i];

		all += other->asking;
		of_user += other->asking && other->caller->uid == wait->caller->uid;
	}
	return of_user < WAITING_PER_USER && all < WAITING_MAX;
}

static void on_checked(GObject *source, GAsyncResult *result, gpointer data);

static void ask(Wait *wait, NetfilAction action)
{
	GDBusMessage *message = g_dbus_method_invocation_get_message(wait->call);

	wait->action = action;
	wait->asking = TRUE;
	netfil_authority_check(wait->gate->authority, wait->caller, action,
			       g_dbus_message_get_flags(message) &
				   G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
			       wait->gone, on_checked, wait);
}

static gboolean is_free(const Wait *wait, GError **error)
{
	return netfil_own_is_free(wait->gate->engine, wait->caller,
				  g_dbus_method_invocation_get_method_name(wait->call),
				  g_dbus_method_invocation_get_parameters(wait->call), error);
}

static gboolean is_own(Wait *wait)
{
	g_clear_error(&wait->beyond);
	return netfil_own_allows(
	    wait->gate->engine, wait->caller, g_dbus_method_invocation_get_method_name(wait->call),
	    g_dbus_method_invocation_get_parameters(wait->call), &wait->beyond);
}

/* What was judged before polkit's answer may not hold any more. */
static void on_allowed(Wait *wait)
{
	g_autoptr(GError) error = NULL;

	if (wait->action == NETFIL_ACTION_READ)
		remember_reader(wait->gate, wait->caller);
	else if (!is_free(wait, &error)) {
		refuse(wait, NETFIL_ERROR_DENIED, error->message);
		return;
	} else if (wait->action == NETFIL_ACTION_CAP_OWN && !is_own(wait)) {
		ask(wait, NETFIL_ACTION_MANAGE);
		return;
	}
	let_through(wait);
}

static void on_refused(Wait *wait, const GError *error)
{
	g_autofree char *why = error ? g_strdup_printf(", and %s", error->message) : g_strdup("");

	if (wait->action == NETFIL_ACTION_READ)
		refuse_action(wait, "to see filters", why);
	else if (wait->action == NETFIL_ACTION_CAP_OWN)
		ask(wait, NETFIL_ACTION_MANAGE);
	else
		refuse_action(wait, wait->beyond ? wait->beyond->message : "this", why);
}

static void on_checked(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	gboolean allowed = netfil_authority_check_finish(result, &error);
	Wait *wait = data;

	(void)source;
	wait->asking = FALSE;
	if (g_cancellable_is_cancelled(wait->gone))
		wait_free(wait); /* the gate has let go of it, and may be gone */
	else if (allowed)
		on_allowed(wait);
	else
		on_refused(wait, error);
}

static void judge_reading(Wait *wait)
{
	if (wait->caller->admin || !wait->caller->bus_name ||
	    may_read_still(wait->gate, wait->caller))
		let_through(wait);
	else
		ask(wait, NETFIL_ACTION_READ);
}

static void judge_change(Wait *wait)
{
	g_autoptr(GError) error = NULL;

	if (!is_free(wait, &error))
		refuse(wait, NETFIL_ERROR_DENIED, error->message);
	else if (wait->caller->admin)
		let_through(wait);
	else if (!has_room_to_wait(wait))
		refuse(wait, NETFIL_ERROR_BUSY,
		       "too many calls wait to be allowed: wait until they are answered");
	else if (is_own(wait))
		ask(wait, NETFIL_ACTION_CAP_OWN);
	else if (wait->beyond->code == NETFIL_ERROR_DENIED)
		ask(wait, NETFIL_ACTION_MANAGE);
	else
		refuse(wait, wait->beyond->code, wait->beyond->message); /* no such filter */
}

static void judge(Wait *wait);

static gboolean on_pause_over(gpointer data)
{
	Wait *wait = data;

	wait->pause = 0;
	judge(wait);
	return G_SOURCE_REMOVE;
}

static void judge(Wait *wait)
{
	const NetfilCaller *caller = wait->caller;
	guint pause = caller->admin ? 0 : netfil_shares_pause(wait->gate->shares, caller->uid);

	if (pause)
		wait->pause = g_timeout_add(pause, on_pause_over, wait);
	else if (is_reading(wait->call))
		judge_reading(wait);
	else
		judge_change(wait);
}

/* From guard.c. */
static void on_call(GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *call, gpointer data)
{
	GDBusConnection *connection = g_dbus_method_invocation_get_connection(call);
	NetfilGate *gate = data;
	Wait *wait = wait_new(gate, skeleton, call);
	NetfilCaller *caller = netfil_server_caller(connection);

	/* On netfild's own socket a sender is what the peer likes it to be. */
	if (!caller && connection == gate->bus)
		caller =
		    netfil_senders_find(gate->senders, g_dbus_method_invocation_get_sender(call));
	else if (!caller)
		wait_end(wait); /* of a bus that is gone */
	if (!caller)
		return; /* on_came() goes on */
	wait->caller = netfil_caller_ref(caller);
	judge(wait);
}

GDBusInterfaceSkeleton *netfil_gate_manager(NetfilGate *gate)
{
	return netfil_guard_manager(on_call, gate);
}

GDBusInterfaceSkeleton *netfil_gate_filter(NetfilGate *gate)
{
	return netfil_guard_filter(on_call, gate);
}

const NetfilCaller *netfil_gate_caller(GDBusMethodInvocation *call)
{
	return g_object_get_data(G_OBJECT(call), CALLER_KEY);
}

uid_t netfil_gate_owner(GDBusMethodInvocation *call)
{
	return g_object_get_data(G_OBJECT(call), OWN_KEY) ? netfil_gate_caller(call)->uid : 0;
}

/* Callers that come and go. */

static gboolean is_from(const Wait *wait, GDBusConnection *connection, const char *bus_name)
{
	return g_dbus_method_invocation_get_connection(wait->call) == connection &&
	       (!bus_name ||
		g_str_equal(g_dbus_method_invocation_get_sender(wait->call), bus_name));
}

/* What waits for this sender, or for anybody on the connection, is for nobody any more. */
static void drop(NetfilGate *gate, GDBusConnection *connection, const char *bus_name)
{
	for (guint i = gate->waiting->len; i-- > 0;) {
		Wait *wait = gate->waiting->pdata[i];

		if (!is_from(wait, connection, bus_name))
			continue;
		g_ptr_array_remove_index(gate->waiting, i);
		g_cancellable_cancel(wait->gone);
		if (!wait->asking)
			wait_free(wait); /* else on_checked() does */
	}
}

static void on_came(NetfilCaller *caller, gpointer data)
{
	NetfilGate *gate = data;
	g_autoptr(GPtrArray) waiting = g_ptr_array_new();

	netfil_room_know(gate->room, caller->bus_name, caller->uid);
	gate->handler.came(gate->handler.data);
	for (guint i = 0; i < gate->waiting->len; i++) {
		Wait *wait = gate->waiting->pdata[i];

		if (!wait->caller && is_from(wait, gate->bus, caller->bus_name))
			g_ptr_array_add(waiting, wait);
	}
	for (guint i = 0; i < waiting->len; i++) {
		Wait *wait = waiting->pdata[i];

		wait->caller = netfil_caller_ref(caller);
		judge(wait);
	}
}

static void on_went(const char *bus_name, gboolean had_come, gpointer data)
{
	NetfilGate *gate = data;

	drop(gate, gate->bus, bus_name);
	netfil_room_forget(gate->room, bus_name);
	g_hash_table_remove(gate->readers, bus_name);
	if (had_come)
		gate->handler.went(gate->handler.data);
}

/* Messages, in the thread of GDBus. */

static void answer_error(GDBusConnection *connection, GDBusMessage *call, const char *name,
			 const char *text)
{
	g_autoptr(GDBusMessage) answer = g_dbus_message_new_method_error_literal(call, name, text);

	/* It fails where the connection is closing, and nobody waits. */
	g_dbus_connection_send_message(connection, answer, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
				       NULL);
}

gboolean netfil_gate_refuses_set(GDBusConnection *connection, GDBusMessage *message)
{
	if (g_strcmp0(g_dbus_message_get_interface(message), "org.freedesktop.DBus.Properties") ||
	    g_strcmp0(g_dbus_message_get_member(message), "Set"))
		return FALSE;
	answer_error(connection, message, "org.netfil.Error.Denied",
		     "properties are not set: call a method of the manager, which needs "
		     "org.netfil.manage");
	return TRUE;
}

static gboolean takes_call(GDBusConnection *bus, GDBusMessage *message, NetfilRoom *room)
{
	const char *sender = g_dbus_message_get_sender(message);

	/* What wants no answer cannot be counted off. */
	if (!sender || g_dbus_message_get_flags(message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED)
		return FALSE;
	if (netfil_room_enter(room, sender))
		return !netfil_gate_refuses_set(bus, message);
	netfil_log_limited("%s: too many calls at once", sender);
	answer_error(bus, message, "org.netfil.Error.Busy",
		     "too many calls at once: wait for the answers");
	return FALSE;
}

static GDBusMessage *count_calls(GDBusConnection *bus, GDBusMessage *message, gboolean incoming,
				 gpointer room)
{
	GDBusMessageType type = g_dbus_message_get_message_type(message);

	if (!incoming && g_dbus_message_get_destination(message) &&
	    (type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN || type == G_DBUS_MESSAGE_TYPE_ERROR))
		netfil_room_leave(room, g_dbus_message_get_destination(message));
	if (!incoming || type != G_DBUS_MESSAGE_TYPE_METHOD_CALL || takes_call(bus, message, room))
		return message;
	g_object_unref(message);
	return NULL;
}

/* Connections. */

static void open_bus(NetfilGate *gate, GDBusConnection *bus)
{
	gate->bus = g_object_ref(bus);
	gate->room = netfil_room_new();
	gate->readers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	gate->senders = netfil_senders_new(bus, &(NetfilSendersHandler){on_came, on_went, gate});
	gate->filter = g_dbus_connection_add_filter(bus, count_calls, netfil_room_ref(gate->room),
						    (GDestroyNotify)netfil_room_unref);
	netfil_authority_set_bus(gate->authority, bus);
}

static void close_bus(NetfilGate *gate)
{
	netfil_authority_set_bus(gate->authority, NULL);
	g_dbus_connection_remove_filter(gate->bus, gate->filter);
	g_clear_pointer(&gate->senders, netfil_senders_free);
	g_clear_pointer(&gate->readers, g_hash_table_unref);
	g_clear_pointer(&gate->room, netfil_room_unref);
	g_clear_object(&gate->bus);
}

void netfil_gate_open(NetfilGate *gate, GDBusConnection *connection)
{
	if (!netfil_server_caller(connection))
		open_bus(gate, connection);
}

void netfil_gate_close(NetfilGate *gate, GDBusConnection *connection)
{
	drop(gate, connection, NULL);
	if (connection == gate->bus)
		close_bus(gate);
}

NetfilGate *netfil_gate_new(NetfilEngine *engine, const NetfilGateHandler *handler)
{
	NetfilGate *gate = g_new0(NetfilGate, 1);

	gate->engine = g_object_ref(engine);
	gate->handler = *handler;
	gate->authority = netfil_authority_new();
	gate->shares = netfil_shares_new();
	gate->waiting = g_ptr_array_new();
	return gate;
}

void netfil_gate_free(NetfilGate *gate)
{
	g_ptr_array_unref(gate->waiting);
	netfil_authority_free(gate->authority);
	netfil_shares_free(gate->shares);
	g_object_unref(gate->engine);
	g_free(gate);
}
