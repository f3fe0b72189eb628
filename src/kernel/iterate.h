/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <bpf/libbpf.h>
#include <glib.h>

/* Runs an iterator program once, in the calling thread's network namespace, over
 * `map_fd` (-1: it does not walk a map), and appends what it writes to `output`
 * (NULL: it writes nothing). */
gboolean netfil_iterate(struct bpf_program *program, int map_fd, GByteArray *output,
			GError **error);

/* Runs a "tc" program that looks at no packet. */
gboolean netfil_run_by_hand(struct bpf_program *program, GError **error);

/* The network namespaces that processes and /run/netns keep, each once, our own first:
 * descriptors (int), closed with the array. Where others cannot be entered, our own alone. */
GArray *netfil_namespaces(void);

/* Whether we may enter namespaces: that takes CAP_SYS_ADMIN. */
gboolean netfil_namespaces_open(void);

/* Runs `func` in the namespace: in a thread of its own, if it is not ours. */
void netfil_in_namespace(int namespace_fd, void (*func)(gpointer), gpointer data);
