/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "server.h"

/*
 * netfild on the system bus, as org.netfil.Netfil1. A bus that is not there yet, or goes
 * away, is waited for: `opened` is called each time there is one, `closed` when it is gone.
 */
typedef struct NetfilSystemBus NetfilSystemBus;

NetfilSystemBus *netfil_system_bus_start(const NetfilServerHandler *handler);
void netfil_system_bus_stop(NetfilSystemBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilSystemBus, netfil_system_bus_stop)
