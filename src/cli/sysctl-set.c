/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sysctl-set.h"

#include "core/error.h"

NetfilStatus *netfil_sysctl_status(NetfilClient *client, const NetfilSysctlKind *kind,
				   GError **error)
{
	g_autoptr(GError) problem = NULL;
	NetfilStatus *status = netfil_client_get(client, kind->filter, &problem);

	if (!status && !g_error_matches(problem, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND))
		g_propagate_error(error, g_steal_pointer(&problem));
	return status;
}

/* TRUE if it was only that there is no such filter. */
static gboolean forgive_absence(GError *problem, GError **error)
{
	if (g_error_matches(problem, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND)) {
		g_error_free(problem);
		return TRUE;
	}
	g_propagate_error(error, problem);
	return FALSE;
}

/* The process may have ended since it was named. */
static gboolean check_presence(NetfilClient *client, const NetfilSysctlKind *kind, GError **error)
{
	const char *const names[] = {kind->filter, NULL};
	g_autoptr(NetfilStatus) status = netfil_client_get(client, kind->filter, error);

	if (!status)
		return FALSE;
	if (kind->waits || status->state != NETFIL_STATE_WAITING)
		return TRUE;
	if (netfil_client_switch(client, names, FALSE, error))
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "the process has ended: set %s to one that runs", kind->name);
	return FALSE;
}

static gboolean start(NetfilClient *client, const NetfilSysctlKind *kind, gboolean runs,
		      GError **error)
{
	const char *const names[] = {kind->filter, NULL};

	return netfil_client_switch(client, names, TRUE, error) &&
	       (runs || check_presence(client, kind, error));
}

static gboolean stop(NetfilClient *client, const NetfilSysctlKind *kind, GError **error)
{
	const char *const names[] = {kind->filter, NULL};
	GError *problem = NULL;

	if (!netfil_client_switch(client, names, FALSE, &problem))
		return forgive_absence(problem, error);
	return netfil_client_reset(client, names, error);
}

/* The same number may be another process by now, and only one that is named anew is looked
 * up again. */
static gboolean forget_process(NetfilClient *client, const NetfilSysctlKey *key,
			       const NetfilStatus *status, const NetfilSpec *after, GError **error)
{
	g_autofree char *old = netfil_sysctl_text(key, status->spec);
	g_autofree char *new = netfil_sysctl_text(key, after);
	g_autoptr(GVariant) unset = NULL;

	if (key->kind->waits || !netfil_sysctl_is_selector(key) || status->spec->on ||
	    !g_str_equal(old, new))
		return TRUE;
	unset = netfil_sysctl_unset(key->kind);
	return netfil_client_change(client, key->kind->filter, unset, error);
}

static gboolean is_default(const NetfilSysctlKind *kind, const NetfilSpec *spec)
{
	g_autoptr(NetfilSpec) defaults = netfil_sysctl_defaults(kind);
	g_autoptr(GVariant) a = g_variant_ref_sink(netfil_spec_to_variant(defaults));
	g_autoptr(GVariant) b = g_variant_ref_sink(netfil_spec_to_variant(spec));

	return g_variant_equal(a, b);
}

/* The first value of a kind makes its filter, unless it is what is there without one. */
static gboolean keep_first(NetfilClient *client, const NetfilSysctlKind *kind,
			   const NetfilSpec *spec, GVariant *changes, GError **error)
{
	GError *problem = NULL;

	if (is_default(kind, spec)) { /* asked all the same, as netfild says who may */
		if (netfil_client_change(client, kind->filter, changes, &problem))
			return TRUE;
		return forgive_absence(problem, error);
	}
	if (netfil_client_add_spec(client, spec, &problem))
		return TRUE;
	if (!g_error_matches(problem, NETFIL_ERROR, NETFIL_ERROR_EXISTS)) {
		g_propagate_error(error, problem);
		return FALSE;
	}
	g_error_free(problem); /* somebody else was first */
	return netfil_client_change(client, kind->filter, changes, error);
}

gboolean netfil_sysctl_set(NetfilClient *client, const NetfilSysctlKey *key, GVariant *changes,
			   GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(NetfilStatus) status = netfil_sysctl_status(client, key->kind, &problem);
	g_autoptr(NetfilSpec) after =
	    status ? netfil_spec_copy(status->spec) : netfil_sysctl_defaults(key->kind);

	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!netfil_spec_update(after, changes, error) ||
	    (after->on && !netfil_sysctl_check(key->kind, after, error)))
		return FALSE;
	if (netfil_sysctl_is_status(key))
		return after->on ? start(client, key->kind, status->spec->on, error)
				 : stop(client, key->kind, error);
	if (!status)
		return keep_first(client, key->kind, after, changes, error);
	return forget_process(client, key, status, after, error) &&
	       netfil_client_change(client, key->kind->filter, changes, error);
}
