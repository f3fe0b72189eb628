/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "periods.h"

static void period_clear(gpointer period)
{
	g_free(((NetfilPeriod *)period)->name);
}

GArray *netfil_periods_new(void)
{
	GArray *periods = g_array_new(FALSE, TRUE, sizeof(NetfilPeriod));

	g_array_set_clear_func(periods, period_clear);
	return periods;
}

void netfil_periods_add_history(GArray *periods, GVariant *page)
{
	NetfilPeriod period = {.uid = G_MAXUINT32};
	GVariantIter iter;

	g_variant_iter_init(&iter, page);
	while (g_variant_iter_next(&iter, "(sxxtttt)", &period.name, &period.start, &period.end,
				   &period.in, &period.out, &period.refused_bytes,
				   &period.refused_packets))
		g_array_append_val(periods, period);
}

void netfil_periods_add_apps(GArray *periods, GVariant *page)
{
	NetfilPeriod period = {0};
	GVariantIter iter;

	g_variant_iter_init(&iter, page);
	while (g_variant_iter_next(&iter, "(suxxtt)", &period.name, &period.uid, &period.start,
				   &period.end, &period.in, &period.out))
		g_array_append_val(periods, period);
}
