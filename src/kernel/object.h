/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "map.h"

struct socket_bpf;
struct owner_bpf;
struct interface_bpf;
struct forward_bpf;
struct reset_bpf;
struct trampoline_bpf;

/* The kernel programs, loaded: reset and trampoline where the kernel has what they need and
 * nothing better, interface and forward when they are needed, as it takes the kernel long to
 * check them. Else they are NULL. */
typedef struct {
	NetfilMaps *maps;
	struct socket_bpf *socket;
	struct owner_bpf *owner;
	struct interface_bpf *interface;
	struct forward_bpf *forward;
	struct reset_bpf *reset;
	struct trampoline_bpf *trampoline;
	guint64 below; /* of the programs */
} NetfilObjects;

/* `cgroup`: the id of the control group to which the programs for sockets will be attached. */
NetfilObjects *netfil_objects_load(NetfilMaps *maps, guint64 cgroup, GError **error);

gboolean netfil_objects_need_interface(NetfilObjects *objects, GError **error);

/* FALSE where the kernel cannot. */
gboolean netfil_objects_need_forward(NetfilObjects *objects);

/* The kernel took them, but does not attach them. */
void netfil_objects_withdraw_trampoline(NetfilObjects *objects);

void netfil_objects_free(NetfilObjects *objects);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilObjects, netfil_objects_free)
