/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Makes `path` a file of this text: readers find the old one or the new one, as a whole. Open
 * to all, as far as the umask lets. */
gboolean netfil_save(const char *path, const char *text, GError **error);
