/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/*
 * The session bus may be started anew under a desktop that goes on. The libraries of the icon,
 * the notifications and the screen reader each hold on to the connection that they have, so
 * `back` is called once there is a bus again, for the program to load itself anew.
 */
void netfil_session_survive(GDBusConnection *session, void (*back)(gpointer data), gpointer data);
