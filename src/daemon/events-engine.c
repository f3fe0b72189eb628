/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks that are run by netfild itself. */
#include "conf.h"
#include "events.h"

static NetfilStatus *ask(gpointer engine, const char *name)
{
	return netfil_engine_get(engine, name, NULL);
}

static void on_added(NetfilEvents *events, const char *name)
{
	netfil_events_filter(events, "added", name, NULL, 0, "");
}

static void on_removed(NetfilEvents *events, const char *name)
{
	netfil_events_filter(events, "removed", name, NULL, 0, "");
}

static void on_cap_reached(NetfilEvents *events, const char *name, guint direction,
			   const char *member)
{
	netfil_events_filter(events, "cap-reached", name, netfil_direction_name(direction), 0,
			     member);
}

static void on_warned(NetfilEvents *events, const char *name, guint percent, guint direction,
		      const char *member)
{
	netfil_events_filter(events, "warned", name, netfil_direction_name(direction), percent,
			     member);
}

static void on_cycle_started(NetfilEvents *events, const char *name, gint64 started)
{
	(void)started; /* is the filter's */
	netfil_events_filter(events, "cycle-started", name, NULL, 0, "");
}

NetfilEvents *netfil_events_of_engine(NetfilEngine *engine, const NetfilConfig *config)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} tidings[] = {
	    {"added", G_CALLBACK(on_added)},
	    {"removed", G_CALLBACK(on_removed)},
	    {"cap-reached", G_CALLBACK(on_cap_reached)},
	    {"warned", G_CALLBACK(on_warned)},
	    {"cycle-started", G_CALLBACK(on_cycle_started)},
	    {"trouble", G_CALLBACK(netfil_events_trouble)},
	};
	NetfilHookUser user;
	NetfilEvents *events;

	netfil_events_check();
	if (!netfil_conf_events_user(config, &user)) {
		g_warning("there is no user '%s': no hook of events.d is run", config->events_user);
		return NULL;
	}
	events = netfil_events_new(&user, config->events_timeout, ask, engine);
	for (guint i = 0; i < G_N_ELEMENTS(tidings); i++)
		g_signal_connect_swapped(engine, tidings[i].signal, tidings[i].handler, events);
	return events;
}
