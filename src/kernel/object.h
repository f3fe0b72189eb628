/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "map.h"

struct socket_bpf;
struct owner_bpf;
struct interface_bpf;
struct forward_bpf;
struct reset_bpf;

/* The kernel programs, loaded. forward and reset are NULL where the kernel lacks
 * what they need. */
typedef struct {
	struct socket_bpf *socket;
	struct owner_bpf *owner;
	struct interface_bpf *interface;
	struct forward_bpf *forward;
	struct reset_bpf *reset;
} NetfilObjects;

NetfilObjects *netfil_objects_load(NetfilMaps *maps, GError **error);
void netfil_objects_free(NetfilObjects *objects);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilObjects, netfil_objects_free)
