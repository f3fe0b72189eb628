/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "link.h"
#include "netfil/abi.h"
#include "object.h"

/* Has a socket's use by another process noticed: by the tracepoints of sock_length (but who sends
 * by config.senders, as long as that tells all), where there are none by trampolines, and else not
 * at all. What does not serve (any more) comes off; trampolines that cannot be attached are
 * withdrawn, which is no error. */
gboolean netfil_use_attach(NetfilLinks *links, NetfilObjects *objects, struct netfil_config *config,
			   GError **error);
void netfil_use_detach(NetfilLinks *links, struct netfil_config *config);
