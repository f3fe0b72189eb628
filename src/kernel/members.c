// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "members.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "pin.h"
#include "slot.h"

/* See netfil_slots_used(). */
#define TRIES 10000

/* What is mapped at a time is a piece of all members, and counts as this process's memory. A
 * member may begin at the end of one: so each reaches a page into the next. */
#define WINDOW (64UL << 10)
#define WINDOWS 256 /* that are mapped at a time, at most */

struct NetfilMembers {
	guint slot;
	NetfilMaps *maps;
	struct netfil_keyed *keyed;
	gsize size;            /* bytes of all members, whole pages */
	guint8 **windows;      /* by number; NULL: not mapped */
	guint mapped[WINDOWS]; /* the numbers of those that are, in turn */
	guint mapped_count, next;
	struct netfil_member nobody; /* in the place of one that cannot be mapped */
	int members_fd, numbers_fd;
	char *members_pin, *numbers_pin; /* or NULL */
};

/* max members, and one for all others. */
static gsize places(guint max)
{
	return (gsize)max + 1;
}

static char *pin_of(const char *bpffs_dir, const char *what, guint slot)
{
	g_autofree char *name = g_strdup_printf("%s-%u", what, slot);

	return bpffs_dir ? netfil_pin_path(bpffs_dir, NETFIL_PIN_MAPS, name) : NULL;
}

/* ---- windows ---- */

static gsize page_up(gsize bytes)
{
	gsize page = (gsize)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static gsize window_length(const NetfilMembers *m, guint window)
{
	return MIN(WINDOW + page_up(1), m->size - window * WINDOW);
}

static void unmap(NetfilMembers *m, guint window)
{
	munmap(m->windows[window], window_length(m, window));
	m->windows[window] = NULL;
}

static gboolean map_window(NetfilMembers *m, guint window)
{
	gpointer memory = mmap(NULL, window_length(m, window), PROT_READ | PROT_WRITE, MAP_SHARED,
			       m->members_fd, (off_t)(window * WINDOW));

	if (memory == MAP_FAILED)
		return FALSE;
	if (m->mapped_count == WINDOWS)
		unmap(m, m->mapped[m->next]);
	else
		m->mapped_count++;
	m->mapped[m->next] = window;
	m->next = (m->next + 1) % WINDOWS;
	m->windows[window] = memory;
	return TRUE;
}

/* Good until the next call. */
static struct netfil_member *member_at(const NetfilMembers *members, guint index)
{
	NetfilMembers *m = (NetfilMembers *)members; /* what is mapped is nobody else's business */
	gsize offset = (gsize)index * sizeof(struct netfil_member);
	guint window = (guint)(offset / WINDOW);

	if (!m->windows[window] && !map_window(m, window)) {
		m->nobody = (struct netfil_member){0};
		return &m->nobody;
	}
	return (gpointer)(m->windows[window] + offset % WINDOW);
}

/* ---- maps ---- */

static gboolean failed(const char *what, GError **error)
{
	g_set_error(error, NETFIL_ERROR,
		    errno == ENOMEM || errno == E2BIG ? NETFIL_ERROR_FULL : NETFIL_ERROR_FAILED,
		    "%s (%s): see `netfil doctor`, or give a smaller --max-members", what,
		    g_strerror(errno));
	return FALSE;
}

static gboolean has_places(int fd, guint places)
{
	struct bpf_map_info info = {};
	guint32 length = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.max_entries == places;
}

static gboolean take_pinned(NetfilMembers *m, guint max)
{
	if (!m->members_pin)
		return FALSE;
	m->members_fd = bpf_obj_get(m->members_pin);
	m->numbers_fd = bpf_obj_get(m->numbers_pin);
	if (m->members_fd >= 0 && m->numbers_fd >= 0 && has_places(m->members_fd, places(max)))
		return TRUE;
	if (m->members_fd >= 0)
		close(m->members_fd);
	if (m->numbers_fd >= 0)
		close(m->numbers_fd);
	m->members_fd = m->numbers_fd = -1;
	return FALSE;
}

static gboolean pin(int fd, const char *path)
{
	if (!path)
		return TRUE;
	unlink(path);
	return !bpf_obj_pin(fd, path);
}

static gboolean make_maps(NetfilMembers *m, guint max, GError **error)
{
	LIBBPF_OPTS(bpf_map_create_opts, array, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	LIBBPF_OPTS(bpf_map_create_opts, hash, .map_flags = BPF_F_NO_PREALLOC);

	m->members_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "netfil_members", sizeof(guint32),
				       sizeof(struct netfil_member), places(max), &array);
	if (m->members_fd < 0)
		return failed("the kernel has no room for the members", error);
	m->numbers_fd =
	    bpf_map_create(BPF_MAP_TYPE_HASH, "netfil_numbers", sizeof(struct netfil_member_key),
			   sizeof(guint32), max, &hash);
	if (m->numbers_fd < 0)
		return failed("the kernel has no room for the members' keys", error);
	return (pin(m->members_fd, m->members_pin) && pin(m->numbers_fd, m->numbers_pin)) ||
	       failed("members cannot be pinned", error);
}

static gboolean map_memory(NetfilMembers *m, guint max, GError **error)
{
	struct netfil_keyed *all = netfil_maps_memory(m->maps, "keyeds", error);

	if (!all)
		return FALSE;
	m->keyed = &all[m->slot];
	m->size = page_up(places(max) * sizeof(struct netfil_member));
	m->windows = g_new0(guint8 *, (m->size + WINDOW - 1) / WINDOW);
	return map_window(m, 0) || failed("members cannot be mapped into memory", error);
}

static gboolean show_programs(NetfilMembers *m, GError **error)
{
	guint32 slot = m->slot;

	return netfil_maps_put(m->maps, "members", &slot, &m->members_fd, error) &&
	       netfil_maps_put(m->maps, "member_numbers", &slot, &m->numbers_fd, error);
}

NetfilMembers *netfil_members_open(NetfilMaps *maps, const char *bpffs_dir_or_null, guint slot,
				   guint kind, guint max, GError **error)
{
	NetfilMembers *m = g_new0(NetfilMembers, 1);
	gboolean taken;

	m->slot = slot;
	m->maps = maps;
	m->members_fd = m->numbers_fd = -1;
	m->members_pin = pin_of(bpffs_dir_or_null, "members", slot);
	m->numbers_pin = pin_of(bpffs_dir_or_null, "numbers", slot);
	taken = take_pinned(m, max);
	if ((!taken && !make_maps(m, max, error)) || !map_memory(m, max, error))
		goto failed;
	if (!taken || m->keyed->kind != kind) {
		memset(m->keyed, 0, sizeof(*m->keyed));
		m->keyed->kind = kind;
		m->keyed->max = max;
		member_at(m, max)->there = 1;
	}
	if (show_programs(m, error))
		return m;
failed:
	netfil_members_close(m);
	return NULL;
}

void netfil_members_close(NetfilMembers *m)
{
	if (!m)
		return;
	for (guint i = 0; i < m->mapped_count; i++)
		unmap(m, m->mapped[i]);
	g_free(m->windows);
	if (m->members_fd >= 0)
		close(m->members_fd);
	if (m->numbers_fd >= 0)
		close(m->numbers_fd);
	g_free(m->members_pin);
	g_free(m->numbers_pin);
	g_free(m);
}

void netfil_members_remove(NetfilMembers *m)
{
	guint32 slot = m->slot;

	netfil_maps_delete(m->maps, "members", &slot);
	netfil_maps_delete(m->maps, "member_numbers", &slot);
	if (m->members_pin) {
		unlink(m->members_pin);
		unlink(m->numbers_pin);
	}
	netfil_members_close(m);
}

/* The element's size as the kernel has it: a hash's without its share of the buckets. */
static gsize memory_of(int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", fd);
	g_autofree char *text = NULL;
	unsigned long long bytes = 0;
	const char *at;

	if (g_file_get_contents(path, &text, NULL, NULL) && (at = strstr(text, "memlock:")))
		sscanf(at, "memlock: %llu", &bytes);
	return bytes;
}

gsize netfil_members_bytes(const NetfilMembers *m)
{
	return memory_of(m->members_fd) + memory_of(m->numbers_fd);
}

/* ---- terms ---- */

static guint64 limit_of_cap(guint64 cap)
{
	return cap ? cap : NETFIL_NO_LIMIT;
}

static guint64 load(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static guint64 current_id(const NetfilMembers *m)
{
	return NETFIL_MEMBER_ID(m->keyed->cycle, m->keyed->epoch);
}

/* One that no packet came to yet: under the terms, from 0. */
static void begin(NetfilMembers *m, struct netfil_member *member)
{
	struct netfil_slot *slot = &member->slot;
	__u64 none = 0, id = current_id(m);

	if (load(&slot->used[NETFIL_TOTAL]) ||
	    !__atomic_compare_exchange_n(&slot->id, &none, NETFIL_MEMBER_LOCKED, FALSE,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	slot->flags = m->keyed->flags;
	slot->rate = m->keyed->rate;
	slot->over_until = m->keyed->over_until;
	slot->grant_low = NETFIL_NO_LIMIT;
	memcpy(slot->limit, m->keyed->cap, sizeof(slot->limit));
	__atomic_store_n(&slot->id, id, __ATOMIC_SEQ_CST);
}

void netfil_members_arm(NetfilMembers *m, const NetfilMemberTerms *terms, gboolean turn)
{
	struct netfil_keyed *keyed = m->keyed;
	guint32 epoch = (keyed->epoch + 1) & (NETFIL_MEMBER_LOCKED - 1);

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		__atomic_store_n(&keyed->cap[i], limit_of_cap(terms->cap[i]), __ATOMIC_SEQ_CST);
	keyed->flags = terms->flags;
	keyed->rate = terms->rate;
	keyed->over_until = terms->over_until;
	/* Cycle 0 is that of a member which was never under any terms. */
	if (turn || !keyed->cycle)
		__atomic_add_fetch(&keyed->cycle, keyed->cycle == G_MAXUINT32 ? 2 : 1,
				   __ATOMIC_SEQ_CST);
	__atomic_store_n(&keyed->epoch, epoch ? epoch : 1, __ATOMIC_SEQ_CST);
	begin(m, member_at(m, keyed->max)); /* nobody makes it */
}

/* ---- reading ---- */

guint netfil_members_end(const NetfilMembers *m)
{
	guint32 given = __atomic_load_n(&m->keyed->given, __ATOMIC_ACQUIRE);

	return MIN(given, m->keyed->max);
}

guint netfil_members_others(const NetfilMembers *m)
{
	return m->keyed->max;
}

/* Of one instant: where neither credit moved nor the terms changed meanwhile. */
static void read_used(const NetfilMembers *m, const struct netfil_member *member,
		      NetfilMemberReading *reading)
{
	for (guint tries = 0; tries < TRIES; tries++) {
		guint32 moves = __atomic_load_n(&member->slot.moves, __ATOMIC_ACQUIRE);
		guint64 id = load(&member->slot.id), base[2];

		reading->counted.in =
		    load(&member->slot.used[NETFIL_IN]) - load(&member->credit[NETFIL_IN]);
		reading->counted.out =
		    load(&member->slot.used[NETFIL_OUT]) - load(&member->credit[NETFIL_OUT]);
		base[NETFIL_IN] = load(&member->base[NETFIL_IN]);
		base[NETFIL_OUT] = load(&member->base[NETFIL_OUT]);
		reading->exhausted = member->slot.exhausted & NETFIL_EXHAUSTED_CAPS;
		reading->used = reading->counted;
		if (id >> 32 == m->keyed->cycle) {
			reading->used.in -= MIN(base[NETFIL_IN], reading->counted.in);
			reading->used.out -= MIN(base[NETFIL_OUT], reading->counted.out);
		} else { /* no packet came in this cycle */
			reading->used.in = reading->used.out = reading->exhausted = 0;
		}
		if (!NETFIL_MOVES_UNDER_WAY(moves) && !(id & NETFIL_MEMBER_LOCKED) &&
		    load(&member->slot.id) == id &&
		    __atomic_load_n(&member->slot.moves, __ATOMIC_ACQUIRE) == moves)
			return;
		sched_yield();
	}
}

gboolean netfil_members_read(const NetfilMembers *m, guint index, NetfilMemberReading *reading)
{
	const struct netfil_member *member;

	if (index > m->keyed->max)
		return FALSE;
	member = member_at(m, index);
	if (!__atomic_load_n(&member->there, __ATOMIC_ACQUIRE))
		return FALSE;
	*reading = (NetfilMemberReading){
	    .key = member->key,
	    .counted = {.refused_bytes = load(&member->slot.refused_bytes),
			.refused_packets = load(&member->slot.refused_packets),
			.reset_bytes = load(&member->slot.reset_bytes),
			.reset_packets = member->slot.reset_packets},
	};
	read_used(m, member, reading);
	return TRUE;
}

gboolean netfil_members_find(const NetfilMembers *m, const struct netfil_member_key *key,
			     guint *index)
{
	guint32 number;

	if (bpf_map_lookup_elem(m->numbers_fd, key, &number))
		return FALSE;
	*index = number - 1;
	return TRUE;
}

/* ---- changing ---- */

/* As the programs do (bpf/member.h). */
static gboolean make(NetfilMembers *m, const struct netfil_member_key *key, guint *index,
		     GError **error)
{
	guint32 number = __atomic_exchange_n(&m->keyed->spare, 0, __ATOMIC_SEQ_CST);

	if (!number && m->keyed->given < m->keyed->max)
		number = __atomic_add_fetch(&m->keyed->given, 1, __ATOMIC_SEQ_CST);
	if (!number || number > m->keyed->max) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "all %u members are there: give a larger --max-members", m->keyed->max);
		return FALSE;
	}
	member_at(m, number - 1)->key = *key;
	begin(m, member_at(m, number - 1));
	__atomic_store_n(&member_at(m, number - 1)->there, 1, __ATOMIC_SEQ_CST);
	*index = number - 1;
	if (!bpf_map_update_elem(m->numbers_fd, key, &number, BPF_NOEXIST))
		return TRUE;
	__atomic_store_n(&member_at(m, number - 1)->there, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&m->keyed->spare, number, __ATOMIC_SEQ_CST);
	return netfil_members_find(m, key, index) ||
	       failed("the kernel took no more members", error);
}

static void add(__u64 *counter, guint64 more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_SEQ_CST);
}

static void credit_member(NetfilMembers *m, guint index, const NetfilCounters *used)
{
	struct netfil_member *member = member_at(m, index);

	add(&member->slot.used[NETFIL_TOTAL], used->in + used->out);
	add(&member->slot.used[NETFIL_IN], used->in);
	add(&member->slot.used[NETFIL_OUT], used->out);
	add(&member->slot.refused_bytes, used->refused_bytes);
	add(&member->slot.refused_packets, used->refused_packets);
}

gboolean netfil_members_restore(NetfilMembers *m, const struct netfil_member_key *key,
				const NetfilCounters *used, GError **error)
{
	guint index;

	if (!netfil_members_find(m, key, &index) && !make(m, key, &index, error))
		return FALSE;
	credit_member(m, index, used);
	return TRUE;
}

void netfil_members_restore_others(NetfilMembers *m, const NetfilCounters *used)
{
	credit_member(m, netfil_members_others(m), used);
}

/* What a program has for some nanoseconds at most; the id that it had. */
static gboolean lock(NetfilMembers *m, guint index, __u64 *id)
{
	__u64 *place = &member_at(m, index)->slot.id;

	*id = load(place);
	for (guint tries = 0; tries < TRIES; tries++) {
		*id &= ~NETFIL_MEMBER_LOCKED;
		if (__atomic_compare_exchange_n(place, id, *id | NETFIL_MEMBER_LOCKED, FALSE,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return TRUE;
		sched_yield();
	}
	return FALSE;
}

static void unlock(NetfilMembers *m, guint index, guint64 id)
{
	__atomic_store_n(&member_at(m, index)->slot.id, id, __ATOMIC_SEQ_CST);
}

void netfil_members_reset(NetfilMembers *m, guint index)
{
	__u64 id;

	if (lock(m, index, &id))
		unlock(m, index, 0);
}

void netfil_members_forgive(NetfilMembers *m, guint index, guint64 in, guint64 out)
{
	struct netfil_member *member = member_at(m, index);
	__u64 id;

	if (!lock(m, index, &id))
		return;
	add(&member->base[NETFIL_IN], in);
	add(&member->base[NETFIL_OUT], out);
	/* Of the same cycle, under no terms: its next packet brings it under those in force. */
	unlock(m, index, NETFIL_MEMBER_ID(id >> 32, 0));
}

void netfil_members_calm(NetfilMembers *m, guint index, guint caps)
{
	__atomic_and_fetch(&member_at(m, index)->slot.exhausted, ~caps, __ATOMIC_SEQ_CST);
}

void netfil_members_hear(NetfilMembers *m, guint index)
{
	__atomic_store_n(&member_at(m, index)->dirty, 0, __ATOMIC_SEQ_CST);
}

void netfil_members_listen(NetfilMembers *m, guint index)
{
	__atomic_and_fetch(&member_at(m, index)->slot.exhausted, ~NETFIL_EXHAUSTED_KNOCKED,
			   __ATOMIC_SEQ_CST);
}
