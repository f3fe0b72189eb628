/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "authority.h"

#include "core/error.h"
#include "log.h"

#define POLKIT "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define ALLOW_INTERACTION 1
/* Somebody looks for their password; the client itself gives up after two minutes. */
#define PATIENCE_FOR_PEOPLE_MS (115 * 1000)
#define PATIENCE_MS (10 * 1000)

struct NetfilAuthority {
	GDBusConnection *bus; /* NULL: none */
	guint64 questions;
};

typedef struct {
	GDBusConnection *bus;
	NetfilAction action;
	char *cancellation_id;
} Question;

const char *netfil_action_name(NetfilAction action)
{
	static const char *const names[] = {
	    [NETFIL_ACTION_READ] = "org.netfil.read",
	    [NETFIL_ACTION_CAP_OWN] = "org.netfil.cap-own",
	    [NETFIL_ACTION_MANAGE] = "org.netfil.manage",
	};

	g_return_val_if_fail(action < G_N_ELEMENTS(names), "");
	return names[action];
}

static gboolean built_in(NetfilAction action)
{
	return action != NETFIL_ACTION_MANAGE;
}

NetfilAuthority *netfil_authority_new(void)
{
	return g_new0(NetfilAuthority, 1);
}

void netfil_authority_free(NetfilAuthority *authority)
{
	g_clear_object(&authority->bus);
	g_free(authority);
}

void netfil_authority_set_bus(NetfilAuthority *authority, GDBusConnection *bus)
{
	g_set_object(&authority->bus, bus);
}

static void question_free(gpointer data)
{
	Question *question = data;

	g_object_unref(question->bus);
	g_free(question->cancellation_id);
	g_free(question);
}

/* An (sa{sv}): polkit looks the process up itself, and compares the start time, so that one
 * which got the same number later is not taken for it. */
static GVariant *subject_of(const NetfilCaller *caller)
{
	g_auto(GVariantDict) details = G_VARIANT_DICT_INIT(NULL);

	if (caller->bus_name) {
		g_variant_dict_insert(&details, "name", "s", caller->bus_name);
		return g_variant_new("(s@a{sv})", "system-bus-name", g_variant_dict_end(&details));
	}
	g_variant_dict_insert(&details, "pid", "u", (guint32)caller->pid);
	g_variant_dict_insert(&details, "start-time", "t", caller->start);
	g_variant_dict_insert(&details, "uid", "i", (gint32)caller->uid);
	return g_variant_new("(s@a{sv})", "unix-process", g_variant_dict_end(&details));
}

/* Nobody is there to ask, as opposed to somebody who gives no answer. */
static gboolean is_absent(const GError *error)
{
	static const GDBusError absent[] = {
	    G_DBUS_ERROR_SERVICE_UNKNOWN,
	    G_DBUS_ERROR_NAME_HAS_NO_OWNER,
	    G_DBUS_ERROR_DISCONNECTED,
	    G_DBUS_ERROR_SPAWN_EXEC_FAILED,
	    G_DBUS_ERROR_SPAWN_FORK_FAILED,
	    G_DBUS_ERROR_SPAWN_CHILD_EXITED,
	    G_DBUS_ERROR_SPAWN_CHILD_SIGNALED,
	    G_DBUS_ERROR_SPAWN_FAILED,
	    G_DBUS_ERROR_SPAWN_SETUP_FAILED,
	    G_DBUS_ERROR_SPAWN_CONFIG_INVALID,
	    G_DBUS_ERROR_SPAWN_SERVICE_INVALID,
	    G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND,
	    G_DBUS_ERROR_SPAWN_PERMISSIONS_INVALID,
	    G_DBUS_ERROR_SPAWN_FILE_INVALID,
	};
	g_autofree char *remote = g_dbus_error_get_remote_error(error);

	for (guint i = 0; i < G_N_ELEMENTS(absent); i++)
		if (g_error_matches(error, G_DBUS_ERROR, (int)absent[i]))
			return TRUE;
	return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
	       (remote && g_str_has_prefix(remote, "org.freedesktop.systemd1."));
}

static void take_back(const Question *question)
{
	if (g_dbus_connection_is_closed(question->bus))
		return;
	g_dbus_connection_call(question->bus, POLKIT, POLKIT_PATH, POLKIT_INTERFACE,
			       "CancelCheckAuthorization",
			       g_variant_new("(s)", question->cancellation_id), NULL,
			       G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

static void give_no_answer(GTask *task, const GError *error)
{
	const Question *question = g_task_get_task_data(task);

	if (is_absent(error)) {
		g_task_return_boolean(task, built_in(question->action));
		return;
	}
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
	    g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
		take_back(question);
	g_task_return_new_error(task, NETFIL_ERROR, NETFIL_ERROR_DENIED, "polkit gave no answer");
	netfil_log_limited("polkit gave no answer: %s", error->message);
}

static void on_answer(GObject *bus, GAsyncResult *result, gpointer data)
{
	g_autoptr(GTask) task = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer =
	    g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
	gboolean allowed;

	if (!answer) {
		give_no_answer(task, error);
		return;
	}
	g_variant_get(answer, "((bb@a{ss}))", &allowed, NULL, NULL);
	g_task_return_boolean(task, allowed);
}

static Question *ask(NetfilAuthority *authority, NetfilAction action)
{
	Question *question = g_new0(Question, 1);

	question->bus = g_object_ref(authority->bus);
	question->action = action;
	question->cancellation_id =
	    g_strdup_printf("netfil-%" G_GUINT64_FORMAT, ++authority->questions);
	return question;
}

/* Whether polkit's word on a caller counts. It lets user 0 do everything, and does not look
 * whether that is a root without rights, or a namespace's. */
static gboolean can_judge(const NetfilCaller *caller)
{
	if (caller->uid == 0 && !caller->admin)
		return FALSE;
	return caller->bus_name || (caller->pid > 0 && caller->start);
}

void netfil_authority_check(NetfilAuthority *authority, const NetfilCaller *caller,
			    NetfilAction action, gboolean interactive, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer data)
{
	g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, data);
	Question *question;

	if (!authority->bus || !can_judge(caller)) {
		g_task_return_boolean(task, built_in(action));
		return;
	}
	question = ask(authority, action);
	g_task_set_task_data(task, question, question_free);
	g_dbus_connection_call(
	    question->bus, POLKIT, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization",
	    g_variant_new("(@(sa{sv})sa{ss}us)", subject_of(caller), netfil_action_name(action),
			  NULL, interactive ? ALLOW_INTERACTION : 0, question->cancellation_id),
	    G_VARIANT_TYPE("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE,
	    interactive ? PATIENCE_FOR_PEOPLE_MS : PATIENCE_MS, cancellable, on_answer,
	    g_object_ref(task));
}

gboolean netfil_authority_check_finish(GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}
