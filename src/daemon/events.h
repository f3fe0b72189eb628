/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "engine/engine.h"
#include "hook.h"

/* Has the executables of events.d, below netfil_config_dir(), run for what the engine tells: one
 * event after the other, and of each one hook after the other. */
typedef struct NetfilEvents NetfilEvents;

/* `timeout`: seconds, for each hook. */
NetfilEvents *netfil_events_new(NetfilEngine *engine, const NetfilHookUser *user, guint timeout);

/* What runs is ended, what waits is forgotten. */
void netfil_events_free(NetfilEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilEvents, netfil_events_free)

/* The directory. Caller frees. */
char *netfil_events_dir(void);

/* Logs what is in there and is not run, and why. */
void netfil_events_check(void);
