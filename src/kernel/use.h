/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "link.h"
#include "object.h"

/* Attaches what notices a socket's use by another process: the tracepoints of sock_length,
 * where there are none trampolines, and else nothing. What does not serve (any more) comes
 * off; trampolines that cannot be attached are withdrawn, which is no error. */
gboolean netfil_use_attach(NetfilLinks *links, NetfilObjects *objects, GError **error);
void netfil_use_detach(NetfilLinks *links);
