/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/client.h"

/* A connection to the daemon over which something is to be changed: whoever is at the terminal
 * can be asked for a password. */
NetfilClient *netfil_connect_to_change(GError **error);

/* The same, to a daemon which is started if none runs. */
NetfilClient *netfil_connect_or_start(GError **error);
