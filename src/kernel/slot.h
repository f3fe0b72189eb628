/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "netfil/abi.h"
#include "object.h"

typedef struct NetfilSlots NetfilSlots;

/* The objects are the caller's, and stay until it is freed or told of others. */
NetfilSlots *netfil_slots_new(NetfilObjects *objects, GError **error);
void netfil_slots_free(NetfilSlots *slots);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilSlots, netfil_slots_free)

/* The programs were loaded anew, on the same maps. */
void netfil_slots_follow(NetfilSlots *slots, NetfilObjects *objects);

/* Map memory. used[] there counts what was lent, too. */
struct netfil_slot *netfil_slots_get(NetfilSlots *slots, guint number);

/* See netfil_kernel_slot_used(), …_gather(), …_clear(). */
void netfil_slots_used(NetfilSlots *slots, guint number, guint64 used[2]);
void netfil_slots_gather(NetfilSlots *slots, guint number);
void netfil_slots_clear(NetfilSlots *slots, guint number);
