/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cycles, free hours, periods and points in time. The input's first byte says which time zone,
 * the next three what time it is; the rest is the text. */
#include "core/cycle.h"
#include "core/zone.h"
#include "fuzz.h"
#include "tests/unit/zones.h"

#define HEAD 4

/* Whole hours, half an hour of summer time, and a day that was left out. */
static const char *const names[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"};

static void try_cycle(const char *text, GTimeZone *zone, gint64 now)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *words = NULL;
	NetfilCycle cycle, again;
	gint64 start, end;

	if (!netfil_cycle_parse(text, &cycle, &error)) {
		fuzz_expect_refusal(&error);
		return;
	}
	words = netfil_cycle_format(&cycle);
	g_assert_true(netfil_cycle_parse(words, &again, NULL));
	g_assert_cmpint(again.unit, ==, cycle.unit);
	g_assert_cmpuint(again.at, ==, cycle.at);
	if (cycle.unit == NETFIL_CYCLE_NEVER)
		return;
	start = netfil_cycle_start(&cycle, zone, now - 1, now);
	end = netfil_cycle_end(&cycle, zone, now - 1, now);
	g_assert_cmpint(start, <=, now);
	g_assert_cmpint(end, >, now);
	g_assert_cmpint(netfil_cycle_end(&cycle, zone, now - 1, end - 1), ==, end);
	g_assert_cmpint(netfil_cycle_start(&cycle, zone, now - 1, end - 1), ==, start);
	g_assert_cmpint(netfil_cycle_start(&cycle, zone, now - 1, end), ==, end);
}

static void try_hours(const char *text, GTimeZone *zone, gint64 now)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *words = NULL;
	NetfilHours hours, again;
	gint64 end;

	if (!netfil_hours_parse(text, &hours, &error)) {
		fuzz_expect_refusal(&error);
		return;
	}
	words = netfil_hours_format(&hours);
	g_assert_true(netfil_hours_parse(words, &again, NULL));
	g_assert_cmpuint(again.from, ==, hours.from);
	g_assert_cmpuint(again.to, ==, hours.to);
	end = netfil_hours_end(&hours, zone, now);
	if (end) {
		g_assert_cmpint(end, >, now);
		g_assert_cmpint(end - now, <=, 3 * NETFIL_DAY); /* a zone may leave out a day */
		g_assert_cmpint(netfil_hours_end(&hours, zone, end - 1), ==, end);
	}
}

static void try_period(const char *text, GTimeZone *zone, gint64 now)
{
	g_autoptr(GError) error = NULL;
	NetfilBy by;

	if (!netfil_by_parse(text, &by, &error)) {
		fuzz_expect_refusal(&error);
	} else if (by != NETFIL_BY_CYCLE) {
		g_assert_cmpint(netfil_period_start(by, zone, now), <=, now);
		g_assert_cmpint(netfil_period_end(by, zone, now), >, now);
	}
}

static void try_time(const char *text, GTimeZone *zone, gint64 now)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *epoch = NULL;
	gint64 time = G_MININT64, again = 0;

	if (!netfil_time_parse(text, zone, now, &time, &error)) {
		fuzz_expect_refusal(&error);
		return;
	}
	g_assert_cmpint(time, >=, NETFIL_TIME_MIN);
	g_assert_cmpint(time, <=, NETFIL_TIME_MAX);
	if (time < 0)
		return; /* "@" takes none */
	epoch = g_strdup_printf("@%" G_GINT64_FORMAT, time);
	g_assert_true(netfil_time_parse(epoch, zone, now, &again, NULL));
	g_assert_cmpint(again, ==, time);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static GTimeZone *zones[G_N_ELEMENTS(names)];
	g_autofree char *text = NULL;
	guint zone;
	gint64 now;

	if (size < HEAD)
		return 0;
	zone = data[0] % G_N_ELEMENTS(names);
	if (!zones[zone])
		zones[zone] = zone_named(names[zone]);
	/* From 1970 to 2055, by a little less than three minutes. */
	now = (gint64)(data[1] << 16 | data[2] << 8 | data[3]) * 161;
	text = fuzz_text(data + HEAD, size - HEAD);
	try_cycle(text, zones[zone], now);
	try_hours(text, zones[zone], now);
	try_period(text, zones[zone], now);
	try_time(text, zones[zone], now);
	return 0;
}
