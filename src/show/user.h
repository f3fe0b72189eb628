/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* The user's name, or number if there is no name; NULL for G_MAXUINT32. Caller frees. */
char *netfil_user_name(guint32 uid);
