/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What netfil/netfil.h has beside the client itself: filters in texts, and statuses that are
 * looked into by functions alone. */
#include "netfil/netfil.h"

#include "client.h"
#include "core/error.h"
#include "netfil/abi.h"

_Static_assert((int)NETFIL_DIRECTION_IN == NETFIL_IN, "in");
_Static_assert((int)NETFIL_DIRECTION_OUT == NETFIL_OUT, "out");
_Static_assert((int)NETFIL_DIRECTION_TOTAL == NETFIL_TOTAL, "total");

/* ---- settings ---- */

/* The values that follow `key` in the rest of the pairs; an empty one is none. */
static GVariant *values_of(const char *key, const char *const *pairs)
{
	GVariantBuilder values;

	g_variant_builder_init(&values, G_VARIANT_TYPE_STRING_ARRAY);
	for (; *pairs; pairs += 2)
		if (g_str_equal(pairs[0], key) && *pairs[1])
			g_variant_builder_add(&values, "s", pairs[1]);
	return g_variant_builder_end(&values);
}

/* An a{sas}: each key once, in the order in which they first come. What GDBus would not
 * carry is refused here; all else by netfild. */
static GVariant *variant_of(const char *const *pairs, GError **error)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sas}"));
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (; *pairs; pairs += 2) {
		if (!pairs[1] || !g_utf8_validate(pairs[0], -1, NULL) ||
		    !g_utf8_validate(pairs[1], -1, NULL)) {
			g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
					    "a setting is no pair of a key and a value in UTF-8: "
					    "give both");
			return NULL;
		}
		if (g_hash_table_add(seen, (gpointer)pairs[0]))
			g_variant_builder_add(&builder, "{s@as}", pairs[0],
					      values_of(pairs[0], pairs));
	}
	return g_variant_builder_end(&builder);
}

/* Ended by NULL; the texts are the caller's. */
static GPtrArray *pairs_of(const char *key, va_list arguments)
{
	GPtrArray *pairs = g_ptr_array_new();

	for (; key; key = va_arg(arguments, const char *))
		g_ptr_array_add(pairs, (gpointer)key);
	g_ptr_array_add(pairs, NULL);
	return pairs;
}

gboolean netfil_client_add_pairs(NetfilClient *client, const char *name, const char *const *pairs,
				 GError **error)
{
	GVariant *specification = variant_of(pairs, error);

	return specification && netfil_client_add_values(client, name, specification, error);
}

gboolean netfil_client_set_pairs(NetfilClient *client, const char *name, const char *const *pairs,
				 GError **error)
{
	GVariant *changes = variant_of(pairs, error);

	return changes && netfil_client_change(client, name, changes, error);
}

gboolean netfil_client_add(NetfilClient *client, const char *name, GError **error, const char *key,
			   ...)
{
	g_autoptr(GPtrArray) pairs = NULL;
	va_list arguments;

	va_start(arguments, key);
	pairs = pairs_of(key, arguments);
	va_end(arguments);
	return netfil_client_add_pairs(client, name, (const char *const *)pairs->pdata, error);
}

gboolean netfil_client_set(NetfilClient *client, const char *name, GError **error, const char *key,
			   ...)
{
	g_autoptr(GPtrArray) pairs = NULL;
	va_list arguments;

	va_start(arguments, key);
	pairs = pairs_of(key, arguments);
	va_end(arguments);
	return netfil_client_set_pairs(client, name, (const char *const *)pairs->pdata, error);
}

/* ---- statuses ---- */

const char *netfil_status_get_name(const NetfilStatus *status)
{
	return status->spec->name;
}

NetfilState netfil_status_get_state(const NetfilStatus *status)
{
	return status->state;
}

guint64 netfil_status_get_used(const NetfilStatus *status, NetfilDirection direction)
{
	g_return_val_if_fail((guint)direction < NETFIL_DIRECTIONS, 0);
	return status->used[direction];
}

guint64 netfil_status_get_limit(const NetfilStatus *status, NetfilDirection direction)
{
	g_return_val_if_fail((guint)direction < NETFIL_DIRECTIONS, 0);
	return netfil_status_limit(status, direction);
}

void netfil_status_get_refused(const NetfilStatus *status, guint64 *bytes, guint64 *packets)
{
	if (bytes)
		*bytes = status->refused_bytes;
	if (packets)
		*packets = status->refused_packets;
}

void netfil_status_get_cycle(const NetfilStatus *status, gint64 *started, gint64 *ends)
{
	if (started)
		*started = status->cycle_started;
	if (ends)
		*ends = status->cycle_ends;
}

gint64 netfil_status_get_unlimited_until(const NetfilStatus *status)
{
	return MAX(status->unlimited_until, status->free_until);
}

gint64 netfil_status_get_forecast(const NetfilStatus *status)
{
	return status->forecast;
}

char **netfil_status_dup_values(const NetfilStatus *status, const char *key)
{
	g_autoptr(GVariant) all = g_variant_ref_sink(netfil_spec_to_variant(status->spec));
	char **values = NULL;

	if (!g_variant_lookup(all, key, "^as", &values))
		values = g_new0(char *, 1);
	return values;
}

char *netfil_status_dup_selector(const NetfilStatus *status)
{
	return netfil_spec_selector_text(status->spec);
}
