/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Serves /metrics on these sockets (of int), on the default main context. */
typedef struct NetfilHttp NetfilHttp;

NetfilHttp *netfil_http_new(const GArray *sockets, GError **error);
void netfil_http_free(NetfilHttp *http);
