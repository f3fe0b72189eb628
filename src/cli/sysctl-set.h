/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/client.h"
#include "sysctl-keys.h"

/* Where the filter stands that keeps the key's value. NULL without an error if nothing has
 * been set yet. */
NetfilStatus *netfil_sysctl_status(NetfilClient *client, const NetfilSysctlKind *kind,
				   GError **error);

/* Has netfild take what netfil_sysctl_changes() made of the key's value. */
gboolean netfil_sysctl_set(NetfilClient *client, const NetfilSysctlKey *key, GVariant *changes,
			   GError **error);
