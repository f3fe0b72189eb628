/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "program.h"

#include <unistd.h>

#include "core/error.h"

char *netfil_program_find(const char *folder, const char *name, const char *installed,
			  GError **error)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *own = self ? g_path_get_dirname(self) : g_strdup("/");
	g_autofree char *built = g_build_filename(own, folder, NULL);
	const char *const folders[] = {built, own, installed};

	for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(folders[i], name, NULL);

		if (access(path, X_OK) == 0)
			return g_steal_pointer(&path);
	}
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND, "%s is not in %s: install it",
		    name, installed);
	return NULL;
}
