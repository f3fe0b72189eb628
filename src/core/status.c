/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "error.h"
#include "quote.h"
#include "status.h"

static const char *const states[] = {
    [NETFIL_STATE_OFF] = "off",
    [NETFIL_STATE_ON] = "on",
    [NETFIL_STATE_EXHAUSTED] = "exhausted",
    [NETFIL_STATE_WAITING] = "waiting",
};

NetfilStatus *netfil_status_new(const NetfilSpec *spec)
{
	NetfilStatus *status = g_new0(NetfilStatus, 1);

	status->spec = netfil_spec_copy(spec);
	return status;
}

void netfil_status_free(NetfilStatus *status)
{
	if (!status)
		return;
	netfil_spec_free(status->spec);
	g_free(status);
}

const char *netfil_state_name(NetfilState state)
{
	g_return_val_if_fail((guint)state < G_N_ELEMENTS(states), NULL);
	return states[state];
}

GVariant *netfil_status_to_variant(const NetfilStatus *status)
{
	const guint64 *used = status->used;
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", "name", g_variant_new_string(status->spec->name));
	g_variant_builder_add(&builder, "{sv}", "id", g_variant_new_uint64(status->id));
	g_variant_builder_add(&builder, "{sv}", "state",
			      g_variant_new_string(netfil_state_name(status->state)));
	g_variant_builder_add(&builder, "{sv}", "spec", netfil_spec_to_variant(status->spec));
	g_variant_builder_add(
	    &builder, "{sv}", "used",
	    g_variant_new("(ttt)", used[NETFIL_IN], used[NETFIL_OUT], used[NETFIL_TOTAL]));
	g_variant_builder_add(
	    &builder, "{sv}", "refused",
	    g_variant_new("(tt)", status->refused_bytes, status->refused_packets));
	g_variant_builder_add(&builder, "{sv}", "resets",
			      g_variant_new("(tt)", status->reset_bytes, status->reset_packets));
	g_variant_builder_add(&builder, "{sv}", "started",
			      g_variant_new_int64(status->cycle_started));
	return g_variant_builder_end(&builder);
}

/* NULL and an error if the key is missing or of another type. */
static GVariant *find(GVariant *variant, const char *key, const char *type, GError **error)
{
	GVariant *value = g_variant_lookup_value(variant, key, G_VARIANT_TYPE(type));

	if (!value)
		netfil_set_invalid(error, key, -1,
				   "is missing in the status, or is not of type %s: use the same "
				   "version of netfil and netfild",
				   type);
	return value;
}

static gboolean read_key(GVariant *variant, const char *key, const char *type, GError **error, ...)
{
	g_autoptr(GVariant) value = find(variant, key, type, error);
	va_list arguments;

	if (!value)
		return FALSE;
	va_start(arguments, error);
	g_variant_get_va(value, type, NULL, &arguments);
	va_end(arguments);
	return TRUE;
}

static gboolean read_state(GVariant *variant, NetfilState *state, GError **error)
{
	g_autofree char *name = NULL;

	if (!read_key(variant, "state", "s", error, &name))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		if (g_str_equal(states[i], name)) {
			*state = (NetfilState)i;
			return TRUE;
		}
	return netfil_set_invalid(error, name, -1,
				  "is not a filter's state: use the same version of netfil and "
				  "netfild");
}

static NetfilSpec *read_spec(GVariant *variant, GError **error)
{
	g_autoptr(GVariant) values = find(variant, "spec", "a{sas}", error);
	g_autoptr(NetfilSpec) spec = NULL;
	g_autofree char *name = NULL;

	if (!values || !read_key(variant, "name", "s", error, &name) ||
	    !netfil_spec_name_check(name, error))
		return NULL;
	spec = netfil_spec_new(name);
	if (!netfil_spec_update(spec, values, error))
		return NULL;
	return g_steal_pointer(&spec);
}

static gboolean read_counters(GVariant *variant, NetfilStatus *status, GError **error)
{
	guint64 *used = status->used;

	return read_key(variant, "id", "t", error, &status->id) &&
	       read_key(variant, "used", "(ttt)", error, &used[NETFIL_IN], &used[NETFIL_OUT],
			&used[NETFIL_TOTAL]) &&
	       read_key(variant, "refused", "(tt)", error, &status->refused_bytes,
			&status->refused_packets) &&
	       read_key(variant, "resets", "(tt)", error, &status->reset_bytes,
			&status->reset_packets) &&
	       read_key(variant, "started", "x", error, &status->cycle_started);
}

NetfilStatus *netfil_status_from_variant(GVariant *variant, GError **error)
{
	g_autoptr(NetfilStatus) status = NULL;

	if (!g_variant_is_of_type(variant, G_VARIANT_TYPE_VARDICT)) {
		netfil_set_invalid(error, g_variant_get_type_string(variant), -1,
				   "is not the type of a status: use a{sv}");
		return NULL;
	}
	status = g_new0(NetfilStatus, 1);
	status->spec = read_spec(variant, error);
	if (!status->spec || !read_state(variant, &status->state, error) ||
	    !read_counters(variant, status, error))
		return NULL;
	return g_steal_pointer(&status);
}

double netfil_status_fraction(const NetfilStatus *status)
{
	double tightest = -1;

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		guint64 cap = status->spec->cap[i];

		if (cap > 0)
			tightest = MAX(tightest, (double)MIN(status->used[i], cap) / (double)cap);
	}
	return tightest;
}
