/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/* The icon of an application that is installed, by its executable; a plain one for others.
 * The caller's. */
GIcon *netfil_app_icon(const char *exe);
