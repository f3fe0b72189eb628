/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "error.h"
#include "quote.h"
#include "status.h"

static const char *const states[] = {
    [NETFIL_STATE_OFF] = "off",
    [NETFIL_STATE_ON] = "on",
    [NETFIL_STATE_EXHAUSTED] = "exhausted",
    [NETFIL_STATE_WAITING] = "waiting",
};

/* Of most filters. */
static GVariant *no_lists(void)
{
	static GVariant *none;

	if (g_once_init_enter(&none))
		g_once_init_leave(&none,
				  g_variant_ref_sink(g_variant_new(NETFIL_LISTS_TYPE, NULL)));
	return none;
}

NetfilStatus *netfil_status_new(NetfilSpec *spec)
{
	NetfilStatus *status = g_new0(NetfilStatus, 1);

	status->spec = netfil_spec_share(spec);
	status->warned = g_array_new(FALSE, FALSE, sizeof(guint8));
	status->lists = g_variant_ref(no_lists());
	return status;
}

void netfil_status_take_lists(NetfilStatus *status, GVariant *lists)
{
	g_variant_unref(status->lists);
	status->lists = g_variant_take_ref(lists);
}

NetfilStatus *netfil_status_copy(const NetfilStatus *status)
{
	NetfilStatus *copy = g_memdup2(status, sizeof(*status));

	copy->spec = netfil_spec_share(status->spec);
	copy->warned = g_array_copy(status->warned);
	g_variant_ref(copy->lists);
	return copy;
}

void netfil_status_free(NetfilStatus *status)
{
	if (!status)
		return;
	netfil_spec_free(status->spec);
	g_array_unref(status->warned);
	g_variant_unref(status->lists);
	g_free(status);
}

static gboolean same_warned(const GArray *a, const GArray *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

gboolean netfil_status_equal(const NetfilStatus *a, const NetfilStatus *b)
{
	return a->spec == b->spec && a->id == b->id && a->owner == b->owner &&
	       a->state == b->state && memcmp(a->used, b->used, sizeof(a->used)) == 0 &&
	       a->refused_bytes == b->refused_bytes && a->refused_packets == b->refused_packets &&
	       a->reset_bytes == b->reset_bytes && a->reset_packets == b->reset_packets &&
	       memcmp(&a->counted, &b->counted, sizeof(a->counted)) == 0 &&
	       a->cycle_started == b->cycle_started && a->cycle_ends == b->cycle_ends &&
	       memcmp(a->extra, b->extra, sizeof(a->extra)) == 0 && a->forfeited == b->forfeited &&
	       a->unlimited_until == b->unlimited_until && a->free_until == b->free_until &&
	       a->forecast == b->forecast && same_warned(a->warned, b->warned) &&
	       (a->lists == b->lists || g_variant_equal(a->lists, b->lists)) &&
	       a->members == b->members && a->members_at_cap == b->members_at_cap &&
	       memcmp(a->others, b->others, sizeof(a->others)) == 0;
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

/* A status on the bus. */

enum {
	NAME,
	ID,
	OWNER,
	STATE,
	SPEC,
	USED,
	REFUSED,
	RESETS,
	COUNTED,
	STARTED,
	ENDS,
	EXTRA,
	FORFEITED,
	UNLIMITED_UNTIL,
	FREE_UNTIL,
	FORECAST,
	WARNED,
	LISTS,
	MEMBERS,
	OTHERS,
	PARTS,
};

static const struct {
	const char *key, *type;
	gsize size; /* of those that are numbers */
} parts[PARTS] = {
    [NAME] = {"name", "s", 0},
    [ID] = {"id", "t", 8},
    [OWNER] = {"owner", "u", sizeof(guint32)},
    [STATE] = {"state", "s", 0},
    [SPEC] = {"spec", "a{sas}", 0},
    [USED] = {"used", "(ttt)", 24},
    [REFUSED] = {"refused", "(tt)", 16},
    [RESETS] = {"resets", "(tt)", 16},
    [COUNTED] = {"counted", "(tttttt)", sizeof(NetfilCounters)},
    [STARTED] = {"started", "x", 8},
    [ENDS] = {"ends", "x", 8},
    [EXTRA] = {"extra", "(xxx)", 24},
    [FORFEITED] = {"forfeited", "t", 8},
    [UNLIMITED_UNTIL] = {"unlimited-until", "x", 8},
    [FREE_UNTIL] = {"free-until", "x", 8},
    [FORECAST] = {"forecast", "x", 8},
    [WARNED] = {"warned", "ay", 0},
    [LISTS] = {"lists", NETFIL_LISTS_TYPE, 0},
    [MEMBERS] = {"members", "(uu)", 8},
    [OTHERS] = {"others", "(ttt)", 24},
};

static GVariant *entry(guint part, GVariant *value)
{
	return g_variant_new_dict_entry(g_variant_new_string(parts[part].key),
					g_variant_new_variant(value));
}

static GVariant *fixed(guint part, gconstpointer numbers)
{
	gsize size = parts[part].size;
	gpointer copy = g_memdup2(numbers, size);

	return entry(part, g_variant_new_from_data(G_VARIANT_TYPE(parts[part].type), copy, size,
						   TRUE, g_free, copy));
}

/* Most of a status is 0, and there may be many filters: those entries are the same for all. */
static void add_numbers(GVariantBuilder *builder, guint part, gconstpointer numbers)
{
	static const NetfilCounters zeros; /* the longest */
	static GVariant *empty[PARTS];

	if (memcmp(numbers, &zeros, parts[part].size) != 0) {
		g_variant_builder_add_value(builder, fixed(part, numbers));
		return;
	}
	if (!empty[part])
		empty[part] = g_variant_ref_sink(fixed(part, &zeros));
	g_variant_builder_add_value(builder, empty[part]);
}

static void add(GVariantBuilder *builder, guint part, GVariant *value)
{
	g_variant_builder_add_value(builder, entry(part, value));
}

static void add_cycle(GVariantBuilder *builder, const NetfilStatus *status)
{
	const GArray *warned = status->warned;

	add_numbers(builder, STARTED, &status->cycle_started);
	add_numbers(builder, ENDS, &status->cycle_ends);
	add_numbers(builder, EXTRA, status->extra);
	add_numbers(builder, FORFEITED, &status->forfeited);
	add_numbers(builder, UNLIMITED_UNTIL, &status->unlimited_until);
	add_numbers(builder, FREE_UNTIL, &status->free_until);
	add_numbers(builder, FORECAST, &status->forecast);
	add(builder, WARNED,
	    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, warned->data, warned->len,
				      sizeof(guint8)));
}

GVariant *netfil_status_to_variant(const NetfilStatus *status)
{
	const guint64 refused[] = {status->refused_bytes, status->refused_packets};
	const guint64 resets[] = {status->reset_bytes, status->reset_packets};
	const guint32 members[] = {status->members, status->members_at_cap};
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	add(&builder, NAME, g_variant_new_string(status->spec->name));
	add_numbers(&builder, ID, &status->id);
	add_numbers(&builder, OWNER, &status->owner);
	add(&builder, STATE, g_variant_new_string(netfil_state_name(status->state)));
	add(&builder, SPEC, netfil_spec_to_variant(status->spec));
	add_numbers(&builder, USED, status->used);
	add_numbers(&builder, REFUSED, refused);
	add_numbers(&builder, RESETS, resets);
	add_numbers(&builder, COUNTED, &status->counted);
	add_cycle(&builder, status);
	add(&builder, LISTS, status->lists);
	add_numbers(&builder, MEMBERS, members);
	add_numbers(&builder, OTHERS, status->others);
	return g_variant_builder_end(&builder);
}

typedef struct {
	GVariant *values[PARTS];
} Parts;

static void parts_clear(Parts *from)
{
	for (guint i = 0; i < PARTS; i++)
		g_clear_pointer(&from->values[i], g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

/* Keys of a newer version are passed over; of one that is there twice the first counts. */
static void take_part(Parts *into, const char *key, GVariant *value)
{
	for (guint i = 0; i < PARTS; i++) {
		if (into->values[i] || !g_str_equal(parts[i].key, key))
			continue;
		if (g_variant_is_of_type(value, G_VARIANT_TYPE(parts[i].type)))
			into->values[i] = g_variant_ref(value);
		return;
	}
}

static gboolean take_apart(GVariant *variant, Parts *into, GError **error)
{
	GVariantIter iter;
	GVariant *value;
	const char *key;

	g_variant_iter_init(&iter, variant);
	while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
		take_part(into, key, value);
		g_variant_unref(value);
	}
	for (guint i = 0; i < PARTS; i++)
		if (!into->values[i])
			return netfil_set_invalid(
			    error, parts[i].key, -1,
			    "is missing in the status, or is not of type %s: use the same "
			    "version of netfil and netfild",
			    parts[i].type);
	return TRUE;
}

static gboolean read_state(const char *name, NetfilState *state, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		if (g_str_equal(states[i], name)) {
			*state = (NetfilState)i;
			return TRUE;
		}
	return netfil_set_invalid(error, name, -1,
				  "is not a filter's state: use the same version of netfil and "
				  "netfild");
}

static NetfilSpec *read_spec(const Parts *from, GError **error)
{
	const char *name = g_variant_get_string(from->values[NAME], NULL);

	return netfil_spec_name_check(name, error)
		   ? netfil_spec_from_variant(name, from->values[SPEC], error)
		   : NULL;
}

static void read_counters(const Parts *from, NetfilStatus *status)
{
	NetfilCounters *counted = &status->counted;
	guint64 *used = status->used;

	status->id = g_variant_get_uint64(from->values[ID]);
	status->owner = g_variant_get_uint32(from->values[OWNER]);
	g_variant_get(from->values[USED], "(ttt)", &used[NETFIL_IN], &used[NETFIL_OUT],
		      &used[NETFIL_TOTAL]);
	g_variant_get(from->values[REFUSED], "(tt)", &status->refused_bytes,
		      &status->refused_packets);
	g_variant_get(from->values[RESETS], "(tt)", &status->reset_bytes, &status->reset_packets);
	g_variant_get(from->values[COUNTED], "(tttttt)", &counted->in, &counted->out,
		      &counted->refused_bytes, &counted->refused_packets, &counted->reset_bytes,
		      &counted->reset_packets);
}

static void read_cycle(const Parts *from, NetfilStatus *status)
{
	gint64 *extra = status->extra;
	gconstpointer percents;
	gsize count;

	status->cycle_started = g_variant_get_int64(from->values[STARTED]);
	status->cycle_ends = g_variant_get_int64(from->values[ENDS]);
	g_variant_get(from->values[EXTRA], "(xxx)", &extra[NETFIL_IN], &extra[NETFIL_OUT],
		      &extra[NETFIL_TOTAL]);
	status->forfeited = g_variant_get_uint64(from->values[FORFEITED]);
	status->unlimited_until = g_variant_get_int64(from->values[UNLIMITED_UNTIL]);
	status->free_until = g_variant_get_int64(from->values[FREE_UNTIL]);
	status->forecast = g_variant_get_int64(from->values[FORECAST]);
	percents = g_variant_get_fixed_array(from->values[WARNED], &count, sizeof(guint8));
	g_array_append_vals(status->warned, percents, (guint)count);
}

static void read_members(const Parts *from, NetfilStatus *status)
{
	guint64 *others = status->others;

	g_variant_get(from->values[MEMBERS], "(uu)", &status->members, &status->members_at_cap);
	g_variant_get(from->values[OTHERS], "(ttt)", &others[NETFIL_IN], &others[NETFIL_OUT],
		      &others[NETFIL_TOTAL]);
}

NetfilStatus *netfil_status_from_variant(GVariant *variant, GError **error)
{
	g_autoptr(NetfilStatus) status = NULL;
	g_autoptr(NetfilSpec) spec = NULL;
	g_auto(Parts) from = {0};

	if (!g_variant_is_of_type(variant, G_VARIANT_TYPE_VARDICT)) {
		netfil_set_invalid(error, g_variant_get_type_string(variant), -1,
				   "is not the type of a status: use a{sv}");
		return NULL;
	}
	if (!take_apart(variant, &from, error) || !(spec = read_spec(&from, error)))
		return NULL;
	status = netfil_status_new(spec);
	if (!read_state(g_variant_get_string(from.values[STATE], NULL), &status->state, error))
		return NULL;
	read_counters(&from, status);
	read_cycle(&from, status);
	netfil_status_take_lists(status, g_variant_ref(from.values[LISTS]));
	read_members(&from, status);
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

	if (status->spec->each)
		return -1; /* each member has its own */
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
