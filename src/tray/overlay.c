/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "overlay.h"

/* "UnlimitedUntil" is "unlimited-until": properties are named after a status's keys, but
 * for one. Caller frees. */
static char *status_key(const char *property)
{
	GString *key = g_string_new(NULL);

	if (g_str_equal(property, "Specification"))
		return g_string_free(g_string_assign(key, "spec"), FALSE);
	for (; *property; property++) {
		if (g_ascii_isupper(*property) && key->len)
			g_string_append_c(key, '-');
		g_string_append_c(key, g_ascii_tolower(*property));
	}
	return g_string_free(key, FALSE);
}

NetfilStatus *netfil_status_overlay(const NetfilStatus *status, GVariant *properties)
{
	g_autoptr(GVariant) base = g_variant_ref_sink(netfil_status_to_variant(status));
	g_autoptr(GVariant) sum = NULL;
	GVariantDict dict;
	GVariantIter iter;
	const char *property;
	GVariant *value;

	g_variant_dict_init(&dict, base);
	g_variant_iter_init(&iter, properties);
	while (g_variant_iter_loop(&iter, "{&sv}", &property, &value)) {
		g_autofree char *key = status_key(property);

		g_variant_dict_insert_value(&dict, key, value);
	}
	sum = g_variant_ref_sink(g_variant_dict_end(&dict));
	return netfil_status_from_variant(sum, NULL);
}

gboolean netfil_status_alike(const NetfilStatus *a, const NetfilStatus *b)
{
	g_autoptr(GVariant) one = g_variant_ref_sink(netfil_status_to_variant(a));
	g_autoptr(GVariant) other = g_variant_ref_sink(netfil_status_to_variant(b));

	return g_variant_equal(one, other);
}
