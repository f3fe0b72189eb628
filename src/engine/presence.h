/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "rules.h"

/* What is the same for many filters that are looked at together: the time, and which rules have
 * anything there that they could match. Found out when the first asks. Begins as all zeros, and
 * is to be forgotten with the call that looked. */
typedef struct {
	gint64 now;    /* seconds since the epoch */
	guint32 known; /* kinds */
	struct netfil_set processes, cgroups;
} NetfilPresence;

gboolean netfil_presence_has(NetfilPresence *presence, NetfilKernel *kernel,
			     const NetfilRule *rule);
