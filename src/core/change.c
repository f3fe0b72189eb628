// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "change.h"

static const char *const signs[] = {
    [NETFIL_CHANGE_ADDED] = "+",
    [NETFIL_CHANGE_CHANGED] = "~",
    [NETFIL_CHANGE_REMOVED] = "-",
    [NETFIL_CHANGE_REFUSED] = "!",
};

const char *netfil_change_sign(NetfilChangeKind kind)
{
	g_return_val_if_fail((guint)kind < G_N_ELEMENTS(signs), NULL);
	return signs[kind];
}

/* What a newer daemon may say beside is not known to have been done. */
static NetfilChangeKind kind_of_sign(const char *sign)
{
	for (guint i = 0; i < G_N_ELEMENTS(signs); i++)
		if (g_str_equal(signs[i], sign))
			return (NetfilChangeKind)i;
	return NETFIL_CHANGE_REFUSED;
}

NetfilChange *netfil_change_new(NetfilChangeKind kind, const char *name, const char *const *keys,
				const char *why)
{
	NetfilChange *change = g_new0(NetfilChange, 1);

	change->kind = kind;
	change->name = g_strdup(name);
	change->keys = keys ? g_strdupv((char **)keys) : g_new0(char *, 1);
	change->why = g_strdup(why ? why : "");
	return change;
}

void netfil_change_free(NetfilChange *change)
{
	if (!change)
		return;
	g_free(change->name);
	g_strfreev(change->keys);
	g_free(change->why);
	g_free(change);
}

GPtrArray *netfil_changes_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)netfil_change_free);
}

GVariant *netfil_changes_to_variant(const GPtrArray *changes)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ssass)"));
	for (guint i = 0; i < changes->len; i++) {
		const NetfilChange *change = changes->pdata[i];

		g_variant_builder_add(&builder, "(ss^ass)", signs[change->kind], change->name,
				      change->keys, change->why);
	}
	return g_variant_builder_end(&builder);
}

GPtrArray *netfil_changes_from_variant(GVariant *variant)
{
	GPtrArray *changes = netfil_changes_new();
	GVariantIter iter;
	const char *sign, *name, *why;
	const char **keys;

	g_variant_iter_init(&iter, variant);
	while (g_variant_iter_next(&iter, "(&s&s^a&s&s)", &sign, &name, &keys, &why)) {
		g_ptr_array_add(changes, netfil_change_new(kind_of_sign(sign), name, keys, why));
		g_free(keys);
	}
	return changes;
}
