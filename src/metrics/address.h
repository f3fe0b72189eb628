/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/* "[ADDRESS:]PORT" as one or more GSocketAddress; a port alone is at 127.0.0.1 and ::1. */
GPtrArray *netfil_address_parse(const char *text, GError **error);
