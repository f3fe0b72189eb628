/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which filters does a packet match? One look-up for each kind of question gives
 * the set of rules that list the packet's value; the sets of all kinds are
 * intersected word by word. The cost does not depend on how many filters there
 * are, and the result is cached on the socket.
 */
#pragma once

#include "charge.h"
#include "maps.h"

#define MATCH_OVERFLOW (-1)

/* Set numbers are looked up first, and the sets last, so that "none" is the empty
 * set and not one more path for the verifier to walk. */
static __always_inline __u32 number_of(const __u32 *number)
{
	return number ? *number : 0;
}

static __always_inline __u64 set_word(const struct netfil_set *set, __u32 i)
{
	return set->words[i & (NETFIL_SET_WORDS - 1)];
}

static __always_inline const struct netfil_set *cgroup_set(__u64 id)
{
	const struct netfil_set *set = bpf_map_lookup_elem(&cgroups, &id);
	__u32 none = 0;

	if (!set)
		set = bpf_map_lookup_elem(&cgroups_gone, &id);
	return set ? set : bpf_map_lookup_elem(&sets, &none);
}

/*
 * The functions below are global, so that the verifier walks each once and alone,
 * whatever the paths that lead to it; so each has to test its pointers.
 */

__noinline int exe_number(const struct netfil_owner *owner)
{
	struct netfil_exe file;

	if (!owner)
		return 0;
	file = owner->exe; /* Linux 6.1 takes a key of the stack, and not of another's memory */
	return number_of(bpf_map_lookup_elem(&exes, &file));
}

__noinline int user_number(const struct netfil_owner *owner)
{
	__u32 uid = owner ? owner->uid : 0;

	return number_of(bpf_map_lookup_elem(&users, &uid));
}

/* Takes out of `denied` the rules whose questions about an owner this one answers. `process`: its
 * process rules; NULL: it was under none. */
__noinline int match_owner(const struct netfil_owner *owner, const struct netfil_set *process,
			   struct netfil_set *denied)
{
	const struct netfil_set *exe, *user, *cgroup;
	__u32 exe_set = 0, user_set = 0, none = 0;

	if (!owner || !denied || !owner->tgid)
		return 0;
	if (config.asked & (1 << NETFIL_KIND_EXE))
		exe_set = exe_number(owner);
	if (config.asked & (1 << NETFIL_KIND_USER))
		user_set = user_number(owner);
	exe = bpf_map_lookup_elem(&sets, &exe_set);
	user = bpf_map_lookup_elem(&sets, &user_set);
	cgroup = cgroup_set(config.asked & (1 << NETFIL_KIND_CGROUP) ? owner->cgroup : 0);
	if (!process)
		process = bpf_map_lookup_elem(&sets, &none);
	if (!exe || !user || !cgroup || !process)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_SET_WORDS; i++) {
		if (i >= config.words)
			break;
		if (!denied->words[i])
			continue;
		denied->words[i] &=
		    ~((config.any[NETFIL_KIND_PROCESS].words[i] | process->words[i]) &
		      (config.any[NETFIL_KIND_EXE].words[i] | exe->words[i]) &
		      (config.any[NETFIL_KIND_USER].words[i] | user->words[i]) &
		      (config.any[NETFIL_KIND_CGROUP].words[i] | cgroup->words[i]));
	}
	return 0;
}

/* The number of the set of rules that leave this remote address out. */
static __always_inline __u32 except_number(const struct netfil_flow *flow)
{
	struct netfil_prefix address = {.length = 128};

	__builtin_memcpy(address.address, flow->remote, 16);
	return number_of(bpf_map_lookup_elem(&excepts, &address));
}

/* … and of those that list it. */
static __always_inline __u32 prefix_number(const struct netfil_flow *flow)
{
	struct netfil_prefix address = {.length = 128};

	__builtin_memcpy(address.address, flow->remote, 16);
	return number_of(bpf_map_lookup_elem(&prefixes, &address));
}

/* Both numbers in one, so that they are returned in a register. */
#define EXCEPTED_SHIFT 16
_Static_assert(NETFIL_SETS_MAX <= 1 << EXCEPTED_SHIFT, "set numbers");

static __always_inline struct netfil_address *address_place(const struct netfil_flow *flow)
{
	const __u32 *words = (const __u32 *)flow->remote;
	__u32 hash = (words[0] ^ words[1] ^ words[2] ^ words[3]) * 0x9e3779b1;
	__u32 index = hash >> 19; /* the upper 13 bits */

	_Static_assert(NETFIL_ADDRESSES_MAX == 1 << (32 - 19), "bits");
	return bpf_map_lookup_elem(&addresses, &index);
}

static __always_inline bool address_known(struct netfil_address *at, __u32 generation,
					  const struct netfil_flow *flow, __u32 *numbers)
{
	const __u64 *a = (const __u64 *)at->remote, *b = (const __u64 *)flow->remote;
	__u32 sequence = ordered_load(&at->sequence);

	if (sequence & 1)
		return false;
	barrier();
	if (at->generation != generation || a[0] != b[0] || a[1] != b[1])
		return false;
	*numbers = READ_ONCE(at->listed) | READ_ONCE(at->excepted) << EXCEPTED_SHIFT;
	barrier();
	return ordered_load(&at->sequence) == sequence;
}

static __always_inline void address_keep(struct netfil_address *at, __u32 generation,
					 const struct netfil_flow *flow, __u32 numbers)
{
	if (!sequence_lock(&at->sequence, READ_ONCE(at->sequence)))
		return;
	at->generation = generation;
	__builtin_memcpy(at->remote, flow->remote, sizeof(at->remote));
	at->listed = numbers & ((1U << EXCEPTED_SHIFT) - 1);
	at->excepted = numbers >> EXCEPTED_SHIFT;
	sequence_unlock(&at->sequence);
}

/*
 * The sets of rules that list a remote address, and that leave it out. A trie is the slower the
 * more prefixes it has; an address that was looked for lately is remembered, whatever the
 * socket. Global, for the stack's sake.
 */
__noinline int address_numbers(const struct netfil_flow *flow)
{
	struct netfil_address *at;
	__u32 generation, numbers = 0;

	if (!flow || !(config.asked & (1 << NETFIL_KIND_PREFIX | NETFIL_ASKED_EXCEPT)))
		return 0;
	generation = READ_ONCE(config.generation);
	barrier();
	at = address_place(flow);
	if (!at || address_known(at, generation, flow, &numbers))
		return numbers;
	if (config.asked & (1 << NETFIL_KIND_PREFIX))
		numbers = prefix_number(flow);
	if (config.asked & NETFIL_ASKED_EXCEPT)
		numbers |= except_number(flow) << EXCEPTED_SHIFT;
	address_keep(at, generation, flow, numbers);
	return numbers;
}

/* Rules that are on, and for this kind of traffic. */
static __always_inline __u64 scope_word(bool loopback, bool elsewhere, __u32 i)
{
	__u64 word = config.enabled.words[i];

	if (loopback)
		word &= config.loopback.words[i];
	if (elsewhere)
		word &= config.owned.words[i];
	return word;
}

/* Makes of the rules that are denied those that match: in force, not denied, and their
 * questions about a flow answered by this one. */
__noinline int match_flow(const struct netfil_tag *tag, const struct netfil_flow *flow,
			  struct netfil_set *matched, __u32 numbers)
{
	bool loopback, elsewhere, home;
	const struct netfil_set *prefix, *remote_port, *local_port, *proto, *interface, *except;
	__u32 listed, remote_number = 0, local_number = 0, proto_number = 0;
	__u32 interface_number = 0, excepted, words, key;
	__u64 word;

	if (!flow || !matched)
		return 0;
	/* It is in the namespace whose interfaces rules name. */
	home = !tag || !tag->netns || tag->netns == config.home_netns;
	words = config.words;
	if (config.asked & (1 << NETFIL_KIND_PORT)) {
		key = flow->remote_port;
		remote_number = number_of(bpf_map_lookup_elem(&ports, &key));
		key = flow->local_port;
		local_number = number_of(bpf_map_lookup_elem(&ports, &key));
	}
	if (config.asked & (1 << NETFIL_KIND_PROTO)) {
		key = flow->proto;
		proto_number = number_of(bpf_map_lookup_elem(&protos, &key));
	}
	if (home && config.asked & (1 << NETFIL_KIND_INTERFACE)) {
		const struct netfil_interface *entry;

		key = flow->ifindex;
		entry = bpf_map_lookup_elem(&interfaces, &key);
		interface_number = entry ? entry->set : 0;
	}
	listed = numbers & ((1U << EXCEPTED_SHIFT) - 1);
	excepted = numbers >> EXCEPTED_SHIFT;
	prefix = bpf_map_lookup_elem(&sets, &listed);
	remote_port = bpf_map_lookup_elem(&sets, &remote_number);
	local_port = bpf_map_lookup_elem(&sets, &local_number);
	proto = bpf_map_lookup_elem(&sets, &proto_number);
	interface = bpf_map_lookup_elem(&sets, &interface_number);
	except = bpf_map_lookup_elem(&sets, &excepted);
	if (!prefix || !remote_port || !local_port || !proto || !interface || !except) {
		__builtin_memset(matched, 0, sizeof(*matched)); /* cannot be */
		return 0;
	}
	loopback = flow->ifindex == LOOPBACK_IFINDEX;
	elsewhere = !home && config.forwarding;
	/* With many filters most words are done with the first question. */
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_SET_WORDS; i++) {
		if (i >= words)
			break;
		word = scope_word(loopback, elsewhere, i) & ~matched->words[i] &
		       (config.any[NETFIL_KIND_PREFIX].words[i] | prefix->words[i]);
		if (word)
			word &= (config.any[NETFIL_KIND_PORT].words[i] | remote_port->words[i] |
				 local_port->words[i]) &
				(config.any[NETFIL_KIND_PROTO].words[i] | proto->words[i]) &
				(config.any[NETFIL_KIND_INTERFACE].words[i] | interface->words[i]) &
				~except->words[i];
		matched->words[i] = word;
	}
	return 0;
}

/*
 * The slots of the interface's filters that count a frame: those which do not leave its
 * remote address out (`address` 0: it has none). Both the charge and its undoing ask here.
 */
__noinline int interface_slots(__u32 ifindex, const struct netfil_flow *flow, __u32 address,
			       struct netfil_verdict *verdict)
{
	struct netfil_interface *interface = bpf_map_lookup_elem(&interfaces, &ifindex);
	const struct netfil_set *except;
	__u32 number;

	if (!flow || !verdict)
		return 0;
	verdict->count = 0;
	if (!interface)
		return 0;
	number = address && config.asked & NETFIL_ASKED_EXCEPT ? except_number(flow) : 0;
	except = bpf_map_lookup_elem(&sets, &number);
	if (!except)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_MATCH_MAX; i++) {
		/* Counted in memory, as in match_word(). */
		__u32 count = verdict->count;
		__u32 rule = interface->except[i];

		if (i >= interface->count)
			break;
		if (rule < NETFIL_RULES_MAX && set_word(except, rule / 64) >> (rule & 63) & 1)
			continue;
		verdict->slots[MASKED(count, NETFIL_MATCH_MAX - 1)] = interface->slots[i];
		verdict->count = count + 1;
	}
	return 0;
}

/* The number of the only bit set, by a de Bruijn sequence: BPF has no instruction
 * for it, and branches are what a verifier pays for. */
#define DE_BRUIJN 0x03f79d71b4cb0a89ULL

static const __u8 bit_numbers[64] = {
    0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62, 55, 59, 36, 53, 51,
    43, 22, 45, 39, 33, 30, 24, 18, 12, 5,  63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
    44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6,
};

static __always_inline __u32 lowest_bit(__u64 word)
{
	return bit_numbers[((word & -word) * DE_BRUIJN) >> 58];
}

/* Appends the slots of one word's rules, in rule order. */
__noinline int match_word(__u64 word, __u32 first_rule, struct netfil_verdict *verdict)
{
	if (!verdict)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i <= NETFIL_MATCH_MAX; i++) {
		/* Counted in memory: there the verifier does not follow it. */
		__u32 count = verdict->count;
		__u32 rule = first_rule + lowest_bit(word);

		if (!word)
			break;
		if (count >= NETFIL_MATCH_MAX)
			return MATCH_OVERFLOW;
		verdict->slots[MASKED(count, NETFIL_MATCH_MAX - 1)] =
		    config.slot[rule & (NETFIL_RULES_MAX - 1)];
		verdict->count = count + 1;
		word &= word - 1;
	}
	return 0;
}

/* Who asks about an owner is denied until one of the socket's answers. */
__noinline int deny_owned(const struct netfil_tag *tag, const struct netfil_tag_rules *rules,
			  struct netfil_set *denied)
{
	__u64 any = 0;

	if (!denied)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_SET_WORDS; i++) {
		if (i >= config.words)
			break;
		denied->words[i] = config.owned.words[i];
		any |= denied->words[i];
	}
	if (tag && any) {
		match_owner(&tag->creator, rules ? &rules->creator : NULL, denied);
		match_owner(&tag->user, rules ? &rules->user : NULL, denied);
	}
	return 0;
}

/* Global: what match() would else keep beside the set is too much for Linux 6.1, which rounds
 * up each frame of the stack to 32 bytes. */
__noinline int match_words(const struct netfil_set *matched, struct netfil_verdict *verdict)
{

	if (!matched || !verdict)
		return 0;
	verdict->count = 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NETFIL_SET_WORDS; i++) {
		if (i >= config.words)
			break;
		if (matched->words[i] && match_word(matched->words[i], i * 64, verdict))
			return MATCH_OVERFLOW;
	}
	return 0;
}

/* The filters that match a flow of no socket: none that ask about an owner. Returns 0, or
 * MATCH_OVERFLOW where more than NETFIL_MATCH_MAX filters match. */
__noinline int match_flow_alone(const struct netfil_flow *flow, struct netfil_verdict *verdict)
{
	struct netfil_set matched = {};

	if (!flow || !verdict)
		return 0;
	deny_owned(NULL, NULL, &matched);
	match_flow(NULL, flow, &matched, address_numbers(flow));
	return match_words(&matched, verdict);
}

/* … of a socket: a socket matches if its creator or its latest other user does. `tag` NULL: it
 * has none; `rules`: as of rules_of(). */
__noinline int match(const struct netfil_tag *tag, const struct netfil_tag_rules *rules,
		     const struct netfil_flow *flow, struct netfil_verdict *verdict)
{
	struct netfil_set matched = {};

	if (!flow || !verdict)
		return 0;
	deny_owned(tag, rules, &matched);
	match_flow(tag, flow, &matched, address_numbers(flow));
	return match_words(&matched, verdict);
}
