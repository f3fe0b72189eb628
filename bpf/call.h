/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket's use as it is seen when somebody calls the kernel for it, and whose sockets are
 * looked at.
 */
#pragma once

#include "use.h"

/* The id of the control group to which the programs for packets are attached: sockets elsewhere
 * pass them by. 0: there are none. Set before the programs are loaded. */
const volatile __u64 below;

#define CGROUP_DEPTH_MAX 64

static __always_inline bool inside(struct sock *sk)
{
	struct cgroup *cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);

	if (!below)
		return true;
#pragma clang loop unroll(disable)
	for (int i = 0; i < CGROUP_DEPTH_MAX && cgroup; i++) {
		if (BPF_CORE_READ(cgroup, kn, id) == below)
			return true;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return false;
}

static __always_inline bool internet(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return family == AF_INET || family == AF_INET6;
}

/* Somebody uses a socket. */
static __always_inline int socket_used(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct netfil_tag *tag;

	if (!internet(sk) || task->flags & PF_KTHREAD)
		return 0;
	/* One without a tag is most often not below, or else its next packet makes it. */
	tag = bpf_sk_storage_get(&tags, sk, 0, below ? 0 : BPF_SK_STORAGE_GET_F_CREATE);
	/* A cookie of 0: it has none yet. */
	if (tag && !tag_knows(tag, task, sk->__sk_common.skc_cookie.counter))
		tag_use(tag, task, sk, sk, bpf_get_socket_cookie(sk));
	return 0;
}
