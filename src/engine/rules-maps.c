// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the maps should be, by kind. */
#include <string.h>

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

typedef struct {
	NetfilPrefix prefix;
	struct netfil_set *set; /* in the table of what is wanted */
} PrefixSet;

static gint compare_prefix_sets(gconstpointer a, gconstpointer b)
{
	return netfil_prefix_compare(&((const PrefixSet *)a)->prefix,
				     &((const PrefixSet *)b)->prefix);
}

static const NetfilPrefix all_ipv4 = {.address = {[10] = 0xff, [11] = 0xff}, .length = 96};

/* The trie yields the longest prefix alone: so each has the rules of those around it
 * too. Sorted, an outer one stands before its inner ones. IPv4 inherits nothing from
 * IPv6 prefixes: ::/0 is all of IPv6, and only that. */
static void inherit_prefixes(GArray *prefixes)
{
	g_autoptr(GArray) around = g_array_new(FALSE, FALSE, sizeof(PrefixSet));

	g_array_sort(prefixes, compare_prefix_sets);
	for (guint i = 0; i < prefixes->len; i++) {
		PrefixSet *at = &g_array_index(prefixes, PrefixSet, i);

		while (around->len &&
		       !netfil_prefix_contains(
			   &g_array_index(around, PrefixSet, around->len - 1).prefix, &at->prefix))
			g_array_set_size(around, around->len - 1);
		if (around->len && netfil_prefix_compare(&at->prefix, &all_ipv4))
			netfil_set_union(at->set,
					 g_array_index(around, PrefixSet, around->len - 1).set);
		g_array_append_val(around, *at);
	}
}

/* Notes that `rule` (NETFIL_RULES_MAX: none) lists the prefix. */
static void want_prefix(GHashTable *wanted, GArray *all, const NetfilPrefix *prefix, guint rule)
{
	struct netfil_prefix key = {.length = prefix->length};
	guint before = g_hash_table_size(wanted);
	PrefixSet entry = {.prefix = *prefix};

	memcpy(key.address, prefix->address, sizeof(key.address));
	entry.set = netfil_wanted_get(wanted, &key, sizeof(key));
	if (rule < NETFIL_RULES_MAX)
		netfil_set_add(entry.set, rule);
	if (g_hash_table_size(wanted) > before)
		g_array_append_val(all, entry);
}

static void want_prefixes(GHashTable *wanted, GArray *all, const GArray *prefixes, guint rule)
{
	for (guint i = 0; i < prefixes->len; i++)
		want_prefix(wanted, all, &g_array_index(prefixes, NetfilPrefix, i), rule);
}

static gboolean write_prefixes(NetfilTable *table, GHashTable *wanted, GArray *all, GError **error)
{
	if (all->len)
		want_prefix(wanted, all, &all_ipv4, NETFIL_RULES_MAX);
	inherit_prefixes(all);
	return netfil_table_apply(table, wanted, error);
}

static gboolean apply_prefixes(NetfilRules *r, GError **error)
{
	g_autoptr(GHashTable) wanted = netfil_wanted_new();
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(PrefixSet));
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule)
		want_prefixes(wanted, all, rule->selectors->prefixes, rule->number);
	return write_prefixes(r->prefixes, wanted, all, error);
}

static gboolean apply_excepts(NetfilRules *r, GError **error)
{
	g_autoptr(GHashTable) wanted = netfil_wanted_new();
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(PrefixSet));
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule)
		want_prefixes(wanted, all, rule->selectors->excepts, rule->number);
	return write_prefixes(r->excepts, wanted, all, error);
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
