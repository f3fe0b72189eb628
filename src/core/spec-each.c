/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A cap for each member: the keys each and max-members, and what they ask of a filter. */
#include <string.h>

#include "error.h"
#include "number.h"
#include "quote.h"
#include "spec-key.h"

#define FIELD NETFIL_KEY_FIELD

static const char *const kinds[] = {
    [NETFIL_EACH_NONE] = "none",     [NETFIL_EACH_IP] = "ip",
    [NETFIL_EACH_USER] = "user",     [NETFIL_EACH_EXE] = "exe",
    [NETFIL_EACH_CGROUP] = "cgroup", [NETFIL_EACH_INTERFACE] = "interface",
};

const char *netfil_each_name(NetfilEach each)
{
	g_return_val_if_fail((guint)each < G_N_ELEMENTS(kinds), NULL);
	return kinds[each];
}

guint netfil_spec_max_members(const NetfilSpec *spec)
{
	return spec->max_members ? spec->max_members : NETFIL_MEMBERS_DEFAULT;
}

/* ---- keys ---- */

static gboolean each_put(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error)
{
	for (guint i = NETFIL_EACH_IP; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_equal(kinds[i], value)) {
			FIELD(NetfilEach, key, spec) = (NetfilEach)i;
			return TRUE;
		}
	return netfil_set_invalid(error, value, -1,
				  "is nothing of which each could have a cap: use ip, user, exe, "
				  "cgroup or interface");
}

static void each_clear(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(NetfilEach, key, spec) = NETFIL_EACH_NONE;
}

static guint each_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(NetfilEach, key, spec) != NETFIL_EACH_NONE;
}

static char *each_text(const NetfilKey *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return g_strdup(netfil_each_name(FIELD(NetfilEach, key, spec)));
}

const NetfilKeySort netfil_key_each = {FALSE, TRUE, each_put, each_clear, each_count, each_text};

static gboolean members_put(const NetfilKey *key, NetfilSpec *spec, const char *value,
			    GError **error)
{
	guint64 number;

	if (!netfil_number_parse(value, strlen(value), NETFIL_MEMBERS_MAX, &number) || number == 0)
		return netfil_set_invalid(error, value, -1,
					  "is not how many members there may be: use a number from "
					  "1 to %d",
					  NETFIL_MEMBERS_MAX);
	FIELD(guint, key, spec) = (guint)number;
	return TRUE;
}

static void members_clear(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(guint, key, spec) = 0;
}

static guint members_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(guint, key, spec) != 0;
}

static char *members_text(const NetfilKey *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return g_strdup_printf("%u", FIELD(guint, key, spec));
}

const NetfilKeySort netfil_key_members = {FALSE,         FALSE,         members_put,
					  members_clear, members_count, members_text};

/* ---- the filter ---- */

gboolean netfil_spec_each_of_selectors(const NetfilSpec *spec, NetfilEach *each, GError **error)
{
	const gboolean has[] = {
	    [NETFIL_EACH_IP] = spec->prefixes->len > 0 || spec->ip_files->len > 0,
	    [NETFIL_EACH_USER] = spec->users->len > 0,
	    [NETFIL_EACH_EXE] = spec->exes->len > 0,
	    [NETFIL_EACH_CGROUP] = spec->cgroups->len > 0,
	    [NETFIL_EACH_INTERFACE] = spec->interfaces->len > 0,
	};
	guint count = 0;

	for (guint i = NETFIL_EACH_IP; i < G_N_ELEMENTS(has); i++)
		if (has[i]) {
			*each = (NetfilEach)i;
			count++;
		}
	if (count == 1)
		return TRUE;
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    count ? "several selectors could be meant: name one of them, "
				    "like each=ip"
				  : "there is no selector that each could be about: name what has "
				    "a cap of its own, like each=ip");
	return FALSE;
}

static gboolean refuse(const NetfilSpec *spec, const char *why, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
		    "filter %s has a cap for each %s, %s", spec->name, netfil_each_name(spec->each),
		    why);
	return FALSE;
}

/* A member has to be told from the packet, or from the socket, that is counted. */
static gboolean check_kind(const NetfilSpec *spec, GError **error)
{
	gboolean frames = netfil_spec_type(spec) == NETFIL_SPEC_INTERFACE;

	switch (spec->each) {
	case NETFIL_EACH_USER:
	case NETFIL_EACH_EXE:
	case NETFIL_EACH_CGROUP:
		if (!netfil_spec_has_owner(spec))
			return refuse(spec,
				      "but takes traffic of nobody too: add a selector of sockets, "
				      "like user '*'",
				      error);
		return TRUE;
	case NETFIL_EACH_IP:
		if (frames)
			return refuse(spec,
				      "but counts whole frames, which may have none: select by "
				      "more than the interface, like ip 0.0.0.0/0, or use each "
				      "interface",
				      error);
		return TRUE;
	case NETFIL_EACH_INTERFACE:
	case NETFIL_EACH_NONE:
		break;
	}
	return TRUE;
}

static gboolean check_settings(const NetfilSpec *spec, GError **error)
{
	switch (spec->on_limit) {
	case NETFIL_ON_LIMIT_KILL:
	case NETFIL_ON_LIMIT_PAUSE:
		return refuse(spec,
			      "but a process may be of several, and would be stopped for one: use "
			      "on-limit reject, drop, throttle or notify",
			      error);
	case NETFIL_ON_LIMIT_DOWN:
		return refuse(spec,
			      "and down takes down all that a filter names: use on-limit reject, "
			      "drop, throttle or notify",
			      error);
	default:
		break;
	}
	if (spec->durability == NETFIL_DURABILITY_STRICT)
		return refuse(
		    spec, "and grants are made to whole filters: use durability checkpoint", error);
	if (spec->rollover)
		return refuse(spec, "which stays what it is in each cycle: leave out rollover",
			      error);
	return TRUE;
}

gboolean netfil_spec_check_each(const NetfilSpec *spec, GError **error)
{
	if (spec->each)
		return check_kind(spec, error) && check_settings(spec, error);
	if (!spec->max_members)
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
		    "filter %s has max-members, but no members: add each, or leave out max-members",
		    spec->name);
	return FALSE;
}
