/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "save.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/quote.h"

/* To where a symbolic link leads. What is no file, as /dev/null, would be replaced by one. */
static char *target_of(const char *path, GError **error)
{
	g_autofree char *quoted = netfil_quote(path, -1);
	char *target = realpath(path, NULL);
	struct stat about;

	if (!target)
		return g_strdup(path);
	if (g_stat(target, &about) == 0 && S_ISREG(about.st_mode))
		return target;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "%s is no file: name one, or a new one", quoted);
	g_free(target);
	return NULL;
}

gboolean netfil_save(const char *path, const char *text, GError **error)
{
	g_autofree char *target = target_of(path, error);
	g_autoptr(GError) problem = NULL;
	g_autofree char *told = NULL;

	if (!target)
		return FALSE;
	if (g_file_set_contents_full(target, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
				     &problem))
		return TRUE;
	told = netfil_escape(problem->message, -1, 200);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "the file cannot be written (%s): give another one", told);
	return FALSE;
}
