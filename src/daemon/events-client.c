/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks that are run beside netfild, which then needs no right to become another user. */
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>

#include "client/client.h"
#include "conf.h"
#include "events.h"

#define RETRY_SECONDS 1

typedef struct {
	GMainLoop *loop;
	NetfilClient *client; /* NULL while netfild is away */
	NetfilEvents *events;
} Runner;

static NetfilStatus *ask(gpointer data, const char *name)
{
	const Runner *runner = data;

	return netfil_client_get(runner->client, name, NULL);
}

static void on_added(Runner *runner, const char *name)
{
	netfil_events_filter(runner->events, "added", name, NULL, 0, "");
}

static void on_removed(Runner *runner, const char *name)
{
	netfil_events_filter(runner->events, "removed", name, NULL, 0, "");
}

static void on_cap_reached(Runner *runner, const char *name, const char *direction,
			   const char *member)
{
	netfil_events_filter(runner->events, "cap-reached", name, direction, 0, member);
}

static void on_warned(Runner *runner, const char *name, guint percent, const char *direction,
		      const char *member)
{
	netfil_events_filter(runner->events, "warned", name, direction, percent, member);
}

static void on_cycle_started(Runner *runner, const char *name, gint64 started)
{
	(void)started; /* is the filter's */
	netfil_events_filter(runner->events, "cycle-started", name, NULL, 0, "");
}

static void on_trouble(Runner *runner, const char *what)
{
	netfil_events_trouble(runner->events, what);
}

static gboolean try_connect(gpointer data);

static void leave(Runner *runner)
{
	if (runner->client)
		g_signal_handlers_disconnect_by_data(runner->client, runner);
	g_clear_object(&runner->client);
}

static void on_closed(Runner *runner)
{
	g_message("netfild went away: waiting for it");
	leave(runner);
	g_timeout_add_seconds(RETRY_SECONDS, try_connect, runner);
}

static void listen(Runner *runner)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} tidings[] = {
	    {"added", G_CALLBACK(on_added)},
	    {"removed", G_CALLBACK(on_removed)},
	    {"cap-reached-of", G_CALLBACK(on_cap_reached)},
	    {"warned-of", G_CALLBACK(on_warned)},
	    {"trouble", G_CALLBACK(on_trouble)},
	    {"closed", G_CALLBACK(on_closed)},
	    {"cycle-started", G_CALLBACK(on_cycle_started)},
	};

	for (guint i = 0; i < G_N_ELEMENTS(tidings); i++)
		g_signal_connect_swapped(runner->client, tidings[i].signal, tidings[i].handler,
					 runner);
}

/* What went wrong before it listened is told as if it did now. */
static gboolean try_connect(gpointer data)
{
	Runner *runner = data;
	g_autofree char *what = NULL;
	gint64 since;

	runner->client = netfil_client_connect(NULL);
	if (!runner->client)
		return G_SOURCE_CONTINUE;
	listen(runner);
	g_message("running the hooks of events.d");
	what = netfil_client_trouble(runner->client, &since, NULL);
	if (what && *what)
		netfil_events_trouble(runner->events, what);
	return G_SOURCE_REMOVE;
}

static gboolean on_stop_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

int netfil_events_serve(const NetfilConfig *config)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	Runner runner = {.loop = loop};
	NetfilHookUser user;

	netfil_events_check();
	if (!netfil_conf_events_user(config, &user)) {
		g_warning("there is no user '%s': no hook of events.d is run", config->events_user);
		return EXIT_FAILURE;
	}
	runner.events = netfil_events_new(&user, config->events_timeout, ask, &runner);
	g_unix_signal_add(SIGTERM, on_stop_signal, loop);
	g_unix_signal_add(SIGINT, on_stop_signal, loop);
	if (try_connect(&runner))
		g_timeout_add_seconds(RETRY_SECONDS, try_connect, &runner);
	g_main_loop_run(loop);
	leave(&runner);
	netfil_events_free(runner.events);
	return EXIT_SUCCESS;
}
