/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "caller.h"
#include "engine/engine.h"

/*
 * Who may. Every call of a method or for a property, on whichever bus, comes through here
 * before an object sees it: it learns who calls, asks own.h and polkit where that is
 * needed, and lets the call through or answers it with org.netfil.Error.Denied. Calls
 * that wait for polkit are few, and end with their caller.
 */
typedef struct NetfilGate NetfilGate;

/* Somebody on the system bus has asked something, or has left. */
typedef struct {
	void (*came)(gpointer data);
	void (*went)(gpointer data);
	gpointer data;
} NetfilGateHandler;

NetfilGate *netfil_gate_new(NetfilEngine *engine, const NetfilGateHandler *handler);
/* Each connection is closed before. */
void netfil_gate_free(NetfilGate *gate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilGate, netfil_gate_free)

/* Skeletons of the two interfaces of dbus/org.netfil.Netfil1.xml that hand each call to
 * `gate` first. */
GDBusInterfaceSkeleton *netfil_gate_manager(NetfilGate *gate);
GDBusInterfaceSkeleton *netfil_gate_filter(NetfilGate *gate);

void netfil_gate_open(NetfilGate *gate, GDBusConnection *connection);
void netfil_gate_close(NetfilGate *gate, GDBusConnection *connection);

/* Who made a call that was let through. */
const NetfilCaller *netfil_gate_caller(GDBusMethodInvocation *call);

/* Whose the filter is that such a call adds or changes: 0, the administrators', but for what
 * cap-own alone allowed. */
uid_t netfil_gate_owner(GDBusMethodInvocation *call);

/* For a message filter: answers a call that would set a property, which nobody may. */
gboolean netfil_gate_refuses_set(GDBusConnection *connection, GDBusMessage *message);
