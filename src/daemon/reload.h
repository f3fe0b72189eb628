/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/config.h"
#include "engine/engine.h"

typedef struct {
	NetfilEngine *engine;
	const NetfilConfig *conf; /* what netfil.conf said at the start */
} NetfilReload;

/* Loads the kernel programs anew, and reads what administrators wrote again: filters.d is
 * applied, and of netfil.conf it is told what waits for netfild's next start. A NetfilReloadFunc
 * of a NetfilReload. */
gboolean netfil_reload(gpointer reload, GError **error);
