/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "spec.h"

/*
 * What `set` may change that is not a filter's specification but where it stands in
 * this cycle. In an a{sas} these are the keys "in", "out" and "total" with a value that
 * begins with "+" or "-" (a top-up: "+5G"), "used" (a size: the carrier's figure), and
 * "unlimited-until" (seconds since the epoch in decimal; "0" ends it).
 */
typedef struct {
	gint64 top_up[NETFIL_DIRECTIONS]; /* bytes, may be negative */
	gboolean has_used;
	guint64 used; /* bytes, in the direction that netfil_adjust_direction() says */
	gboolean has_unlimited_until;
	gint64 unlimited_until; /* seconds since the epoch; 0: no longer */
} NetfilAdjust;

/* Takes these keys out of `changes`: what is left for netfil_spec_update() is put into
 * `rest` (a new reference, may be empty). FALSE with an error: INVALID. */
gboolean netfil_adjust_split(GVariant *changes, NetfilAdjust *adjust, GVariant **rest,
			     GError **error);

/* Whether the filter takes it: a top-up needs a cap in that direction. */
gboolean netfil_adjust_check(const NetfilAdjust *adjust, const NetfilSpec *spec, GError **error);

/* Which figure of this filter a carrier's is: the one capped, if only in or only out is;
 * else total. */
guint netfil_adjust_direction(const NetfilSpec *spec);
