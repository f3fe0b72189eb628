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

/* The process rules of a tag's owners, made if there are none yet; NULL: there is no memory. `sk`:
 * the socket, as a helper takes it. */
static __always_inline struct netfil_tag_rules *rules_make(struct netfil_tag *tag, void *sk)
{
	struct netfil_tag_rules *rules =
	    bpf_sk_storage_get(&tag_rules, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct netfil_totals *t;

	if (rules) {
		__sync_fetch_and_or(&tag->flags, NETFIL_TAG_RULES);
		return rules;
	}
	t = totals_get();
	if (t)
		__sync_fetch_and_add(&t->untracked_processes, 1);
	return NULL;
}

/* The task becomes the socket's latest other user (`other`), or its creator. `keep`: process rules
 * of the one before stay too. */
static __always_inline void tag_own(struct netfil_tag *tag, struct task_struct *task, void *sk,
				    bool other, bool keep)
{
	struct netfil_process *process = process_find(task->tgid, start_of(task));
	struct netfil_owner *owner = other ? &tag->user : &tag->creator;
	struct netfil_tag_rules *rules = process ? rules_make(tag, sk) : rules_of(tag, sk);

	if (rules)
		owner_rules(other ? &rules->user : &rules->creator, process, keep);
	owner_fill(owner, task);
	account_assign(tag, owner, task);
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
		tag_own(tag, task, at, false, false);
		tag->cookie = cookie;
		tag->flags = (tag->flags & (NETFIL_TAG_TCP | NETFIL_TAG_RULES)) | NETFIL_TAG_OWNED;
	} else {
		/* Without a user yet there may be rules that were its listener's. */
		tag_own(tag, task, at, true, tag->user.tgid);
	}
	tag_void(tag);
	tag_unlock(tag);
}
