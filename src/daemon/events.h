/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/config.h"
#include "core/status.h"
#include "engine/engine.h"
#include "hook.h"

/* Has the executables of events.d, below netfil_config_dir(), run for events: one event after
 * the other, and of each one hook after the other. */
typedef struct NetfilEvents NetfilEvents;

/* A filter as it stands now; NULL: it is gone. */
typedef NetfilStatus *(*NetfilEventsAsk)(gpointer source, const char *name);

/* `timeout`: seconds, for each hook. */
NetfilEvents *netfil_events_new(const NetfilHookUser *user, guint timeout, NetfilEventsAsk ask,
				gpointer source);

/* What runs is ended, what waits is forgotten. */
void netfil_events_free(NetfilEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilEvents, netfil_events_free)

/* What is to be told: see netfil.conf(5). direction NULL, percent 0 and member "": none. */
void netfil_events_filter(NetfilEvents *events, const char *event, const char *name,
			  const char *direction, guint percent, const char *member);
void netfil_events_trouble(NetfilEvents *events, const char *what);

/* The directory. Caller frees. */
char *netfil_events_dir(void);

/* Logs what is in there and is not run, and why. */
void netfil_events_check(void);

/* Those of an engine, which outlives them. NULL: there is no such user, which is logged. */
NetfilEvents *netfil_events_of_engine(NetfilEngine *engine, const NetfilConfig *config);

/* Those of a netfild that runs, or is waited for, until a signal ends it. Exit status. */
int netfil_events_serve(const NetfilConfig *config);
