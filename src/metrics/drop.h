/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* For good: no capability is left, and none can be had again. Root becomes `user` (NULL:
 * nobody), whom others cannot choose. */
gboolean netfil_drop_privileges(const char *user, GError **error);
