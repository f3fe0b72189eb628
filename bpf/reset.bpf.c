// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ends connections at their cap where the kernel has bpf_sock_destroy (6.5): the
 * application gets ECONNABORTED, the peer a reset. Apart from the other iterators,
 * because an object with a function that the kernel lacks does not load.
 */
#include "tag.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u32 asked_slot;
__u32 asked_member;
__u32 answered; /* how many were ended */

int bpf_sock_destroy(struct sock_common *sk) __ksym;

/* Runs over the connections of the namespace of who opened the iterator. */
SEC("iter/tcp")
int slot_reset(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct netfil_tag *tag;

	if (!common || !is_connection(common))
		return 0;
	tag = bpf_sk_storage_get(&tags, (void *)common, 0, 0);
	if (tag && tag_matches(tag, common, asked_slot, asked_member) && !bpf_sock_destroy(common))
		answered++;
	return 0;
}
