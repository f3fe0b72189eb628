/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "rules.h"
#include "sets.h"

/* Writes which rules each cgroup is under: by its path, by a unit's name, or by
 * those above it. New cgroups inherit in the kernel. */
gboolean netfil_cgroups_apply(NetfilKernel *kernel, NetfilRule *const rules[NETFIL_RULES_MAX],
			      GError **error);

/* Adds the rules that any cgroup is under now. */
void netfil_cgroups_present(NetfilKernel *kernel, struct netfil_set *rules);

/* Takes rules off cgroups that are gone but may still have sockets. */
void netfil_cgroups_scrub(NetfilKernel *kernel, const struct netfil_set *rules);
