/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "show-members.h"

#include "bar.h"
#include "core/size.h"
#include "json.h"

#define KEY_MIN 8
#define NUMBER 9 /* "12.3 MB" and some */
#define BAR 12
#define PERCENT 5
#define FIXED (4 * (NUMBER + 1) + 1 + BAR + PERCENT + 12) /* with "  at its cap" */

void netfil_members_page_clear(NetfilMembersPage *page)
{
	g_clear_pointer(&page->members, g_array_unref);
	g_clear_pointer(&page->next, g_free);
}

static void amounts(const NetfilMember *member, guint64 used[NETFIL_DIRECTIONS])
{
	used[NETFIL_IN] = member->in;
	used[NETFIL_OUT] = member->out;
	used[NETFIL_TOTAL] = member->in + member->out;
}

/* The share of its nearest cap; -1 without one. */
static double fraction_of(const NetfilStatus *status, const NetfilMember *member)
{
	guint64 used[NETFIL_DIRECTIONS];
	double fraction = -1;

	amounts(member, used);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 cap = netfil_status_limit(status, i);

		if (cap)
			fraction = MAX(fraction, MIN((double)used[i] / (double)cap, 1));
	}
	return fraction;
}

static NetfilColour colour_of(double fraction, gboolean reached)
{
	if (reached || fraction >= 1)
		return NETFIL_COLOUR_BAD;
	return fraction >= 0.8 ? NETFIL_COLOUR_WARN : NETFIL_COLOUR_GOOD;
}

static void append_number(GString *line, guint64 bytes)
{
	g_autofree char *size = netfil_size_format(bytes);

	g_string_append_printf(line, " %*s", NUMBER, size);
}

static void print_member(const NetfilStatus *status, const NetfilMember *member, guint width,
			 const NetfilTerminal *terminal)
{
	double fraction = fraction_of(status, member);
	g_autofree char *key = netfil_text_fit(terminal, member->name, width);
	g_autofree char *bar = netfil_bar(fraction, BAR, terminal->unicode);
	g_autofree char *percent = netfil_bar_percent(fraction);
	g_autoptr(GString) line = g_string_new(key);

	append_number(line, member->in);
	append_number(line, member->out);
	append_number(line, member->in + member->out);
	if (fraction >= 0) {
		g_string_append_c(line, ' ');
		netfil_terminal_append(line, terminal, colour_of(fraction, member->reached), bar);
		g_string_append_printf(line, "%*s", PERCENT, percent);
	}
	append_number(line, member->refused_bytes);
	if (member->reached)
		g_string_append(line, "  at its cap");
	g_print("%s\n", line->str);
}

static guint key_width(const NetfilMembersPage *page, const NetfilTerminal *terminal)
{
	guint most = terminal->width > FIXED + KEY_MIN ? terminal->width - FIXED : KEY_MIN;
	guint width = KEY_MIN;

	for (guint i = 0; i < page->members->len; i++)
		width = MAX(width,
			    netfil_text_width(g_array_index(page->members, NetfilMember, i).name));
	return MIN(width, most);
}

static gboolean has_cap(const NetfilStatus *status)
{
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		if (netfil_status_limit(status, i))
			return TRUE;
	return FALSE;
}

void netfil_print_members(const NetfilStatus *status, const NetfilMembersPage *page,
			  const NetfilTerminal *terminal)
{
	guint width = key_width(page, terminal);

	if (!page->members->len) {
		g_print("No members.\n");
		return;
	}
	g_print("%-*s %*s %*s %*s%*s %*s\n", (int)width, netfil_each_name(status->spec->each),
		NUMBER, "in", NUMBER, "out", NUMBER, "total",
		has_cap(status) ? 1 + BAR + PERCENT : 0, "", NUMBER, "refused");
	for (guint i = 0; i < page->members->len; i++)
		print_member(status, &g_array_index(page->members, NetfilMember, i), width,
			     terminal);
	if (page->next)
		g_print("%u more: --after '%s'\n", page->total - page->members->len, page->next);
}

/* ---- JSON ---- */

static void add_member(JsonBuilder *builder, const NetfilMember *member)
{
	guint64 used[NETFIL_DIRECTIONS];

	amounts(member, used);
	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "key");
	json_builder_add_string_value(builder, member->name);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		netfil_json_add_bytes(builder, netfil_direction_name(i), used[i]);
	netfil_json_add_packets(builder, "refused", member->refused_bytes, member->refused_packets);
	json_builder_set_member_name(builder, "reached");
	json_builder_begin_array(builder);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		if (member->reached & 1U << i)
			json_builder_add_string_value(builder, netfil_direction_name(i));
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

void netfil_print_members_json(const NetfilStatus *status, const NetfilMembersPage *page)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "name");
	json_builder_add_string_value(builder, status->spec->name);
	json_builder_set_member_name(builder, "each");
	json_builder_add_string_value(builder, netfil_each_name(status->spec->each));
	netfil_json_add_bytes(builder, "total", page->total);
	json_builder_set_member_name(builder, "members");
	json_builder_begin_array(builder);
	for (guint i = 0; i < page->members->len; i++)
		add_member(builder, &g_array_index(page->members, NetfilMember, i));
	json_builder_end_array(builder);
	json_builder_set_member_name(builder, "next");
	if (page->next)
		json_builder_add_string_value(builder, page->next);
	else
		json_builder_add_null_value(builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	netfil_json_print(root);
}
