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
	gboolean stale; /* the map of prefixes is to be held against the rules */
	guint fill_source;
	guint keyed; /* filters with members */

	/* Between netfil_rules_gather() and netfil_rules_settle(). */
	gboolean gathering;
	guint32 due;             /* kinds whose maps are to be written */
	gboolean seeded;         /* processes are to come under rules */
	struct netfil_set awake; /* rules that are to be switched on */
};

#define FOR_EACH_RULE(r, rule)                                                                     \
	for (guint i_ = 0; i_ < NETFIL_RULES_MAX; i_++)                                            \
		if ((rule = (r)->by_number[i_]))

/* rules-lists.c: the number that was reserved for such a rule, which is free now; -1: none. */
int netfil_rules_take_reserved(NetfilRules *r, const NetfilSelectors *selectors,
			       const NetfilRule *beside);

/* Whether it has so many prefixes that they are taken out of the kernel later: then it is left to
 * netfil_rules_leave(), which has it go when they are out. */
gboolean netfil_rules_is_long(const NetfilRule *rule);
void netfil_rules_leave(NetfilRules *r, NetfilRule *rule);

/* Where no place is left beside the rule, has those go, now, that only hold one. */
void netfil_rules_make_room(NetfilRules *r, const NetfilRule *beside);

/* rules.c: the rules of these numbers are not there any more. */
void netfil_rules_forget(NetfilRules *r, const struct netfil_set *numbers, guint32 asked);
int netfil_rules_free_number(const NetfilRules *r, const NetfilRule *beside, GError **error);

/* rules-maps.c: of NetfilPrefixSource. Caller unrefs. */
GArray *netfil_rules_prefix_sources(NetfilRules *r);

/* Writes the maps of these kinds. Interfaces are written by
 * netfil_rules_interfaces(), processes by adopting them. */
gboolean netfil_rules_apply(NetfilRules *r, guint32 kinds, GError **error);
