/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Listening TCP sockets (of int): those that systemd passed (sd_listen_fds(3)), or else
 * newly bound to `addresses`, of which one has to be there. */
GArray *netfil_sockets_open(const GPtrArray *addresses, GError **error);
