/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types that the programs look into, relocated at load (CO-RE).
 * Only the members used are named: a build needs no running kernel's BTF.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "netfil/abi.h"

#define AF_INET 2
#define AF_INET6 10
#define LOOPBACK_IFINDEX 1 /* of lo in every namespace */
#define PF_KTHREAD 0x00200000

#define EXPLORED __attribute__((preserve_access_index))

typedef struct {
	int counter;
} atomic_t;

struct super_block {
	unsigned int s_dev;
} EXPLORED;

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_generation;
} EXPLORED;

struct qstr {
	const unsigned char *name;
} EXPLORED;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} EXPLORED;

struct vfsmount {
	struct dentry *mnt_root;
} EXPLORED;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} EXPLORED;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} EXPLORED;

struct cred;

struct file {
	struct path f_path;
	struct inode *f_inode;
	const struct cred *f_cred;
} EXPLORED;

struct mm_struct {
	struct file *exe_file;
} EXPLORED;

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t uid;
} EXPLORED;

struct kernfs_node {
	__u64 id;
	const char *name;
} EXPLORED;

struct cgroup_root {
	int hierarchy_id;
} EXPLORED;

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} EXPLORED;

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
} EXPLORED;

struct css_set {
	struct cgroup *dfl_cgrp;
} EXPLORED;

struct signal_struct {
	atomic_t live;
} EXPLORED;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} EXPLORED;

struct files_struct {
	struct fdtable *fdt;
} EXPLORED;

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	__u64 start_boottime;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	const struct cred *cred;
	struct css_set *cgroups;
	struct signal_struct *signal;
	struct files_struct *files;
} EXPLORED;

struct net {
	__u64 net_cookie;
} EXPLORED;

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} EXPLORED;

struct sock_cgroup_data {
	struct cgroup *cgroup;
} EXPLORED;

typedef struct {
	int owned;
} EXPLORED socket_lock_t;

struct socket;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	__u16 sk_type;
	struct socket *sk_socket;
	struct sock_cgroup_data sk_cgrp_data;
} EXPLORED;

struct socket {
	struct file *file;
	struct sock *sk;
} EXPLORED;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} EXPLORED;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} EXPLORED;

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	__u32 uid;
} EXPLORED;

/* For a struct netfil_flow, which is compared in pieces of 8 bytes. */
#define ALIGNED8 __attribute__((aligned(8)))

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define barrier() asm volatile("" ::: "memory")

#ifdef __TARGET_ARCH_x86 /* loads and stores stay in order: the compiler is enough */
#define ordered_load(p) READ_ONCE(*(p))
#else
#define ordered_load(p) __sync_fetch_and_add(p, 0)
#endif

/* An atomic orders others only if what it fetches is used. */
#define full_barrier(p) asm volatile("" : : "r"(__sync_fetch_and_add(p, 0)) : "memory")

/* A sequence lock, odd while somebody writes. `seen`: what it was before. False: another one
 * writes, or has since. */
static __always_inline bool sequence_lock(__u32 *sequence, __u32 seen)
{
	bool locked = !(seen & 1) && __sync_val_compare_and_swap(sequence, seen, seen + 1) == seen;

	barrier();
	return locked;
}

/* After all that was stored; the value is used as in full_barrier(). */
static __always_inline void sequence_unlock(__u32 *sequence)
{
	__u32 before;

	barrier();
	before = __sync_fetch_and_add(sequence, 1);
	asm volatile("" : : "r"(before));
}

/* Keeps the compiler from making one of what is done with this value and of what another branch
 * does alike. A look-up in an array, say, is inlined by the verifier, but not where the compiler
 * made one call of those in two branches. */
#define KEEP_APART(x) asm volatile("%0 = %0" : "+r"(x))

/* `x & mask`, where the compiler would prove it needless and the verifier would not. */
#define MASKED(x, mask)                                                                            \
	({                                                                                         \
		__u32 masked_ = (x);                                                               \
		asm volatile("%0 &= %1" : "+r"(masked_) : "i"(mask));                              \
		masked_;                                                                           \
	})

/* ::ffff:a.b.c.d, network order. */
static __always_inline void address_map_v4(__u8 address[16], __be32 v4)
{
	__u32 *words = (__u32 *)address;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = v4;
}
