/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What applications move: see struct netfil_account. A tag says its account, so that a
 * packet costs one look-up and two additions.
 */
#pragma once

#include "maps.h"
#include "packet.h"

/* netfil_tag.account and .account_generation, which change together. */
union account_ref {
	struct {
		__u32 number;
		__u32 generation;
	};
	__u64 both;
};

/* A generation that no account has: it is to be looked for. */
#define ACCOUNT_UNSOUGHT (~0U)

static __always_inline __u64 *account_of(struct netfil_tag *tag)
{
	return (__u64 *)&tag->account;
}

static __always_inline struct netfil_account *account_get(__u32 number)
{
	return bpf_map_lookup_elem(&accounts, &number);
}

/* A part of a path is at most so long, with its NUL; so one that starts at this offset
 * fits. */
#define PATH_PART_MAX 256
#define PATH_STEPS 40 /* parts, and mounts between them */

/* Writes the path of a file, from its last part to the first, as it is seen from the root
 * of the mounts. */
__noinline int account_path(__u32 number, __u64 file)
{
	struct netfil_account_path *path = bpf_map_lookup_elem(&account_paths, &number);
	struct dentry *dentry, *root, *parent;
	struct vfsmount *vfs;
	struct mount *mount;
	__u32 length;
	long size;

	if (!path)
		return 0;
	dentry = BPF_CORE_READ((struct file *)file, f_path.dentry);
	vfs = BPF_CORE_READ((struct file *)file, f_path.mnt);
	if (!dentry || !vfs)
		return 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < PATH_STEPS; i++) {
		mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
		root = BPF_CORE_READ(vfs, mnt_root);
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == root || dentry == parent) {
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (!above || above == mount)
				return 0;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			vfs = (void *)above + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		length = path->length;
		if (length > NETFIL_PATH_MAX - PATH_PART_MAX)
			break;
		size = bpf_probe_read_kernel_str(&path->parts[length], PATH_PART_MAX,
						 BPF_CORE_READ(dentry, d_name.name));
		if (size <= 0)
			break;
		path->length = length + size;
		dentry = parent;
	}
	path->cut = 1;
	return 0;
}

static __always_inline struct netfil_account_path *account_path_get(__u32 number)
{
	return bpf_map_lookup_elem(&account_paths, &number);
}

/* Where the path is known now, and was not when the account was given. */
static __always_inline void account_name(__u32 number, __u64 file)
{
	struct netfil_account_path *path = account_path_get(number);

	if (file && path && !path->length)
		account_path(number, file);
}

static __always_inline void account_clear_path(__u32 number)
{
	struct netfil_account_path *path = account_path_get(number);

	if (path)
		path->length = path->cut = 0;
}

/*
 * The number of an account for this key; a new one gets the path of `file`, or none if
 * that is 0. Global, as account_path() is: what is rare is walked by the verifier once.
 */
__noinline int account_find(const struct netfil_account_key *wanted, __u64 file)
{
	struct netfil_account_key key;
	struct netfil_account *account;
	__u32 *known, number;

	if (!wanted || !wanted->exe.inode)
		return NETFIL_ACCOUNT_NOBODY;
	key = *wanted; /* Linux 6.1 takes a key of the stack, and not of another's memory */
	known = bpf_map_lookup_elem(&account_numbers, &key);
	if (known) {
		number = *known;
		account_name(number, file);
		return number;
	}
	if (bpf_map_pop_elem(&account_free, &number))
		return NETFIL_ACCOUNT_OTHERS;
	account = account_get(number);
	if (!account)
		return NETFIL_ACCOUNT_OTHERS;
	account_clear_path(number);
	account_name(number, file);
	account->key = key;
	if (!bpf_map_update_elem(&account_numbers, &key, &number, BPF_NOEXIST))
		return number;
	/* Another CPU was faster, or there is no memory. */
	account->key.exe.inode = 0;
	bpf_map_push_elem(&account_free, &number, BPF_ANY);
	known = bpf_map_lookup_elem(&account_numbers, &key);
	return known ? *known : NETFIL_ACCOUNT_OTHERS;
}

static __always_inline union account_ref account_ref_of(const struct netfil_owner *owner,
							__u64 file)
{
	struct netfil_account_key key = {.exe = owner->exe, .uid = owner->uid};
	union account_ref ref = {.number = account_find(&key, file)};
	struct netfil_account *account = account_get(ref.number);

	ref.generation = account ? account->generation : ACCOUNT_UNSOUGHT;
	return ref;
}

/* The tag's user (or creator, where there is no other) was filled from this task. */
static __always_inline void account_assign(struct netfil_tag *tag, const struct netfil_owner *owner,
					   struct task_struct *task)
{
	union account_ref ref = {.generation = ACCOUNT_UNSOUGHT};

	if (config.accounting)
		ref = account_ref_of(owner, (__u64)BPF_CORE_READ(task, mm, exe_file));
	WRITE_ONCE(*account_of(tag), ref.both);
}

/* The account of a tag that has none yet, or one that was taken back since. */
__noinline int account_refind(struct netfil_tag *tag)
{
	const struct netfil_owner *owner;
	struct netfil_owner copy;
	union account_ref ref;
	__u32 sequence;
	__u64 seen;

	if (!tag)
		return NETFIL_ACCOUNT_NOBODY;
	sequence = READ_ONCE(tag->sequence);
	seen = READ_ONCE(*account_of(tag));
	barrier();
	owner = tag->user.tgid ? &tag->user : &tag->creator;
	copy.exe = owner->exe;
	copy.uid = owner->uid;
	barrier();
	/* An owner that is being written is met again at the next packet. */
	if (sequence & 1 || READ_ONCE(tag->sequence) != sequence)
		return NETFIL_ACCOUNT_OTHERS;
	ref = account_ref_of(&copy, 0);
	__sync_val_compare_and_swap(account_of(tag), seen, ref.both);
	return ref.number;
}

static __always_inline bool account_loopback(const struct netfil_packet *packet)
{
	return packet->flow.ifindex == LOOPBACK_IFINDEX;
}

/* The same for sockets, while somebody watches. */
static __always_inline void socket_count(struct bpf_sock *sk, __u32 direction,
					 const struct netfil_packet *packet)
{
	struct netfil_socket_bytes *moved;

	if (!sk || account_loopback(packet))
		return;
	moved = bpf_sk_storage_get(&socket_bytes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (moved)
		__sync_fetch_and_add(&moved->bytes[direction & 1], packet->bytes);
}

/* Where watching began between the two hooks, nothing was counted. */
static __always_inline void socket_uncount(struct bpf_sock *sk, const struct netfil_packet *packet)
{
	struct netfil_socket_bytes *moved = bpf_sk_storage_get(&socket_bytes, sk, 0, 0);

	if (moved && !account_loopback(packet) &&
	    READ_ONCE(moved->bytes[NETFIL_OUT]) >= packet->bytes)
		__sync_fetch_and_add(&moved->bytes[NETFIL_OUT], -(__u64)packet->bytes);
}

/* False: it is to be found anew. */
static __always_inline bool account_still(union account_ref ref)
{
	struct netfil_account *account = account_get(ref.number);

	return account && account->generation == ref.generation;
}

/* In the counters of this CPU: what was counted by another one is taken back here. */
static __always_inline void account_add(__u32 number, __u32 direction, __u64 bytes)
{
	__u32 index = bpf_get_smp_processor_id() * NETFIL_ACCOUNTS_MAX + number;
	struct netfil_account_bytes *moved = bpf_map_lookup_elem(&account_bytes, &index);

	if (moved)
		__sync_fetch_and_add(&moved->bytes[direction & 1], bytes);
}

/* Counts an admitted packet. `tag` NULL: of a socket without one. */
static __always_inline void account_count(struct netfil_tag *tag, __u32 direction,
					  const struct netfil_packet *packet)
{
	union account_ref ref = {.number = NETFIL_ACCOUNT_NOBODY};

	if (account_loopback(packet))
		return;
	if (tag) {
		ref.both = READ_ONCE(*account_of(tag));
		if (!account_still(ref))
			ref.number = account_refind(tag);
	}
	account_add(ref.number, direction, packet->bytes);
}

/* Takes back what a packet was counted that did not leave after all. */
static __always_inline void account_uncount(struct netfil_tag *tag,
					    const struct netfil_packet *packet)
{
	union account_ref ref = {.both = READ_ONCE(*account_of(tag))};

	if (account_still(ref) && !account_loopback(packet))
		account_add(ref.number, NETFIL_OUT, -(__u64)packet->bytes);
}
