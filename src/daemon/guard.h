/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/*
 * Skeletons of the two interfaces of dbus/org.netfil.Netfil1.xml which do nothing of
 * themselves: each call of a method, and each for a property, goes to `func` in the main
 * context. ("g-authorize-method" would ask in a thread of its own, and not for properties.)
 */

/* Owns `call`, until it hands it on or answers it. */
typedef void (*NetfilGuardFunc)(GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *call,
				gpointer data);

GDBusInterfaceSkeleton *netfil_guard_manager(NetfilGuardFunc func, gpointer data);
GDBusInterfaceSkeleton *netfil_guard_filter(NetfilGuardFunc func, gpointer data);

/* Does what was asked, and takes the call over. */
void netfil_guard_pass(GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *call);

/* Whether a call is for properties. */
gboolean netfil_guard_is_property(GDBusMethodInvocation *call);
