/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All about one filter: what `netfil show` prints. */
#include "core/quote.h"
#include "core/size.h"
#include "json.h"
#include "print.h"
#include "user.h"
#include "when.h"

#define MOMENT "%F %T %z"
#define PATH_SHOWN 200

static const char *what_counts(const NetfilSpec *spec)
{
	switch (netfil_spec_type(spec)) {
	case NETFIL_SPEC_SOCKET:
		return "IP packets of these sockets";
	case NETFIL_SPEC_IP:
		return "IP packets of these addresses";
	case NETFIL_SPEC_INTERFACE:
		return "frames on these interfaces";
	}
	return "";
}

static void append_line(GString *text, const char *label, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void append_line(GString *text, const char *label, const char *format, ...)
{
	va_list arguments;

	g_string_append_printf(text, "%-10s ", label);
	va_start(arguments, format);
	g_string_append_vprintf(text, format, arguments);
	va_end(arguments);
	g_string_append_c(text, '\n');
}

static void append_lists(GString *text, const NetfilStatus *status)
{
	guint64 prefixes, bytes;
	const char *path, *problem;
	GVariantIter iter;

	g_variant_iter_init(&iter, status->lists);
	while (g_variant_iter_next(&iter, "(&stt&s)", &path, &prefixes, &bytes, &problem)) {
		g_autofree char *count = netfil_size_exact(prefixes);
		g_autofree char *size = netfil_size_format(bytes);
		g_autofree char *shown = netfil_escape(path, -1, PATH_SHOWN);

		append_line(text, "List",
			    "%s: %s prefix%s in force, %s in the kernel (%u bytes each)", shown,
			    count, prefixes == 1 ? "" : "es", size,
			    prefixes ? (guint)((bytes + prefixes / 2) / prefixes) : 0);
		if (*problem)
			append_line(text, "", "its present version is not: %s", problem);
	}
}

static void append_policy(GString *text, const NetfilSpec *spec)
{
	g_autofree char *rate = netfil_print_rate((double)spec->rate);

	if (spec->on_limit == NETFIL_ON_LIMIT_THROTTLE)
		append_line(text, "At the cap", "throttle to %s", rate);
	else
		append_line(text, "At the cap", "%s", netfil_on_limit_name(spec->on_limit));
	if (spec->durability != NETFIL_DURABILITY_DEFAULT)
		append_line(text, "Durability", "%s", netfil_durability_name(spec->durability));
}

static void append_cycle(GString *text, const NetfilStatus *status)
{
	g_autofree char *since = netfil_when(status->cycle_started, MOMENT);
	g_autofree char *every = netfil_cycle_format(&status->spec->every);
	g_autofree char *ends = netfil_when(status->cycle_ends, MOMENT);
	g_autofree char *left = netfil_when_left(status->cycle_ends);

	append_line(text, "Since", "%s", status->cycle_started ? since : "never");
	if (status->cycle_started && status->cycle_ends)
		append_line(text, "Cycle", "%s, ends %s (in %s)", every, ends, left);
	if (status->spec->rollover)
		append_line(text, "Rollover", "what is left goes into the next cycle");
}

static void append_free_hours(GString *text, const NetfilStatus *status)
{
	const NetfilHours *free = &status->spec->free;
	g_autofree char *until = netfil_when_short(status->free_until);
	g_autofree char *hours = NULL;

	if (free->from == free->to)
		return;
	hours = netfil_hours_format(free);
	append_line(text, "Free hours", "%s%s%s", hours,
		    status->free_until ? ", now free until " : "", status->free_until ? until : "");
}

static void append_unlimited(GString *text, const NetfilStatus *status)
{
	g_autofree char *until = netfil_when(status->unlimited_until, MOMENT);

	if (status->unlimited_until)
		append_line(text, "Unlimited", "until %s", until);
}

static gboolean was_warned(const NetfilStatus *status, guint8 percent)
{
	for (guint i = 0; i < status->warned->len; i++)
		if (g_array_index(status->warned, guint8, i) == percent)
			return TRUE;
	return FALSE;
}

static void append_warnings(GString *text, const NetfilStatus *status)
{
	const GArray *warn = status->spec->warn;
	g_autoptr(GString) list = g_string_new(NULL);

	for (guint i = 0; i < warn->len; i++) {
		guint8 percent = g_array_index(warn, guint8, i);

		g_string_append_printf(list, "%s%u %%%s", i ? ", " : "", percent,
				       was_warned(status, percent) ? " (given)" : "");
	}
	if (list->len)
		append_line(text, "Warnings", "at %s", list->str);
}

static void append_forecast(GString *text, const NetfilStatus *status)
{
	g_autofree char *when = netfil_when(status->forecast, "%F %R");

	if (status->forecast)
		append_line(text, "Forecast", "cap reached about %s at this rate", when);
}

static void append_extra(GString *text, const NetfilStatus *status)
{
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		gint64 extra = status->extra[i];
		g_autofree char *size = netfil_size_exact((guint64)ABS(extra));

		if (extra)
			append_line(text, "Extra", "%c%s bytes of the %s cap, in this cycle alone",
				    extra < 0 ? '-' : '+', size, netfil_direction_name(i));
	}
}

static void append_usage(GString *text, const NetfilStatus *status)
{
	static const char *const labels[] = {"In", "Out", "Total"};

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 cap = netfil_status_limit(status, i);
		g_autofree char *used = netfil_size_exact(status->used[i]);
		g_autofree char *limit = netfil_size_exact(cap);
		g_autofree char *about_used = netfil_size_format(status->used[i]);
		g_autofree char *about_limit = netfil_size_format(cap);

		if (cap && !status->spec->each)
			append_line(text, labels[i], "%s of %s bytes (%s of %s)", used, limit,
				    about_used, about_limit);
		else
			append_line(text, labels[i], "%s bytes (%s)", used, about_used);
	}
}

static void append_caps_of_each(GString *text, const NetfilStatus *status)
{
	static const char *const labels[] = {"in", "out", "in and out"};

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 cap = netfil_status_limit(status, i);
		g_autofree char *limit = netfil_size_exact(cap);
		g_autofree char *about = netfil_size_format(cap);

		if (cap)
			append_line(text, "Cap", "%s bytes (%s) %s for each %s", limit, about,
				    labels[i], netfil_each_name(status->spec->each));
	}
}

static void append_members(GString *text, const NetfilStatus *status)
{
	g_autofree char *most = netfil_size_exact(netfil_spec_max_members(status->spec));
	g_autofree char *count = netfil_size_exact(status->members);
	g_autofree char *at_cap = netfil_size_exact(status->members_at_cap);
	g_autofree char *others = netfil_size_exact(status->others[NETFIL_TOTAL]);
	g_autofree char *about = netfil_size_format(status->others[NETFIL_TOTAL]);

	if (!status->spec->each)
		return;
	append_caps_of_each(text, status);
	append_line(text, "Members", "%s of at most %s, %s at their cap", count, most, at_cap);
	if (status->others[NETFIL_TOTAL])
		append_line(text, "Others", "%s bytes (%s), who share one cap", others, about);
}

static void append_forfeited(GString *text, const NetfilStatus *status)
{
	g_autofree char *bytes = netfil_size_exact(status->forfeited);

	if (status->forfeited)
		append_line(text, "Forfeited", "%s bytes of it count as spent since a power cut",
			    bytes);
}

static void append_packets(GString *text, const char *label, guint64 bytes, guint64 packets)
{
	g_autofree char *amount = netfil_size_exact(bytes);
	g_autofree char *count = netfil_size_exact(packets);

	append_line(text, label, "%s packet%s, %s bytes", count, packets == 1 ? "" : "s", amount);
}

static void append_bar_line(GString *text, const NetfilStatus *status,
			    const NetfilTerminal *terminal)
{
	if (netfil_status_fraction(status) < 0)
		return;
	g_string_append_printf(text, "%-9s", "Used");
	netfil_print_bar(text, status, CLAMP(terminal->width, 30, 50) - 20, terminal);
	g_string_append_c(text, '\n');
}

static void append_life(GString *text, const NetfilStatus *status)
{
	g_autofree char *owner = netfil_user_name(status->owner);

	if (status->owner)
		append_line(text, "Owner", "%s", owner);
	if (status->spec->until_exit)
		append_line(text, "Removed", "when the last of its processes has ended");
}

char *netfil_print_details(const NetfilStatus *status, const NetfilTerminal *terminal)
{
	const NetfilSpec *spec = status->spec;
	g_autofree char *selector = netfil_spec_selector_text(spec);
	GString *text = g_string_new(NULL);

	append_line(text, "Name", "%s", spec->name);
	append_line(text, "State", "%s", netfil_state_name(status->state));
	append_line(text, "Selector", "%s", selector);
	append_line(text, "Counts", "%s, %s loopback", what_counts(spec),
		    netfil_spec_counts_loopback(spec) ? "with" : "without");
	append_lists(text, status);
	append_life(text, status);
	append_policy(text, spec);
	append_cycle(text, status);
	append_free_hours(text, status);
	append_unlimited(text, status);
	append_warnings(text, status);
	append_bar_line(text, status, terminal);
	append_members(text, status);
	append_usage(text, status);
	append_extra(text, status);
	append_forfeited(text, status);
	append_forecast(text, status);
	append_packets(text, "Refused", status->refused_bytes, status->refused_packets);
	append_packets(text, "Resets", status->reset_bytes, status->reset_packets);
	return g_string_free(text, FALSE);
}
