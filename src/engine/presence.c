// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "presence.h"

#include "cgroups.h"
#include "sets.h"

static void add_rules(gconstpointer pid G_GNUC_UNUSED, gconstpointer process, gpointer rules)
{
	netfil_set_union(rules, &((const struct netfil_process *)process)->rules);
}

/* Whether this is the first that asks of the kind. */
static gboolean is_new(NetfilPresence *presence, guint kind)
{
	guint32 known = presence->known;

	presence->known |= 1U << kind;
	return !(known & 1U << kind);
}

static gboolean has_process(NetfilPresence *presence, NetfilKernel *kernel, guint rule)
{
	if (is_new(presence, NETFIL_KIND_PROCESS))
		netfil_kernel_each_process(kernel, add_rules, &presence->processes);
	return netfil_set_has(&presence->processes, rule);
}

static gboolean has_cgroup(NetfilPresence *presence, NetfilKernel *kernel, guint rule)
{
	if (is_new(presence, NETFIL_KIND_CGROUP))
		netfil_cgroups_present(kernel, &presence->cgroups);
	return netfil_set_has(&presence->cgroups, rule);
}

gboolean netfil_presence_has(NetfilPresence *presence, NetfilKernel *kernel, const NetfilRule *rule)
{
	const NetfilSelectors *s = rule->selectors;

	return (!(s->asked & 1 << NETFIL_KIND_EXE) || s->exes->len) &&
	       (!(s->asked & 1 << NETFIL_KIND_USER) || s->uids->len) &&
	       (!(s->asked & 1 << NETFIL_KIND_PREFIX) || s->prefixes->len || s->lists->len) &&
	       (!(s->asked & 1 << NETFIL_KIND_CGROUP) ||
		has_cgroup(presence, kernel, rule->number)) &&
	       (!(s->asked & 1 << NETFIL_KIND_PROCESS) ||
		has_process(presence, kernel, rule->number));
}
