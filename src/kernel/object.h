/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "map.h"

struct socket_bpf;
struct owner_bpf;
struct interface_bpf;
struct forward_bpf;
struct reset_bpf;

/* The kernel programs, loaded: reset where the kernel has what it needs, interface and forward
 * when they are needed, as it takes the kernel long to check them. Else they are NULL. */
typedef struct {
	NetfilMaps *maps;
	struct socket_bpf *socket;
	struct owner_bpf *owner;
	struct interface_bpf *interface;
	struct forward_bpf *forward;
	struct reset_bpf *reset;
} NetfilObjects;

NetfilObjects *netfil_objects_load(NetfilMaps *maps, GError **error);

gboolean netfil_objects_need_interface(NetfilObjects *objects, GError **error);

/* FALSE where the kernel cannot. */
gboolean netfil_objects_need_forward(NetfilObjects *objects);
void netfil_objects_free(NetfilObjects *objects);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilObjects, netfil_objects_free)
