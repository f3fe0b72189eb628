/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "bus-generated.h"
#include "client.h"

/* What the files of the client share. */

struct _NetfilClient {
	GObject parent_instance;
	NetfilBusManager *manager;
};

/* The end of each call: what the daemon said, as it said it. Returns `ok`. */
gboolean netfil_client_answered(gboolean ok, GError **error);
