// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a hook costs by itself. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("cgroup_skb/egress")
int empty(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup_skb/ingress")
int empty_in(struct __sk_buff *skb)
{
	return 1;
}
