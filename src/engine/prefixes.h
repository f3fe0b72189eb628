/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/prefix.h"
#include "sets.h"

/*
 * A trie of prefixes in the kernel, held against what it should be. A million prefixes are
 * 20 MB here: both are sorted arrays, which are walked side by side. Only what differs is
 * written, the new before the old is taken away; at once, or in slices with other work in
 * between.
 */
typedef struct NetfilPrefixes NetfilPrefixes;

/* Takes in what stands in the map already. `map` is static. */
NetfilPrefixes *netfil_prefixes_new(NetfilKernel *kernel, NetfilSets *sets, const char *map);
void netfil_prefixes_free(NetfilPrefixes *prefixes);

/* What a rule lists: netfil_prefix_sort() was called on it. */
typedef struct {
	const GArray *prefixes; /* of NetfilPrefix */
	guint rule;
} NetfilPrefixSource;

/* What the map should be (of NetfilPrefixSource): the union. What was not written of an earlier
 * aim is given up. NETFIL_ERROR_FULL. */
gboolean netfil_prefixes_aim(NetfilPrefixes *prefixes, const GArray *sources, GError **error);

/* Writes until all is as it should be (then TRUE, `*done`), or until this monotonic time
 * (G_MAXINT64: never). On error the map is between the two, and known. */
gboolean netfil_prefixes_write(NetfilPrefixes *prefixes, gint64 until, gboolean *done,
			       GError **error);
