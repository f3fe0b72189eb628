// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "selectors.h"

#include <fnmatch.h>
#include <pwd.h>
#include <string.h>

#include "core/error.h"

static NetfilSelectors *selectors_alloc(void)
{
	NetfilSelectors *s = g_new0(NetfilSelectors, 1);

	s->pids = g_array_new(FALSE, FALSE, sizeof(guint32));
	s->exes = g_array_new(FALSE, FALSE, sizeof(struct netfil_exe));
	s->uids = g_array_new(FALSE, FALSE, sizeof(guint32));
	s->cgroups = g_ptr_array_new_with_free_func(g_free);
	s->prefixes = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	s->lists = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_list_unref);
	s->excepts = g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
	s->ports = g_array_new(FALSE, FALSE, sizeof(NetfilPortRange));
	s->protos = g_array_new(FALSE, FALSE, sizeof(guint8));
	s->interfaces = g_ptr_array_new_with_free_func(g_free);
	return s;
}

void netfil_selectors_free(NetfilSelectors *s)
{
	if (!s)
		return;
	g_array_unref(s->pids);
	g_array_unref(s->exes);
	g_array_unref(s->uids);
	g_ptr_array_unref(s->cgroups);
	g_array_unref(s->prefixes);
	g_ptr_array_unref(s->lists);
	g_array_unref(s->excepts);
	g_array_unref(s->ports);
	g_array_unref(s->protos);
	g_ptr_array_unref(s->interfaces);
	g_free(s);
}

static void extend(GArray *to, const GArray *from)
{
	if (from->len)
		g_array_append_vals(to, from->data, from->len);
}

static void extend_names(GPtrArray *to, const GPtrArray *from)
{
	for (guint i = 0; i < from->len; i++)
		g_ptr_array_add(to, g_strdup(from->pdata[i]));
}

NetfilSelectors *netfil_selectors_copy(const NetfilSelectors *from)
{
	NetfilSelectors *s = selectors_alloc();

	s->asked = from->asked;
	s->any_owner = from->any_owner;
	s->loopback = from->loopback;
	extend(s->pids, from->pids);
	extend(s->exes, from->exes);
	extend(s->uids, from->uids);
	extend_names(s->cgroups, from->cgroups);
	extend(s->prefixes, from->prefixes);
	for (guint i = 0; i < from->lists->len; i++)
		g_ptr_array_add(s->lists, netfil_list_ref(from->lists->pdata[i]));
	extend(s->excepts, from->excepts);
	extend(s->ports, from->ports);
	extend(s->protos, from->protos);
	extend_names(s->interfaces, from->interfaces);
	return s;
}

/* With "*" among its values a kind is not asked about. */
static gboolean asks(const GPtrArray *texts)
{
	return texts->len > 0 && !netfil_texts_have_any(texts);
}

static gboolean asks_about_cgroups(const NetfilSpec *spec)
{
	return (spec->cgroups->len || spec->units->len) && !netfil_texts_have_any(spec->cgroups);
}

static guint32 asked_by(const NetfilSpec *spec)
{
	guint32 asked = 0;

	asked |= (spec->pids->len > 0) << NETFIL_KIND_PROCESS;
	asked |= asks(spec->exes) << NETFIL_KIND_EXE;
	asked |= asks(spec->users) << NETFIL_KIND_USER;
	asked |= asks_about_cgroups(spec) << NETFIL_KIND_CGROUP;
	asked |= (spec->prefixes->len || spec->ip_files->len) << NETFIL_KIND_PREFIX;
	asked |= (spec->ports->len > 0) << NETFIL_KIND_PORT;
	asked |= (spec->protos->len > 0) << NETFIL_KIND_PROTO;
	asked |= (spec->interfaces->len > 0) << NETFIL_KIND_INTERFACE;
	if (spec->excepts->len)
		asked |= NETFIL_ASKED_EXCEPT;
	return asked;
}

static gboolean add_user(NetfilSelectors *s, const char *name, gboolean lenient, GError **error)
{
	const struct passwd *entry = getpwnam(name);
	guint64 number;
	guint32 uid;

	if (entry) {
		uid = entry->pw_uid;
	} else if (g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &number, NULL)) {
		uid = number;
	} else if (lenient) {
		return TRUE;
	} else {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "there is no user '%s': give a name of `getent passwd`, or a number",
			    name);
		return FALSE;
	}
	g_array_append_val(s->uids, uid);
	return TRUE;
}

static gboolean add_exe(NetfilSelectors *s, NetfilKernel *kernel, const char *path,
			gboolean lenient, GError **error)
{
	g_autoptr(GError) problem = NULL;
	struct netfil_exe exe;

	if (netfil_kernel_identify(kernel, path, &exe, &problem)) {
		g_array_append_val(s->exes, exe);
		return TRUE;
	}
	if (lenient)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&problem));
	return FALSE;
}

static gboolean add_list(NetfilSelectors *s, NetfilLists *lists, const char *path, gboolean lenient,
			 GError **error)
{
	NetfilList *list = netfil_lists_get(lists, path, lenient, lenient ? NULL : error);

	if (list && list->prefixes->len)
		g_ptr_array_add(s->lists, list);
	else
		g_clear_pointer(&list, netfil_list_unref);
	return list || lenient;
}

static gboolean names_loopback(const NetfilSelectors *s)
{
	for (guint i = 0; i < s->prefixes->len; i++)
		if (netfil_prefix_is_loopback(&g_array_index(s->prefixes, NetfilPrefix, i)))
			return TRUE;
	for (guint i = 0; i < s->lists->len; i++)
		if (((const NetfilList *)s->lists->pdata[i])->loopback)
			return TRUE;
	return FALSE;
}

NetfilSelectors *netfil_selectors_of_lists(GPtrArray *lists)
{
	NetfilSelectors *s = selectors_alloc();

	for (guint i = 0; i < lists->len; i++)
		g_ptr_array_add(s->lists, netfil_list_ref(lists->pdata[i]));
	return s;
}

const NetfilList *netfil_selectors_list(const NetfilSelectors *s, const char *path)
{
	for (guint i = 0; i < s->lists->len; i++) {
		const NetfilList *list = s->lists->pdata[i];

		if (!strcmp(list->path, path))
			return list;
	}
	return NULL;
}

NetfilSelectors *netfil_selectors_new(NetfilKernel *kernel, NetfilLists *lists,
				      const NetfilSpec *spec, gboolean lenient, GError **error)
{
	g_autoptr(NetfilSelectors) s = selectors_alloc();

	s->asked = asked_by(spec);
	for (guint i = 0; i < spec->pids->len; i++) {
		guint32 pid = g_array_index(spec->pids, gint64, i);

		g_array_append_val(s->pids, pid);
	}
	s->any_owner = netfil_texts_have_any(spec->exes) || netfil_texts_have_any(spec->users) ||
		       netfil_texts_have_any(spec->cgroups);
	for (guint i = 0; asks(spec->exes) && i < spec->exes->len; i++)
		if (!add_exe(s, kernel, spec->exes->pdata[i], lenient, error))
			return NULL;
	for (guint i = 0; asks(spec->users) && i < spec->users->len; i++)
		if (!add_user(s, spec->users->pdata[i], lenient, error))
			return NULL;
	if (asks_about_cgroups(spec)) {
		extend_names(s->cgroups, spec->cgroups);
		extend_names(s->cgroups, spec->units);
	}
	extend(s->prefixes, spec->prefixes);
	for (guint i = 0; i < spec->ip_files->len; i++)
		if (!add_list(s, lists, spec->ip_files->pdata[i], lenient, error))
			return NULL;
	extend(s->excepts, spec->excepts);
	netfil_prefix_sort(s->prefixes);
	netfil_prefix_sort(s->excepts);
	extend(s->ports, spec->ports);
	extend(s->protos, spec->protos);
	extend_names(s->interfaces, spec->interfaces);
	s->loopback = spec->loopback || names_loopback(s);
	return g_steal_pointer(&s);
}

gboolean netfil_globs_match(const GPtrArray *globs, const char *name, gboolean is_loopback,
			    gboolean loopback)
{
	for (guint i = 0; i < globs->len; i++) {
		const char *glob = globs->pdata[i];

		if (!strcmp(glob, name))
			return TRUE;
		if ((!is_loopback || loopback) && !fnmatch(glob, name, 0))
			return TRUE;
	}
	return FALSE;
}
