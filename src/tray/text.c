/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "text.h"

#include <glib/gi18n.h>
#include <langinfo.h>
#include <string.h>

#include "core/size.h"
#include "engine/clock.h"
#include "show/bar.h"
#include "show/when.h"
#include "show/level.h"

#define BAR_WIDTH 10
#define FORECAST_MIN 60 /* seconds: see netfil_forecast() */

char *netfil_text_size(guint64 bytes)
{
	g_autofree char *plain = netfil_size_format(bytes);
	char *point = strchr(plain, '.');

	if (!point)
		return g_steal_pointer(&plain);
	*point = '\0';
	return g_strconcat(plain, nl_langinfo(RADIXCHAR), point + 1, NULL);
}

char *netfil_text_rate(double bytes_per_second)
{
	g_autofree char *size = netfil_text_size((guint64)MAX(bytes_per_second, 0));

	/* Translators: a rate, as in "1.2 MB/s". */
	return g_strdup_printf(_("%s/s"), size);
}

/* What all have used, and the first cap of each. */
static char *amount_of_members(const NetfilStatus *status)
{
	static const char *const forms[] = {
	    [NETFIL_IN] = N_("%s, %s in each"),
	    [NETFIL_OUT] = N_("%s, %s out each"),
	    [NETFIL_TOTAL] = N_("%s, %s each"),
	};
	g_autofree char *used = netfil_text_size(status->used[NETFIL_TOTAL]);
	g_autofree char *cap = NULL;
	guint direction = NETFIL_TOTAL;

	while (direction > 0 && !status->spec->cap[direction])
		direction--;
	if (!status->spec->cap[direction])
		return g_steal_pointer(&used);
	cap = netfil_text_size(status->spec->cap[direction]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return g_strdup_printf(_(forms[direction]), used, cap);
#pragma GCC diagnostic pop
}

char *netfil_text_amount(const NetfilStatus *status)
{
	static const char *const forms[] = {
	    [NETFIL_IN] = N_("%s of %s in"),
	    [NETFIL_OUT] = N_("%s of %s out"),
	    [NETFIL_TOTAL] = N_("%s of %s"),
	};
	int direction = netfil_status_tightest(status);
	g_autofree char *used = NULL;
	g_autofree char *cap = NULL;

	if (status->spec->each)
		return amount_of_members(status);
	if (direction < 0)
		return netfil_text_size(status->used[NETFIL_TOTAL]);
	used = netfil_text_size(status->used[direction]);
	cap = netfil_text_size(netfil_status_limit(status, (guint)direction));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return g_strdup_printf(_(forms[direction]), used, cap);
#pragma GCC diagnostic pop
}

char *netfil_text_when(gint64 seconds)
{
	g_autofree char *day = netfil_when(seconds, "%x");
	g_autofree char *time = netfil_when(seconds, "%H:%M");
	gint64 count;

	return netfil_when_unit(seconds, &count) == NETFIL_WHEN_DAYS
		   ? g_strdup_printf("%s %s", day, time)
		   : g_steal_pointer(&time);
}

static char *cap_in(gint64 seconds)
{
	gint64 count;
	NetfilWhenUnit unit = netfil_when_unit(seconds, &count);
	gulong n = (gulong)count;

	if (unit == NETFIL_WHEN_DAYS)
		return g_strdup_printf(ngettext("cap in %lu day", "cap in %lu days", n), n);
	if (unit == NETFIL_WHEN_HOURS)
		return g_strdup_printf(ngettext("cap in %lu hour", "cap in %lu hours", n), n);
	if (n == 0)
		return g_strdup(_("cap in under a minute"));
	return g_strdup_printf(ngettext("cap in %lu minute", "cap in %lu minutes", n), n);
}

static char *next_cycle(const NetfilStatus *status)
{
	gint64 count;
	NetfilWhenUnit unit = netfil_when_unit(status->cycle_ends, &count);
	gulong n = (gulong)count;

	if (status->state == NETFIL_STATE_OFF || !status->cycle_ends)
		return g_strdup("");
	if (unit == NETFIL_WHEN_DAYS)
		return g_strdup_printf(ngettext("new cycle in %lu day", "new cycle in %lu days", n),
				       n);
	if (unit == NETFIL_WHEN_HOURS)
		return g_strdup_printf(
		    ngettext("new cycle in %lu hour", "new cycle in %lu hours", n), n);
	if (n == 0)
		return g_strdup(_("new cycle in under a minute"));
	return g_strdup_printf(ngettext("new cycle in %lu minute", "new cycle in %lu minutes", n),
			       n);
}

char *netfil_text_members(const NetfilStatus *status)
{
	gulong all = status->members, at_cap = status->members_at_cap;
	g_autofree char *many = g_strdup_printf(ngettext("%'lu member", "%'lu members", all), all);

	if (!at_cap)
		return g_steal_pointer(&many);
	/* Translators: "12 members", and how many of them are at their cap. */
	return g_strdup_printf(ngettext("%s, %'lu at its cap", "%s, %'lu at their cap", at_cap),
			       many, at_cap);
}

/* What is nearer than the cycle's end; "" if nothing is. */
static char *before_cycle_ends(const NetfilStatus *status)
{
	g_autofree char *when = NULL;

	if (status->state == NETFIL_STATE_OFF)
		return g_strdup("");
	if (status->unlimited_until) {
		when = netfil_text_when(status->unlimited_until);
		return g_strdup_printf(_("unlimited until %s"), when);
	}
	if (status->free_until) {
		when = netfil_text_when(status->free_until);
		return g_strdup_printf(_("free until %s"), when);
	}
	if (status->spec->each)
		return netfil_text_members(status);
	if (status->forecast && netfil_level(status) != NETFIL_LEVEL_BAD)
		return cap_in(status->forecast);
	return g_strdup("");
}

char *netfil_text_outlook(const NetfilStatus *status)
{
	g_autofree char *text = before_cycle_ends(status);

	return *text ? g_steal_pointer(&text) : next_cycle(status);
}

const char *netfil_text_state(const NetfilStatus *status)
{
	if (status->state != NETFIL_STATE_OFF && netfil_level(status) == NETFIL_LEVEL_BAD)
		return _("at its cap");
	switch (status->state) {
	case NETFIL_STATE_OFF:
		return _("off");
	case NETFIL_STATE_WAITING:
		/* Translators: nothing is there yet that the filter applies to. */
		return _("waiting");
	default:
		return _("on");
	}
}

static void append(GString *line, const char *text)
{
	if (*text)
		g_string_append_printf(line, "%s%s", line->len ? "  " : "", text);
}

/* Of whole cells: parts of one leave gaps in fonts that are not of a terminal. */
static char *whole_bar(double fraction)
{
	double cells = (double)(guint)(CLAMP(fraction, 0, 1) * BAR_WIDTH);

	return netfil_bar(fraction > 0 ? MAX(cells, 1) / BAR_WIDTH : 0, BAR_WIDTH, TRUE);
}

char *netfil_text_line(const NetfilStatus *status)
{
	double fraction = netfil_status_fraction(status);
	g_autofree char *bar = whole_bar(fraction);
	g_autofree char *percent = netfil_bar_percent(fraction);
	g_autofree char *amount = netfil_text_amount(status);
	g_autofree char *nearer = before_cycle_ends(status);
	g_autofree char *cycle = next_cycle(status);
	GString *line = g_string_new(status->spec->name);

	if (fraction >= 0) {
		append(line, bar);
		append(line, percent);
	}
	append(line, amount);
	if (status->state == NETFIL_STATE_WAITING || netfil_level(status) == NETFIL_LEVEL_BAD)
		append(line, netfil_text_state(status));
	append(line, nearer);
	append(line, cycle);
	return g_string_free(line, FALSE);
}

char *netfil_text_spoken(const NetfilStatus *status)
{
	double fraction = netfil_status_fraction(status);
	g_autofree char *percent = netfil_bar_percent(fraction);
	g_autofree char *amount = netfil_text_amount(status);
	g_autofree char *nearer = before_cycle_ends(status);
	g_autofree char *cycle = next_cycle(status);
	const char *parts[] = {
	    status->spec->name, netfil_text_state(status), amount, percent, nearer, cycle};
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
		if (*parts[i])
			g_string_append_printf(text, "%s%s", text->len ? ", " : "", parts[i]);
	return g_string_free(text, FALSE);
}

const char *netfil_text_face(NetfilFace face)
{
	static const char *const texts[] = {
	    [NETFIL_FACE_OFF] = N_("netfil: no filter is on"),
	    [NETFIL_FACE_ON] = N_("netfil: filters are on"),
	    [NETFIL_FACE_WARNED] = N_("netfil: a cap is nearly used"),
	    [NETFIL_FACE_REACHED] = N_("netfil: a cap is reached"),
	    [NETFIL_FACE_AWAY] = N_("netfil: netfild is not there, or in trouble"),
	};

	return _(texts[face]);
}

const char *netfil_text_type(NetfilSpecType type)
{
	static const char *const texts[] = {
	    [NETFIL_SPEC_SOCKET] = N_("Socket"),
	    [NETFIL_SPEC_IP] = N_("IP"),
	    [NETFIL_SPEC_INTERFACE] = N_("Interface"),
	};

	return _(texts[type]);
}

char *netfil_text_forecast(const NetfilStatus *status)
{
	g_autofree char *when = NULL;

	if (status->spec->each) {
		g_autofree char *members = netfil_text_members(status);

		return g_strdup_printf("%s.", members);
	}
	if (netfil_status_tightest(status) < 0)
		return g_strdup("");
	if (netfil_level(status) == NETFIL_LEVEL_BAD)
		return g_strdup(_("The cap is reached."));
	if (status->forecast) {
		when = netfil_text_when(status->forecast);
		return g_strdup_printf(_("At this rate the cap is reached about %s."), when);
	}
	if (netfil_clock_seconds() - status->cycle_started < FORECAST_MIN)
		return g_strdup(_("It is too early to say when the cap is reached."));
	if (!status->cycle_ends)
		return g_strdup(_("No end of the cap is in sight yet."));
	when = netfil_text_when(status->cycle_ends);
	return g_strdup_printf(
	    _("At this rate the cap is not reached before the cycle ends at %s."), when);
}
