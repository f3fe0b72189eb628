/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cycle.h"
#include "zone.h"

#define ELAPSED_MIN 60 /* seconds: a rate of less says nothing */
#define AHEAD_MAX ((gint64)10 * 365 * NETFIL_DAY)

gint64 netfil_forecast(gint64 started, gint64 ends, gint64 now, guint64 used, guint64 cap)
{
	double exact;
	gint64 ahead;

	if (cap == 0)
		return 0;
	if (used >= cap)
		return now;
	if (used == 0 || now - started < ELAPSED_MIN)
		return 0;
	exact = (double)(cap - used) / (double)used * (double)(now - started);
	if (exact > (double)AHEAD_MAX)
		return 0;
	ahead = (gint64)exact;
	ahead += (double)ahead < exact;
	return ends && now + ahead >= ends ? 0 : now + ahead;
}
