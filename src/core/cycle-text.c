/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cycles, free hours and periods as words. */
#include <string.h>

#include "cycle.h"
#include "number.h"
#include "quote.h"

#define DAYS_MAX 3650
#define MONTH_DAYS 31
#define MINUTES_A_DAY (24 * 60)

static const char *const units[] = {
    [NETFIL_CYCLE_NEVER] = "never", [NETFIL_CYCLE_HOUR] = "hour",   [NETFIL_CYCLE_DAY] = "day",
    [NETFIL_CYCLE_WEEK] = "week",   [NETFIL_CYCLE_MONTH] = "month",
};

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static gboolean is_word(const char *text, gsize length, const char *word)
{
	return strlen(word) == length && g_ascii_strncasecmp(text, word, length) == 0;
}

static gboolean parse_weekday(const char *text, const char *day, guint *at, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(weekdays); i++)
		if (g_ascii_strcasecmp(day, weekdays[i]) == 0) {
			*at = i + 1;
			return TRUE;
		}
	return netfil_set_invalid(error, text, -1,
				  "has no day of the week: use mon, tue, wed, thu, fri, sat or "
				  "sun, like week@mon");
}

static gboolean parse_monthday(const char *text, const char *day, guint *at, GError **error)
{
	guint64 number;

	if (!netfil_number_parse(day, strlen(day), MONTH_DAYS, &number) || number == 0)
		return netfil_set_invalid(error, text, -1,
					  "has no day of the month: use 1 to %d, like month@14",
					  MONTH_DAYS);
	*at = (guint)number;
	return TRUE;
}

/* "30d" */
static gboolean parse_days(const char *text, NetfilCycle *cycle, GError **error)
{
	guint64 days;

	if (!netfil_number_parse(text, strlen(text) - 1, DAYS_MAX, &days) || days == 0)
		return netfil_set_invalid(error, text, -1, "is not a number of days: use 1d to %dd",
					  DAYS_MAX);
	*cycle = (NetfilCycle){NETFIL_CYCLE_DAYS, (guint)days};
	return TRUE;
}

/* Digits and a d: a number of days, if maybe a bad one. */
static gboolean looks_like_days(const char *text)
{
	gsize digits = strspn(text, "0123456789");

	return digits > 0 && g_ascii_strcasecmp(text + digits, "d") == 0;
}

gboolean netfil_cycle_parse(const char *text, NetfilCycle *cycle, GError **error)
{
	gsize length = strcspn(text, "@");
	const char *day = text[length] ? text + length + 1 : NULL;
	guint unit = NETFIL_CYCLE_NEVER;
	guint at = 0;

	if (looks_like_days(text))
		return parse_days(text, cycle, error);
	while (unit < G_N_ELEMENTS(units) && !is_word(text, length, units[unit]))
		unit++;
	if (unit == G_N_ELEMENTS(units) || (day && unit < NETFIL_CYCLE_WEEK))
		return netfil_set_invalid(error, text, -1,
					  "is not a cycle: use hour, day, week@mon, month@14, 30d "
					  "or never");
	if (unit >= NETFIL_CYCLE_WEEK)
		at = 1;
	if (day && unit == NETFIL_CYCLE_WEEK && !parse_weekday(text, day, &at, error))
		return FALSE;
	if (day && unit == NETFIL_CYCLE_MONTH && !parse_monthday(text, day, &at, error))
		return FALSE;
	*cycle = (NetfilCycle){(NetfilCycleUnit)unit, at};
	return TRUE;
}

char *netfil_cycle_format(const NetfilCycle *cycle)
{
	if (cycle->unit == NETFIL_CYCLE_DAYS)
		return g_strdup_printf("%ud", cycle->at);
	if (cycle->unit == NETFIL_CYCLE_WEEK && cycle->at > 1)
		return g_strdup_printf("week@%s", weekdays[cycle->at - 1]);
	if (cycle->unit == NETFIL_CYCLE_MONTH && cycle->at > 1)
		return g_strdup_printf("month@%u", cycle->at);
	return g_strdup(units[cycle->unit]);
}

/* Exactly "hh:mm", up to 24:00. */
static gboolean parse_minutes(const char *text, gsize length, guint16 *minutes)
{
	guint hours, rest;

	if (length != 5 || text[2] != ':' || !g_ascii_isdigit(text[0]) ||
	    !g_ascii_isdigit(text[1]) || !g_ascii_isdigit(text[3]) || !g_ascii_isdigit(text[4]))
		return FALSE;
	hours = (guint)(text[0] - '0') * 10 + (guint)(text[1] - '0');
	rest = (guint)(text[3] - '0') * 10 + (guint)(text[4] - '0');
	*minutes = (guint16)(hours * 60 + rest);
	return rest < 60 && *minutes <= MINUTES_A_DAY;
}

gboolean netfil_hours_parse(const char *text, NetfilHours *hours, GError **error)
{
	gsize length = strcspn(text, "-");
	const char *second = text[length] ? text + length + 1 : "";
	NetfilHours read;

	if (g_ascii_strcasecmp(text, "none") == 0) {
		*hours = (NetfilHours){0, 0};
		return TRUE;
	}
	if (!parse_minutes(text, length, &read.from) || read.from == MINUTES_A_DAY ||
	    !parse_minutes(second, strlen(second), &read.to))
		return netfil_set_invalid(error, text, -1,
					  "is not a span of hours: use one like 01:00-07:00, or "
					  "none");
	if (read.to == 0)
		read.to = MINUTES_A_DAY;
	if (read.from == read.to || (read.from == 0 && read.to == MINUTES_A_DAY))
		return netfil_set_invalid(error, text, -1,
					  "is a whole day, or nothing of it: use a span like "
					  "01:00-07:00");
	*hours = read;
	return TRUE;
}

char *netfil_hours_format(const NetfilHours *hours)
{
	if (hours->from == hours->to)
		return g_strdup("none");
	return g_strdup_printf("%02u:%02u-%02u:%02u", hours->from / 60, hours->from % 60,
			       hours->to / 60, hours->to % 60);
}

static const char *const periods[] = {
    [NETFIL_BY_HOUR] = "hour",
    [NETFIL_BY_DAY] = "day",
    [NETFIL_BY_MONTH] = "month",
    [NETFIL_BY_CYCLE] = "cycle",
};

const char *netfil_by_name(NetfilBy by)
{
	g_return_val_if_fail((guint)by < G_N_ELEMENTS(periods), NULL);
	return periods[by];
}

gboolean netfil_by_parse(const char *text, NetfilBy *by, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(periods); i++)
		if (g_ascii_strcasecmp(text, periods[i]) == 0) {
			*by = (NetfilBy)i;
			return TRUE;
		}
	return netfil_set_invalid(error, text, -1,
				  "is not a period: use hour, day, month or cycle");
}
