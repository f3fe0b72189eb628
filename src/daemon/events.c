/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "events.h"

#include <pwd.h>

#include "client/paths.h"
#include "engine/clock.h"
#include "log.h"
#include "mistakes.h"

#define WAITING_MAX 256
#define WAITING_MAX_MANY 128 /* of events that come by hundreds, so that others have room */

struct NetfilEvents {
	NetfilEventsAsk ask;
	gpointer source;
	NetfilHookUser user;
	guint timeout;
	char *directory;
	char **common;  /* of every hook's environment */
	GQueue waiting; /* of environments (char **) */
	guint left_out;

	/* The event at hand. */
	char **environment;
	GPtrArray *hooks; /* paths, of which `next` is to be run next */
	guint next;
	NetfilHook *running;
};

static void run_next(NetfilEvents *events);

/* ---- running ---- */

static void on_done(gpointer data)
{
	NetfilEvents *events = data;

	events->running = NULL;
	run_next(events);
}

static void tell_left_out(NetfilEvents *events)
{
	if (events->left_out)
		netfil_log_event(NETFIL_LOG_HOOK_FAILED, NULL,
				 "events.d: %u events were left out, as too many waited: hooks "
				 "take too long",
				 events->left_out);
	events->left_out = 0;
}

static void list_hooks(NetfilEvents *events)
{
	g_autoptr(GPtrArray) problems = netfil_mistakes_new();

	g_clear_pointer(&events->hooks, g_ptr_array_unref);
	events->hooks = netfil_hooks_list(events->directory, problems);
	events->next = 0;
	for (guint i = 0; i < problems->len; i++)
		netfil_log_limited("%s", (char *)problems->pdata[i]);
}

static gboolean next_event(NetfilEvents *events)
{
	g_clear_pointer(&events->environment, g_strfreev);
	events->environment = g_queue_pop_head(&events->waiting);
	if (events->environment)
		list_hooks(events);
	else
		tell_left_out(events);
	return events->environment != NULL;
}

/* A hook that cannot be started is passed over. */
static void run_next(NetfilEvents *events)
{
	while (!events->running) {
		if (events->environment && events->next < events->hooks->len)
			events->running = netfil_hook_start(events->hooks->pdata[events->next++],
							    events->environment, &events->user,
							    events->timeout, on_done, events);
		else if (!next_event(events))
			return;
	}
}

/* Takes the environment over. `many`: it is one of those that come by hundreds. */
static void put(NetfilEvents *events, GPtrArray *environment, gboolean many)
{
	guint room = many ? WAITING_MAX_MANY : WAITING_MAX;

	if (g_queue_get_length(&events->waiting) >= room) {
		events->left_out++;
		g_ptr_array_unref(environment);
		return;
	}
	for (guint i = 0; events->common[i]; i++)
		g_ptr_array_add(environment, g_strdup(events->common[i]));
	g_ptr_array_add(environment, NULL);
	g_queue_push_tail(&events->waiting, g_ptr_array_free(environment, FALSE));
	run_next(events);
}

/* ---- what hooks are told ---- */

static void set(GPtrArray *environment, const char *key, const char *value)
{
	g_ptr_array_add(environment, g_strconcat(key, "=", value, NULL));
}

static void set_number(GPtrArray *environment, const char *key, guint64 value)
{
	g_ptr_array_add(environment, g_strdup_printf("%s=%" G_GUINT64_FORMAT, key, value));
}

/* As in --json; "" for 0. */
static void set_time(GPtrArray *environment, const char *key, gint64 seconds)
{
	g_autofree char *text = netfil_time_iso(seconds);

	set(environment, key, text ? text : "");
}

static GPtrArray *begin(const char *event, const char *name)
{
	GPtrArray *environment = g_ptr_array_new_with_free_func(g_free);

	set(environment, "NETFIL_EVENT", event);
	set_time(environment, "NETFIL_TIME", netfil_clock_seconds());
	if (name)
		set(environment, "NETFIL_FILTER", name);
	return environment;
}

static void add_percent(GPtrArray *environment, const NetfilStatus *status)
{
	double fraction = netfil_status_fraction(status);

	if (fraction >= 0)
		set_number(environment, "NETFIL_PERCENT", (guint64)(fraction * 100));
}

/* One that is gone has no numbers. */
static void add_status(GPtrArray *environment, const NetfilStatus *status)
{
	static const char *const used[] = {"NETFIL_USED_IN", "NETFIL_USED_OUT",
					   "NETFIL_USED_TOTAL"};
	static const char *const limits[] = {"NETFIL_LIMIT_IN", "NETFIL_LIMIT_OUT",
					     "NETFIL_LIMIT_TOTAL"};

	set(environment, "NETFIL_STATE", netfil_state_name(status->state));
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		set_number(environment, used[i], status->used[i]);
		set_number(environment, limits[i], netfil_status_limit(status, i));
	}
	set_number(environment, "NETFIL_REFUSED_BYTES", status->refused_bytes);
	set_number(environment, "NETFIL_REFUSED_PACKETS", status->refused_packets);
	set_time(environment, "NETFIL_CYCLE_STARTED", status->cycle_started);
	set_time(environment, "NETFIL_CYCLE_ENDS", status->cycle_ends);
}

/* Where there are no hooks nothing is made ready for them. */
static gboolean has_hooks(NetfilEvents *events)
{
	if (events->running)
		return TRUE;
	list_hooks(events);
	return events->hooks->len > 0;
}

static gboolean comes_by_hundreds(const char *event)
{
	return g_str_equal(event, "added") || g_str_equal(event, "removed");
}

void netfil_events_filter(NetfilEvents *events, const char *event, const char *name,
			  const char *direction, guint percent, const char *member)
{
	g_autoptr(NetfilStatus) status = NULL;
	GPtrArray *environment;

	if (!has_hooks(events))
		return;
	environment = begin(event, name);
	status = events->ask(events->source, name);
	if (status)
		add_status(environment, status);
	if (percent)
		set_number(environment, "NETFIL_PERCENT", percent);
	else if (status)
		add_percent(environment, status);
	if (direction)
		set(environment, "NETFIL_DIRECTION", direction);
	if (*member)
		set(environment, "NETFIL_MEMBER", member);
	put(events, environment, comes_by_hundreds(event));
}

void netfil_events_trouble(NetfilEvents *events, const char *what)
{
	GPtrArray *environment;

	if (!has_hooks(events))
		return;
	environment = begin("trouble", NULL);
	set(environment, "NETFIL_TROUBLE", what);
	put(events, environment, FALSE);
}

/* ---- life ---- */

/* What a script needs to find its commands, and `netfil` this netfild. */
static char **common_environment(const NetfilHookUser *user)
{
	const struct passwd *entry = getpwuid(user->uid);
	GPtrArray *environment = g_ptr_array_new();

	set(environment, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set(environment, "HOME", entry ? entry->pw_dir : "/");
	set(environment, "USER", entry ? entry->pw_name : "");
	set(environment, "LOGNAME", entry ? entry->pw_name : "");
	set(environment, "NETFIL_RUNTIME_DIR", netfil_runtime_dir());
	g_ptr_array_add(environment, NULL);
	return (char **)g_ptr_array_free(environment, FALSE);
}

char *netfil_events_dir(void)
{
	return g_build_filename(netfil_config_dir(), "events.d", NULL);
}

void netfil_events_check(void)
{
	g_autofree char *directory = netfil_events_dir();
	g_autoptr(GPtrArray) problems = netfil_mistakes_new();
	g_autoptr(GPtrArray) hooks = netfil_hooks_list(directory, problems);

	(void)hooks;
	for (guint i = 0; i < problems->len; i++)
		netfil_log_event(NETFIL_LOG_MISTAKE, NULL, "%s", (char *)problems->pdata[i]);
}

NetfilEvents *netfil_events_new(const NetfilHookUser *user, guint timeout, NetfilEventsAsk ask,
				gpointer source)
{
	NetfilEvents *events = g_new0(NetfilEvents, 1);

	events->ask = ask;
	events->source = source;
	events->user = *user;
	events->timeout = timeout;
	events->directory = netfil_events_dir();
	events->common = common_environment(user);
	g_queue_init(&events->waiting);
	return events;
}

static void free_environment(gpointer environment)
{
	g_strfreev(environment);
}

void netfil_events_free(NetfilEvents *events)
{
	if (events->running)
		netfil_hook_end(events->running);
	g_queue_clear_full(&events->waiting, free_environment);
	g_clear_pointer(&events->hooks, g_ptr_array_unref);
	g_strfreev(events->environment);
	g_strfreev(events->common);
	g_free(events->directory);
	g_free(events);
}
