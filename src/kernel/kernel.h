/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "map.h"
#include "members.h"
#include "netfil/abi.h"

/*
 * The kernel's side of netfil: programs loaded and attached, maps at hand. Opened
 * with a bpffs directory that holds an earlier one's pins it takes those over: the
 * maps go on, and the programs are swapped.
 */
typedef struct NetfilKernel NetfilKernel;

/* cgroup_root: directory of the cgroup at which the programs attach; they see it
 * and all below. bpffs_dir NULL: nothing is pinned. */
NetfilKernel *netfil_kernel_open(const char *bpffs_dir, const char *cgroup_root, GError **error);

/* Takes every program off, and the pins away. Counters can be read until it is closed. */
gboolean netfil_kernel_release(NetfilKernel *kernel, GError **error);

/* Pins stay, and so caps hold. */
void netfil_kernel_close(NetfilKernel *kernel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilKernel, netfil_kernel_close)

/* Loads the programs anew and swaps each in with no packet missed. */
gboolean netfil_kernel_reload(NetfilKernel *kernel, GError **error);

/* Whether it is noticed that a socket is used by another process than the one that made it, as it
 * is at first. Each send and receive costs it. What was not noticed meanwhile is so at the next
 * use. */
gboolean netfil_kernel_follow(NetfilKernel *kernel, gboolean uses, GError **error);

/* Map memory, shared with the programs. */
NetfilMaps *netfil_kernel_maps(NetfilKernel *kernel);
struct netfil_config *netfil_kernel_config(NetfilKernel *kernel);
struct netfil_slot *netfil_kernel_slot(NetfilKernel *kernel, guint slot);
struct netfil_set *netfil_kernel_set(NetfilKernel *kernel, guint number);
const struct netfil_totals *netfil_kernel_totals(NetfilKernel *kernel);
guint32 *netfil_kernel_port_set(NetfilKernel *kernel, guint port);
guint32 *netfil_kernel_proto_set(NetfilKernel *kernel, guint proto);

/* Raises config.generation: what sockets remember of verdicts is void. Never 0. */
void netfil_kernel_bump(NetfilKernel *kernel);

/* Bytes that a slot admitted, by direction: used[] in its memory counts what was lent, too. */
void netfil_kernel_slot_used(NetfilKernel *kernel, guint slot, guint64 used[2]);

/* Takes lent credit back. After a limit was lowered: what was lent under the old one is not
 * spent under the new one then. */
void netfil_kernel_slot_gather(NetfilKernel *kernel, guint slot);

/* All 0. Of a slot that no rule leads to. */
void netfil_kernel_slot_clear(NetfilKernel *kernel, guint slot);

/* Cookie of the network namespace this process is in. */
guint64 netfil_kernel_netns(NetfilKernel *kernel);

/* Attaches to an interface of this namespace, once; detaches. */
gboolean netfil_kernel_attach_interface(NetfilKernel *kernel, guint ifindex, GError **error);
void netfil_kernel_detach_interface(NetfilKernel *kernel, guint ifindex);

/* Has forwarded packets counted by address rules; FALSE where the kernel cannot. */
gboolean netfil_kernel_forward(NetfilKernel *kernel, GError **error);

/* Puts processes and all their descendants under rules: GUINT_TO_POINTER(pid) -> struct
 * netfil_set *. NETFIL_ERROR_NOT_FOUND where one is not there; the others are seen to. */
gboolean netfil_kernel_adopt(NetfilKernel *kernel, GHashTable *rules, GError **error);

/* Whether there is one to adopt. NETFIL_ERROR_NOT_FOUND. */
gboolean netfil_kernel_has_process(NetfilKernel *kernel, guint32 pid, GError **error);

/* Labels every socket that somebody holds. After hooks are attached, or after adopting. */
gboolean netfil_kernel_label(NetfilKernel *kernel, GError **error);

/* Takes rules off all processes and sockets. */
gboolean netfil_kernel_scrub(NetfilKernel *kernel, const struct netfil_set *rules, GError **error);

/* The identity of an executable, as the programs see it. */
gboolean netfil_kernel_identify(NetfilKernel *kernel, const char *path, struct netfil_exe *exe,
				GError **error);

/* Of struct netfil_socket_usage: the sockets that moved something while config.watched was set.
 * One may come twice. */
GByteArray *netfil_kernel_socket_usage(NetfilKernel *kernel);

/* Process ids (guint32), each once: those that hold a socket which the slot's filter
 * matches; those that are under a process rule. */
GArray *netfil_kernel_slot_holders(NetfilKernel *kernel, guint slot);
GArray *netfil_kernel_rule_processes(NetfilKernel *kernel, guint rule);

/* All that are under rules: guint32 pid, struct netfil_process. */
void netfil_kernel_each_process(NetfilKernel *kernel, NetfilMapFunc func, gpointer data);

/* Ends the TCP connections which the slot's filter matches, in every network
 * namespace: the application gets ECONNABORTED, the peer a reset. Returns how many. */
guint netfil_kernel_reset_connections(NetfilKernel *kernel, guint slot);

/* The same of one member of a keyed slot, by its index. */
guint netfil_kernel_reset_member_connections(NetfilKernel *kernel, guint slot, guint member);

/* See netfil_members_open(), …_sweep_out() and …_sweep(). */
NetfilMembers *netfil_kernel_members(NetfilKernel *kernel, guint slot, guint kind, guint max,
				     GError **error);
void netfil_kernel_sweep_members_out(NetfilKernel *kernel, guint slot);
void netfil_kernel_sweep_members(NetfilKernel *kernel);

/* How many of them their application has closed while the kernel still sends. */
guint netfil_kernel_closing_connections(NetfilKernel *kernel, guint slot);

/* Records of the ring buffer, on the thread-default main context. */
typedef void (*NetfilKernelEventFunc)(const struct netfil_event *event, gpointer data);
gboolean netfil_kernel_watch(NetfilKernel *kernel, NetfilKernelEventFunc func, gpointer data,
			     GError **error);
