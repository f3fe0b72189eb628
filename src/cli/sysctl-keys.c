/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sysctl-keys.h"

#include <string.h>

#include "core/error.h"
#include "core/quote.h"

/* A control group that nobody makes: switched on by hand, such a filter waits. */
#define NOTHING "/netfil.unset"

static const NetfilSysctlKind interface_kind = {
    .filter = "sysctl-interface",
    .name = "net.netfil.interface.list",
    .selector = "interface",
    .unset = "",
    .instead = "interface",
    .instead_value = "*", /* all but loopback */
    .waits = TRUE,
};

static const NetfilSysctlKind socket_kind = {
    .filter = "sysctl-socket",
    .name = "net.netfil.socket.pid",
    .selector = "pid",
    .unset = "0",
    .instead = "cgroup",
    .instead_value = NOTHING,
};

static const NetfilSysctlKind ip_kind = {
    .filter = "sysctl-ip",
    .name = "net.netfil.ip.addr",
    .selector = "ip",
    .unset = "",
    .instead = "cgroup",
    .instead_value = NOTHING,
    .waits = TRUE,
};

static const NetfilSysctlKey keys[] = {
    {"net.netfil.interface.list", &interface_kind, "interface"},
    {"net.netfil.interface.ibyte", &interface_kind, "in"},
    {"net.netfil.interface.obyte", &interface_kind, "out"},
    {"net.netfil.interface.iobyte", &interface_kind, "total"},
    {"net.netfil.interface.status", &interface_kind, "on"},
    {"net.netfil.socket.pid", &socket_kind, "pid"},
    {"net.netfil.socket.ibyte", &socket_kind, "in"},
    {"net.netfil.socket.obyte", &socket_kind, "out"},
    {"net.netfil.socket.iobyte", &socket_kind, "total"},
    {"net.netfil.socket.status", &socket_kind, "on"},
    {"net.netfil.ip.addr", &ip_kind, "ip"},
    {"net.netfil.ip.ibyte", &ip_kind, "in"},
    {"net.netfil.ip.obyte", &ip_kind, "out"},
    {"net.netfil.ip.iobyte", &ip_kind, "total"},
    {"net.netfil.ip.status", &ip_kind, "on"},
};

const NetfilSysctlKey *netfil_sysctl_keys(guint *count)
{
	*count = G_N_ELEMENTS(keys);
	return keys;
}

gboolean netfil_sysctl_is_status(const NetfilSysctlKey *key)
{
	return g_str_equal(key->key, "on");
}

gboolean netfil_sysctl_is_selector(const NetfilSysctlKey *key)
{
	return g_str_equal(key->key, key->kind->selector);
}

static GVariant *changes_of(const char *key, const char *const *values)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sas}"));

	g_variant_builder_add(&builder, "{s^as}", key, values);
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

static gboolean has_stand_in(const NetfilSysctlKind *kind)
{
	return !g_str_equal(kind->instead, kind->selector);
}

/* The selector, and what stood in for it away; or, without values, the other way round. */
static GVariant *select_these(const NetfilSysctlKind *kind, const char *const *values)
{
	const char *const none[] = {NULL};
	const char *const instead[] = {kind->instead_value, NULL};
	gboolean unset = !values[0];
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sas}"));

	if (has_stand_in(kind) || !unset)
		g_variant_builder_add(&builder, "{s^as}", kind->selector, values);
	if (has_stand_in(kind) || unset)
		g_variant_builder_add(&builder, "{s^as}", kind->instead, unset ? instead : none);
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

GVariant *netfil_sysctl_unset(const NetfilSysctlKind *kind)
{
	const char *const none[] = {NULL};

	return select_these(kind, none);
}

NetfilSpec *netfil_sysctl_defaults(const NetfilSysctlKind *kind)
{
	NetfilSpec *spec = netfil_spec_new(kind->filter);

	netfil_spec_put(spec, kind->instead, kind->instead_value, NULL);
	spec->on = FALSE;
	return spec;
}

/* "192.0.2.1,192.0.2.2"; NULL if there are none. */
static char *values_of(const NetfilSpec *spec, const char *key)
{
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_spec_to_variant(spec));
	g_auto(GStrv) values = NULL;

	if (!g_variant_lookup(variant, key, "^as", &values))
		return NULL;
	return g_strjoinv(",", values);
}

/* NULL while it is not set. */
static char *selected(const NetfilSysctlKind *kind, const NetfilSpec *spec)
{
	g_autofree char *values = values_of(spec, kind->selector);

	if (values && !has_stand_in(kind) && g_str_equal(values, kind->instead_value))
		return NULL;
	return g_steal_pointer(&values);
}

char *netfil_sysctl_text(const NetfilSysctlKey *key, const NetfilSpec *spec)
{
	char *text;

	if (netfil_sysctl_is_status(key))
		return g_strdup(spec->on ? "1" : "0");
	if (netfil_sysctl_is_selector(key)) {
		text = selected(key->kind, spec);
		return text ? text : g_strdup(key->kind->unset);
	}
	text = values_of(spec, key->key);
	return text ? text : g_strdup("0");
}

/* Has a filter look at them, before netfild does. */
static GVariant *check_changes(const NetfilSysctlKind *kind, GVariant *changes, GError **error)
{
	g_autoptr(NetfilSpec) trial = netfil_sysctl_defaults(kind);

	if (netfil_spec_update(trial, changes, error))
		return changes;
	g_variant_unref(changes);
	return NULL;
}

static GVariant *selector_changes(const NetfilSysctlKind *kind, const char *value, GError **error)
{
	g_auto(GStrv) words = g_strsplit(value, ",", -1);

	if (g_str_equal(value, kind->unset) || !*value)
		return netfil_sysctl_unset(kind);
	for (guint i = 0; words[i]; i++)
		g_strstrip(words[i]);
	return check_changes(kind, select_these(kind, (const char *const *)words), error);
}

GVariant *netfil_sysctl_changes(const NetfilSysctlKey *key, const char *value, GError **error)
{
	const char *const values[] = {value, NULL};

	if (!netfil_text_is_plain(value)) { /* what a bus cannot carry */
		netfil_set_invalid(error, value, -1,
				   "is no value: use UTF-8 text without control characters");
		return NULL;
	}
	if (netfil_sysctl_is_selector(key))
		return selector_changes(key->kind, value, error);
	if (!netfil_sysctl_is_status(key))
		return check_changes(key->kind, changes_of(key->key, values), error);
	if (g_str_equal(value, "0") || g_str_equal(value, "1")) {
		const char *const on[] = {*value == '1' ? "true" : "false", NULL};

		return changes_of(key->key, on);
	}
	netfil_set_invalid(error, value, -1, "is no status: use 1 to start, 0 to stop");
	return NULL;
}

gboolean netfil_sysctl_check(const NetfilSysctlKind *kind, const NetfilSpec *spec, GError **error)
{
	g_autofree char *values = selected(kind, spec);
	int length = (int)(strrchr(kind->name, '.') - kind->name);

	if (!values && has_stand_in(kind)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "status 1 needs %s: set it, or leave status at 0", kind->name);
		return FALSE;
	}
	if (!spec->cap[NETFIL_IN] && !spec->cap[NETFIL_OUT] && !spec->cap[NETFIL_TOTAL]) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "status 1 needs a cap: set ibyte, obyte or iobyte of %.*s, or leave "
			    "status at 0",
			    length, kind->name);
		return FALSE;
	}
	return TRUE;
}
