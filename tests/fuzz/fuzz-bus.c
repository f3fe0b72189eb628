/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arguments of the bus. The input's first byte says how they are given:
 *   t  in the text form of a GVariant         (the next byte: its type, from 0)
 *   s  in its serialized form                 (the same)
 *   m  in a message as it comes over a socket
 */
#include <gio/gio.h>

#include "core/adjust.h"
#include "core/change.h"
#include "core/error.h"
#include "core/status.h"
#include "fuzz.h"

/* A call of Set, on a filter that has something of most sorts. */
static void try_set(GVariant *changes)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("a");
	g_autoptr(NetfilSpec) before = NULL;
	g_autoptr(GVariant) rest = NULL;
	g_autoptr(GError) error = NULL;
	NetfilAdjust adjust = {0};

	g_assert_true(netfil_spec_put(spec, "user", "alice", NULL));
	g_assert_true(netfil_spec_put(spec, "ip", "192.0.2.0/24", NULL));
	g_assert_true(netfil_spec_put(spec, "total", "25M", NULL));
	before = netfil_spec_copy(spec);
	if (!netfil_adjust_split(changes, &adjust, &rest, &error) ||
	    !netfil_spec_update(spec, rest, &error)) {
		fuzz_expect_refusal(&error);
		fuzz_expect_same(before, spec);
		return;
	}
	if (!netfil_adjust_check(&adjust, spec, &error))
		fuzz_expect_refusal(&error);
	g_assert_cmpuint(netfil_adjust_direction(spec), <, NETFIL_DIRECTIONS);
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		g_assert_cmpuint(netfil_cap_with(spec->cap[i], adjust.top_up[i]) > 0, ==,
				 spec->cap[i] > 0);
	fuzz_expect_carried(spec);
}

/* A call of Add, or one filter of Apply. */
static void try_add(const char *name, GVariant *specification)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(name);
	g_autoptr(GError) error = NULL;

	if (netfil_spec_name_check(name, &error) && netfil_spec_update(spec, specification, &error))
		fuzz_expect_carried(spec);
	else
		fuzz_expect_refusal(&error);
}

static void try_apply(GVariant *filters)
{
	GVariantIter iter;
	GVariant *specification;
	const char *name;

	g_variant_iter_init(&iter, filters);
	while (g_variant_iter_loop(&iter, "(&s@a{sas})", &name, &specification))
		try_add(name, specification);
}

/* What a client takes from netfild. */
static void try_status(GVariant *variant)
{
	g_autoptr(NetfilStatus) status = NULL, again = NULL;
	g_autoptr(GVariant) told = NULL, told_again = NULL;
	g_autoptr(GError) error = NULL;

	status = netfil_status_from_variant(variant, &error);
	if (!status) {
		fuzz_expect_refusal(&error);
		return;
	}
	told = g_variant_ref_sink(netfil_status_to_variant(status));
	again = netfil_status_from_variant(told, &error);
	g_assert_no_error(error);
	told_again = g_variant_ref_sink(netfil_status_to_variant(again));
	g_assert_true(g_variant_equal(told, told_again));
	g_assert_cmpint(netfil_status_tightest(status), <, NETFIL_DIRECTIONS);
	g_assert_cmpfloat(netfil_status_fraction(status), <=, 1);
	fuzz_expect_carried(status->spec);
}

static void try_statuses(GVariant *variants)
{
	gsize count = g_variant_n_children(variants);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) variant = g_variant_get_child_value(variants, i);

		try_status(variant);
	}
}

static void try_changes(GVariant *variant)
{
	g_autoptr(GPtrArray) changes = netfil_changes_from_variant(variant);
	g_autoptr(GVariant) told = g_variant_ref_sink(netfil_changes_to_variant(changes));
	g_autoptr(GPtrArray) again = netfil_changes_from_variant(told);
	g_autoptr(GVariant) told_again = g_variant_ref_sink(netfil_changes_to_variant(again));

	g_assert_cmpuint(changes->len, ==, g_variant_n_children(variant));
	g_assert_true(g_variant_equal(told, told_again));
}

static const struct {
	const char *type;
	void (*try)(GVariant *variant);
} takers[] = {
    {"a{sas}", try_set},      {"a(sa{sas})", try_apply}, {"a{sv}", try_status},
    {"aa{sv}", try_statuses}, {"a(ssass)", try_changes},
};

/* Every part of the value that somebody takes. */
static void try_value(GVariant *value)
{
	for (guint i = 0; i < G_N_ELEMENTS(takers); i++)
		if (g_variant_is_of_type(value, G_VARIANT_TYPE(takers[i].type)))
			takers[i].try(value);
	if (!g_variant_is_of_type(value, G_VARIANT_TYPE_TUPLE))
		return;
	for (gsize i = 0; i < g_variant_n_children(value); i++) {
		g_autoptr(GVariant) child = g_variant_get_child_value(value, i);

		if (!g_variant_is_of_type(child, G_VARIANT_TYPE_TUPLE))
			try_value(child);
	}
}

static GVariant *read_text(const uint8_t *data, size_t size, const GVariantType *type)
{
	const char *text = (const char *)data;
	GVariant *value = g_variant_parse(type, text, text + size, NULL, NULL);

	return value ? g_variant_take_ref(value) : NULL;
}

static GVariant *read_bytes(const uint8_t *data, size_t size, const GVariantType *type)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);

	return g_variant_ref_sink(g_variant_new_from_bytes(type, bytes, FALSE));
}

static GVariant *read_message(const uint8_t *data, size_t size)
{
	g_autofree guchar *blob = g_memdup2(data, size);
	g_autoptr(GDBusMessage) message =
	    g_dbus_message_new_from_blob(blob, size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
	GVariant *body = message ? g_dbus_message_get_body(message) : NULL;

	return body ? g_variant_ref(body) : NULL;
}

static GVariant *read_input(const uint8_t *data, size_t size)
{
	const GVariantType *type;

	if (size > 0 && data[0] == 'm')
		return read_message(data + 1, size - 1);
	if (size < 2 || (data[0] != 't' && data[0] != 's'))
		return NULL;
	type = G_VARIANT_TYPE(takers[(data[1] - '0') % G_N_ELEMENTS(takers)].type);
	return data[0] == 't' ? read_text(data + 2, size - 2, type)
			      : read_bytes(data + 2, size - 2, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GVariant) value = read_input(data, size);

	if (value)
		try_value(value);
	return 0;
}
