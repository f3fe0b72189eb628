/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "kernel/kernel.h"

/*
 * Sets of rules by number, in the kernel's map "sets". Equal sets share a number.
 * A number that is no longer used is given again as late as can be, so that a
 * program which looked it up a moment ago finds what it expects.
 */
typedef struct NetfilSets NetfilSets;

NetfilSets *netfil_sets_new(NetfilKernel *kernel);
void netfil_sets_free(NetfilSets *sets);

/* The number of this set, held once more. The empty set is 0. */
gboolean netfil_sets_hold(NetfilSets *sets, const struct netfil_set *set, guint32 *number,
			  GError **error);

/* Takes a number that an earlier engine left in a map as held once more. */
void netfil_sets_adopt(NetfilSets *sets, guint32 number);
void netfil_sets_release(NetfilSets *sets, guint32 number);

static inline void netfil_set_add(struct netfil_set *set, guint rule)
{
	set->words[rule / 64] |= 1ULL << (rule % 64);
}

static inline void netfil_set_remove(struct netfil_set *set, guint rule)
{
	set->words[rule / 64] &= ~(1ULL << (rule % 64));
}

static inline gboolean netfil_set_has(const struct netfil_set *set, guint rule)
{
	return set->words[rule / 64] >> (rule % 64) & 1;
}

static inline void netfil_set_union(struct netfil_set *into, const struct netfil_set *set)
{
	for (guint i = 0; i < NETFIL_SET_WORDS; i++)
		into->words[i] |= set->words[i];
}

static inline void netfil_set_subtract(struct netfil_set *from, const struct netfil_set *set)
{
	for (guint i = 0; i < NETFIL_SET_WORDS; i++)
		from->words[i] &= ~set->words[i];
}

gboolean netfil_set_is_empty(const struct netfil_set *set);
