/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "core/error.h"
#include "hook.h"
#include "mistakes.h"
#include "trusted.h"

static gboolean check_name(const char *path, const char *name, GError **error)
{
	if (name[strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-")] == '\0')
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
		    "%s is not run: give it a name of letters, digits, _ and - alone", path);
	return FALSE;
}

/* FALSE without an error: nothing that is to be run. */
static gboolean is_hook(const char *path, const char *name, GError **error)
{
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) || !(status.st_mode & 0111))
		return FALSE;
	return netfil_trusted_place(path, error) && netfil_trusted_check(path, &status, error) &&
	       check_name(path, name, error);
}

GPtrArray *netfil_hooks_list(const char *directory, GPtrArray *problems)
{
	GPtrArray *hooks = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) unheard = netfil_mistakes_new();
	g_autoptr(GPtrArray) names = NULL;
	GError *error = NULL;

	if (!problems)
		problems = unheard;
	names = netfil_trusted_list(directory, "", &error);
	if (!names)
		netfil_mistakes_take(problems, error);
	for (guint i = 0; names && i < names->len; i++) {
		g_autofree char *path = g_build_filename(directory, names->pdata[i], NULL);
		GError *problem = NULL;

		if (is_hook(path, names->pdata[i], &problem))
			g_ptr_array_add(hooks, g_steal_pointer(&path));
		else if (problem)
			netfil_mistakes_take(problems, problem);
	}
	return hooks;
}
