// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Notices a socket's use by another process where the kernel has no tracepoints that tell,
 * as Linux before 6.8: by trampolines on what send and receive come to for all sockets of
 * IP. They run before the call, so what it moves is its caller's already.
 *
 * A trampoline does not run inside of itself: where the kernel takes the CPU from a task in
 * the midst of one, another task's use may go unseen. Its next one does it.
 */
#include "call.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("fentry/inet_sendmsg")
int BPF_PROG(sent4, struct socket *socket)
{
	return socket_used(socket->sk);
}

SEC("fentry/inet6_sendmsg")
int BPF_PROG(sent6, struct socket *socket)
{
	return socket_used(socket->sk);
}

/* sendfile() and splice() on Linux before 6.5; since then they come as the others do. */
SEC("fentry/inet_sendpage")
int BPF_PROG(sent_page, struct socket *socket)
{
	return socket_used(socket->sk);
}

SEC("fentry/inet_recvmsg")
int BPF_PROG(received4, struct socket *socket)
{
	return socket_used(socket->sk);
}

SEC("fentry/inet6_recvmsg")
int BPF_PROG(received6, struct socket *socket)
{
	return socket_used(socket->sk);
}

/* Raw sockets of IPv6, DCCP and L2TP. */
SEC("fentry/sock_common_recvmsg")
int BPF_PROG(received_other, struct socket *socket)
{
	return socket_used(socket->sk);
}

/* splice() out of a socket. */
SEC("fentry/tcp_splice_read")
int BPF_PROG(received_page, struct socket *socket)
{
	return socket_used(socket->sk);
}
