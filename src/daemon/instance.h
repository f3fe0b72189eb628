/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* One netfild to a runtime directory: the directory and a lock file in it that
 * holds the daemon's pid. */
typedef struct NetfilInstance NetfilInstance;

/* NETFIL_ERROR_BUSY: another daemon holds it; the message names its pid. */
NetfilInstance *netfil_instance_take(const char *runtime_dir, GError **error);

/* Removes lock and directory; what others put into it stays. */
void netfil_instance_release(NetfilInstance *instance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilInstance, netfil_instance_release)
