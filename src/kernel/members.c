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

/* An array and a hash: see struct netfil_member. */
typedef struct {
	int members, numbers;
} Maps;

typedef struct {
	char *members, *numbers; /* or NULL */
} Pins;

struct NetfilMembers {
	guint slot;
	NetfilMaps *all;
	struct netfil_keyed *keyed;
	gsize size;            /* bytes of all members, whole pages */
	guint8 **windows;      /* by number; NULL: not mapped */
	guint mapped[WINDOWS]; /* the numbers of those that are, in turn */
	guint mapped_count, next_window;
	struct netfil_member nobody; /* in the place of one that cannot be mapped */
	Maps maps_of;
	Pins pins, next; /* `next`: of those that are about to take the place of the others */
	gboolean taken;
};

/* max members, and one for all others. */
static gsize places(guint max)
{
	return (gsize)max + 1;
}

static char *pin_of(const char *bpffs_dir, const char *what, guint slot, const char *suffix)
{
	g_autofree char *name = g_strdup_printf("%s-%u%s", what, slot, suffix);

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
			       m->maps_of.members, (off_t)(window * WINDOW));

	if (memory == MAP_FAILED)
		return FALSE;
	if (m->mapped_count == WINDOWS)
		unmap(m, m->mapped[m->next_window]);
	else
		m->mapped_count++;
	m->mapped[m->next_window] = window;
	m->next_window = (m->next_window + 1) % WINDOWS;
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

/* ---- locks ---- */

static guint64 load(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
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

/* Of members whom an earlier netfild had when it was killed: nobody else gives them back. */
static void free_locks(NetfilMembers *m)
{
	guint end = MIN(m->keyed->given, m->keyed->max);

	for (guint i = 0; i <= end; i++) {
		guint index = i < end ? i : m->keyed->max;
		__u64 id;

		if (!(load(&member_at(m, index)->slot.id) & NETFIL_MEMBER_LOCKED))
			continue;
		if (lock(m, index, &id)) /* a program has given it back meanwhile */
			unlock(m, index, id);
		else
			unlock(m, index, id & ~NETFIL_MEMBER_LOCKED);
	}
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

static void close_maps(Maps *maps)
{
	if (maps->members >= 0)
		close(maps->members);
	if (maps->numbers >= 0)
		close(maps->numbers);
	maps->members = maps->numbers = -1;
}

static void unpin(const Pins *pins)
{
	if (!pins->members)
		return;
	unlink(pins->members);
	unlink(pins->numbers);
}

/* The one of both that has so many places; renamed, if it is the next one. */
static int take_pin(const char *pin, const char *next, guint places)
{
	int fd = bpf_obj_get(pin);

	if (fd >= 0 && has_places(fd, places))
		return fd;
	if (fd >= 0)
		close(fd);
	fd = bpf_obj_get(next);
	if (fd >= 0 && has_places(fd, places) && !rename(next, pin))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Those that the programs were counting in, which are of this kind. */
static gboolean take_pinned(NetfilMembers *m, guint kind)
{
	guint max = m->keyed->max;

	if (!m->pins.members || m->keyed->kind != kind || !max)
		return FALSE;
	m->maps_of.members = take_pin(m->pins.members, m->next.members, places(max));
	m->maps_of.numbers = take_pin(m->pins.numbers, m->next.numbers, max);
	unpin(&m->next);
	m->taken = m->maps_of.members >= 0 && m->maps_of.numbers >= 0;
	if (!m->taken)
		close_maps(&m->maps_of);
	return m->taken;
}

static gboolean pin(int fd, const char *path)
{
	if (!path)
		return TRUE;
	unlink(path);
	return !bpf_obj_pin(fd, path);
}

static gboolean make_maps(Maps *maps, const Pins *pins, guint max, GError **error)
{
	LIBBPF_OPTS(bpf_map_create_opts, array, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	LIBBPF_OPTS(bpf_map_create_opts, hash, .map_flags = BPF_F_NO_PREALLOC);

	maps->members = bpf_map_create(BPF_MAP_TYPE_ARRAY, "netfil_members", sizeof(guint32),
				       sizeof(struct netfil_member), places(max), &array);
	if (maps->members < 0)
		return failed("the kernel has no room for the members", error);
	maps->numbers =
	    bpf_map_create(BPF_MAP_TYPE_HASH, "netfil_numbers", sizeof(struct netfil_member_key),
			   sizeof(guint32), max, &hash);
	if (maps->numbers < 0)
		return failed("the kernel has no room for the members' keys", error);
	return (pin(maps->members, pins->members) && pin(maps->numbers, pins->numbers)) ||
	       failed("members cannot be pinned", error);
}

static gboolean map_memory(NetfilMembers *m, GError **error)
{
	m->size = page_up(places(m->keyed->max) * sizeof(struct netfil_member));
	m->windows = g_new0(guint8 *, (m->size + WINDOW - 1) / WINDOW);
	return map_window(m, 0) || failed("members cannot be mapped into memory", error);
}

static void unmap_memory(NetfilMembers *m)
{
	for (guint i = 0; i < m->mapped_count; i++)
		unmap(m, m->mapped[i]);
	m->mapped_count = m->next_window = 0;
	g_clear_pointer(&m->windows, g_free);
}

static gboolean show_programs(NetfilMembers *m, GError **error)
{
	guint32 slot = m->slot;

	/* Numbers first: who had none would be of the others. */
	return netfil_maps_put(m->all, "member_numbers", &slot, &m->maps_of.numbers, error) &&
	       netfil_maps_put(m->all, "members", &slot, &m->maps_of.members, error);
}

static void hide_from_programs(NetfilMembers *m)
{
	guint32 slot = m->slot;

	netfil_maps_delete(m->all, "members", &slot);
	netfil_maps_delete(m->all, "member_numbers", &slot);
}

static gboolean begin_new(NetfilMembers *m, guint kind, guint max, GError **error)
{
	/* The programs find none meanwhile that are not of these terms. */
	hide_from_programs(m);
	memset(m->keyed, 0, sizeof(*m->keyed));
	m->keyed->max = max;
	if (!make_maps(&m->maps_of, &m->pins, max, error) || !map_memory(m, error))
		return FALSE;
	m->keyed->kind = kind; /* last: they may be taken over from now on */
	member_at(m, max)->there = 1;
	return TRUE;
}

NetfilMembers *netfil_members_open(NetfilMaps *maps, const char *bpffs_dir_or_null, guint slot,
				   guint kind, guint max, GError **error)
{
	struct netfil_keyed *keyeds = netfil_maps_memory(maps, "keyeds", error);
	NetfilMembers *m;

	if (!keyeds)
		return NULL;
	m = g_new0(NetfilMembers, 1);
	m->slot = slot;
	m->all = maps;
	m->keyed = &keyeds[slot];
	m->maps_of = (Maps){-1, -1};
	m->pins.members = pin_of(bpffs_dir_or_null, "members", slot, "");
	m->pins.numbers = pin_of(bpffs_dir_or_null, "numbers", slot, "");
	m->next.members = pin_of(bpffs_dir_or_null, "members", slot, "-next");
	m->next.numbers = pin_of(bpffs_dir_or_null, "numbers", slot, "-next");
	if (take_pinned(m, kind) ? map_memory(m, error) && show_programs(m, error)
				 : begin_new(m, kind, max, error) && show_programs(m, error)) {
		if (m->taken)
			free_locks(m);
		return m;
	}
	if (!m->taken)
		unpin(&m->pins);
	netfil_members_close(m);
	return NULL;
}

gboolean netfil_members_taken(const NetfilMembers *m)
{
	return m->taken;
}

guint netfil_members_max(const NetfilMembers *m)
{
	return m->keyed->max;
}

void netfil_members_close(NetfilMembers *m)
{
	if (!m)
		return;
	unmap_memory(m);
	close_maps(&m->maps_of);
	g_free(m->pins.members);
	g_free(m->pins.numbers);
	g_free(m->next.members);
	g_free(m->next.numbers);
	g_free(m);
}

void netfil_members_remove(NetfilMembers *m)
{
	hide_from_programs(m);
	unpin(&m->pins);
	netfil_members_close(m);
}

void netfil_members_sweep_out(NetfilMaps *maps, const char *bpffs_dir, guint32 slot)
{
	netfil_maps_delete(maps, "members", &slot);
	netfil_maps_delete(maps, "member_numbers", &slot);
	for (guint i = 0; bpffs_dir && i < 4; i++) {
		g_autofree char *pin =
		    pin_of(bpffs_dir, i & 1 ? "numbers" : "members", slot, i & 2 ? "-next" : "");

		unlink(pin);
	}
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
	return memory_of(m->maps_of.members) + memory_of(m->maps_of.numbers);
}

/* ---- terms ---- */

static guint64 limit_of_cap(guint64 cap)
{
	return cap ? cap : NETFIL_NO_LIMIT;
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
		reading->current = id >> 32 == m->keyed->cycle;
		if (reading->current) {
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

	if (bpf_map_lookup_elem(m->maps_of.numbers, key, &number))
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
	if (!bpf_map_update_elem(m->maps_of.numbers, key, &number, BPF_NOEXIST))
		return TRUE;
	__atomic_store_n(&member_at(m, number - 1)->there, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&m->keyed->spare, number, __ATOMIC_SEQ_CST);
	return netfil_members_find(m, key, index) ||
	       failed("the kernel took no more members", error);
}

/* ---- another maximum ---- */

#define KEYS_AT_ONCE 4096

typedef struct {
	struct netfil_member_key keys[KEYS_AT_ONCE];
	guint32 numbers[KEYS_AT_ONCE];
	guint32 count;
} Keys;

static gboolean put_keys(Keys *keys, int fd, GError **error)
{
	guint32 count = keys->count;

	keys->count = 0;
	return !count || !bpf_map_update_batch(fd, keys->keys, keys->numbers, &count, NULL) ||
	       failed("the kernel took no more members", error);
}

/* The keys of those who are there and not yet `known`, which they are then. */
static gboolean copy_keys(NetfilMembers *m, int fd, guint8 *known, GError **error)
{
	g_autofree Keys *keys = g_new0(Keys, 1);
	guint end = netfil_members_end(m);

	for (guint i = 0; i < end; i++) {
		const struct netfil_member *member = member_at(m, i);

		if (known[i] || !__atomic_load_n(&member->there, __ATOMIC_ACQUIRE))
			continue;
		known[i] = TRUE;
		keys->keys[keys->count] = member->key;
		keys->numbers[keys->count++] = i + 1;
		if (keys->count == KEYS_AT_ONCE && !put_keys(keys, fd, error))
			return FALSE;
	}
	return put_keys(keys, fd, error);
}

/* Nobody counts meanwhile. */
static gboolean copy_members(NetfilMembers *m, int fd, guint max, GError **error)
{
	gsize size = page_up(places(max) * sizeof(struct netfil_member));
	struct netfil_member *to = mmap(NULL, size, PROT_WRITE, MAP_SHARED, fd, 0);
	guint end = netfil_members_end(m);

	if (to == MAP_FAILED)
		return failed("members cannot be mapped into memory", error);
	for (guint i = 0; i < end; i++)
		to[i] = *member_at(m, i);
	to[max] = *member_at(m, m->keyed->max);
	munmap(to, size);
	return TRUE;
}

static gboolean fits(const NetfilMembers *m, guint max, GError **error)
{
	guint end = netfil_members_end(m);

	if (end > max)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "%u members are there, and max-members is to be %u: give as many at "
			    "least, or remove the filter and add it again",
			    end, max);
	return end <= max;
}

/* From the first line on the programs find no members, and refuse; each deletion returns when
 * all those have ended that may have found them. */
static gboolean move(NetfilMembers *m, Maps *to, guint max, guint8 *known,
		     NetfilMembersBumpFunc bump, gpointer data, GError **error)
{
	guint32 slot = m->slot;

	netfil_maps_delete(m->all, "members", &slot);
	bump(data); /* no socket keeps the number of those who have no other one */
	netfil_maps_delete(m->all, "member_numbers", &slot);
	if (!fits(m, max, error) || !copy_keys(m, to->numbers, known, error) ||
	    !copy_members(m, to->members, max, error))
		return FALSE;
	m->keyed->max = max; /* whoever takes them over goes by it: see take_pin() */
	if (m->pins.members) {
		rename(m->next.members, m->pins.members);
		rename(m->next.numbers, m->pins.numbers);
	}
	return TRUE;
}

gboolean netfil_members_resize(NetfilMembers *m, guint max, NetfilMembersBumpFunc bump,
			       gpointer data, GError **error)
{
	g_autofree guint8 *known = g_malloc0(MAX(max, m->keyed->max));
	Maps made = {-1, -1}, old = m->maps_of;
	gboolean moved;

	if (max == m->keyed->max)
		return TRUE;
	/* What takes long first. */
	moved = fits(m, max, error) && make_maps(&made, &m->next, max, error) &&
		copy_keys(m, made.numbers, known, error);
	if (!moved) {
		unpin(&m->next);
		close_maps(&made);
		return FALSE;
	}
	moved = move(m, &made, max, known, bump, data, error);
	if (moved) {
		unmap_memory(m);
		m->maps_of = made;
		moved = map_memory(m, error);
		made = old;
	}
	unpin(&m->next);
	close_maps(&made);
	moved = show_programs(m, moved ? error : NULL) && moved;
	bump(data);
	return moved;
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
