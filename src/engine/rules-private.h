/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What rules.c, rules-maps.c and rules-interfaces.c share. */

#include "prefixes.h"
#include "rules.h"
#include "seed.h"
#include "tables.h"

struct NetfilRules {
	NetfilKernel *kernel;
	NetfilSets *sets;
	NetfilTable *exes, *users;
	NetfilPrefixes *prefixes, *excepts;
	NetfilRule *by_number[NETFIL_RULES_MAX];
	GHashTable *interfaces; /* ifindex -> struct netfil_interface *, as in the map */
	NetfilSeeds *seeds;
	gboolean frozen;

	/* Between netfil_rules_gather() and netfil_rules_settle(). */
	gboolean gathering;
	guint32 due;             /* kinds whose maps are to be written */
	gboolean seeded;         /* processes are to come under rules */
	struct netfil_set awake; /* rules that are to be switched on */
};

#define FOR_EACH_RULE(r, rule)                                                                     \
	for (guint i_ = 0; i_ < NETFIL_RULES_MAX; i_++)                                            \
		if ((rule = (r)->by_number[i_]))

/* Writes the maps of these kinds. Interfaces are written by
 * netfil_rules_interfaces(), processes by adopting them. */
gboolean netfil_rules_apply(NetfilRules *r, guint32 kinds, GError **error);
