/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/cycle.h"
#include "expect.h"
#include "zones.h"

#define SEED 20240514
#define ROUNDS 4000
#define HOUR 3600
#define DAY (24 * HOUR)

/* Words. */

static void test_parse(void)
{
	static const struct {
		const char *text;
		NetfilCycle cycle;
		const char *shown;
	} cases[] = {
	    {"never", {NETFIL_CYCLE_NEVER, 0}, "never"},
	    {"hour", {NETFIL_CYCLE_HOUR, 0}, "hour"},
	    {"day", {NETFIL_CYCLE_DAY, 0}, "day"},
	    {"Day", {NETFIL_CYCLE_DAY, 0}, "day"},
	    {"week", {NETFIL_CYCLE_WEEK, 1}, "week"},
	    {"week@mon", {NETFIL_CYCLE_WEEK, 1}, "week"},
	    {"WEEK@Sun", {NETFIL_CYCLE_WEEK, 7}, "week@sun"},
	    {"week@wed", {NETFIL_CYCLE_WEEK, 3}, "week@wed"},
	    {"month", {NETFIL_CYCLE_MONTH, 1}, "month"},
	    {"month@1", {NETFIL_CYCLE_MONTH, 1}, "month"},
	    {"month@14", {NETFIL_CYCLE_MONTH, 14}, "month@14"},
	    {"month@31", {NETFIL_CYCLE_MONTH, 31}, "month@31"},
	    {"1d", {NETFIL_CYCLE_DAYS, 1}, "1d"},
	    {"30D", {NETFIL_CYCLE_DAYS, 30}, "30d"},
	    {"3650d", {NETFIL_CYCLE_DAYS, 3650}, "3650d"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		NetfilCycle cycle = {NETFIL_CYCLE_DAYS, 99};
		g_autoptr(GError) error = NULL;
		g_autofree char *text = NULL;

		tell("cycle:", cases[i].text);
		g_assert_true(netfil_cycle_parse(cases[i].text, &cycle, &error));
		g_assert_no_error(error);
		g_assert_cmpint(cycle.unit, ==, cases[i].cycle.unit);
		g_assert_cmpuint(cycle.at, ==, cases[i].cycle.at);
		text = netfil_cycle_format(&cycle);
		g_assert_cmpstr(text, ==, cases[i].shown);
	}
}

static void expect_no_cycle(const char *text, const char *part)
{
	NetfilCycle cycle = {NETFIL_CYCLE_DAYS, 99};
	g_autoptr(GError) error = NULL;

	tell("refused:", text);
	g_assert_false(netfil_cycle_parse(text, &cycle, &error));
	expect_error(&error, NETFIL_ERROR_INVALID, part);
	g_assert_cmpint(cycle.unit, ==, NETFIL_CYCLE_DAYS);
	g_assert_cmpuint(cycle.at, ==, 99);
}

static void test_parse_refused(void)
{
	static const char *const words[] = {
	    "",  "@",   "fortnight", "days", "day@1",  "hour@5", "never@mon", "30",  " day", "day ",
	    "d", "-1d", "30days",    "1.5d", "hourly", "mon",    "month14",   "@14", "x\n",  "w",
	};
	static const char *const weekdays[] = {"week@", "week@x", "week@monday", "week@1",
					       "week@mon@"};
	static const char *const monthdays[] = {"month@",   "month@0",   "month@32", "month@01",
						"month@-1", "month@mon", "month@1 ", "month@@1"};
	static const char *const days[] = {"0d", "3651d", "007d", "99999999999999999999d"};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		expect_no_cycle(words[i], "is not a cycle: use hour, day,");
	for (guint i = 0; i < G_N_ELEMENTS(weekdays); i++)
		expect_no_cycle(weekdays[i], "has no day of the week: use mon,");
	for (guint i = 0; i < G_N_ELEMENTS(monthdays); i++)
		expect_no_cycle(monthdays[i], "has no day of the month: use 1 to 31,");
	for (guint i = 0; i < G_N_ELEMENTS(days); i++)
		expect_no_cycle(days[i], "is not a number of days: use 1d to 3650d");
}

static void test_hours_parse(void)
{
	static const struct {
		const char *text;
		guint from, to;
		const char *shown;
	} cases[] = {
	    {"01:00-07:00", 60, 420, "01:00-07:00"},
	    {"22:30-06:15", 1350, 375, "22:30-06:15"},
	    {"00:00-00:01", 0, 1, "00:00-00:01"},
	    {"23:59-24:00", 1439, 1440, "23:59-24:00"},
	    {"22:00-00:00", 1320, 1440, "22:00-24:00"},
	    {"07:00-01:00", 420, 60, "07:00-01:00"},
	    {"none", 0, 0, "none"},
	};
	static const char *const bad[] = {
	    "",
	    "1:00-7:00",
	    "01:00",
	    "01:00-",
	    "-07:00",
	    "24:00-01:00",
	    "01-07",
	    "01:60-07:00",
	    "25:00-26:00",
	    "01:00-24:01",
	    "01:00 - 07:00",
	    "01:00-07:00-",
	    "0100-0700",
	    "01:00-07:00 ",
	    "+1:00-07:00",
	    "01.00-07.00",
	    "off",
	};
	static const char *const whole[] = {"00:00-24:00", "00:00-00:00", "05:00-05:00"};
	NetfilHours hours = {7, 9};
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		tell("refused:", bad[i]);
		g_assert_false(netfil_hours_parse(bad[i], &hours, &error));
		expect_error(&error, NETFIL_ERROR_INVALID, "is not a span of hours: use ");
	}
	for (guint i = 0; i < G_N_ELEMENTS(whole); i++) {
		g_assert_false(netfil_hours_parse(whole[i], &hours, &error));
		expect_error(&error, NETFIL_ERROR_INVALID, "is a whole day, or nothing of it: ");
	}
	g_assert_cmpuint(hours.from, ==, 7);
	g_assert_cmpuint(hours.to, ==, 9);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = NULL;

		tell("hours:", cases[i].text);
		netfil_hours_parse(cases[i].text, &hours, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(hours.from, ==, cases[i].from);
		g_assert_cmpuint(hours.to, ==, cases[i].to);
		text = netfil_hours_format(&hours);
		g_assert_cmpstr(text, ==, cases[i].shown);
	}
}

static void test_by(void)
{
	static const char *const names[] = {"hour", "day", "month", "cycle"};
	g_autoptr(GError) error = NULL;
	NetfilBy by = NETFIL_BY_HOUR;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_assert_cmpstr(netfil_by_name((NetfilBy)i), ==, names[i]);
		g_assert_true(netfil_by_parse(names[i], &by, NULL));
		g_assert_cmpuint(by, ==, i);
	}
	g_assert_true(netfil_by_parse("DAY", &by, NULL));
	g_assert_cmpint(by, ==, NETFIL_BY_DAY);
	g_assert_false(netfil_by_parse("week", &by, &error));
	expect_error(&error, NETFIL_ERROR_INVALID,
		     "\"week\" is not a period: use hour, day, month or cycle");
	g_assert_cmpint(by, ==, NETFIL_BY_DAY);
}

/* Boundaries. */

static void expect_time(GTimeZone *zone, gint64 time, const char *expected)
{
	g_autofree char *text = instant_text(zone, time);

	if (time != instant(expected))
		g_error("%s, and not %s", text, expected);
}

/* From `first` on, the cycle's boundaries are these, separated by blanks. */
static void expect_turns(const char *name, const char *every, const char *turns)
{
	g_autoptr(GTimeZone) zone = zone_named(name);
	g_auto(GStrv) all = g_strsplit(turns, " ", -1);
	gint64 anchor = instant(all[0]);
	NetfilCycle cycle;

	g_assert_true(netfil_cycle_parse(every, &cycle, NULL));
	g_test_message("%s %s", name, every);
	for (guint i = 0; all[i + 1]; i++) {
		gint64 start = instant(all[i]);
		gint64 end = instant(all[i + 1]);
		const gint64 within[] = {start, start + 1, start + (end - start) / 2, end - 1};

		for (guint j = 0; j < G_N_ELEMENTS(within); j++) {
			expect_time(zone, netfil_cycle_start(&cycle, zone, anchor, within[j]),
				    all[i]);
			expect_time(zone, netfil_cycle_end(&cycle, zone, anchor, within[j]),
				    all[i + 1]);
		}
	}
}

/* This instant is in the cycle from `start` to `end`. */
static void expect_within(const char *name, const char *every, const char *now, const char *start,
			  const char *end)
{
	g_autoptr(GTimeZone) zone = zone_named(name);
	NetfilCycle cycle;

	g_test_message("%s %s %s", name, every, now);
	g_assert_true(netfil_cycle_parse(every, &cycle, NULL));
	expect_time(zone, netfil_cycle_start(&cycle, zone, 0, instant(now)), start);
	expect_time(zone, netfil_cycle_end(&cycle, zone, 0, instant(now)), end);
}

static void test_plain(void)
{
	expect_turns("UTC", "hour",
		     "2026-11-23T17:00:00Z 2026-11-23T18:00:00Z 2026-11-23T19:00:00Z");
	expect_turns("UTC", "day",
		     "2026-12-30T00:00:00Z 2026-12-31T00:00:00Z 2027-01-01T00:00:00Z");
	expect_turns("UTC", "week",
		     "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z 2026-12-07T00:00:00Z");
	expect_turns("UTC", "week@sun",
		     "2026-11-22T00:00:00Z 2026-11-29T00:00:00Z 2026-12-06T00:00:00Z");
	expect_turns("UTC", "week@thu",
		     "1969-12-25T00:00:00Z 1970-01-01T00:00:00Z 1970-01-08T00:00:00Z");
	expect_turns("UTC", "month",
		     "2026-12-01T00:00:00Z 2027-01-01T00:00:00Z 2027-02-01T00:00:00Z");
	expect_turns("UTC", "month@14",
		     "2026-11-14T00:00:00Z 2026-12-14T00:00:00Z 2027-01-14T00:00:00Z");
	expect_turns("UTC", "30d",
		     "2026-11-23T18:00:07Z 2026-12-23T18:00:07Z 2027-01-22T18:00:07Z");
	expect_turns("Europe/Berlin", "day", "2026-07-01T00:00:00+02:00 2026-07-02T00:00:00+02:00");
	expect_turns("Asia/Kathmandu", "hour",
		     "2026-07-01T13:00:00+05:45 2026-07-01T14:00:00+05:45");
	expect_turns("Asia/Kolkata", "hour", "2026-07-01T23:00:00+05:30 2026-07-02T00:00:00+05:30");
}

static void test_short_months(void)
{
	expect_turns("UTC", "month@31",
		     "2026-12-31T00:00:00Z 2027-01-31T00:00:00Z 2027-02-28T00:00:00Z "
		     "2027-03-31T00:00:00Z 2027-04-30T00:00:00Z 2027-05-31T00:00:00Z");
	expect_turns("UTC", "month@31",
		     "2028-01-31T00:00:00Z 2028-02-29T00:00:00Z 2028-03-31T00:00:00Z");
	expect_turns("UTC", "month@29",
		     "2027-01-29T00:00:00Z 2027-02-28T00:00:00Z 2027-03-29T00:00:00Z");
	expect_turns("UTC", "month@30",
		     "2000-01-30T00:00:00Z 2000-02-29T00:00:00Z 2000-03-30T00:00:00Z");
	expect_turns("UTC", "month@29",
		     "2100-01-29T00:00:00Z 2100-02-28T00:00:00Z 2100-03-29T00:00:00Z");
	expect_turns("Europe/Berlin", "month@31",
		     "2026-02-28T00:00:00+01:00 2026-03-31T00:00:00+02:00 "
		     "2026-04-30T00:00:00+02:00");
}

/* The clock is set forward and back. */
static void test_summer_time(void)
{
	expect_turns("Europe/Berlin", "day",
		     "2026-03-28T00:00:00+01:00 2026-03-29T00:00:00+01:00 "
		     "2026-03-30T00:00:00+02:00 2026-03-31T00:00:00+02:00");
	expect_turns("Europe/Berlin", "day",
		     "2026-10-24T00:00:00+02:00 2026-10-25T00:00:00+02:00 "
		     "2026-10-26T00:00:00+01:00 2026-10-27T00:00:00+01:00");
	expect_turns("Europe/Berlin", "hour",
		     "2026-03-29T01:00:00+01:00 2026-03-29T03:00:00+02:00 "
		     "2026-03-29T04:00:00+02:00");
	expect_turns("Europe/Berlin", "hour",
		     "2026-10-25T01:00:00+02:00 2026-10-25T02:00:00+02:00 "
		     "2026-10-25T02:00:00+01:00 2026-10-25T03:00:00+01:00");
	expect_turns("Europe/Berlin", "week",
		     "2026-03-23T00:00:00+01:00 2026-03-30T00:00:00+02:00");
	/* half an hour */
	expect_turns("Australia/Lord_Howe", "hour",
		     "2026-10-04T01:00:00+10:30 2026-10-04T02:30:00+11:00 "
		     "2026-10-04T03:00:00+11:00 2026-10-04T04:00:00+11:00");
	expect_turns("Australia/Lord_Howe", "hour",
		     "2026-04-05T00:00:00+11:00 2026-04-05T01:00:00+11:00 "
		     "2026-04-05T01:30:00+10:30 2026-04-05T02:00:00+10:30 "
		     "2026-04-05T03:00:00+10:30");
	expect_turns("Australia/Lord_Howe", "day",
		     "2026-04-05T00:00:00+11:00 2026-04-06T00:00:00+10:30");
}

static void test_midnights(void)
{
	/* none: from 0:00 the clock goes to 1:00 */
	expect_turns("America/Sao_Paulo", "day",
		     "2018-11-03T00:00:00-03:00 2018-11-04T01:00:00-02:00 "
		     "2018-11-05T00:00:00-02:00");
	expect_turns("America/Sao_Paulo", "hour",
		     "2018-11-03T23:00:00-03:00 2018-11-04T01:00:00-02:00 "
		     "2018-11-04T02:00:00-02:00");
	expect_turns("America/Sao_Paulo", "month@4",
		     "2018-10-04T00:00:00-03:00 2018-11-04T01:00:00-02:00 "
		     "2018-12-04T00:00:00-02:00");
	expect_turns("Asia/Beirut", "day",
		     "2021-03-27T00:00:00+02:00 2021-03-28T01:00:00+03:00 "
		     "2021-03-29T00:00:00+03:00");
	/* back to 23:00 of the day before */
	expect_turns("America/Sao_Paulo", "day",
		     "2018-02-17T00:00:00-02:00 2018-02-18T00:00:00-03:00 "
		     "2018-02-19T00:00:00-03:00");
	/* twice: from 1:00 back to 0:00 */
	expect_turns("America/Havana", "day",
		     "2026-10-31T00:00:00-04:00 2026-11-01T00:00:00-04:00 "
		     "2026-11-02T00:00:00-05:00");
	/* and from 0:01 back to 23:01: the day begins when it is first begun */
	expect_turns("America/St_Johns", "day",
		     "2010-11-06T00:00:00-02:30 2010-11-07T00:00:00-02:30 "
		     "2010-11-08T00:00:00-03:30");
	expect_within("America/St_Johns", "day", "2010-11-06T23:01:00-03:30",
		      "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30");
	expect_within("America/St_Johns", "month@7", "2010-11-06T23:59:59-03:30",
		      "2010-11-07T00:00:00-02:30", "2010-12-07T00:00:00-03:30");
	/* a day that never was */
	expect_turns("Pacific/Apia", "day",
		     "2011-12-29T00:00:00-10:00 2011-12-31T00:00:00+14:00 "
		     "2012-01-01T00:00:00+14:00");
	expect_turns("Pacific/Apia", "month@30",
		     "2011-11-30T00:00:00-10:00 2011-12-31T00:00:00+14:00 "
		     "2012-01-30T00:00:00+14:00");
}

static void test_days(void)
{
	g_autoptr(GTimeZone) zone = zone_named("Europe/Berlin");
	const gint64 anchor = instant("2026-11-23T18:00:00+01:00");
	const NetfilCycle cycle = {NETFIL_CYCLE_DAYS, 30};

	/* to the same time of the day, over a change of the clock */
	expect_turns("Europe/Berlin", "1d",
		     "2026-03-28T18:30:00+01:00 2026-03-29T18:30:00+02:00 "
		     "2026-03-30T18:30:00+02:00");
	expect_turns("Europe/Berlin", "1d",
		     "2026-03-28T02:30:00+01:00 2026-03-29T03:00:00+02:00 "
		     "2026-03-30T02:30:00+02:00");
	/* begun in the second of two hours */
	expect_turns("Europe/Berlin", "1d", "2026-10-25T02:30:00+01:00 2026-10-26T02:30:00+01:00");
	expect_turns("Europe/Berlin", "1d",
		     "2026-10-24T02:30:00+02:00 2026-10-25T02:30:00+02:00 "
		     "2026-10-26T02:30:00+01:00");
	expect_time(zone,
		    netfil_cycle_end(&(NetfilCycle){NETFIL_CYCLE_DAYS, 1}, zone,
				     instant("2026-10-25T02:30:00+01:00"),
				     instant("2026-10-25T02:30:00+02:00")),
		    "2026-10-25T02:30:00+01:00");
	/* long off, and with a clock that was set back */
	expect_time(zone,
		    netfil_cycle_start(&cycle, zone, anchor, instant("2027-04-01T00:00:00+02:00")),
		    "2027-03-23T18:00:00+01:00");
	expect_time(zone,
		    netfil_cycle_end(&cycle, zone, anchor, instant("2027-04-01T00:00:00+02:00")),
		    "2027-04-22T18:00:00+02:00");
	expect_time(zone,
		    netfil_cycle_end(&cycle, zone, anchor, instant("2026-11-01T00:00:00+01:00")),
		    "2026-11-23T18:00:00+01:00");
	expect_time(zone,
		    netfil_cycle_end(&cycle, zone, anchor, instant("2026-08-01T00:00:00+02:00")),
		    "2026-08-25T18:00:00+02:00");
}

static void test_never(void)
{
	g_autoptr(GTimeZone) zone = zone_named("UTC");
	const NetfilCycle never = {NETFIL_CYCLE_NEVER, 0};

	g_assert_cmpint(netfil_cycle_end(&never, zone, 7, 1000), ==, 0);
	g_assert_cmpint(netfil_cycle_start(&never, zone, 7, 1000), ==, 7);
}

/* A zone that is chosen later moves the boundaries, and nothing else. */
static void test_other_zone(void)
{
	g_autoptr(GTimeZone) tokyo = zone_named("Asia/Tokyo");
	g_autoptr(GTimeZone) york = zone_named("America/New_York");
	const NetfilCycle day = {NETFIL_CYCLE_DAY, 0};
	gint64 now = instant("2026-11-23T18:00:00Z");

	expect_time(tokyo, netfil_cycle_end(&day, tokyo, 0, now), "2026-11-25T00:00:00+09:00");
	expect_time(york, netfil_cycle_end(&day, york, 0, now), "2026-11-24T00:00:00-05:00");
}

static void test_periods(void)
{
	g_autoptr(GTimeZone) zone = zone_named("Europe/Berlin");
	gint64 now = instant("2026-03-29T14:35:10+02:00");

	expect_time(zone, netfil_period_start(NETFIL_BY_HOUR, zone, now),
		    "2026-03-29T14:00:00+02:00");
	expect_time(zone, netfil_period_end(NETFIL_BY_HOUR, zone, now),
		    "2026-03-29T15:00:00+02:00");
	expect_time(zone, netfil_period_start(NETFIL_BY_DAY, zone, now),
		    "2026-03-29T00:00:00+01:00");
	expect_time(zone, netfil_period_end(NETFIL_BY_DAY, zone, now), "2026-03-30T00:00:00+02:00");
	expect_time(zone, netfil_period_start(NETFIL_BY_MONTH, zone, now),
		    "2026-03-01T00:00:00+01:00");
	expect_time(zone, netfil_period_end(NETFIL_BY_MONTH, zone, now),
		    "2026-04-01T00:00:00+02:00");
}

static const char *const zones[] = {
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Antarctica/Troll",
    "Pacific/Kiritimati",
    "Asia/Tehran",
    "Africa/Cairo",
    "America/Asuncion",
};

static NetfilCycle random_cycle(GRand *random)
{
	NetfilCycle cycle = {
	    (NetfilCycleUnit)g_rand_int_range(random, NETFIL_CYCLE_HOUR, NETFIL_CYCLE_DAYS + 1), 0};

	if (cycle.unit == NETFIL_CYCLE_WEEK)
		cycle.at = (guint)g_rand_int_range(random, 1, 8);
	if (cycle.unit == NETFIL_CYCLE_MONTH)
		cycle.at = (guint)g_rand_int_range(random, 1, 32);
	if (cycle.unit == NETFIL_CYCLE_DAYS)
		cycle.at = (guint)g_rand_int_range(random, 1, 40);
	return cycle;
}

/* An instant of 1970 to 2040; half of them near a change of the clock. */
static gint64 random_instant(GRand *random, GTimeZone *zone)
{
	gint64 time = (gint64)(g_rand_double(random) * 70 * 365 * DAY);
	int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, time);
	gint64 until = time + 200 * DAY;
	gint64 from = time;

	if (g_rand_boolean(random) ||
	    interval == g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, until))
		return time;
	while (until - from > 1) {
		gint64 middle = (from + until) / 2;

		if (interval == g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, middle))
			from = middle;
		else
			until = middle;
	}
	return until + g_rand_int_range(random, -3 * HOUR, 3 * HOUR);
}

/* No longer, and but for a clock that is set no shorter, than the unit. */
static void expect_length(const NetfilCycle *cycle, gint64 length)
{
	static const gint64 most[] = {
	    [NETFIL_CYCLE_HOUR] = HOUR,
	    [NETFIL_CYCLE_DAY] = DAY,
	    [NETFIL_CYCLE_WEEK] = 7 * DAY,
	    [NETFIL_CYCLE_MONTH] = 31 * DAY,
	};
	gint64 longest = cycle->unit == NETFIL_CYCLE_DAYS ? cycle->at * DAY : most[cycle->unit];

	if (cycle->unit == NETFIL_CYCLE_HOUR)
		g_assert_cmpint(length, <=, longest);
	else
		g_assert_cmpint(length, <=, longest + DAY); /* days that came twice */
	g_assert_cmpint(length, >, 0);
}

static void check_cycle(const NetfilCycle *cycle, GTimeZone *zone, gint64 anchor, gint64 now)
{
	gint64 start = netfil_cycle_start(cycle, zone, anchor, now);
	gint64 end = netfil_cycle_end(cycle, zone, anchor, now);

	g_assert_cmpint(start, <=, now);
	g_assert_cmpint(now, <, end);
	g_assert_cmpint(netfil_cycle_start(cycle, zone, anchor, end), ==, end);
	g_assert_cmpint(netfil_cycle_start(cycle, zone, anchor, start), ==, start);
	g_assert_cmpint(netfil_cycle_end(cycle, zone, anchor, start), ==, end);
	g_assert_cmpint(netfil_cycle_end(cycle, zone, anchor, end - 1), ==, end);
	g_assert_cmpint(netfil_cycle_start(cycle, zone, anchor, end - 1), ==, start);
	g_assert_cmpint(netfil_cycle_end(cycle, zone, anchor, start - 1), ==, start);
	expect_length(cycle, end - start);
}

static void test_boundaries(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(SEED);

	for (guint i = 0; i < ROUNDS; i++) {
		const char *name = zones[g_rand_int_range(random, 0, G_N_ELEMENTS(zones))];
		g_autoptr(GTimeZone) zone = zone_named(name);
		NetfilCycle cycle = random_cycle(random);
		gint64 now = random_instant(random, zone);
		gint64 anchor = g_rand_boolean(random) ? now : random_instant(random, zone);
		g_autofree char *every = netfil_cycle_format(&cycle);
		g_autofree char *text = instant_text(zone, now);

		g_test_message("%s %s %s, begun %" G_GINT64_FORMAT, name, every, text, anchor);
		check_cycle(&cycle, zone, anchor, now);
	}
}

/* Instants that no calendar has, and its edges. */
static void test_far_away(void)
{
	static const gint64 times[] = {
	    G_MININT64, -G_GINT64_CONSTANT(62135596801), -1,
	    0,          G_GINT64_CONSTANT(250246627199), G_GINT64_CONSTANT(253402300800),
	    G_MAXINT64};
	const NetfilHours hours = {60, 30};

	for (guint i = 0; i < G_N_ELEMENTS(times) * G_N_ELEMENTS(times) * 6; i++) {
		gint64 now = times[i % G_N_ELEMENTS(times)];
		gint64 anchor = times[i / G_N_ELEMENTS(times) % G_N_ELEMENTS(times)];
		guint unit = i / (G_N_ELEMENTS(times) * G_N_ELEMENTS(times));
		g_autoptr(GTimeZone) zone = zone_named(zones[i % G_N_ELEMENTS(zones)]);
		NetfilCycle cycle = {(NetfilCycleUnit)unit, unit == NETFIL_CYCLE_DAYS ? 3650 : 1};
		gint64 end = netfil_cycle_end(&cycle, zone, anchor, now);
		gint64 hours_end = netfil_hours_end(&hours, zone, now);

		g_assert_true(end == 0 || end > now);
		g_assert_true(hours_end == 0 || hours_end > now);
		netfil_cycle_start(&cycle, zone, anchor, now);
	}
}

/* Free hours. */

static void expect_hours_end(const char *name, const char *text, const char *now, const char *end)
{
	g_autoptr(GTimeZone) zone = zone_named(name);
	NetfilHours hours;
	gint64 found;

	g_test_message("%s %s at %s", name, text, now);
	g_assert_true(netfil_hours_parse(text, &hours, NULL));
	found = netfil_hours_end(&hours, zone, instant(now));
	if (end)
		expect_time(zone, found, end);
	else
		g_assert_cmpint(found, ==, 0);
}

static void test_hours_end(void)
{
	static const struct {
		const char *zone, *hours, *now, *end;
	} cases[] = {
	    {"UTC", "01:00-07:00", "2026-11-23T00:59:59Z", NULL},
	    {"UTC", "01:00-07:00", "2026-11-23T01:00:00Z", "2026-11-23T07:00:00Z"},
	    {"UTC", "01:00-07:00", "2026-11-23T06:59:59Z", "2026-11-23T07:00:00Z"},
	    {"UTC", "01:00-07:00", "2026-11-23T07:00:00Z", NULL},
	    {"UTC", "22:00-06:00", "2026-11-23T22:00:00Z", "2026-11-24T06:00:00Z"},
	    {"UTC", "22:00-06:00", "2026-11-24T05:59:59Z", "2026-11-24T06:00:00Z"},
	    {"UTC", "22:00-06:00", "2026-11-24T06:00:00Z", NULL},
	    {"UTC", "22:00-06:00", "2026-11-24T21:59:59Z", NULL},
	    {"UTC", "22:00-24:00", "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"},
	    {"UTC", "22:00-24:00", "2026-11-24T00:00:00Z", NULL},
	    {"UTC", "00:00-00:01", "2026-11-24T00:00:00Z", "2026-11-24T00:01:00Z"},
	    {"UTC", "none", "2026-11-24T00:00:00Z", NULL},
	    {"Asia/Kathmandu", "01:00-07:00", "2026-11-23T06:59:59+05:45",
	     "2026-11-23T07:00:00+05:45"},
	    /* an hour shorter, an hour longer */
	    {"Europe/Berlin", "01:00-07:00", "2026-03-29T01:00:00+01:00",
	     "2026-03-29T07:00:00+02:00"},
	    {"Europe/Berlin", "01:00-07:00", "2026-10-25T01:00:00+02:00",
	     "2026-10-25T07:00:00+01:00"},
	    /* ends within the hour that is left out, begins in it, lies in it */
	    {"Europe/Berlin", "01:00-02:30", "2026-03-29T01:30:00+01:00",
	     "2026-03-29T03:00:00+02:00"},
	    {"Europe/Berlin", "02:30-04:00", "2026-03-29T01:59:59+01:00", NULL},
	    {"Europe/Berlin", "02:30-04:00", "2026-03-29T03:00:00+02:00",
	     "2026-03-29T04:00:00+02:00"},
	    {"Europe/Berlin", "02:15-02:45", "2026-03-29T03:00:00+02:00", NULL},
	    /* in the hour that comes twice: twice; up to its end: on and on */
	    {"Europe/Berlin", "01:00-02:30", "2026-10-25T01:00:00+02:00",
	     "2026-10-25T02:30:00+02:00"},
	    {"Europe/Berlin", "01:00-02:30", "2026-10-25T02:30:00+02:00", NULL},
	    {"Europe/Berlin", "01:00-02:30", "2026-10-25T02:00:00+01:00",
	     "2026-10-25T02:30:00+01:00"},
	    {"Europe/Berlin", "01:00-03:00", "2026-10-25T01:00:00+02:00",
	     "2026-10-25T03:00:00+01:00"},
	    {"Europe/Berlin", "02:30-04:00", "2026-10-25T02:30:00+02:00",
	     "2026-10-25T02:00:00+01:00"},
	    {"America/Sao_Paulo", "22:00-24:00", "2018-11-03T23:00:00-03:00",
	     "2018-11-04T01:00:00-02:00"},
	    {"America/Sao_Paulo", "22:00-24:00", "2018-02-17T22:00:00-02:00",
	     "2018-02-18T00:00:00-03:00"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		expect_hours_end(cases[i].zone, cases[i].hours, cases[i].now, cases[i].end);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cycle/parse", test_parse);
	g_test_add_func("/cycle/parse-refused", test_parse_refused);
	g_test_add_func("/cycle/hours-parse", test_hours_parse);
	g_test_add_func("/cycle/by", test_by);
	g_test_add_func("/cycle/plain", test_plain);
	g_test_add_func("/cycle/short-months", test_short_months);
	g_test_add_func("/cycle/summer-time", test_summer_time);
	g_test_add_func("/cycle/midnights", test_midnights);
	g_test_add_func("/cycle/days", test_days);
	g_test_add_func("/cycle/never", test_never);
	g_test_add_func("/cycle/other-zone", test_other_zone);
	g_test_add_func("/cycle/periods", test_periods);
	g_test_add_func("/cycle/boundaries", test_boundaries);
	g_test_add_func("/cycle/far-away", test_far_away);
	g_test_add_func("/cycle/hours-end", test_hours_end);
	return g_test_run();
}
