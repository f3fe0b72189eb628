/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only types that the kernel programs and user space share.
 *
 * Words: a *rule* is one filter's selectors as the kernel sees them, and has an
 * index below NETFIL_RULES_MAX; a *slot* holds one filter's counters and limits.
 * The two are apart so that selectors can be replaced while the counters go on.
 *
 * Everything is fixed width and padded by hand. Numbers are host order unless a
 * comment says otherwise. A change of any type here raises NETFIL_ABI_VERSION.
 */
#ifndef NETFIL_ABI_H
#define NETFIL_ABI_H

#include <linux/types.h>

#define NETFIL_ABI_VERSION 9

#define NETFIL_RULES_MAX 1024
#define NETFIL_SET_WORDS (NETFIL_RULES_MAX / 64)
#define NETFIL_SLOTS_MAX 2048
#define NETFIL_SETS_MAX 8192
#define NETFIL_MATCH_MAX 16 /* filters that may match one packet */
#define NETFIL_NAME_MAX 256 /* cgroup path or unit name, with its NUL */
#define NETFIL_NO_LIMIT (~0ULL)
#define NETFIL_MEMBERS_MAX 1000000 /* of a keyed filter */
#define NETFIL_PIECE_MEMBERS 4096  /* members in a piece: whole pages, whatever their size */
#define NETFIL_PIECES_MAX 16384    /* of all keyed filters; one of them is nobody's */

enum netfil_direction {
	NETFIL_IN = 0,
	NETFIL_OUT = 1,
	NETFIL_TOTAL = 2, /* in and out together; never a packet's own direction */
	NETFIL_DIRECTIONS = 3,
};

/* What happens when a slot refuses. Bits of netfil_slot.flags. */
enum netfil_slot_flags {
	NETFIL_SLOT_REJECT = 1 << 0,     /* connect() fails, datagrams get EPERM; a TCP segment
					    sent and refused knocks, see NETFIL_SLOT_KNOCK */
	NETFIL_SLOT_DROP = 1 << 1,       /* silence */
	NETFIL_SLOT_PASS_RESET = 1 << 2, /* once exhausted, a TCP reset may leave */
	NETFIL_SLOT_OVER = 1 << 3,       /* beyond its limits it admits, at `rate` */
	NETFIL_SLOT_GRANTED = 1 << 4,    /* limit[NETFIL_TOTAL] is what user space has granted
					    so far, not the cap: at it, packets are dropped in
					    silence, nothing is exhausted, and more is asked for */
	NETFIL_SLOT_KNOCK = 1 << 5,      /* user space acts on who comes to the spent cap: any
					    packet refused then sends NETFIL_EVENT_KNOCK, until
					    `exhausted` has NETFIL_EXHAUSTED_KNOCKED */
	NETFIL_SLOT_EACH = 1 << 6,       /* see struct netfil_member */
};

/* Bits of netfil_slot.exhausted beside 1 << direction. Set by the kernel when it sends
 * NETFIL_EVENT_KNOCK, cleared by user space before it acts, which then gets another one. */
#define NETFIL_EXHAUSTED_KNOCKED (1U << 7)
/* User space's own: processes were paused. It outlives netfild, as they do. */
#define NETFIL_EXHAUSTED_PAUSED (1U << 8)
#define NETFIL_EXHAUSTED_CAPS ((1U << NETFIL_DIRECTIONS) - 1)

/*
 * One filter's counters, as two cache lines. They are changed by the kernel alone
 * and with atomics alone. User space changes limits, each with one aligned store;
 * a limit is absolute, in the counter's own terms: a filter that is reset at
 * U bytes with a cap of C gets the limit U + C. So no reset loses a byte.
 *
 * Bytes admitted are used[] less the credit in the slot's purses. They only ever rise, but
 * for the instant between a charge and its undoing.
 */
struct netfil_slot {
	__u64 used[NETFIL_DIRECTIONS];  /* bytes admitted, or lent to purses */
	__u64 limit[NETFIL_DIRECTIONS]; /* bytes; NETFIL_NO_LIMIT: none */
	__u32 flags;                    /* enum netfil_slot_flags; user space */
	__u32 exhausted;                /* bit 1 << direction: a single segment was refused.
					   Set by the kernel, cleared by user space. */
	__u64 id;                       /* the ledger's filter id; 0: free */

	__u64 refused_bytes;
	__u64 refused_packets;
	__u64 reset_bytes; /* resets that ended connections at the cap; not in used[] */
	__u32 reset_packets;
	__u32 moves;      /* credit moves between used[] and purses: the low byte counts the moves
			     under way, the rest those that are over */
	__u64 rate;       /* NETFIL_SLOT_OVER: bytes a second beyond the limits; 0: any */
	__u64 paid_until; /* kernel: bpf_ktime_get_boot_ns() until which `rate` is used up */
	__u64 over_until; /* until this bpf_ktime_get_boot_ns() all is admitted, and nothing
			     becomes exhausted (free hours, snooze); used[] counts on */
	__u64 grant_low;  /* NETFIL_SLOT_GRANTED: where used[NETFIL_TOTAL] passes this,
			     NETFIL_EVENT_GRANT is sent, and the kernel makes it
			     NETFIL_NO_LIMIT, so that it is sent once */
};

/* Both halves of netfil_slot.moves. */
#define NETFIL_MOVE_BEGINS 1U
#define NETFIL_MOVE_ENDS 255U /* one less under way, one more that is over */
#define NETFIL_MOVES_UNDER_WAY(moves) ((moves)&255U)

/*
 * What one CPU may spend of a slot without asking the others: a cache line of its own.
 * Element of the mapped array "purses": slot * CPUs + CPU. Credit is taken from used[] in
 * chunks which shrink as the limit comes near, and given back before a packet is refused,
 * or when user space asks for it by the program slot_gather.
 */
struct netfil_purse {
	__u64 credit[2]; /* bytes, by direction */
	__u64 pad[6];
};

/*
 * A keyed filter has counters and limits for each member: each address, user, executable,
 * control group or interface that it matches. NETFIL_SLOT_EACH in its slot's flags says so;
 * the slot itself is not charged then.
 *
 * "member_numbers" (an array of hashes, by slot) leads from a member's key to its number. "members"
 * (an array of arrays) has pieces of NETFIL_PIECE_MEMBERS members, all of one size, so that
 * programs find an element without a call. A slot has as many as it takes, one behind the other
 * from netfil_keyed.first on, and number n is element n - 1 of them. Numbers are 1 to
 * netfil_keyed.max + 1: what is beyond is not to be looked up, as it may be another slot's. Piece
 * 0 is never there: `first` is 0 where a slot has none.
 *
 * The programs make members as they are seen. NETFIL_NUMBER_OTHERS is of all that have no other
 * one: netfil_keyed.max members are there already, or there was no memory.
 */
#define NETFIL_NUMBER_OTHERS 1
#define NETFIL_NUMBER_FIRST 2 /* of the first member */

struct netfil_member_key {
	__u8 bytes[16]; /* what the kind has, NUL-filled: the remote address, v4-mapped | uid |
			   struct netfil_exe | cgroup id (__u64) | ifindex (__u32) */
};

struct netfil_member {
	struct netfil_slot slot; /* id: NETFIL_MEMBER_ID() of the terms it is under */
	__u64 credit[2];         /* as in netfil_purse, for all CPUs */
	__u64 base[2];           /* slot.used[] when its cycle began; credit was 0 then */
	struct netfil_member_key key;
	__u32 dirty; /* 1: NETFIL_EVENT_MEMBER was sent, and user space has not looked since */
	__u32 there; /* 1: `key` is that of a member */
};

/* netfil_slot.id of a member: the terms that its limits are of. The kernel brings it under new
 * ones at its next packet; NETFIL_MEMBER_LOCKED while it does. */
#define NETFIL_MEMBER_ID(cycle, epoch) ((__u64)(cycle) << 32 | (epoch))
#define NETFIL_MEMBER_LOCKED (1ULL << 31) /* in the epoch's half: epochs are less */

/* The terms of a keyed filter's members, by slot: element of the mapped array "keyeds". User
 * space writes them, and then raises `epoch`, or `cycle` where usage is to begin anew. */
struct netfil_keyed {
	__u64 cap[NETFIL_DIRECTIONS]; /* bytes of a cycle; NETFIL_NO_LIMIT: none */
	__u64 rate;                   /* these three as in netfil_slot */
	__u64 over_until;
	__u32 flags;
	__u16 kind;   /* enum netfil_kind */
	__u16 closed; /* 1: nobody gets a number for the moment; who has none is refused */
	__u32 max;
	__u32 given; /* members that got a number so far; kernel */
	__u32 spare; /* a number given in vain, or 0; kernel */
	__u32 epoch; /* never 0 */
	__u32 cycle;
	/* User space: elements of "members" from `pending` on that are being put or taken away. Who
	 * is killed meanwhile leaves them behind. */
	__u32 pending_count;
	__u32 first; /* element of "members" that is the first piece; 0: none */
	__u32 pending;
};

/* A set of rules; bit n is rule n. */
struct netfil_set {
	__u64 words[NETFIL_SET_WORDS];
};

/*
 * What rules ask about a packet. For each kind, a rule matches if it does not
 * ask (its bit in config.any[kind]) or if the packet's value lists it.
 */
enum netfil_kind {
	NETFIL_KIND_PROCESS = 0,   /* processes: a process and what it started */
	NETFIL_KIND_EXE = 1,       /* exes */
	NETFIL_KIND_USER = 2,      /* users */
	NETFIL_KIND_CGROUP = 3,    /* cgroups */
	NETFIL_KIND_PREFIX = 4,    /* prefixes: the remote address */
	NETFIL_KIND_PORT = 5,      /* ports: the remote or the local port */
	NETFIL_KIND_PROTO = 6,     /* protos */
	NETFIL_KIND_INTERFACE = 7, /* interfaces */
	NETFIL_KINDS = 8,
};

/* Some rule leaves addresses out: the map "excepts", like "prefixes", yields the set of
 * rules that do not match this remote address. */
#define NETFIL_ASKED_EXCEPT (1U << 31)
/* Some rule leads to the slot of a keyed filter. */
#define NETFIL_ASKED_EACH (1U << 30)

/* The one element of map "config". */
struct netfil_config {
	__u32 generation; /* verdicts cached under another one are void; never 0 */
	__u32 words;      /* set words in use */
	__u64 home_netns; /* cookie of the network namespace that netfil keeps:
			     interfaces and forwarding are matched in it alone */
	__u32 asked;      /* bit 1 << kind: some rule asks about it; and
			     NETFIL_ASKED_… */
	__u32 forwarding; /* 1: the FORWARD hook counts, so address rules leave
			     sockets of other network namespaces to it */
	struct netfil_set enabled;
	struct netfil_set loopback; /* rules that count loopback too */
	struct netfil_set owned;    /* rules that ask about a socket's owner */
	struct netfil_set any[NETFIL_KINDS];
	__u32 slot[NETFIL_RULES_MAX]; /* rule -> slot */
	/* User space raises `generation` after it has set one of these. */
	__u32 accounting; /* 1: applications are counted, see struct netfil_account */
	__u32 watched;    /* 1: sockets are counted, see netfil_socket_bytes */
	__u64 instance;   /* random, user space's: tells these maps from earlier ones */
	__u32 refusing;   /* 1: connect() may have to be refused. Set where a cap is reached, by the
			     kernel too, and where more rules are there than a packet can match; it
			     stays. 0: nobody looks for filters then. */
	__u32 senders;    /* 1: packets that leave tell who uses their socket */
	__u32 strangers;  /* 1: not all of them do: see NETFIL_EVENT_STRANGERS; it stays */
	__u32 pad;
};

/* The one element of map "totals": what belongs to no filter. */
struct netfil_totals {
	__u64 unattributed_bytes[2]; /* by direction: the owner is not known */
	__u64 unattributed_packets[2];
	__u64 overmatched_packets; /* refused: more than NETFIL_MATCH_MAX matched */
	__u64 untagged_sockets;    /* no memory for an owner tag */
	__u64 untracked_processes; /* no memory for a forked process or new cgroup */
	__u64 stamps;              /* netfil_tag.stamp that were given */
};

/* Key of map "exes", in the kernel's own terms (not st_dev). */
struct netfil_exe {
	__u64 inode;
	__u32 device;
	__u32 generation; /* of the inode: tells a reused number apart */
};

/* Key of map "prefixes". IPv4 is written as ::ffff:a.b.c.d, 96 bits longer. */
struct netfil_prefix {
	__u32 length;     /* bits, 0 to 128 */
	__u8 address[16]; /* network order */
};

/*
 * What the tries of prefixes said of an address lately: element of the array "addresses", at a
 * hash of the address. Good under the same generation. The kernel's own; under a sequence lock
 * (odd: being written).
 */
#define NETFIL_ADDRESSES_MAX 8192
struct netfil_address {
	__u32 sequence;
	__u32 generation;
	__u8 remote[16]; /* network order, IPv4 mapped */
	__u32 listed;    /* set number of "prefixes" */
	__u32 excepted;  /* … of "excepts" */
};

/* Value of map "processes", by tgid. */
struct netfil_process {
	__u64 start; /* start_boottime, ns: tells a reused pid apart */
	struct netfil_set rules;
};

/* Key of map "cgroup_names": a path from the hierarchy's root ("/a/b") or, for a
 * unit, its last part alone ("nginx.service"). NUL-filled. */
struct netfil_cgroup_name {
	char name[NETFIL_NAME_MAX];
};

/* Value of map "interfaces", by ifindex in the home namespace. */
struct netfil_interface {
	__u32 set;         /* rules that name this interface beside other kinds */
	__u32 link_header; /* bytes: 14 for Ethernet, 0 for layer 3 devices */
	__u32 count;
	__u32 pad;
	__u32 slots[NETFIL_MATCH_MAX]; /* of pure interface filters, ascending */
	/* Beside each slot: the rule under which its filter stands in "excepts", or
	 * NETFIL_NO_RULE. The rule is never enabled. */
	__u16 except[NETFIL_MATCH_MAX];
};
#define NETFIL_NO_RULE 0xffff

/* What a packet's verdict depends on beside its socket's owner. */
struct netfil_flow {
	__u8 remote[16]; /* network order, IPv4 mapped; forwarded: the destination */
	__u16 remote_port;
	__u16 local_port;
	__u32 ifindex;
	__u8 proto;
	__u8 pad[3];
};

/*
 * A verdict reached lately on a socket that talks to many: element of the array "verdicts", at a
 * hash of the flow and the stamp. Good under the same generation. The kernel's own; under a
 * sequence lock.
 */
#define NETFIL_VERDICTS_MAX 8192
struct netfil_verdict_kept {
	__u32 sequence;
	__u32 generation;
	__u64 stamp; /* netfil_tag.stamp: whose verdict */
	struct netfil_flow flow;
	__u32 slot;   /* of the only filter that matches; none: NETFIL_NO_SLOT */
	__u32 member; /* of that slot, or 0 */
	__u32 pad[3];
};
#define NETFIL_NO_SLOT (~0U)
#define NETFIL_NO_SLOT16 0xffff /* the same in 16 bits: all of them */

/*
 * The verdict that a socket's tag has, where its packets find it without the tag: element of the
 * array "shortcuts", at a hash of the socket's cookie. Good under the same generation. The
 * kernel's own; under a sequence lock, and void before its tag changes.
 */
#define NETFIL_SHORTCUTS_MAX 32768
#define NETFIL_SHORTCUT_SLOTS 3
struct netfil_shortcut {
	__u32 sequence;
	__u32 generation;
	__u64 cookie;    /* the socket's; 0: void */
	__u8 remote[16]; /* network order; IPv4: the last 4 bytes */
	__u16 ports[4];  /* network order, as packets have them: source and destination of those
			    that come in, and of those that go out */
	__u32 ifindex;
	__u32 user; /* tgid of the socket's latest user, or else of its creator */
	__u8 proto;
	__u8 kind;                          /* enum netfil_shortcut_kind */
	__u16 slots[NETFIL_SHORTCUT_SLOTS]; /* of the filters that match; then NETFIL_NO_SLOT16 */
	__u32 account;                      /* not counted: NETFIL_NO_ACCOUNT */
	__u32 pad;
};
enum netfil_shortcut_kind {
	NETFIL_SHORTCUT_V4 = 1 << 0,
	NETFIL_SHORTCUT_TCP = 1 << 1,     /* of a TCP socket */
	NETFIL_SHORTCUT_SEVERAL = 1 << 2, /* filters match */
	/* The first slot is keyed, and the only one: slots[1] and slots[2] are one number of 32
	 * bits, NETFIL_PIECE_MEMBERS * piece + element in it, where its member is. */
	NETFIL_SHORTCUT_MEMBER = 1 << 3,
};
#define NETFIL_NO_ACCOUNT (~0U)

/*
 * An application, whose traffic is counted, loopback left out: an executable under a user.
 * Sockets of the latest user if they have one, else of their creator. Element of the mapped array
 * "accounts".
 *
 * Account 0 is of traffic without an owner, 1 of applications for which there was no
 * account left. The others are given by the kernel: "account_free" (a queue of numbers,
 * filled by user space) has those that may be given, "account_numbers" (a hash) leads from
 * a key to its number. User space takes a number back (deletes the key, raises
 * `generation` and then config.generation, puts it into the queue) when the account has long
 * been idle; a tag with an older generation finds its account anew.
 */
#define NETFIL_ACCOUNTS_MAX 4096
#define NETFIL_ACCOUNT_NOBODY 0
#define NETFIL_ACCOUNT_OTHERS 1
#define NETFIL_ACCOUNT_FIRST 2 /* of those that are given */

struct netfil_account_key {
	struct netfil_exe exe;
	__u32 uid;
	__u32 pad;
};

struct netfil_account {
	struct netfil_account_key key;
	__u32 generation;
	__u32 pad;
};

/* What a CPU saw an account move. In the mapped array "account_bytes": CPU * NETFIL_ACCOUNTS_MAX
 * + account; so CPUs do not take lines of the cache from each other. The sum over all only
 * rises, but for what is taken back. */
struct netfil_account_bytes {
	__u64 bytes[2]; /* by direction */
};

/* Element of the array "account_paths", by account: the executable's path when the account
 * was given, its parts from the last to the first, each with a NUL behind it; `length`
 * bytes in all. A path that does not fit lacks its first parts (`cut`). */
#define NETFIL_PATH_MAX 512
struct netfil_account_path {
	__u32 length;
	__u32 cut;
	char parts[NETFIL_PATH_MAX];
};

/* Who made, or first used, a socket. tgid 0: not known. */
struct netfil_owner {
	__u64 start; /* start_boottime, ns */
	__u32 tgid;
	__u32 uid;
	struct netfil_exe exe;
	__u64 cgroup;
};

enum netfil_tag_flags {
	NETFIL_TAG_OWNED = 1 << 0,        /* creator is known */
	NETFIL_TAG_RESET_PASSED = 1 << 1, /* the one reset of this socket went out */
	NETFIL_TAG_TCP = 1 << 2,          /* made as a TCP socket, or accepted by one */
	NETFIL_TAG_RULES = 1 << 3,        /* the socket has an entry in "tag_rules" */
};

/*
 * Value of sk_storage map "tags". The first part caches the verdict on the last
 * flow under a sequence lock (odd: being written). Each socket has one, so it is as large as
 * fits into 256 bytes with the kernel's own part, and what few sockets need is elsewhere.
 */
struct netfil_tag {
	__u32 sequence;
	__u32 generation;
	struct netfil_flow flow;
	__u32 flags; /* enum netfil_tag_flags */
	union {
		__u16 slots[NETFIL_MATCH_MAX]; /* that match; then NETFIL_NO_SLOT16 */
		struct {                       /* of one slot, or of none */
			__u16 slot;
			__u16 next;   /* NETFIL_NO_SLOT16 */
			__u32 member; /* number of the slot's member, if it is keyed; else 0 */
		} only;
	};
	__u64 cookie; /* of the socket it was made for; an accepted one inherits it */
	__u64 stamp;  /* tags with the same one say the same of owners and namespace */
	__u64 netns;
	__u32 account; /* of the user, else of the creator */
	__u32 account_generation;
	struct netfil_owner creator;
	struct netfil_owner user; /* the last other process seen using it */
};

/* Value of sk_storage map "tag_rules": the process rules that a socket's owners were under, which
 * stay. Of sockets whose owners were under any. */
struct netfil_tag_rules {
	struct netfil_set creator;
	struct netfil_set user;
};

/* Value of sk_storage map "socket_bytes": what a socket moved while config.watched, loopback and
 * listeners left out. They only rise, but for the instant between a charge and its undoing. */
struct netfil_socket_bytes {
	__u64 bytes[2]; /* by direction */
};

/* Record of ring buffer "events". */
enum netfil_event_type {
	NETFIL_EVENT_EXHAUSTED = 1, /* a slot's `exhausted` went from 0 to set */
	NETFIL_EVENT_KNOCK = 2,     /* see NETFIL_SLOT_KNOCK and NETFIL_SLOT_REJECT */
	NETFIL_EVENT_GRANT = 3,     /* a NETFIL_SLOT_GRANTED slot needs more soon, or now */
	NETFIL_EVENT_MEMBER = 4,    /* a member moved something: see netfil_member.dirty */
	NETFIL_EVENT_STRANGERS = 5, /* of no slot: there are sockets whose packets do not tell who
				       uses them, so calls are to be looked at instead */
};

struct netfil_event {
	__u32 type;
	__u32 slot;
	__u32 direction; /* whose limit refused: may be NETFIL_TOTAL */
	__u32 size;      /* bytes of the packet refused */
	__u32 member;    /* number of the keyed slot's member that it is of; else 0 */
	__u32 pad;
};

/* Record of the iterator "slot_connections": a TCP connection. */
struct netfil_connection {
	__u64 cookie;
	__u16 family;
	__u16 state;      /* BPF_TCP_* */
	__u16 local_port; /* network order, like the addresses */
	__u16 remote_port;
	__u8 local[16]; /* IPv4: the first 4 bytes */
	__u8 remote[16];
};

/* Record of the iterator "socket_usage": a socket that moved something while it was watched. */
struct netfil_socket_usage {
	__u64 cookie;
	__u64 bytes[2]; /* see struct netfil_socket_bytes */
	__u64 start;    /* of the process: the last other user, or else the creator */
	__u32 tgid;
	__u32 uid;
	__u32 account;
	struct netfil_flow flow; /* its last one */
	struct netfil_exe exe;
};

_Static_assert(sizeof(struct netfil_socket_usage) == 88, "socket usage");
_Static_assert(sizeof(struct netfil_connection) == 48, "connection");
_Static_assert(sizeof(struct netfil_slot) == 128, "two cache lines");
_Static_assert(sizeof(struct netfil_purse) == 64, "a cache line");
_Static_assert(NETFIL_SLOTS_MAX <= 1 << 16, "slots are noted in 16 bits");
_Static_assert(sizeof(struct netfil_set) == NETFIL_RULES_MAX / 8, "set");
_Static_assert(sizeof(struct netfil_config) == 24 + 11 * 128 + 4096 + 32, "config");
_Static_assert(sizeof(struct netfil_totals) == 64, "totals");
_Static_assert(sizeof(struct netfil_exe) == 16, "exe");
_Static_assert(sizeof(struct netfil_prefix) == 20, "prefix");
_Static_assert(sizeof(struct netfil_address) == 32, "address");
_Static_assert(sizeof(struct netfil_verdict_kept) == 64, "a cache line");
_Static_assert(sizeof(struct netfil_shortcut) == 64, "a cache line");
_Static_assert(sizeof(struct netfil_process) == 136, "process");
_Static_assert(sizeof(struct netfil_interface) == 112, "interface");
_Static_assert(sizeof(struct netfil_flow) == 28, "flow");
_Static_assert(sizeof(struct netfil_owner) == 40, "owner");
_Static_assert(sizeof(struct netfil_tag) == 256 - 72, "tag");
_Static_assert(sizeof(struct netfil_event) == 24, "event");
_Static_assert(sizeof(struct netfil_member) == 184, "member");
_Static_assert(sizeof(struct netfil_keyed) == 80, "keyed");
_Static_assert(sizeof(struct netfil_account_key) == 24, "account key");
_Static_assert(sizeof(struct netfil_account) == 32, "account");
_Static_assert(sizeof(struct netfil_account_path) == 520, "account path");

#endif
