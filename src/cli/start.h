/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/client.h"

/* A connection to the daemon, which is started if none runs. */
NetfilClient *netfil_connect_or_start(GError **error);
