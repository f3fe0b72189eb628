/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tray/buckets.h"

#define HOUR 3600
#define DAY (24 * HOUR)

static void add(GArray *periods, gint64 start, guint64 in, guint64 out)
{
	NetfilPeriod period = {.start = start, .end = start + 1, .in = in, .out = out};

	g_array_append_val(periods, period);
}

static NetfilBucket at(GArray *buckets, guint index)
{
	return g_array_index(buckets, NetfilBucket, index);
}

/* One after the other without a gap, the last one with now in it. */
static void expect_whole(GArray *buckets, guint count, gint64 now)
{
	g_assert_cmpuint(buckets->len, ==, count);
	for (guint i = 1; i < count; i++)
		g_assert_cmpint(at(buckets, i - 1).end, ==, at(buckets, i).start);
	g_assert_cmpint(at(buckets, count - 1).start, <=, now);
	g_assert_cmpint(at(buckets, count - 1).end, >, now);
}

static void test_new(void)
{
	static const NetfilBy all[] = {NETFIL_BY_HOUR, NETFIL_BY_DAY, NETFIL_BY_MONTH};
	g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Europe/Berlin");
	gint64 now = 1774836000; /* 2026-03-30, a day after clocks were set forward */

	for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autoptr(GArray) buckets = netfil_buckets_new(all[i], zone, now, 40);

		expect_whole(buckets, 40, now);
	}
}

static void test_short_day(void)
{
	g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Europe/Berlin");
	g_autoptr(GArray) days = netfil_buckets_new(NETFIL_BY_DAY, zone, 1774836000, 3);

	g_assert_cmpint(at(days, 0).end - at(days, 0).start, ==, DAY);
	g_assert_cmpint(at(days, 1).end - at(days, 1).start, ==, 23 * HOUR);
	g_assert_cmpint(at(days, 2).end - at(days, 2).start, ==, DAY);
}

static void test_fill(void)
{
	g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
	g_autoptr(GArray) days = netfil_buckets_new(NETFIL_BY_DAY, zone, 10 * DAY + 5, 3);
	g_autoptr(GArray) periods = netfil_periods_new();

	add(periods, 8 * DAY - 1, 1000, 1000); /* before the first */
	add(periods, 8 * DAY, 1, 2);
	add(periods, 9 * DAY - 1, 10, 20); /* of the same day */
	add(periods, 10 * DAY, 100, 200);
	add(periods, 11 * DAY, 1000, 1000); /* after the last */
	netfil_buckets_fill(days, periods);
	g_assert_cmpuint(at(days, 0).in, ==, 11);
	g_assert_cmpuint(at(days, 0).out, ==, 22);
	g_assert_cmpuint(at(days, 1).in + at(days, 1).out, ==, 0);
	g_assert_cmpuint(at(days, 2).in, ==, 100);
	g_assert_cmpuint(at(days, 2).out, ==, 200);
}

static void test_cycles(void)
{
	g_autoptr(GArray) periods = netfil_periods_new();
	g_autoptr(GArray) all = NULL;
	g_autoptr(GArray) last = NULL;

	for (guint i = 0; i < 5; i++)
		add(periods, i, i, 10 * i);
	all = netfil_buckets_of(periods, 12);
	last = netfil_buckets_of(periods, 2);
	g_assert_cmpuint(all->len, ==, 5);
	g_assert_cmpuint(last->len, ==, 2);
	g_assert_cmpint(at(last, 0).start, ==, 3);
	g_assert_cmpuint(at(last, 1).out, ==, 40);
}

static void test_top(void)
{
	static const struct {
		guint64 bytes, top;
	} cases[] = {
	    {0, 1000},
	    {1000, 1000},
	    {1001, 2000},
	    {2001, 5000},
	    {5001, 10000},
	    {330000000, 500000000},
	    {G_MAXUINT64, G_MAXUINT64},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpuint(netfil_buckets_top(cases[i].bytes), ==, cases[i].top);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tray-buckets/new", test_new);
	g_test_add_func("/tray-buckets/short-day", test_short_day);
	g_test_add_func("/tray-buckets/fill", test_fill);
	g_test_add_func("/tray-buckets/cycles", test_cycles);
	g_test_add_func("/tray-buckets/top", test_top);
	return g_test_run();
}
