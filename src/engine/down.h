/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "filter.h"

/*
 * Interfaces are down while their filter is spent. filter->downed names those that were
 * taken down, by spaces, each with what its keep_addr_on_down was ("wwan0:0"), if that was
 * changed so that IPv6 addresses stay. Routes do not.
 */

/* Takes down the interfaces that the filter names, and are up; loopback only where it is
 * named without a wildcard. FALSE: none was up. */
gboolean netfil_down(NetfilDevices *devices, NetfilFilter *filter);

/* Brings up those that were taken down. FALSE: none was. */
gboolean netfil_down_end(NetfilDevices *devices, NetfilFilter *filter);
