/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "link.h"
#include "object.h"

/* The two programs on an interface: by tcx links where the kernel has them, by
 * clsact else. Attaching again swaps the programs. */
gboolean netfil_traffic_attach(NetfilLinks *links, NetfilObjects *objects, guint ifindex,
			       GError **error);
void netfil_traffic_detach(NetfilLinks *links, NetfilObjects *objects, guint ifindex);

/* FALSE: by clsact, which keeps no link. */
gboolean netfil_traffic_is_link(NetfilLinks *links, guint ifindex);
