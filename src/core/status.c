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
	status->warned = g_array_new(FALSE, FALSE, sizeof(guint8));
	return status;
}

NetfilStatus *netfil_status_copy(const NetfilStatus *status)
{
	NetfilStatus *copy = g_new(NetfilStatus, 1);

	*copy = *status;
	copy->spec = netfil_spec_copy(status->spec);
	copy->warned = g_array_copy(status->warned);
	return copy;
}

void netfil_status_free(NetfilStatus *status)
{
	if (!status)
		return;
	netfil_spec_free(status->spec);
	g_array_unref(status->warned);
	g_free(status);
}

const char *netfil_state_name(NetfilState state)
{
	g_return_val_if_fail((guint)state < G_N_ELEMENTS(states), NULL);
	return states[state];
}

const char *netfil_direction_name(guint direction)
{
	static const char *const names[] = {"in", "out", "total"};

	g_return_val_if_fail(direction < G_N_ELEMENTS(names), NULL);
	return names[direction];
}

const char *netfil_spec_type_name(NetfilSpecType type)
{
	static const char *const names[] = {
	    [NETFIL_SPEC_SOCKET] = "socket",
	    [NETFIL_SPEC_IP] = "ip",
	    [NETFIL_SPEC_INTERFACE] = "interface",
	};

	return names[type];
}

GVariant *netfil_counters_to_variant(const NetfilCounters *c)
{
	return g_variant_new("(tttttt)", c->in, c->out, c->refused_bytes, c->refused_packets,
			     c->reset_bytes, c->reset_packets);
}

static void add_cycle(GVariantBuilder *builder, const NetfilStatus *status)
{
	const gint64 *extra = status->extra;
	const GArray *warned = status->warned;

	g_variant_builder_add(builder, "{sv}", "started",
			      g_variant_new_int64(status->cycle_started));
	g_variant_builder_add(builder, "{sv}", "ends", g_variant_new_int64(status->cycle_ends));
	g_variant_builder_add(
	    builder, "{sv}", "extra",
	    g_variant_new("(xxx)", extra[NETFIL_IN], extra[NETFIL_OUT], extra[NETFIL_TOTAL]));
	g_variant_builder_add(builder, "{sv}", "forfeited",
			      g_variant_new_uint64(status->forfeited));
	g_variant_builder_add(builder, "{sv}", "unlimited-until",
			      g_variant_new_int64(status->unlimited_until));
	g_variant_builder_add(builder, "{sv}", "free-until",
			      g_variant_new_int64(status->free_until));
	g_variant_builder_add(builder, "{sv}", "forecast", g_variant_new_int64(status->forecast));
	g_variant_builder_add(builder, "{sv}", "warned",
			      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, warned->data,
							warned->len, sizeof(guint8)));
}

GVariant *netfil_status_to_variant(const NetfilStatus *status)
{
	const guint64 *used = status->used;
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", "name", g_variant_new_string(status->spec->name));
	g_variant_builder_add(&builder, "{sv}", "id", g_variant_new_uint64(status->id));
	g_variant_builder_add(&builder, "{sv}", "owner", g_variant_new_uint32(status->owner));
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
	g_variant_builder_add(&builder, "{sv}", "counted",
			      netfil_counters_to_variant(&status->counted));
	add_cycle(&builder, status);
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
	NetfilCounters *counted = &status->counted;
	guint64 *used = status->used;

	return read_key(variant, "id", "t", error, &status->id) &&
	       read_key(variant, "owner", "u", error, &status->owner) &&
	       read_key(variant, "used", "(ttt)", error, &used[NETFIL_IN], &used[NETFIL_OUT],
			&used[NETFIL_TOTAL]) &&
	       read_key(variant, "refused", "(tt)", error, &status->refused_bytes,
			&status->refused_packets) &&
	       read_key(variant, "resets", "(tt)", error, &status->reset_bytes,
			&status->reset_packets) &&
	       read_key(variant, "counted", "(tttttt)", error, &counted->in, &counted->out,
			&counted->refused_bytes, &counted->refused_packets, &counted->reset_bytes,
			&counted->reset_packets);
}

static gboolean read_cycle(GVariant *variant, NetfilStatus *status, GError **error)
{
	gint64 *extra = status->extra;

	return read_key(variant, "started", "x", error, &status->cycle_started) &&
	       read_key(variant, "ends", "x", error, &status->cycle_ends) &&
	       read_key(variant, "extra", "(xxx)", error, &extra[NETFIL_IN], &extra[NETFIL_OUT],
			&extra[NETFIL_TOTAL]) &&
	       read_key(variant, "forfeited", "t", error, &status->forfeited) &&
	       read_key(variant, "unlimited-until", "x", error, &status->unlimited_until) &&
	       read_key(variant, "free-until", "x", error, &status->free_until) &&
	       read_key(variant, "forecast", "x", error, &status->forecast);
}

static gboolean read_warned(GVariant *variant, NetfilStatus *status, GError **error)
{
	g_autoptr(GVariant) value = find(variant, "warned", "ay", error);
	gconstpointer percents;
	gsize count;

	if (!value)
		return FALSE;
	percents = g_variant_get_fixed_array(value, &count, sizeof(guint8));
	g_array_append_vals(status->warned, percents, (guint)count);
	return TRUE;
}

NetfilStatus *netfil_status_from_variant(GVariant *variant, GError **error)
{
	g_autoptr(NetfilStatus) status = NULL;
	g_autoptr(NetfilSpec) spec = NULL;

	if (!g_variant_is_of_type(variant, G_VARIANT_TYPE_VARDICT)) {
		netfil_set_invalid(error, g_variant_get_type_string(variant), -1,
				   "is not the type of a status: use a{sv}");
		return NULL;
	}
	spec = read_spec(variant, error);
	if (!spec)
		return NULL;
	status = netfil_status_new(spec);
	if (!read_state(variant, &status->state, error) || !read_counters(variant, status, error) ||
	    !read_cycle(variant, status, error) || !read_warned(variant, status, error))
		return NULL;
	return g_steal_pointer(&status);
}

guint64 netfil_status_limit(const NetfilStatus *status, guint direction)
{
	return netfil_cap_with(status->spec->cap[direction], status->extra[direction]);
}

static double share(const NetfilStatus *status, guint direction)
{
	return (double)status->used[direction] / (double)netfil_status_limit(status, direction);
}

int netfil_status_tightest(const NetfilStatus *status)
{
	int tightest = -1;

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		if (netfil_status_limit(status, i) > 0 &&
		    (tightest < 0 || share(status, i) > share(status, (guint)tightest)))
			tightest = (int)i;
	return tightest;
}

double netfil_status_fraction(const NetfilStatus *status)
{
	int tightest = netfil_status_tightest(status);

	return tightest < 0 ? -1 : MIN(share(status, (guint)tightest), 1);
}
