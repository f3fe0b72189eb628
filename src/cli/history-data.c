/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "history-data.h"

#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "json.h"
#include "user.h"

/* JSON. */

static void add_string_or_null(JsonBuilder *builder, const char *key, const char *value)
{
	json_builder_set_member_name(builder, key);
	if (value)
		json_builder_add_string_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

static void add_amounts(JsonBuilder *builder, const NetfilPeriod *period)
{
	netfil_json_add_time(builder, "start", period->start);
	netfil_json_add_time(builder, "end", period->end);
	netfil_json_add_bytes(builder, "in", period->in);
	netfil_json_add_bytes(builder, "out", period->out);
	netfil_json_add_bytes(builder, "total", period->in + period->out);
}

static void add_filter(JsonBuilder *builder, const NetfilPeriod *period)
{
	add_string_or_null(builder, "name", period->name);
	add_amounts(builder, period);
	netfil_json_add_packets(builder, "refused", period->refused_bytes, period->refused_packets);
}

static void add_app(JsonBuilder *builder, const NetfilPeriod *period)
{
	g_autofree char *user = netfil_user_name(period->uid);

	add_string_or_null(builder, "exe", period->name);
	add_string_or_null(builder, "user", user);
	if (user)
		netfil_json_add_bytes(builder, "uid", period->uid);
	else
		add_string_or_null(builder, "uid", NULL);
	add_amounts(builder, period);
}

static void print_json(const GArray *periods, void (*add)(JsonBuilder *, const NetfilPeriod *))
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_array(builder);
	for (guint i = 0; i < periods->len; i++) {
		json_builder_begin_object(builder);
		add(builder, &g_array_index(periods, NetfilPeriod, i));
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	root = json_builder_get_root(builder);
	netfil_json_print(root);
}

/* CSV, as RFC 4180 quotes it. */

/* With the comma behind it. */
static void append_text(GString *row, const char *text)
{
	gboolean quoted = strpbrk(text, ",\"\r\n") != NULL;

	if (quoted)
		g_string_append_c(row, '"');
	for (; *text; text++)
		g_string_append_printf(row, "%s%c", *text == '"' ? "\"" : "", *text);
	g_string_append(row, quoted ? "\"," : ",");
}

static void append_amounts(GString *row, const NetfilPeriod *period)
{
	g_autofree char *start = netfil_time_iso(period->start);
	g_autofree char *end = netfil_time_iso(period->end);

	append_text(row, start ? start : "");
	append_text(row, end ? end : "");
	g_string_append_printf(row,
			       "%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT,
			       period->in, period->out, period->in + period->out);
}

static void append_filter(GString *row, const NetfilPeriod *period)
{
	append_text(row, period->name);
	append_amounts(row, period);
	g_string_append_printf(row, ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT,
			       period->refused_bytes, period->refused_packets);
}

static void append_app(GString *row, const NetfilPeriod *period)
{
	g_autofree char *user = netfil_user_name(period->uid);
	g_autofree char *uid = user ? g_strdup_printf("%u", period->uid) : NULL;

	append_text(row, period->name);
	append_text(row, user ? user : "");
	append_text(row, uid ? uid : "");
	append_amounts(row, period);
}

static void print_csv(const GArray *periods, const char *header,
		      void (*append)(GString *, const NetfilPeriod *))
{
	puts(header);
	for (guint i = 0; i < periods->len; i++) {
		g_autoptr(GString) row = g_string_new(NULL);

		append(row, &g_array_index(periods, NetfilPeriod, i));
		puts(row->str);
	}
}

void netfil_history_write(const GArray *periods, gboolean json)
{
	if (json)
		print_json(periods, add_filter);
	else
		print_csv(periods, "name,start,end,in,out,total,refused_bytes,refused_packets",
			  append_filter);
}

void netfil_history_write_apps(const GArray *periods, gboolean json)
{
	if (json)
		print_json(periods, add_app);
	else
		print_csv(periods, "exe,user,uid,start,end,in,out,total", append_app);
}
