/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "own.h"

#include <string.h>

#include "core/error.h"
#include "core/quote.h"
#include "kernel/process.h"

/* Room that one user, and all users together, may take of the filters that there can be. */
#define FILTERS_PER_USER 16
#define FILTERS_OF_USERS 256
#define TEXT_SHOWN 200

static gboolean deny(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean deny(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL, *shown = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	shown = netfil_escape(text, -1, TEXT_SHOWN); /* a name may be anything, and is cut off */
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_DENIED, shown);
	return FALSE;
}

/* ---- whose ---- */

static gboolean is_own_process(const NetfilCaller *caller, const char *text)
{
	NetfilUids uids;
	guint64 pid;

	/* Also the set-user-ID programs that they start: those act for somebody else. */
	return g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT32, &pid, NULL) &&
	       netfil_process_uids((guint32)pid, &uids) && uids.real == caller->uid &&
	       uids.effective == caller->uid && uids.saved == caller->uid;
}

static gboolean are_own_processes(const NetfilCaller *caller, const char *const *pids,
				  GError **error)
{
	if (!*pids)
		return deny(error, "a filter without --pid");
	for (; *pids; pids++)
		if (!is_own_process(caller, *pids))
			return deny(error, "process %.20s, which is not yours,", *pids);
	return TRUE;
}

static gboolean is_own_filter(NetfilEngine *engine, const NetfilCaller *caller, const char *name,
			      GError **error)
{
	g_autoptr(NetfilStatus) status = netfil_engine_get(engine, name, NULL);

	return (status && status->owner == caller->uid) ||
	       deny(error, "filter '%.64s', which is not yours,", name);
}

static gboolean has_room(NetfilEngine *engine, const NetfilCaller *caller, GError **error)
{
	g_autoptr(GPtrArray) statuses = netfil_engine_list(engine, NULL, G_MAXUINT);
	guint own = 0, users = 0;

	for (guint i = 0; i < statuses->len; i++) {
		const NetfilStatus *status = statuses->pdata[i];

		own += status->owner == caller->uid;
		users += status->owner != 0;
	}
	if (own >= FILTERS_PER_USER)
		return deny(error, "more than %d filters of one user", FILTERS_PER_USER);
	if (users >= FILTERS_OF_USERS)
		return deny(error, "more than %d filters of all users", FILTERS_OF_USERS);
	return TRUE;
}

/* ---- what ---- */

/* Not those that select by other than the process, that have netfild open a file, or that cost
 * the machine something. */
static gboolean check_keys(const NetfilCaller *caller, GVariant *settings, GError **error)
{
	static const char *const allowed[] = {"pid",
					      "ip",
					      "port",
					      "proto",
					      "interface",
					      "except",
					      "in",
					      "out",
					      "total",
					      "used",
					      "on-limit",
					      "warn",
					      "every",
					      "free",
					      "on",
					      "loopback",
					      "rollover",
					      "until-exit",
					      "unlimited-until",
					      NULL};
	GVariantIter iter;
	const char *key;
	GVariant *value;

	g_variant_iter_init(&iter, settings);
	while (g_variant_iter_next(&iter, "{&s@as}", &key, &value)) {
		g_autoptr(GVariant) owned = value;
		g_autofree const char **texts = g_variant_get_strv(value, NULL);

		if (!g_strv_contains(allowed, key))
			return deny(error, "a filter with %.20s", key);
		if (g_str_equal(key, "pid") && !are_own_processes(caller, texts, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean allows_add(NetfilEngine *engine, const NetfilCaller *caller, GVariant *parameters,
			   GError **error)
{
	g_autoptr(GVariant) settings = g_variant_get_child_value(parameters, 1);
	g_autoptr(GVariant) pids =
	    g_variant_lookup_value(settings, "pid", G_VARIANT_TYPE_STRING_ARRAY);

	if (!pids)
		return deny(error, "a filter without --pid");
	return check_keys(caller, settings, error) && has_room(engine, caller, error);
}

/* Of calls about one filter. */
static const char *first_name(GVariant *parameters)
{
	const char *name;

	g_variant_get_child(parameters, 0, "&s", &name);
	return name;
}

static gboolean allows_set(NetfilEngine *engine, const NetfilCaller *caller, GVariant *parameters,
			   GError **error)
{
	g_autoptr(GVariant) settings = g_variant_get_child_value(parameters, 1);

	return is_own_filter(engine, caller, first_name(parameters), error) &&
	       check_keys(caller, settings, error);
}

/* Each once, however often it is said. */
static GHashTable *names_of(GVariant *parameters)
{
	GHashTable *names = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree const char **said = NULL;

	g_variant_get_child(parameters, 0, "^a&s", &said);
	for (guint i = 0; said[i]; i++)
		g_hash_table_add(names, (gpointer)said[i]);
	return names;
}

static gboolean allows_names(NetfilEngine *engine, const NetfilCaller *caller, GVariant *parameters,
			     GError **error)
{
	g_autoptr(GHashTable) names = names_of(parameters);
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!is_own_filter(engine, caller, name, error))
			return FALSE;
	return TRUE;
}

gboolean netfil_own_allows(NetfilEngine *engine, const NetfilCaller *caller, const char *method,
			   GVariant *parameters, GError **error)
{
	/* A root who is no administrator would be taken for one, later. */
	if (caller->uid == 0 || caller->uid == (uid_t)-1)
		return deny(error, "root of a namespace, or without CAP_NET_ADMIN,");
	if (g_str_equal(method, "Add"))
		return allows_add(engine, caller, parameters, error);
	if (g_str_equal(method, "Set"))
		return allows_set(engine, caller, parameters, error);
	if (g_str_equal(method, "ResetMember"))
		return is_own_filter(engine, caller, first_name(parameters), error);
	if (g_str_equal(method, "Switch") || g_str_equal(method, "Reset") ||
	    g_str_equal(method, "Remove"))
		return allows_names(engine, caller, parameters, error);
	return deny(error, "%s", method);
}

gboolean netfil_own_confine(NetfilSpec *spec, uid_t uid, GError **error)
{
	g_autofree char *number = g_strdup_printf("%u", uid);

	/* Whatever becomes of the processes: traffic of other users is not matched. */
	g_ptr_array_set_size(spec->users, 0);
	return netfil_spec_put(spec, "user", number, error);
}

/* ---- the capped ---- */

static gboolean is_free_of(NetfilEngine *engine, const NetfilCaller *caller, const char *name,
			   GError **error)
{
	const char *follower = netfil_engine_follows(engine, name, (guint32)caller->pid);

	/* Root that netfild lives among could do it by other means as well. */
	return !follower || (caller->admin && !netfil_caller_is_elsewhere(caller)) ||
	       deny(error,
		    "this process is itself under filter %.64s, which it cannot change: do it from "
		    "another one",
		    follower);
}

/* Asked after it was not found to be followed: the kernel forgets a process that ends, when its
 * memory is gone. So nobody connects by a child, and goes on when that is gone. */
static gboolean still_lives(const NetfilCaller *caller, GError **error)
{
	NetfilProcess process;

	if (caller->pid && netfil_process_look_at((guint32)caller->pid, &process) &&
	    process.start == caller->start && netfil_process_has_memory(process.pid))
		return TRUE;
	return deny(error, "the process that made this connection has ended, or cannot be seen: "
			   "make it from the one that calls");
}

static gboolean is_free_of_names(NetfilEngine *engine, const NetfilCaller *caller,
				 GVariant *parameters, GError **error)
{
	g_autoptr(GHashTable) names = names_of(parameters);
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!is_free_of(engine, caller, name, error))
			return FALSE;
	return TRUE;
}

/* What stays as it is may be applied by anybody. */
static gboolean would_change(NetfilEngine *engine, const char *name, GVariant *specification)
{
	g_autoptr(NetfilStatus) status = netfil_engine_get(engine, name, NULL);
	g_autoptr(NetfilSpec) spec = netfil_spec_new(name);
	g_auto(GStrv) differing = NULL;

	if (!status)
		return FALSE;
	if (!netfil_spec_update(spec, specification, NULL))
		return TRUE;
	differing = netfil_spec_compare(status->spec, spec);
	return differing[0] || status->owner;
}

static gboolean is_free_of_applied(NetfilEngine *engine, const NetfilCaller *caller,
				   GVariant *parameters, GError **error)
{
	g_autoptr(GVariant) filters = g_variant_get_child_value(parameters, 0);
	GVariantIter iter;
	GVariant *specification;
	const char *name;
	gboolean prune;

	g_variant_get_child(parameters, 1, "b", &prune);
	if (prune)
		return is_free_of(engine, caller, NULL, error);
	g_variant_iter_init(&iter, filters);
	while (g_variant_iter_next(&iter, "(&s@a{sas})", &name, &specification)) {
		g_autoptr(GVariant) owned = specification;

		if (would_change(engine, name, specification) &&
		    !is_free_of(engine, caller, name, error))
			return FALSE;
	}
	return TRUE;
}

gboolean netfil_own_is_free(NetfilEngine *engine, const NetfilCaller *caller, const char *method,
			    GVariant *parameters, GError **error)
{
	if (g_str_equal(method, "Add") || g_str_equal(method, "Reload"))
		return TRUE; /* these lift no cap */
	if (g_str_equal(method, "Apply")) {
		if (!is_free_of_applied(engine, caller, parameters, error))
			return FALSE;
	} else if (g_str_equal(method, "Set") || g_str_equal(method, "ResetMember")) {
		if (!is_free_of(engine, caller, first_name(parameters), error))
			return FALSE;
	} else if (!is_free_of_names(engine, caller, parameters, error)) {
		return FALSE;
	}
	return still_lives(caller, error);
}
