/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "adjust.h"
#include "error.h"
#include "number.h"
#include "quote.h"
#include "size.h"
#include "zone.h"

static const char *const directions[NETFIL_DIRECTIONS] = {
    [NETFIL_IN] = "in",
    [NETFIL_OUT] = "out",
    [NETFIL_TOTAL] = "total",
};

/* The direction that the key caps; NETFIL_DIRECTIONS if it is no cap's. */
static guint find_direction(const char *key)
{
	guint direction = 0;

	while (direction < NETFIL_DIRECTIONS && !g_str_equal(directions[direction], key))
		direction++;
	return direction;
}

static gboolean is_signed(const char *value)
{
	return value[0] == '+' || value[0] == '-';
}

/* Of several values under one key, any: so that the mistake is told as one of top-ups. */
static gboolean is_top_up(const char *key, GVariant *values)
{
	g_autofree const char **texts = g_variant_get_strv(values, NULL);

	if (find_direction(key) == NETFIL_DIRECTIONS)
		return FALSE;
	for (guint i = 0; texts[i]; i++)
		if (is_signed(texts[i]))
			return TRUE;
	return FALSE;
}

static gboolean read_top_up(const char *value, gint64 *top_up, GError **error)
{
	guint64 bytes;

	if (!netfil_size_parse(value + 1, &bytes, error))
		return FALSE;
	if (bytes == 0)
		return netfil_set_invalid(error, value, -1,
					  "changes nothing: use + or - and a size, like +5G");
	if (bytes > G_MAXINT64)
		return netfil_set_invalid(error, value, -1,
					  "is too large: use at most %" G_GINT64_FORMAT " bytes",
					  G_MAXINT64);
	*top_up = value[0] == '-' ? -(gint64)bytes : (gint64)bytes;
	return TRUE;
}

static gboolean read_used(const char *value, NetfilAdjust *adjust, GError **error)
{
	if (g_ascii_strcasecmp(value, "unlimited") == 0)
		return netfil_set_invalid(error, value, -1,
					  "is nothing that can be used: use a size, like 12.3G");
	adjust->has_used = TRUE;
	return netfil_size_parse(value, &adjust->used, error);
}

static gboolean read_unlimited_until(const char *value, NetfilAdjust *adjust, GError **error)
{
	guint64 seconds;

	if (!netfil_number_parse(value, strlen(value), (guint64)NETFIL_TIME_MAX, &seconds))
		return netfil_set_invalid(error, value, -1,
					  "is not an instant: use seconds since the epoch, or 0 to "
					  "keep caps again");
	adjust->has_unlimited_until = TRUE;
	adjust->unlimited_until = (gint64)seconds;
	return TRUE;
}

static gboolean read_value(const char *key, const char *value, NetfilAdjust *adjust, GError **error)
{
	if (g_str_equal(key, "used"))
		return read_used(value, adjust, error);
	if (g_str_equal(key, "unlimited-until"))
		return read_unlimited_until(value, adjust, error);
	return read_top_up(value, &adjust->top_up[find_direction(key)], error);
}

static gboolean read_key(const char *key, GVariant *values, NetfilAdjust *adjust, GError **error)
{
	g_autofree const char **texts = g_variant_get_strv(values, NULL);

	if (!texts[0])
		return netfil_set_invalid(error, key, -1, "has no value: give one");
	if (texts[1])
		return netfil_set_invalid(error, key, -1, "has several values: give one");
	return read_value(key, texts[0], adjust, error);
}

static gboolean is_adjustment(const char *key, GVariant *values)
{
	return g_str_equal(key, "used") || g_str_equal(key, "unlimited-until") ||
	       is_top_up(key, values);
}

gboolean netfil_adjust_split(GVariant *changes, NetfilAdjust *adjust, GVariant **rest,
			     GError **error)
{
	g_autoptr(GVariantBuilder) others = g_variant_builder_new(G_VARIANT_TYPE("a{sas}"));
	NetfilAdjust read = {0};
	gsize count;

	if (!g_variant_is_of_type(changes, G_VARIANT_TYPE("a{sas}")))
		return netfil_set_invalid(error, g_variant_get_type_string(changes), -1,
					  "is not the type of a filter: use a{sas}");
	count = g_variant_n_children(changes);
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) values = NULL;
		const char *key;

		g_variant_get_child(changes, i, "{&s@as}", &key, &values);
		if (!is_adjustment(key, values))
			g_variant_builder_add(others, "{s@as}", key, values);
		else if (!read_key(key, values, &read, error))
			return FALSE;
	}
	*adjust = read;
	*rest = g_variant_ref_sink(g_variant_builder_end(others));
	return TRUE;
}

/* What is used is used by members. */
static gboolean check_each(const NetfilAdjust *adjust, const NetfilSpec *spec, GError **error)
{
	if (!spec->each || !adjust->has_used)
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
		    "filter %s has a cap for each %s, of which each has its own usage: reset a "
		    "member, or the filter",
		    spec->name, netfil_each_name(spec->each));
	return FALSE;
}

gboolean netfil_adjust_check(const NetfilAdjust *adjust, const NetfilSpec *spec, GError **error)
{
	if (!check_each(adjust, spec, error))
		return FALSE;
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		if (adjust->top_up[i] != 0 && spec->cap[i] == 0) {
			g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
				    "filter %s has no %s cap to top up: set one first, without "
				    "a sign, like %s 5G",
				    spec->name, directions[i], directions[i]);
			return FALSE;
		}
	return TRUE;
}

guint netfil_adjust_direction(const NetfilSpec *spec)
{
	if (spec->cap[NETFIL_TOTAL] || (spec->cap[NETFIL_IN] && spec->cap[NETFIL_OUT]))
		return NETFIL_TOTAL;
	if (spec->cap[NETFIL_IN])
		return NETFIL_IN;
	return spec->cap[NETFIL_OUT] ? NETFIL_OUT : NETFIL_TOTAL;
}
