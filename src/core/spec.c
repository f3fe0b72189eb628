/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "error.h"
#include "quote.h"
#include "spec-key.h"
#include "spec-value.h"
#include "spec.h"

#define NAME_LENGTH 64

static GPtrArray *new_texts(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

NetfilSpec *netfil_spec_new(const char *name)
{
	NetfilSpec *spec = g_new0(NetfilSpec, 1);

	spec->name = g_strdup(name);
	spec->pids = g_array_new(FALSE, FALSE, sizeof(gint64));
	spec->exes = new_texts();
	spec->users = new_texts();
	spec->cgroups = new_texts();
	spec->units = new_texts();
	spec->prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	spec->ip_files = new_texts();
	spec->ports = g_array_new(FALSE, FALSE, sizeof(NetfilPortRange));
	spec->protos = g_array_new(FALSE, FALSE, sizeof(guint8));
	spec->interfaces = new_texts();
	spec->excepts = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	spec->warn = g_array_new(FALSE, FALSE, sizeof(guint8));
	spec->on_limit = NETFIL_ON_LIMIT_REJECT;
	spec->on = TRUE;
	spec->shares = 1;
	return spec;
}

static gpointer copy_text(gconstpointer text, G_GNUC_UNUSED gpointer data)
{
	return g_strdup(text);
}

static GPtrArray *copy_texts(GPtrArray *texts)
{
	return g_ptr_array_copy(texts, copy_text, NULL);
}

NetfilSpec *netfil_spec_copy(const NetfilSpec *spec)
{
	NetfilSpec *copy = g_new(NetfilSpec, 1);

	*copy = *spec;
	copy->shares = 1;
	copy->name = g_strdup(spec->name);
	copy->pids = g_array_copy(spec->pids);
	copy->exes = copy_texts(spec->exes);
	copy->users = copy_texts(spec->users);
	copy->cgroups = copy_texts(spec->cgroups);
	copy->units = copy_texts(spec->units);
	copy->prefixes = g_array_copy(spec->prefixes);
	copy->ip_files = copy_texts(spec->ip_files);
	copy->ports = g_array_copy(spec->ports);
	copy->protos = g_array_copy(spec->protos);
	copy->interfaces = copy_texts(spec->interfaces);
	copy->excepts = g_array_copy(spec->excepts);
	copy->warn = g_array_copy(spec->warn);
	return copy;
}

NetfilSpec *netfil_spec_share(NetfilSpec *spec)
{
	g_atomic_int_inc(&spec->shares);
	return spec;
}

void netfil_spec_free(NetfilSpec *spec)
{
	if (!spec || !g_atomic_int_dec_and_test(&spec->shares))
		return;
	g_free(spec->name);
	g_array_unref(spec->pids);
	g_ptr_array_unref(spec->exes);
	g_ptr_array_unref(spec->users);
	g_ptr_array_unref(spec->cgroups);
	g_ptr_array_unref(spec->units);
	g_array_unref(spec->prefixes);
	g_ptr_array_unref(spec->ip_files);
	g_array_unref(spec->ports);
	g_array_unref(spec->protos);
	g_ptr_array_unref(spec->interfaces);
	g_array_unref(spec->excepts);
	g_array_unref(spec->warn);
	g_free(spec);
}

gboolean netfil_spec_name_check(const char *name, GError **error)
{
	gsize length = strlen(name);
	gboolean good = length >= 1 && length <= NAME_LENGTH && g_ascii_isalnum(name[0]);

	for (gsize i = 0; good && i < length; i++)
		good = g_ascii_isalnum(name[i]) || strchr("._@:-", name[i]);
	if (!good)
		return netfil_set_invalid(error, name, -1,
					  "is not a filter's name: use up to %d letters, digits or "
					  "._@:-, first a letter or digit",
					  NAME_LENGTH);
	return TRUE;
}

gboolean netfil_spec_has_owner(const NetfilSpec *spec)
{
	return spec->pids->len > 0 || spec->exes->len > 0 || spec->users->len > 0 ||
	       spec->cgroups->len > 0 || spec->units->len > 0;
}

gboolean netfil_texts_have_any(const GPtrArray *texts)
{
	for (guint i = 0; i < texts->len; i++)
		if (g_str_equal(texts->pdata[i], NETFIL_ANY))
			return TRUE;
	return FALSE;
}

static gboolean has_address(const NetfilSpec *spec)
{
	return spec->prefixes->len > 0 || spec->ip_files->len > 0 || spec->ports->len > 0 ||
	       spec->protos->len > 0;
}

/* Ports of protocols that have none would match no packet. */
static gboolean ports_fit_protos(const NetfilSpec *spec)
{
	if (spec->ports->len == 0 || spec->protos->len == 0)
		return TRUE;
	for (guint i = 0; i < spec->protos->len; i++)
		if (netfil_proto_has_ports(g_array_index(spec->protos, guint8, i)))
			return TRUE;
	return FALSE;
}

static gboolean refuse(const NetfilSpec *spec, const char *why, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID, "filter %s %s", spec->name, why);
	return FALSE;
}

static gboolean has_cap(const NetfilSpec *spec)
{
	return spec->cap[NETFIL_IN] || spec->cap[NETFIL_OUT] || spec->cap[NETFIL_TOTAL];
}

static gboolean check_policy(const NetfilSpec *spec, GError **error)
{
	gboolean has_owner = netfil_spec_has_owner(spec);

	if (spec->on_limit == NETFIL_ON_LIMIT_KILL && !has_owner)
		return refuse(spec,
			      "names no process to kill: add pid, exe, user, cgroup or unit, or "
			      "use on-limit reject",
			      error);
	if (spec->on_limit == NETFIL_ON_LIMIT_PAUSE && !has_owner)
		return refuse(spec,
			      "names no process to pause: add pid, exe, user, cgroup or unit, or "
			      "use on-limit reject",
			      error);
	if (spec->on_limit == NETFIL_ON_LIMIT_DOWN &&
	    netfil_spec_type(spec) != NETFIL_SPEC_INTERFACE)
		return refuse(spec,
			      "is not about whole interfaces, which down takes down: select by "
			      "interface alone, or use on-limit reject",
			      error);
	return TRUE;
}

static gboolean check_life(const NetfilSpec *spec, GError **error)
{
	if (spec->until_exit && spec->pids->len == 0)
		return refuse(spec,
			      "has no process whose end it could wait for: add pid, or leave out "
			      "until-exit",
			      error);
	return TRUE;
}

static gboolean check_cycle(const NetfilSpec *spec, GError **error)
{
	if (spec->rollover && spec->every.unit == NETFIL_CYCLE_NEVER)
		return refuse(spec,
			      "has no cycle to roll over into: add every, like every month, or "
			      "leave out rollover",
			      error);
	if (spec->rollover && !has_cap(spec))
		return refuse(spec,
			      "has no cap to roll over: add in, out or total, or leave out "
			      "rollover",
			      error);
	if (spec->warn->len > 0 && !has_cap(spec))
		return refuse(
		    spec, "has no cap to warn of: add in, out or total, or leave out warn", error);
	return TRUE;
}

gboolean netfil_spec_check(const NetfilSpec *spec, GError **error)
{
	if (!netfil_spec_name_check(spec->name, error))
		return FALSE;
	if (!netfil_spec_has_owner(spec) && !has_address(spec) && spec->interfaces->len == 0)
		return refuse(spec,
			      "has no selector: add pid, exe, user, cgroup, unit, ip, ip-file, "
			      "port, proto or interface",
			      error);
	if (!ports_fit_protos(spec))
		return refuse(spec,
			      "has a port, but its protocols have none: add proto tcp or udp, or "
			      "leave out the port",
			      error);
	return check_policy(spec, error) && check_life(spec, error) && check_cycle(spec, error) &&
	       netfil_spec_check_each(spec, error);
}

NetfilSpecType netfil_spec_type(const NetfilSpec *spec)
{
	if (netfil_spec_has_owner(spec))
		return NETFIL_SPEC_SOCKET;
	if (spec->interfaces->len > 0 && !has_address(spec))
		return NETFIL_SPEC_INTERFACE;
	return NETFIL_SPEC_IP;
}

gboolean netfil_spec_counts_loopback(const NetfilSpec *spec)
{
	for (guint i = 0; i < spec->prefixes->len; i++)
		if (netfil_prefix_is_loopback(&g_array_index(spec->prefixes, NetfilPrefix, i)))
			return TRUE;
	return spec->loopback;
}

guint64 netfil_cap_with(guint64 cap, gint64 extra)
{
	guint64 less = extra < 0 ? -(guint64)extra : 0;

	if (cap == 0)
		return 0;
	if (extra < 0)
		return cap > less ? cap - less : 1;
	return cap > G_MAXUINT64 - (guint64)extra ? G_MAXUINT64 : cap + (guint64)extra;
}
