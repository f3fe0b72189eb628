/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket's use by another process as its packets show it: most of them leave while their sender
 * is in the midst of sending. It costs less than a tracepoint for each send, and the new user's
 * first packet is its own.
 */
#pragma once

#include "use.h"

/* What it takes is there. Set before the programs are loaded. */
const volatile bool sees_senders;

struct sk_buff {
	struct sock *sk;
} EXPLORED;

void *bpf_cast_to_kern_ctx(void *context) __ksym __weak;

/* The packet's socket, where there are casts; or NULL. */
static __always_inline struct sock *sock_of(struct __sk_buff *skb)
{
	struct sk_buff *packet = bpf_cast_to_kern_ctx(skb);

	return packet->sk;
}

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3

#define FILES_AT_ONCE 16
#define FILES_MAX 16384 /* that are looked through */

struct holding {
	struct file **files, *wanted;
	bool found;
};

static long files_look(__u32 index, struct holding *holding)
{
	struct file *some[FILES_AT_ONCE] = {};

	bpf_probe_read_kernel(some, sizeof(some), holding->files + index * FILES_AT_ONCE);
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < FILES_AT_ONCE; i++)
		if (some[i] == holding->wanted)
			holding->found = true;
	return holding->found;
}

/* The task has the file open. Credentials are its process's own: who opened or accepted it still
 * has those that the file has. Tables of files are multiples of 64 long. */
static __always_inline bool holds(struct task_struct *task, struct file *file)
{
	struct fdtable *table = task->files->fdt;
	struct holding holding = {.files = table->fd, .wanted = file};
	__u32 count = table->max_fds;

	if (file->f_cred == task->cred)
		return true;
	if (count > FILES_MAX)
		count = FILES_MAX;
	bpf_loop(count / FILES_AT_ONCE, files_look, &holding, 0);
	return holding.found;
}

/* Datagrams leave within their send. A stream's packets may leave at any time; but who holds the
 * socket's lock as a task keeps interrupts from sending them. */
static __always_inline bool in_task(struct sock *sk)
{
	__u16 type = sk->sk_type;

	return type == SOCK_DGRAM || type == SOCK_RAW || sk->sk_lock.owned;
}

/* It is the current task that sends. Listeners are sent for without their lock; and who closes
 * need not have sent. */
static __always_inline bool within_send(struct sock *sk)
{
	__u8 state = sk->__sk_common.skc_state;

	if (state == BPF_TCP_NEW_SYN_RECV || state == BPF_TCP_TIME_WAIT)
		return false; /* not a whole socket */
	if (sk->sk_type == SOCK_STREAM && state != BPF_TCP_ESTABLISHED &&
	    state != BPF_TCP_CLOSE_WAIT && state != BPF_TCP_SYN_SENT && state != BPF_TCP_SYN_RECV)
		return false;
	return in_task(sk);
}

/* Packets do not tell all: user space is to have calls looked at, which makes `senders` 0. It goes
 * by `strangers` when it hears of it, so that comes first. */
static __always_inline void strangers_tell(void)
{
	if (!sees_senders || READ_ONCE(config.strangers) ||
	    __sync_lock_test_and_set(&config.strangers, 1))
		return;
	if (!event_send(NETFIL_EVENT_STRANGERS, NETFIL_NO_SLOT, 0, NETFIL_TOTAL, 0))
		WRITE_ONCE(config.strangers, 0); /* the next one tries again */
}

/*
 * Before a packet that leaves is matched. Who does not hold the socket passes on what others have
 * sent, as a firewall in user space does (NFQUEUE), or uses what is in no table of files, as
 * io_uring can: that is seen at calls alone, and user space is told to have these looked at.
 * `at`: the socket, as a helper takes it.
 */
static __always_inline void sender_note(struct sock *sk, void *at, struct netfil_tag *tag,
					__u64 cookie)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *file;

	if (tag_knows(tag, task, cookie) || task->flags & PF_KTHREAD || !within_send(sk))
		return;
	file = sk->sk_socket->file;
	if (!file)
		return; /* the kernel's own, or closed */
	if (holds(task, file))
		tag_use(tag, task, sk, at, cookie);
	else
		strangers_tell();
}

/* Before a packet of a shortcut leaves: it is sent by another process than this, or may be. */
static __always_inline bool sender_changes(struct __sk_buff *skb, const __u32 *tgid)
{
	struct sock *sk;

	if (!config.senders || !sees_senders)
		return false;
	sk = sock_of(skb);
	return sk && in_task(sk) && (__u32)bpf_get_current_task_btf()->tgid != READ_ONCE(*tgid);
}
