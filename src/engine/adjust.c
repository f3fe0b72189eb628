// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "engine-private.h"

static gint64 add(gint64 a, gint64 b)
{
	gint64 sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? G_MAXINT64 : G_MININT64;
	return sum;
}

/* Of a figure for both directions each gets its share so far. */
static void set_used(NetfilEngine *e, NetfilFilter *filter, guint64 used)
{
	NetfilCounters now, so_far;
	guint64 in = used, out = used, both;

	netfil_filter_read(e->kernel, filter, &now);
	netfil_filter_used(e->kernel, filter, &so_far);
	both = so_far.in + so_far.out;
	switch (netfil_adjust_direction(filter->spec)) {
	case NETFIL_IN:
		out = so_far.out;
		break;
	case NETFIL_OUT:
		in = so_far.in;
		break;
	default:
		if (both)
			in = (guint64)((unsigned __int128)used * so_far.in / both);
		out = used - in;
	}
	filter->base.in = now.in - in;
	filter->base.out = now.out - out;
	filter->free_at = now;
	filter->forfeited = 0;
}

void netfil_adjust_apply(NetfilEngine *e, NetfilFilter *filter, const NetfilAdjust *adjust)
{
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		filter->extra[i] = add(filter->extra[i], adjust->top_up[i]);
	if (adjust->has_used)
		set_used(e, filter, adjust->used);
	if (adjust->has_unlimited_until)
		filter->unlimited_until = adjust->unlimited_until;
}
