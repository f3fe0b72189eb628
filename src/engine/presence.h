/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "rules.h"

/* Which rules have anything there that they could match: looked up once for many filters, when
 * the first asks. Begins as all zeros, and is to be forgotten with the call that asked. */
typedef struct {
	guint32 known; /* kinds */
	struct netfil_set processes, cgroups;
} NetfilPresence;

gboolean netfil_presence_has(NetfilPresence *presence, NetfilKernel *kernel,
			     const NetfilRule *rule);
