/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * What netfild tells the one who started it as a service, by the protocol of sd_notify(3):
 * a datagram to $NOTIFY_SOCKET. Without one, nothing.
 */

/* Reads the environment and takes it out, so that no child speaks for netfild. Before
 * there are threads. */
void netfil_notify_start(void);

void netfil_notify_ready(void);
void netfil_notify_reloading(void); /* until it is ready again */
void netfil_notify_stopping(void);

/* A sign of life from the default main context as often as the service asks for one: who does
 * not come back to it is not alive. */
void netfil_notify_watch(void);
