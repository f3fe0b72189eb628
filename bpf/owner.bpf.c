// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Owners: follows processes and cgroups as they are made, notices a socket's use
 * by another process, and, as iterators that user space runs, labels what was
 * there before.
 */
#include "call.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Questions to the iterators, and their answers. One asker at a time. */
__u32 asked_tgid;
__u32 asked_fd;
struct netfil_set asked_rules;
__u32 asked_slot;
__u32 asked_member; /* number of the slot's member, or 0 */
__u32 answered;     /* how many were found or changed */
struct netfil_exe answered_exe;

/* ---- processes ---- */

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = parent->tgid, child_tgid = child->tgid;
	struct netfil_process *process, copy;
	struct netfil_totals *t;

	if (tgid == child_tgid)
		return 0; /* a thread */
	process = process_find(tgid, start_of(parent));
	if (!process)
		return 0;
	copy = *process;
	copy.start = child->start_boottime;
	if (!bpf_map_update_elem(&processes, &child_tgid, &copy, BPF_ANY))
		return 0;
	t = totals_get();
	if (t)
		__sync_fetch_and_add(&t->untracked_processes, 1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (task->signal->live.counter)
		return 0; /* other threads go on */
	if (bpf_map_lookup_elem(&processes, &tgid))
		bpf_map_delete_elem(&processes, &tgid);
	return 0;
}

/*
 * Puts the processes of `adoptions` under the rules that stand there, and all that
 * descends from who is under one of asked_rules under that one. Run until it answers
 * 0: a child may stand before its parent, and processes fork meanwhile.
 */
SEC("iter/task")
int process_adopt(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct netfil_process *process, *parent, new = {};
	struct netfil_set *named;
	__u32 tgid, parent_tgid;
	__u64 missing = 0;

	if (!task || task->tgid != task->pid)
		return 0;
	tgid = task->tgid;
	parent_tgid = task->real_parent->tgid;
	named = bpf_map_lookup_elem(&adoptions, &tgid);
	parent = process_find(parent_tgid, start_of(task->real_parent));
	if (!named && !parent)
		return 0;
	process = process_find(tgid, task->start_boottime);
	for (int i = 0; i < NETFIL_SET_WORDS; i++) {
		__u64 rules = named ? named->words[i] : 0;

		if (parent)
			rules |= parent->rules.words[i] & asked_rules.words[i];
		if (process)
			rules &= ~process->rules.words[i];
		new.rules.words[i] = rules;
		missing |= rules;
	}
	if (!missing)
		return 0;
	if (process) {
		for (int i = 0; i < NETFIL_SET_WORDS; i++)
			__sync_fetch_and_or(&process->rules.words[i], new.rules.words[i]);
	} else {
		new.start = task->start_boottime;
		if (bpf_map_update_elem(&processes, &tgid, &new, BPF_ANY))
			return 0;
	}
	answered++;
	return 0;
}

/* Takes asked_rules off a set ... */
static __always_inline void scrub(struct netfil_set *set)
{
	for (int i = 0; i < NETFIL_SET_WORDS; i++)
		if (set->words[i] & asked_rules.words[i])
			__sync_fetch_and_and(&set->words[i], ~asked_rules.words[i]);
}

static long scrub_process(void *map, const __u32 *tgid, struct netfil_process *process,
			  void *context)
{
	scrub(&process->rules);
	return 0;
}

/*
 * ... off every process, so that their numbers can be given again. Run by hand, as
 * credit_gather: an iterator over a map's elements is refused by some kernels.
 */
SEC("tc")
int process_scrub(struct __sk_buff *ctx)
{
	bpf_for_each_map_elem(&processes, scrub_process, NULL, 0);
	return 0;
}

/* ---- cgroups ---- */

/* Adds to `set` what is known under this name; true if anything is. */
static __always_inline bool cgroup_named(const char *name, struct netfil_cgroup_name *key,
					 struct netfil_set *set)
{
	struct netfil_set *named;

	__builtin_memset(key, 0, sizeof(*key));
	if (bpf_probe_read_kernel_str(key->name, sizeof(key->name), name) < 0)
		return false;
	named = bpf_map_lookup_elem(&cgroup_names, key);
	if (!named)
		return false;
	for (int i = 0; i < NETFIL_SET_WORDS; i++)
		set->words[i] |= named->words[i];
	return true;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_made, struct cgroup *cgroup, const char *path)
{
	struct netfil_cgroup_name key;
	struct netfil_set set = {}, *parent;
	struct netfil_totals *t;
	bool any = false;
	__u64 id, parent_id;

	if (cgroup->root->hierarchy_id) /* 0: version 2 */
		return 0;
	id = cgroup->kn->id;
	parent_id = BPF_CORE_READ(cgroup, self.parent, cgroup, kn, id);
	parent = bpf_map_lookup_elem(&cgroups, &parent_id);
	if (parent) {
		set = *parent;
		any = true;
	}
	any |= cgroup_named(path, &key, &set);
	any |= cgroup_named(BPF_CORE_READ(cgroup, kn, name), &key, &set);
	if (!any || !bpf_map_update_elem(&cgroups, &id, &set, BPF_ANY))
		return 0;
	t = totals_get();
	if (t)
		__sync_fetch_and_add(&t->untracked_processes, 1);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_removed, struct cgroup *cgroup, const char *path)
{
	__u64 id = cgroup->kn->id;
	struct netfil_set *set, copy;

	if (cgroup->root->hierarchy_id)
		return 0;
	set = bpf_map_lookup_elem(&cgroups, &id);
	if (!set)
		return 0;
	copy = *set;
	bpf_map_update_elem(&cgroups_gone, &id, &copy, BPF_ANY);
	bpf_map_delete_elem(&cgroups, &id);
	return 0;
}

/* ---- sockets ---- */

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_sent, struct sock *sk, int result, int flags)
{
	return socket_used(sk);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_received, struct sock *sk, int result, int flags)
{
	return socket_used(sk);
}

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} EXPLORED;

/* The internet socket behind a file, or NULL. */
static __always_inline struct sock *file_sock(struct file *file)
{
	struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
	struct sock *sk = socket ? socket->sk : NULL;

	return sk && internet(sk) ? sk : NULL;
}

static __always_inline bool same_process(const struct netfil_owner *owner, struct task_struct *task)
{
	return owner->tgid == (__u32)task->tgid && owner->start == start_of(task);
}

/* Applications were not counted when the socket got its owner. */
static __always_inline void account_label(struct netfil_tag *tag, struct task_struct *task)
{
	const struct netfil_owner *owner = tag->user.tgid ? &tag->user : &tag->creator;

	if (tag->account_generation == ACCOUNT_UNSOUGHT && same_process(owner, task))
		account_assign(tag, owner, task);
}

/* Labels the sockets that somebody holds: with their owner where none is known,
 * and with the process rules of all who hold them. */
SEC("iter/task_file")
int socket_label(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct netfil_process *process;
	struct netfil_tag_rules *rules;
	struct sock *sk = file_sock(file);
	struct netfil_tag *tag;
	__u32 sequence;
	__u64 cookie;

	if (!task || !sk || !inside(sk))
		return 0;
	tag = bpf_sk_storage_get(&tags, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!tag)
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	sequence = READ_ONCE(tag->sequence);
	if (!tag_lock(tag, sequence, cookie)) {
		answered++; /* run again */
		return 0;
	}
	if (!(tag->flags & NETFIL_TAG_OWNED)) {
		tag->cookie = cookie;
		tag->netns = sk->__sk_common.skc_net.net->net_cookie;
		tag_own(tag, task, sk, false, true);
		tag->flags |= NETFIL_TAG_OWNED;
	} else {
		account_label(tag, task);
		process = process_find(task->tgid, start_of(task));
		rules = process ? rules_make(tag, sk) : NULL;
		if (rules)
			owner_rules(&rules->creator, process, true);
	}
	tag_void(tag);
	tag_unlock(tag);
	return 0;
}

/*
 * All sockets: by a map of what they have, or, where the kernel has no such iterator, those that
 * somebody holds as a file and those of connections; some then come more than once.
 */

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
} EXPLORED;

/* ... off every socket. */
static __always_inline void tag_scrub(struct netfil_tag_rules *rules)
{
	if (!rules)
		return;
	scrub(&rules->creator);
	scrub(&rules->user);
}

SEC("iter/bpf_sk_storage_map")
int socket_scrub(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;

	if (sk)
		tag_scrub(bpf_sk_storage_get(&tag_rules, sk, 0, 0));
	return 0;
}

SEC("iter/task_file")
int file_scrub(struct bpf_iter__task_file *ctx)
{
	struct sock *sk = file_sock(ctx->file);

	if (sk)
		tag_scrub(bpf_sk_storage_get(&tag_rules, sk, 0, 0));
	return 0;
}

SEC("iter/tcp")
int connection_scrub(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;

	if (common && is_connection(common))
		tag_scrub(bpf_sk_storage_get(&tag_rules, (void *)common, 0, 0));
	return 0;
}

/* Writes a struct netfil_socket_usage for each socket that moved something. */
static __always_inline void usage_write(struct seq_file *seq, void *sk)
{
	const struct netfil_socket_bytes *moved = bpf_sk_storage_get(&socket_bytes, sk, 0, 0);
	const struct netfil_tag *tag = bpf_sk_storage_get(&tags, sk, 0, 0);
	struct netfil_socket_usage usage = {};
	const struct netfil_owner *owner;

	if (!tag || !moved || (!moved->bytes[NETFIL_IN] && !moved->bytes[NETFIL_OUT]))
		return;
	owner = tag->user.tgid ? &tag->user : &tag->creator;
	usage.cookie = bpf_get_socket_cookie(sk);
	usage.bytes[NETFIL_IN] = moved->bytes[NETFIL_IN];
	usage.bytes[NETFIL_OUT] = moved->bytes[NETFIL_OUT];
	usage.start = owner->start;
	usage.tgid = owner->tgid;
	usage.uid = owner->uid;
	usage.exe = owner->exe;
	usage.account = tag->account;
	usage.flow = tag->flow;
	bpf_seq_write(seq, &usage, sizeof(usage));
}

SEC("iter/bpf_sk_storage_map")
int socket_usage(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;

	if (sk)
		usage_write(ctx->meta->seq, sk);
	return 0;
}

SEC("iter/task_file")
int file_usage(struct bpf_iter__task_file *ctx)
{
	struct sock *sk = file_sock(ctx->file);

	if (sk)
		usage_write(ctx->meta->seq, sk);
	return 0;
}

SEC("iter/tcp")
int connection_usage(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;

	if (common && is_connection(common))
		usage_write(ctx->meta->seq, common);
	return 0;
}

/* Writes the tgid of each process that holds a socket which asked_slot's filter
 * matches; one may come more than once. */
SEC("iter/task_file")
int slot_holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sock *sk = file_sock(file);
	struct netfil_tag *tag;
	__u32 tgid;

	if (!task || !sk)
		return 0;
	tag = bpf_sk_storage_get(&tags, sk, 0, 0);
	if (!tag || !tag_matches(tag, sk, asked_slot, asked_member))
		return 0;
	tgid = task->tgid;
	bpf_seq_write(ctx->meta->seq, &tgid, sizeof(tgid));
	return 0;
}

/* Writes a struct netfil_connection for each connection of the reader's namespace
 * which asked_slot's filter matches. */
SEC("iter/tcp")
int slot_connections(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct netfil_connection connection = {};
	struct netfil_tag *tag;

	if (!common || !is_connection(common))
		return 0;
	tag = bpf_sk_storage_get(&tags, (void *)common, 0, 0);
	if (!tag || !tag_matches(tag, common, asked_slot, asked_member))
		return 0;
	connection.cookie = bpf_get_socket_cookie(common);
	connection.family = common->skc_family;
	connection.state = common->skc_state;
	connection.local_port = bpf_htons(common->skc_num);
	connection.remote_port = common->skc_dport;
	if (connection.family == AF_INET) {
		__builtin_memcpy(connection.local, (void *)&common->skc_rcv_saddr, 4);
		__builtin_memcpy(connection.remote, (void *)&common->skc_daddr, 4);
	} else {
		bpf_probe_read_kernel(connection.local, 16, &common->skc_v6_rcv_saddr);
		bpf_probe_read_kernel(connection.remote, 16, &common->skc_v6_daddr);
	}
	bpf_seq_write(ctx->meta->seq, &connection, sizeof(connection));
	return 0;
}

/* For user space, which has changed the limits of asked_slot: credit that was lent under
 * the old ones is not spent under the new. Run by hand, on no packet: "syscall" would be the
 * type for it, but such programs may sleep, and those take no lock before Linux 6.8. */
SEC("tc")
int credit_gather(struct __sk_buff *ctx)
{
	slot_gather(asked_slot, 0);
	return 0;
}

/* Who asked_fd of asked_tgid is, as exe_of() would say. */
SEC("iter/task_file")
int file_identify(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file || (__u32)task->tgid != asked_tgid || ctx->fd != asked_fd)
		return 0;
	exe_of_inode(file->f_inode, &answered_exe);
	answered = 1;
	return 0;
}
