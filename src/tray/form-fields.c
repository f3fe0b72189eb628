/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "form-fields.h"

#include <glib/gi18n.h>

static void add(GPtrArray *fields, NetfilField *field)
{
	g_ptr_array_add(fields, field);
}

static void add_selectors(GPtrArray *fields, NetfilSpecType type)
{
	if (type == NETFIL_SPEC_INTERFACE)
		add(fields, netfil_field_interfaces("interface", _("Inte_rfaces")));
	if (type == NETFIL_SPEC_SOCKET) {
		add(fields, netfil_field_list("pid", _("Processes, by nu_mber"), "4711"));
		add(fields, netfil_field_list("exe", _("E_xecutables"), "/usr/bin/curl"));
		add(fields, netfil_field_list("user", _("_Users"), "guest"));
		add(fields, netfil_field_list("unit", _("System_d units"), "backup.service"));
	}
	if (type != NETFIL_SPEC_INTERFACE)
		add(fields, netfil_field_list("ip",
					      type == NETFIL_SPEC_IP ? _("_Addresses and prefixes")
								     : _("Only to _addresses"),
					      "192.0.2.0/24 2001:db8::/32"));
	if (type == NETFIL_SPEC_IP) {
		add(fields, netfil_field_list("port", _("_Ports"), "443 8000-8999"));
		add(fields, netfil_field_list("proto", _("Protoco_ls"), "tcp udp"));
	}
	add(fields, netfil_field_list("except", _("Bu_t not to"), "192.168.0.0/16"));
}

static void add_settings(GPtrArray *fields, NetfilSpecType type)
{
	add(fields, netfil_field_size("in", _("Cap on bytes _in")));
	add(fields, netfil_field_size("out", _("Cap on bytes _out")));
	add(fields, netfil_field_size("total", _("Cap on _both")));
	add(fields, netfil_field_policy("on-limit", _("At the _cap"), type == NETFIL_SPEC_SOCKET,
					type == NETFIL_SPEC_INTERFACE));
	add(fields, netfil_field_list("warn", _("Warn at p_ercent"), "80 95"));
	add(fields, netfil_field_cycle("every", _("Start a_gain")));
	add(fields, netfil_field_switch("rollover", _("Carr_y over what is left")));
	add(fields, netfil_field_list("free", _("Free _hours"), "01:00-07:00"));
	if (type != NETFIL_SPEC_INTERFACE)
		add(fields, netfil_field_switch("loopback", _("Count loopbac_k too")));
}

GPtrArray *netfil_form_fields(NetfilSpecType type)
{
	GPtrArray *fields = g_ptr_array_new();

	add_selectors(fields, type);
	add_settings(fields, type);
	return fields;
}

const char *netfil_form_hint(NetfilSpecType type)
{
	static const char *const hints[] = {
	    [NETFIL_SPEC_SOCKET] = N_("A cap on processes: by number, executable, user or unit."),
	    [NETFIL_SPEC_IP] = N_("A cap on addresses, ports and protocols."),
	    [NETFIL_SPEC_INTERFACE] = N_("A cap on all that goes through network interfaces."),
	};

	return _(hints[type]);
}

GVariant *netfil_form_values(const GPtrArray *fields, gboolean clear)
{
	GVariantBuilder values;

	g_variant_builder_init(&values, G_VARIANT_TYPE("a{sas}"));
	for (guint i = 0; i < fields->len; i++) {
		NetfilField *field = fields->pdata[i];
		g_auto(GStrv) strings = netfil_field_get(field);

		if (clear || strings[0])
			g_variant_builder_add(&values, "{s^as}", field->key, strings);
	}
	return g_variant_ref_sink(g_variant_builder_end(&values));
}

gboolean netfil_form_is(const GPtrArray *fields, const NetfilSpec *spec)
{
	g_autoptr(NetfilSpec) entered = netfil_spec_copy(spec);
	g_auto(GStrv) differing = NULL;
	g_autoptr(GVariant) values = netfil_form_values(fields, TRUE);

	if (!netfil_spec_update(entered, values, NULL))
		return FALSE;
	differing = netfil_spec_compare(entered, spec);
	return !differing[0];
}

GVariant *netfil_form_with_on(GVariant *values)
{
	const char *const on[] = {"true", NULL};
	GVariantBuilder builder;
	GVariantIter iter;
	GVariant *entry;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a{sas}"));
	g_variant_iter_init(&iter, values);
	while ((entry = g_variant_iter_next_value(&iter))) {
		g_variant_builder_add_value(&builder, entry);
		g_variant_unref(entry);
	}
	g_variant_builder_add(&builder, "{s^as}", "on", on);
	return g_variant_builder_end(&builder);
}
