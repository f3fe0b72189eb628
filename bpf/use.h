/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket's use by another process than the one that made it: what is done then, whatever
 * the hook that saw it.
 */
#pragma once

#include "account.h"
#include "identity.h"
#include "tag.h"

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

/* Somebody uses a socket. Who did not make it becomes its user beside its creator;
 * what nobody made, or was accepted, gets its first user as creator. */
static __always_inline int socket_used(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct netfil_tag *tag;
	__u32 tgid = task->tgid, sequence;
	__u64 start, cookie;

	if (!internet(sk) || task->flags & PF_KTHREAD)
		return 0;
	/* One without a tag is most often not below, or else its next packet makes it. */
	tag = bpf_sk_storage_get(&tags, sk, 0, below ? 0 : BPF_SK_STORAGE_GET_F_CREATE);
	if (!tag)
		return 0;
	start = task->group_leader->start_boottime;
	cookie = sk->__sk_common.skc_cookie.counter; /* 0: it has none yet */
	if (cookie && tag->cookie == cookie &&
	    ((tag->creator.tgid == tgid && tag->creator.start == start) ||
	     (tag->user.tgid == tgid && tag->user.start == start)))
		return 0;
	cookie = bpf_get_socket_cookie(sk);

	sequence = READ_ONCE(tag->sequence);
	if (!tag_lock(tag, sequence, cookie))
		return 0; /* its next use does it */
	if (tag->cookie != cookie || !(tag->flags & NETFIL_TAG_OWNED)) {
		if (tag->cookie != cookie)
			__builtin_memset(&tag->user, 0, sizeof(tag->user));
		if (!tag->netns)
			tag->netns = sk->__sk_common.skc_net.net->net_cookie;
		owner_fill(&tag->creator, task, false);
		account_assign(tag, &tag->creator, task);
		tag->cookie = cookie;
		tag->flags = (tag->flags & NETFIL_TAG_TCP) | NETFIL_TAG_OWNED;
	} else {
		owner_fill(&tag->user, task, true);
		account_assign(tag, &tag->user, task);
	}
	tag_void(tag);
	tag_unlock(tag);
	return 0;
}
