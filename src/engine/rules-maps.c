// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the maps should be, by kind. */
#include "cgroups.h"
#include "rules-private.h"

static gboolean apply_exes(NetfilRules *r, GError **error)
{
	g_autoptr(GHashTable) wanted = netfil_wanted_new();
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule)
		for (guint i = 0; i < rule->selectors->exes->len; i++)
			netfil_set_add(netfil_wanted_get(wanted,
							 &g_array_index(rule->selectors->exes,
									struct netfil_exe, i),
							 sizeof(struct netfil_exe)),
				       rule->number);
	return netfil_table_apply(r->exes, wanted, error);
}

static gboolean apply_users(NetfilRules *r, GError **error)
{
	g_autoptr(GHashTable) wanted = netfil_wanted_new();
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule)
		for (guint i = 0; i < rule->selectors->uids->len; i++)
			netfil_set_add(
			    netfil_wanted_get(wanted,
					      &g_array_index(rule->selectors->uids, guint32, i),
					      sizeof(guint32)),
			    rule->number);
	return netfil_table_apply(r->users, wanted, error);
}

static gboolean write_prefixes(NetfilPrefixes *prefixes, const GArray *sources, GError **error)
{
	gboolean done;

	return netfil_prefixes_aim(prefixes, sources, error) &&
	       netfil_prefixes_write(prefixes, G_MAXINT64, &done, error);
}

static void add_source(GArray *sources, const GArray *prefixes, const NetfilRule *rule)
{
	NetfilPrefixSource source = {prefixes, rule->number};

	if (prefixes->len)
		g_array_append_val(sources, source);
}

GArray *netfil_rules_prefix_sources(NetfilRules *r)
{
	GArray *sources = g_array_new(FALSE, FALSE, sizeof(NetfilPrefixSource));
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule) {
		const GPtrArray *lists = rule->selectors->lists;

		add_source(sources, rule->selectors->prefixes, rule);
		for (guint i = 0; i < lists->len; i++)
			add_source(sources, ((const NetfilList *)lists->pdata[i])->prefixes, rule);
	}
	return sources;
}

static gboolean apply_prefixes(NetfilRules *r, GError **error)
{
	g_autoptr(GArray) sources = netfil_rules_prefix_sources(r);

	r->stale = FALSE;
	return write_prefixes(r->prefixes, sources, error);
}

static gboolean apply_excepts(NetfilRules *r, GError **error)
{
	g_autoptr(GArray) sources = g_array_new(FALSE, FALSE, sizeof(NetfilPrefixSource));
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule)
		add_source(sources, rule->selectors->excepts, rule);
	return write_prefixes(r->excepts, sources, error);
}

static gboolean apply_ports(NetfilRules *r, GError **error)
{
	g_autofree struct netfil_set *wanted = g_new0(struct netfil_set, 65536);
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule) {
		for (guint i = 0; i < rule->selectors->ports->len; i++) {
			const NetfilPortRange *range =
			    &g_array_index(rule->selectors->ports, NetfilPortRange, i);

			for (guint port = range->first; port <= range->last; port++)
				netfil_set_add(&wanted[port], rule->number);
		}
	}
	return netfil_array_apply(r->sets, netfil_kernel_port_set(r->kernel, 0), wanted, 65536,
				  error);
}

static gboolean apply_protos(NetfilRules *r, GError **error)
{
	g_autofree struct netfil_set *wanted = g_new0(struct netfil_set, 256);
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule)
		for (guint i = 0; i < rule->selectors->protos->len; i++)
			netfil_set_add(&wanted[g_array_index(rule->selectors->protos, guint8, i)],
				       rule->number);
	return netfil_array_apply(r->sets, netfil_kernel_proto_set(r->kernel, 0), wanted, 256,
				  error);
}

gboolean netfil_rules_apply(NetfilRules *r, guint32 kinds, GError **error)
{
	if (r->frozen)
		return TRUE;
	if (r->gathering) {
		r->due |= kinds;
		return TRUE;
	}
	return (!(kinds & 1 << NETFIL_KIND_EXE) || apply_exes(r, error)) &&
	       (!(kinds & 1 << NETFIL_KIND_USER) || apply_users(r, error)) &&
	       (!(kinds & 1 << NETFIL_KIND_CGROUP) ||
		netfil_cgroups_apply(r->kernel, r->by_number, error)) &&
	       (!(kinds & 1 << NETFIL_KIND_PREFIX) || apply_prefixes(r, error)) &&
	       (!(kinds & NETFIL_ASKED_EXCEPT) || apply_excepts(r, error)) &&
	       (!(kinds & 1 << NETFIL_KIND_PORT) || apply_ports(r, error)) &&
	       (!(kinds & 1 << NETFIL_KIND_PROTO) || apply_protos(r, error));
}
