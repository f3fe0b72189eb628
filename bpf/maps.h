/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps, one set for all objects: the loader hands every object the same ones,
 * by name (src/kernel/objects.c).
 */
#pragma once

#include "kernel.h"

#define ARRAY(name_, value_, entries_)                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, entries_);                                                     \
		__type(key, __u32);                                                                \
		__type(value, value_);                                                             \
	} name_ SEC(".maps")

#define HASH(name_, type_, key_, value_, entries_, flags_)                                         \
	struct {                                                                                   \
		__uint(type, type_);                                                               \
		__uint(map_flags, flags_);                                                         \
		__uint(max_entries, entries_);                                                     \
		__type(key, key_);                                                                 \
		__type(value, value_);                                                             \
	} name_ SEC(".maps")

/* A variable, and so without a look-up: each packet reads it. The loader shares it as any map. */
struct netfil_config config SEC(".data.config");

ARRAY(totals, struct netfil_totals, 1);
ARRAY(slots, struct netfil_slot, NETFIL_SLOTS_MAX);

/* For each CPU: user space makes room for as many as there are. */
ARRAY(purses, struct netfil_purse, NETFIL_SLOTS_MAX);

/* Beside the slots, since what is mapped into memory may have no lock. A cache line each. */
struct slot_lock {
	struct bpf_spin_lock lock;
	__u32 pad[15];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NETFIL_SLOTS_MAX);
	__type(key, __u32);
	__type(value, struct slot_lock);
} slot_locks SEC(".maps");

/* Members of keyed filters: see struct netfil_member. User space makes the maps. */
ARRAY(keyeds, struct netfil_keyed, NETFIL_SLOTS_MAX);

/* Without BPF_F_INNER_MAP, so that no look-up is a call. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, NETFIL_PIECES_MAX);
	__type(key, __u32);
	__array(
	    values, struct {
		    __uint(type, BPF_MAP_TYPE_ARRAY);
		    __uint(map_flags, BPF_F_MMAPABLE);
		    __uint(max_entries, NETFIL_PIECE_MEMBERS);
		    __uint(key_size, sizeof(__u32));
		    __uint(value_size, sizeof(struct netfil_member));
	    });
} members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, NETFIL_SLOTS_MAX);
	__type(key, __u32);
	__array(
	    values, struct {
		    __uint(type, BPF_MAP_TYPE_HASH);
		    __uint(map_flags, BPF_F_NO_PREALLOC);
		    __uint(max_entries, 1);
		    __uint(key_size, sizeof(struct netfil_member_key));
		    __uint(value_size, sizeof(__u32));
	    });
} member_numbers SEC(".maps");

/* Sets by number; 0 is the empty one. */
ARRAY(sets, struct netfil_set, NETFIL_SETS_MAX);

/* Values are set numbers. */
ARRAY(ports, __u32, 65536);
ARRAY(protos, __u32, 256);
HASH(exes, BPF_MAP_TYPE_HASH, struct netfil_exe, __u32, 4096, BPF_F_NO_PREALLOC);
HASH(users, BPF_MAP_TYPE_HASH, __u32, __u32, 4096, BPF_F_NO_PREALLOC);
/* While a list of a million is replaced by another one, both are in it. */
HASH(prefixes, BPF_MAP_TYPE_LPM_TRIE, struct netfil_prefix, __u32, 4194304, BPF_F_NO_PREALLOC);
HASH(excepts, BPF_MAP_TYPE_LPM_TRIE, struct netfil_prefix, __u32, 65536, BPF_F_NO_PREALLOC);

ARRAY(addresses, struct netfil_address, NETFIL_ADDRESSES_MAX);
ARRAY(verdicts, struct netfil_verdict_kept, NETFIL_VERDICTS_MAX);
ARRAY(shortcuts, struct netfil_shortcut, NETFIL_SHORTCUTS_MAX);

/* Sets that are inherited, so held by value: by tgid, and by cgroup id. A cgroup
 * that is gone may still have sockets. */
HASH(processes, BPF_MAP_TYPE_HASH, __u32, struct netfil_process, 262144, BPF_F_NO_PREALLOC);
HASH(cgroups, BPF_MAP_TYPE_HASH, __u64, struct netfil_set, 65536, BPF_F_NO_PREALLOC);
HASH(cgroups_gone, BPF_MAP_TYPE_LRU_HASH, __u64, struct netfil_set, 4096, 0);
HASH(cgroup_names, BPF_MAP_TYPE_HASH, struct netfil_cgroup_name, struct netfil_set, 2048,
     BPF_F_NO_PREALLOC);

/* Processes that were there before the rules under which they are to come: filled while
 * user space has them put there, and else empty. */
HASH(adoptions, BPF_MAP_TYPE_HASH, __u32, struct netfil_set, 65536, BPF_F_NO_PREALLOC);

HASH(interfaces, BPF_MAP_TYPE_HASH, __u32, struct netfil_interface, 4096, BPF_F_NO_PREALLOC);

/* Applications: see struct netfil_account. */
ARRAY(accounts, struct netfil_account, NETFIL_ACCOUNTS_MAX);
ARRAY(account_bytes, struct netfil_account_bytes, NETFIL_ACCOUNTS_MAX); /* for each CPU */
ARRAY(account_paths, struct netfil_account_path, NETFIL_ACCOUNTS_MAX);
HASH(account_numbers, BPF_MAP_TYPE_HASH, struct netfil_account_key, __u32, NETFIL_ACCOUNTS_MAX, 0);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, NETFIL_ACCOUNTS_MAX - NETFIL_ACCOUNT_FIRST);
	__type(value, __u32);
} account_free SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct netfil_tag);
} tags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct netfil_tag_rules);
} tag_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct netfil_socket_bytes);
} socket_bytes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

static __always_inline struct netfil_totals *totals_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&totals, &zero);
}
