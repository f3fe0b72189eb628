/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "rules.h"

/* Writes which rules each cgroup is under: by its path, by a unit's name, or by
 * those above it. New cgroups inherit in the kernel. */
gboolean netfil_cgroups_apply(NetfilKernel *kernel, NetfilRule *const rules[NETFIL_RULES_MAX],
			      GError **error);

/* Whether any cgroup is under the rule now. */
gboolean netfil_cgroups_present(NetfilKernel *kernel, guint rule);

/* Takes a rule off cgroups that are gone but may still have sockets. */
void netfil_cgroups_scrub(NetfilKernel *kernel, guint rule);
