/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket's use by another process than the one that made it: what is done then, whatever
 * saw it.
 */
#pragma once

#include "account.h"
#include "identity.h"
#include "tag.h"

/* The task is of the socket's creator, or of its latest other user. */
static __always_inline bool tag_knows(const struct netfil_tag *tag, struct task_struct *task,
				      __u64 cookie)
{
	__u32 tgid = task->tgid;
	__u64 start = start_of(task);

	return cookie && tag->cookie == cookie &&
	       ((tag->creator.tgid == tgid && tag->creator.start == start) ||
		(tag->user.tgid == tgid && tag->user.start == start));
}

/* Where process rules are to be noted: in those of the socket, which are made if the process is
 * under any; NULL if there are none. `sk`: the socket, as a helper takes it. */
static __always_inline struct netfil_tag_rules *rules_need(struct netfil_tag *tag, void *sk,
							   const struct netfil_process *process)
{
	struct netfil_tag_rules *rules;
	struct netfil_totals *t;

	if (!process)
		return rules_of(tag, sk);
	rules = bpf_sk_storage_get(&tag_rules, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (rules) {
		__sync_fetch_and_or(&tag->flags, NETFIL_TAG_RULES);
		return rules;
	}
	t = totals_get();
	if (t)
		__sync_fetch_and_add(&t->untracked_processes, 1);
	return NULL;
}

/* The task becomes the socket's creator. `keep`: process rules of the one before stay too. */
static __always_inline void tag_create(struct netfil_tag *tag, struct task_struct *task, void *sk,
				       bool keep)
{
	struct netfil_process *process = process_find(task->tgid, start_of(task));
	struct netfil_tag_rules *rules = rules_need(tag, sk, process);

	if (rules)
		owner_rules(&rules->creator, process, keep);
	owner_fill(&tag->creator, task);
	account_assign(tag, &tag->creator, task);
}

/* … its latest other user. A tag without one may have rules of its listener's. */
static __always_inline void tag_other(struct netfil_tag *tag, struct task_struct *task, void *sk)
{
	struct netfil_process *process = process_find(task->tgid, start_of(task));
	struct netfil_tag_rules *rules = rules_need(tag, sk, process);

	if (rules)
		owner_rules(&rules->user, process, tag->user.tgid);
	owner_fill(&tag->user, task);
	account_assign(tag, &tag->user, task);
}

/* Who did not make the socket becomes its user beside its creator; what nobody made, or was
 * accepted, gets its first user as creator. If another one writes the tag now, the next use
 * does it. `at`: the socket, as a helper takes it. */
static __always_inline void tag_use(struct netfil_tag *tag, struct task_struct *task,
				    struct sock *sk, void *at, __u64 cookie)
{
	if (!tag_lock(tag, READ_ONCE(tag->sequence), cookie))
		return;
	if (tag->cookie != cookie || !(tag->flags & NETFIL_TAG_OWNED)) {
		if (tag->cookie != cookie)
			__builtin_memset(&tag->user, 0, sizeof(tag->user));
		if (!tag->netns)
			tag->netns = sk->__sk_common.skc_net.net->net_cookie;
		tag_create(tag, task, at, false);
		tag->cookie = cookie;
		tag->flags = (tag->flags & (NETFIL_TAG_TCP | NETFIL_TAG_RULES)) | NETFIL_TAG_OWNED;
	} else {
		tag_other(tag, task, at);
	}
	tag_void(tag);
	tag_unlock(tag);
}
