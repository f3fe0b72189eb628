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

/* Who did not make the socket becomes its user beside its creator; what nobody made, or was
 * accepted, gets its first user as creator. If another one writes the tag now, the next use
 * does it. */
static __always_inline void tag_use(struct netfil_tag *tag, struct task_struct *task,
				    struct sock *sk, __u64 cookie)
{
	if (!tag_lock(tag, READ_ONCE(tag->sequence), cookie))
		return;
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
}
