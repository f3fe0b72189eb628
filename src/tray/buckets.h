/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/periods.h"
#include "core/cycle.h"

/* A chart's bars: one a period, also where nothing moved. Pure. */

typedef struct {
	gint64 start, end; /* seconds since the epoch */
	guint64 in, out;
} NetfilBucket;

/* The last `count` hours, days or months up to now, of NetfilBucket; not for cycles. */
GArray *netfil_buckets_new(NetfilBy by, GTimeZone *zone, gint64 now, guint count);

/* Adds each period to the bucket that it begins in; what begins in none is left out. */
void netfil_buckets_fill(GArray *buckets, const GArray *periods);

/* The last `count` periods as they are: cycles. */
GArray *netfil_buckets_of(const GArray *periods, guint count);

/* The least of 1, 2 and 5 times a power of 10 that is not below `bytes`, at least 1000. */
guint64 netfil_buckets_top(guint64 bytes);
