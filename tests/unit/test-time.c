/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/cycle.h"
#include "expect.h"
#include "zones.h"

#define HOUR 3600
#define DAY (24 * HOUR)

static void expect_point(const char *name, const char *now, const char *text, const char *expected)
{
	g_autoptr(GTimeZone) zone = zone_named(name);
	g_autoptr(GError) error = NULL;
	g_autofree char *shown = NULL;
	gint64 time = 42;

	tell("time:", text);
	netfil_time_parse(text, zone, instant(now), &time, &error);
	g_assert_no_error(error);
	shown = instant_text(zone, time);
	g_assert_cmpstr(shown, ==, expected);
}

static void test_good(void)
{
	static const char now[] = "2026-11-23T18:00:07+01:00";
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {"now", "2026-11-23T18:00:07+01:00"},
	    {"today", "2026-11-23T00:00:00+01:00"},
	    {"Tomorrow", "2026-11-24T00:00:00+01:00"},
	    {"yesterday", "2026-11-22T00:00:00+01:00"},
	    {"2026-11-23", "2026-11-23T00:00:00+01:00"},
	    {"2026-07-01", "2026-07-01T00:00:00+02:00"},
	    {"2028-02-29", "2028-02-29T00:00:00+01:00"},
	    {"2026-11-23 18:00", "2026-11-23T18:00:00+01:00"},
	    {"2026-07-01 18:00:30", "2026-07-01T18:00:30+02:00"},
	    {"2026-07-01T18:00:30", "2026-07-01T18:00:30+02:00"},
	    {"2026-07-01t18:00", "2026-07-01T18:00:00+02:00"},
	    {"2026-07-01T18:00Z", "2026-07-01T20:00:00+02:00"},
	    {"2026-07-01T18:00:59z", "2026-07-01T20:00:59+02:00"},
	    {"2026-07-01 18:00+05:45", "2026-07-01T14:15:00+02:00"},
	    {"2026-07-01 18:00:00-03:30", "2026-07-01T23:30:00+02:00"},
	    {"18:00", "2026-11-24T18:00:00+01:00"},
	    {"18:00:07", "2026-11-24T18:00:07+01:00"},
	    {"18:00:08", "2026-11-23T18:00:08+01:00"},
	    {"23:59", "2026-11-23T23:59:00+01:00"},
	    {"00:00", "2026-11-24T00:00:00+01:00"},
	    {"+90m", "2026-11-23T19:30:07+01:00"},
	    {"+90M", "2026-11-23T19:30:07+01:00"},
	    {"-90m", "2026-11-23T16:30:07+01:00"},
	    {"+90000000s", "2029-09-30T11:00:07+02:00"},
	    {"+2h", "2026-11-23T20:00:07+01:00"},
	    {"-7h", "2026-11-23T11:00:07+01:00"},
	    {"+0s", "2026-11-23T18:00:07+01:00"},
	    {"+3d", "2026-11-26T18:00:07+01:00"},
	    {"+1w", "2026-11-30T18:00:07+01:00"},
	    {"-30w", "2026-04-27T18:00:07+02:00"},
	    {"@1795449600", "2026-11-23T17:00:00+01:00"},
	    {"@0", "1970-01-01T01:00:00+01:00"},
	    {"1900-01-01T00:00Z", "1900-01-01T01:00:00+01:00"},
	    {"9897-12-31", "9897-12-31T00:00:00+01:00"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		expect_point("Europe/Berlin", now, cases[i].text, cases[i].expected);
}

/* Times that the clock leaves out or shows twice. */
static void test_summer_time(void)
{
	expect_point("Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29 02:30",
		     "2026-03-29T03:00:00+02:00");
	expect_point("Europe/Berlin", "2026-03-29T01:59:59+01:00", "02:30",
		     "2026-03-29T03:00:00+02:00");
	expect_point("Europe/Berlin", "2026-10-25T01:00:00+02:00", "02:30",
		     "2026-10-25T02:30:00+02:00");
	expect_point("Europe/Berlin", "2026-10-25T02:30:00+02:00", "02:30",
		     "2026-10-26T02:30:00+01:00");
	expect_point("Europe/Berlin", "2026-10-24T18:00:00+02:00", "+1d",
		     "2026-10-25T18:00:00+01:00");
	expect_point("Europe/Berlin", "2026-10-24T18:00:00+02:00", "+24h",
		     "2026-10-25T17:00:00+01:00");
	expect_point("America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "tomorrow",
		     "2018-11-04T01:00:00-02:00");
	expect_point("America/Sao_Paulo", "2018-11-04T12:00:00-02:00", "today",
		     "2018-11-04T01:00:00-02:00");
}

static void expect_refused(const char *text, const char *part)
{
	g_autoptr(GTimeZone) zone = zone_named("Europe/Berlin");
	g_autoptr(GError) error = NULL;
	gint64 time = 42;

	tell("refused:", text);
	g_assert_false(netfil_time_parse(text, zone, 1000, &time, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	g_assert_cmpint(time, ==, 42);
}

static void test_refused(void)
{
	static const char *const words[] = {
	    "",
	    " ",
	    "-",
	    "+",
	    "@",
	    "soon",
	    "2026",
	    "2026-11",
	    "2026-11-",
	    "2026-11-1",
	    "26-11-23",
	    "2026-13-01",
	    "2026-00-01",
	    "2026-02-29",
	    "2026-11-31",
	    "2026-11-00",
	    "2026/11/23",
	    "23.11.2026",
	    "2026-11-23 ",
	    "2026-11-23 1",
	    "2026-11-23 24:00",
	    "2026-11-23 18",
	    "2026-11-23 18:60",
	    "2026-11-23 18:00:60",
	    "2026-11-23 18:00:",
	    "2026-11-23 18:00 Z",
	    "2026-11-23 18:00x",
	    "2026-11-23Z",
	    "2026-11-23+01:00",
	    "2026-11-23 18:00+1",
	    "2026-11-23 18:00+0100",
	    "2026-11-23 18:00+19:00",
	    "2026-11-23 18:00+01:60",
	    "2026-11-23 18:00Zx",
	    "18",
	    "8:00",
	    "18:0",
	    "18:00:",
	    "18:00Z",
	    "24:00",
	    "18:00:60",
	    "6pm",
	    " 18:00",
	    "18-00",
	    "18:0-",
	    "1234-",
	    "+1",
	    "+h",
	    "+1y",
	    "+1.5h",
	    "+-1h",
	    "++1h",
	    "+01h",
	    "1h",
	    "+1hh",
	    "+99999999999999999999s",
	    "+99999999999w",
	    "@-1",
	    "@1.5",
	    "@01",
	    "@999999999999999",
	    "@x",
	    "now ",
	    "0001-01-01",
	    "9900-01-01",
	    "2026-11-23\n",
	    "2026-11-23T18:00\xff",
	};
	static const char *const far[] = {"-250246627199s", "+250246627199s", "-2000000d",
					  "-413767w"};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		expect_refused(words[i], "is not a point in time: use one like ");
	for (guint i = 0; i < G_N_ELEMENTS(far); i++)
		expect_refused(far[i], "is too far away: use a year ");
}

static void test_forecast(void)
{
	static const struct {
		gint64 started, ends, now;
		guint64 used, cap;
		gint64 expected;
	} cases[] = {
	    {0, 0, 100, 10, 20, 200},
	    {1000, 0, 1100, 10, 20, 1200},
	    {0, 0, 100, 3, 10, 334}, /* 333 1/3: rounded up */
	    {0, 0, 100, 99, 100, 102},
	    {0, 0, 100, 100, 100, 100}, /* reached */
	    {0, 0, 100, 101, 100, 100},
	    {0, 50, 100, 101, 100, 100},
	    {0, 0, 5, 100, 100, 5}, /* however early */
	    {0, 0, 100, 0, 0, 0},   /* no cap */
	    {0, 0, 100, 50, 0, 0},
	    {0, 0, 100, 0, 20, 0}, /* no rate */
	    {0, 0, 59, 10, 20, 0},
	    {0, 0, 60, 10, 20, 120},
	    {100, 0, 60, 10, 20, 0},  /* the clock was set back */
	    {0, 200, 100, 10, 20, 0}, /* the cycle ends first, or just then */
	    {0, 201, 100, 10, 20, 200},
	    {0, 0, 100, 1, 3153601, 315360100}, /* ten years ahead */
	    {0, 0, 100, 1, 3153602, 0},
	    {0, 0, 1000000, 1, G_MAXUINT64, 0},
	    {0, 0, 100, G_MAXUINT64 / 2, G_MAXUINT64, 200},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("case %u", i);
		g_assert_cmpint(netfil_forecast(cases[i].started, cases[i].ends, cases[i].now,
						cases[i].used, cases[i].cap),
				==, cases[i].expected);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/time/good", test_good);
	g_test_add_func("/time/summer-time", test_summer_time);
	g_test_add_func("/time/refused", test_refused);
	g_test_add_func("/time/forecast", test_forecast);
	return g_test_run();
}
