/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "buckets.h"

#define TOP_MIN 1000

GArray *netfil_buckets_new(NetfilBy by, GTimeZone *zone, gint64 now, guint count)
{
	GArray *buckets = g_array_new(FALSE, TRUE, sizeof(NetfilBucket));
	gint64 at = now;

	for (guint i = 0; i < count; i++) {
		NetfilBucket bucket = {
		    .start = netfil_period_start(by, zone, at),
		    .end = netfil_period_end(by, zone, at),
		};

		g_array_prepend_val(buckets, bucket);
		at = bucket.start - 1;
	}
	return buckets;
}

void netfil_buckets_fill(GArray *buckets, const GArray *periods)
{
	for (guint i = 0; i < periods->len; i++) {
		const NetfilPeriod *period = &g_array_index(periods, NetfilPeriod, i);

		for (guint j = 0; j < buckets->len; j++) {
			NetfilBucket *bucket = &g_array_index(buckets, NetfilBucket, j);

			if (period->start < bucket->start || period->start >= bucket->end)
				continue;
			bucket->in += period->in;
			bucket->out += period->out;
		}
	}
}

GArray *netfil_buckets_of(const GArray *periods, guint count)
{
	GArray *buckets = g_array_new(FALSE, TRUE, sizeof(NetfilBucket));
	guint first = periods->len > count ? periods->len - count : 0;

	for (guint i = first; i < periods->len; i++) {
		const NetfilPeriod *period = &g_array_index(periods, NetfilPeriod, i);
		NetfilBucket bucket = {period->start, period->end, period->in, period->out};

		g_array_append_val(buckets, bucket);
	}
	return buckets;
}

guint64 netfil_buckets_top(guint64 bytes)
{
	static const guint steps[] = {1, 2, 5};

	for (guint64 power = TOP_MIN; power <= G_MAXUINT64 / 10; power *= 10)
		for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
			if (power * steps[i] >= bytes)
				return power * steps[i];
	return G_MAXUINT64;
}
