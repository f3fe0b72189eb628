/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "json.h"

#include <stdio.h>

#include "user.h"

static const char *const selector_keys[] = {
    "pid", "exe", "user", "cgroup", "unit", "ip", "ip-file", "port", "proto", "interface", NULL,
};

static void add_string(JsonBuilder *builder, const char *key, const char *value)
{
	json_builder_set_member_name(builder, key);
	json_builder_add_string_value(builder, value);
}

void netfil_json_add_bytes(JsonBuilder *builder, const char *key, guint64 value)
{
	json_builder_set_member_name(builder, key);
	if (value <= G_MAXINT64)
		json_builder_add_int_value(builder, (gint64)value);
	else
		json_builder_add_double_value(builder, (double)value);
}

void netfil_json_add_time(JsonBuilder *builder, const char *key, gint64 seconds)
{
	g_autofree char *text = netfil_time_iso(seconds);

	json_builder_set_member_name(builder, key);
	if (text)
		json_builder_add_string_value(builder, text);
	else
		json_builder_add_null_value(builder);
}

static void add_directions(JsonBuilder *builder, const char *key,
			   const guint64 values[NETFIL_DIRECTIONS])
{
	json_builder_set_member_name(builder, key);
	json_builder_begin_object(builder);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		netfil_json_add_bytes(builder, netfil_direction_name(i), values[i]);
	json_builder_end_object(builder);
}

void netfil_json_add_packets(JsonBuilder *builder, const char *key, guint64 bytes, guint64 packets)
{
	json_builder_set_member_name(builder, key);
	json_builder_begin_object(builder);
	netfil_json_add_bytes(builder, "bytes", bytes);
	netfil_json_add_bytes(builder, "packets", packets);
	json_builder_end_object(builder);
}

static void add_values(JsonBuilder *builder, const char *key, const char *const *values)
{
	json_builder_set_member_name(builder, key);
	json_builder_begin_array(builder);
	for (; *values; values++)
		json_builder_add_string_value(builder, *values);
	json_builder_end_array(builder);
}

static void add_selector(JsonBuilder *builder, const NetfilSpec *spec)
{
	g_autoptr(GVariant) settings = g_variant_ref_sink(netfil_spec_to_variant(spec));
	g_autofree char *text = netfil_spec_selector_text(spec);

	json_builder_set_member_name(builder, "selector");
	json_builder_begin_object(builder);
	add_string(builder, "text", text);
	for (guint i = 0; selector_keys[i]; i++) {
		g_autofree const char **values = NULL;

		if (g_variant_lookup(settings, selector_keys[i], "^a&s", &values))
			add_values(builder, selector_keys[i], values);
	}
	json_builder_end_object(builder);
}

static void add_boolean(JsonBuilder *builder, const char *key, gboolean value)
{
	json_builder_set_member_name(builder, key);
	json_builder_add_boolean_value(builder, value);
}

/* null where the text is NULL. Frees the text. */
static void take_string(JsonBuilder *builder, const char *key, char *text)
{
	json_builder_set_member_name(builder, key);
	if (text)
		json_builder_add_string_value(builder, text);
	else
		json_builder_add_null_value(builder);
	g_free(text);
}

static void add_cycle(JsonBuilder *builder, const NetfilStatus *status)
{
	const NetfilSpec *spec = status->spec;
	gboolean has_free = spec->free.from != spec->free.to;

	json_builder_set_member_name(builder, "cycle");
	json_builder_begin_object(builder);
	take_string(builder, "every", netfil_cycle_format(&spec->every));
	netfil_json_add_time(builder, "started", status->cycle_started);
	netfil_json_add_time(builder, "ends", status->cycle_ends);
	add_boolean(builder, "rollover", spec->rollover);
	take_string(builder, "free", has_free ? netfil_hours_format(&spec->free) : NULL);
	json_builder_end_object(builder);
}

static void add_limits(JsonBuilder *builder, const NetfilStatus *status)
{
	guint64 limits[NETFIL_DIRECTIONS];

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		limits[i] = netfil_status_limit(status, i);
	add_directions(builder, "limit", limits);
	add_directions(builder, "cap", status->spec->cap);
	json_builder_set_member_name(builder, "extra");
	json_builder_begin_object(builder);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		json_builder_set_member_name(builder, netfil_direction_name(i));
		json_builder_add_int_value(builder, status->extra[i]);
	}
	json_builder_end_object(builder);
}

static void add_percents(JsonBuilder *builder, const char *key, const GArray *percents)
{
	json_builder_set_member_name(builder, key);
	json_builder_begin_array(builder);
	for (guint i = 0; i < percents->len; i++)
		json_builder_add_int_value(builder, g_array_index(percents, guint8, i));
	json_builder_end_array(builder);
}

static void add_warnings(JsonBuilder *builder, const NetfilStatus *status)
{
	json_builder_set_member_name(builder, "warn");
	json_builder_begin_object(builder);
	add_percents(builder, "at", status->spec->warn);
	add_percents(builder, "given", status->warned);
	json_builder_end_object(builder);
}

static void add_excepts(JsonBuilder *builder, const NetfilSpec *spec)
{
	json_builder_set_member_name(builder, "except");
	json_builder_begin_array(builder);
	for (guint i = 0; i < spec->excepts->len; i++) {
		g_autofree char *text =
		    netfil_prefix_format(&g_array_index(spec->excepts, NetfilPrefix, i));

		json_builder_add_string_value(builder, text);
	}
	json_builder_end_array(builder);
}

static void add_lists(JsonBuilder *builder, const NetfilStatus *status)
{
	guint64 prefixes, bytes;
	const char *path, *problem;
	GVariantIter iter;

	json_builder_set_member_name(builder, "lists");
	json_builder_begin_array(builder);
	g_variant_iter_init(&iter, status->lists);
	while (g_variant_iter_next(&iter, "(&stt&s)", &path, &prefixes, &bytes, &problem)) {
		json_builder_begin_object(builder);
		add_string(builder, "path", path);
		netfil_json_add_bytes(builder, "prefixes", prefixes);
		netfil_json_add_bytes(builder, "kernel_bytes", bytes);
		netfil_json_add_bytes(builder, "bytes_per_prefix",
				      prefixes ? (bytes + prefixes / 2) / prefixes : 0);
		take_string(builder, "problem", *problem ? g_strdup(problem) : NULL);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_policy(JsonBuilder *builder, const NetfilSpec *spec)
{
	add_string(builder, "on_limit", netfil_on_limit_name(spec->on_limit));
	if (spec->on_limit == NETFIL_ON_LIMIT_THROTTLE)
		netfil_json_add_bytes(builder, "rate", spec->rate);
	else
		take_string(builder, "rate", NULL);
	add_string(builder, "durability", netfil_durability_name(spec->durability));
	add_boolean(builder, "loopback", netfil_spec_counts_loopback(spec));
}

static void add_members(JsonBuilder *builder, const NetfilStatus *status)
{
	const NetfilSpec *spec = status->spec;

	if (!spec->each) {
		take_string(builder, "each", NULL);
		return;
	}
	add_string(builder, "each", netfil_each_name(spec->each));
	netfil_json_add_bytes(builder, "max_members", netfil_spec_max_members(spec));
	netfil_json_add_bytes(builder, "members", status->members);
	netfil_json_add_bytes(builder, "members_at_cap", status->members_at_cap);
	add_directions(builder, "others", status->others);
}

JsonNode *netfil_json_status(const NetfilStatus *status)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	const NetfilSpec *spec = status->spec;

	json_builder_begin_object(builder);
	add_string(builder, "name", spec->name);
	add_string(builder, "state", netfil_state_name(status->state));
	add_string(builder, "type", netfil_spec_type_name(netfil_spec_type(spec)));
	take_string(builder, "owner", netfil_user_name(status->owner));
	add_boolean(builder, "until_exit", spec->until_exit);
	add_selector(builder, spec);
	add_excepts(builder, spec);
	add_lists(builder, status);
	add_members(builder, status);
	add_limits(builder, status);
	add_directions(builder, "used", status->used);
	netfil_json_add_bytes(builder, "forfeited", status->forfeited);
	netfil_json_add_packets(builder, "refused", status->refused_bytes, status->refused_packets);
	netfil_json_add_packets(builder, "resets", status->reset_bytes, status->reset_packets);
	add_cycle(builder, status);
	add_warnings(builder, status);
	netfil_json_add_time(builder, "unlimited_until", status->unlimited_until);
	netfil_json_add_time(builder, "free_until", status->free_until);
	netfil_json_add_time(builder, "forecast", status->forecast);
	add_policy(builder, spec);
	json_builder_end_object(builder);
	return json_builder_get_root(builder);
}

char *netfil_json_text(JsonNode *node, gboolean one_line)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();

	json_generator_set_root(generator, node);
	json_generator_set_pretty(generator, !one_line);
	return json_generator_to_data(generator, NULL);
}

void netfil_json_print(JsonNode *node)
{
	g_autofree char *text = netfil_json_text(node, FALSE);

	/* JSON is UTF-8 whatever the locale: not g_print(), which would convert it. */
	puts(text);
}
