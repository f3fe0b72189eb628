// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "members.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "pieces.h"
#include "pin.h"
#include "slot.h"

/* See netfil_slots_used(). */
#define TRIES 10000

struct NetfilMembers {
	guint slot;
	NetfilMaps *all;
	char *dir; /* or NULL */
	struct netfil_keyed *keyed;
	NetfilPieces *pieces;
	int numbers;                  /* a hash: see struct netfil_member */
	char *numbers_pin, *next_pin; /* or NULL; `next` is about to take the place of the other */
	gboolean taken;
};

static char *pin_of(const char *bpffs_dir, guint slot, const char *suffix)
{
	g_autofree char *name = g_strdup_printf("numbers-%u%s", slot, suffix);

	return bpffs_dir ? netfil_pin_path(bpffs_dir, NETFIL_PIN_MAPS, name) : NULL;
}

static struct netfil_member *at_number(const NetfilMembers *m, guint number)
{
	return netfil_pieces_at(m->pieces, number - 1);
}

/* Good until the next call. */
static struct netfil_member *member_at(const NetfilMembers *m, guint index)
{
	return at_number(m, netfil_members_number(index));
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
static void free_lock(NetfilMembers *m, guint index)
{
	__u64 id;

	if (!(load(&member_at(m, index)->slot.id) & NETFIL_MEMBER_LOCKED))
		return;
	if (lock(m, index, &id)) /* a program has given it back meanwhile */
		unlock(m, index, id);
	else
		unlock(m, index, id & ~NETFIL_MEMBER_LOCKED);
}

static void free_locks(NetfilMembers *m)
{
	guint end = netfil_members_end(m);

	for (guint i = 0; i < end; i++)
		free_lock(m, i);
	free_lock(m, NETFIL_MEMBERS_OTHERS);
}

/* ---- numbers ---- */

static gboolean has_places(int fd, guint places)
{
	struct bpf_map_info info = {};
	guint32 length = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.max_entries == places;
}

static void close_numbers(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void unpin(const char *pin_or_null)
{
	if (pin_or_null)
		unlink(pin_or_null);
}

/* The one of both that has so many places; renamed, if it is the next one. */
static int take_numbers(const char *pin, const char *next, guint places)
{
	int fd = bpf_obj_get(pin);

	if (fd >= 0 && has_places(fd, places))
		return fd;
	close_numbers(&fd);
	fd = bpf_obj_get(next);
	if (fd >= 0 && has_places(fd, places) && !rename(next, pin))
		return fd;
	close_numbers(&fd);
	return -1;
}

static gboolean make_numbers(int *fd, const char *pin_or_null, guint max, GError **error)
{
	LIBBPF_OPTS(bpf_map_create_opts, hash, .map_flags = BPF_F_NO_PREALLOC);

	*fd = bpf_map_create(BPF_MAP_TYPE_HASH, "netfil_numbers", sizeof(struct netfil_member_key),
			     sizeof(guint32), max, &hash);
	if (*fd < 0)
		return netfil_pieces_failed("the kernel has no room for the members' keys", errno,
					    error);
	unpin(pin_or_null);
	return !pin_or_null || !bpf_obj_pin(*fd, pin_or_null) ||
	       netfil_pieces_failed("members cannot be pinned", errno, error);
}

/* Returns when all programs have ended that may have found those of before. */
static gboolean show_numbers(NetfilMembers *m, GError **error)
{
	guint32 slot = m->slot;

	return netfil_maps_put(m->all, "member_numbers", &slot, &m->numbers, error);
}

/* Returns when all programs have ended that may have found them. */
static void hide_numbers(NetfilMaps *maps, guint32 slot)
{
	netfil_maps_delete(maps, "member_numbers", &slot);
}

/* ---- life ---- */

/* Those that the programs were counting in, which are of this kind. */
static gboolean take_pinned(NetfilMembers *m, guint kind)
{
	guint max = m->keyed->max;

	if (!m->numbers_pin || m->keyed->kind != kind || !max)
		return FALSE;
	m->numbers = take_numbers(m->numbers_pin, m->next_pin, max);
	unpin(m->next_pin);
	m->taken = m->numbers >= 0 && netfil_pieces_take(m->pieces, max);
	if (!m->taken)
		close_numbers(&m->numbers);
	return m->taken;
}

static gboolean begin_new(NetfilMembers *m, guint kind, guint max, GError **error)
{
	/* The programs find none meanwhile that are not of these terms. */
	netfil_members_sweep_out(m->all, m->dir, m->slot);
	if (!netfil_pieces_extend(m->pieces, max, error) ||
	    !make_numbers(&m->numbers, m->numbers_pin, max, error))
		return FALSE;
	at_number(m, NETFIL_NUMBER_OTHERS)->there = 1;
	m->keyed->max = max;
	m->keyed->kind = kind; /* last: they may be taken over from now on */
	netfil_pieces_settle(m->pieces);
	return TRUE;
}

static NetfilMembers *new_members(NetfilMaps *maps, struct netfil_keyed *keyeds,
				  const char *bpffs_dir_or_null, guint slot)
{
	NetfilMembers *m = g_new0(NetfilMembers, 1);

	m->slot = slot;
	m->all = maps;
	m->dir = g_strdup(bpffs_dir_or_null);
	m->keyed = &keyeds[slot];
	m->pieces = netfil_pieces_new(maps, bpffs_dir_or_null, keyeds, slot);
	m->numbers = -1;
	m->numbers_pin = pin_of(bpffs_dir_or_null, slot, "");
	m->next_pin = pin_of(bpffs_dir_or_null, slot, "-next");
	return m;
}

NetfilMembers *netfil_members_open(NetfilMaps *maps, const char *bpffs_dir_or_null, guint slot,
				   guint kind, guint max, GError **error)
{
	struct netfil_keyed *keyeds = netfil_maps_memory(maps, "keyeds", error);
	NetfilMembers *m;

	if (!keyeds)
		return NULL;
	m = new_members(maps, keyeds, bpffs_dir_or_null, slot);
	if ((take_pinned(m, kind) || begin_new(m, kind, max, error)) && show_numbers(m, error)) {
		m->keyed->closed = FALSE; /* by one that was killed */
		if (m->taken)
			free_locks(m);
		return m;
	}
	if (m->taken)
		netfil_members_close(m);
	else
		netfil_members_remove(m);
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
	netfil_pieces_free(m->pieces);
	close_numbers(&m->numbers);
	g_free(m->numbers_pin);
	g_free(m->next_pin);
	g_free(m->dir);
	g_free(m);
}

void netfil_members_remove(NetfilMembers *m)
{
	hide_numbers(m->all, m->slot);
	unpin(m->numbers_pin);
	netfil_pieces_remove(m->pieces);
	netfil_members_close(m);
}

void netfil_members_sweep_out(NetfilMaps *maps, const char *bpffs_dir_or_null, guint32 slot)
{
	struct netfil_keyed *keyeds = netfil_maps_memory(maps, "keyeds", NULL);

	if (!keyeds || !netfil_pieces_are_left(&keyeds[slot]))
		return;
	hide_numbers(maps, slot);
	for (guint i = 0; bpffs_dir_or_null && i < 2; i++) {
		g_autofree char *pin = pin_of(bpffs_dir_or_null, slot, i ? "-next" : "");

		unlink(pin);
	}
	netfil_pieces_sweep_out(maps, bpffs_dir_or_null, keyeds, slot);
}

void netfil_members_sweep(NetfilMaps *maps)
{
	struct netfil_keyed *keyeds = netfil_maps_memory(maps, "keyeds", NULL);

	if (keyeds)
		netfil_pieces_sweep(maps, keyeds);
}

gsize netfil_members_bytes(const NetfilMembers *m)
{
	return netfil_pieces_bytes(m->pieces) + netfil_map_bytes(m->numbers);
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
	begin(m, at_number(m, NETFIL_NUMBER_OTHERS)); /* nobody makes it */
}

/* ---- reading ---- */

guint netfil_members_end(const NetfilMembers *m)
{
	guint32 given = __atomic_load_n(&m->keyed->given, __ATOMIC_ACQUIRE);

	return MIN(given, m->keyed->max);
}

gboolean netfil_members_index(const NetfilMembers *m, guint32 number, guint *index)
{
	gboolean others = number == NETFIL_NUMBER_OTHERS;

	*index = others ? NETFIL_MEMBERS_OTHERS : number - NETFIL_NUMBER_FIRST;
	return others || *index < m->keyed->max;
}

guint32 netfil_members_number(guint index)
{
	return index == NETFIL_MEMBERS_OTHERS ? NETFIL_NUMBER_OTHERS : index + NETFIL_NUMBER_FIRST;
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

	if (index >= m->keyed->max && index != NETFIL_MEMBERS_OTHERS)
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

	return !bpf_map_lookup_elem(m->numbers, key, &number) &&
	       netfil_members_index(m, number, index);
}

/* ---- changing ---- */

/* As the programs do (bpf/member.h). */
static gboolean make(NetfilMembers *m, const struct netfil_member_key *key, guint *index,
		     GError **error)
{
	guint32 number = __atomic_exchange_n(&m->keyed->spare, 0, __ATOMIC_SEQ_CST);
	struct netfil_member *member;

	if (!number && m->keyed->given < m->keyed->max)
		number =
		    __atomic_fetch_add(&m->keyed->given, 1, __ATOMIC_SEQ_CST) + NETFIL_NUMBER_FIRST;
	if (!netfil_members_index(m, number, index)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "all %u members are there: give a larger --max-members", m->keyed->max);
		return FALSE;
	}
	member = member_at(m, *index);
	member->key = *key;
	begin(m, member);
	__atomic_store_n(&member->there, 1, __ATOMIC_SEQ_CST);
	if (!bpf_map_update_elem(m->numbers, key, &number, BPF_NOEXIST))
		return TRUE;
	__atomic_store_n(&member->there, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&m->keyed->spare, number, __ATOMIC_SEQ_CST);
	return netfil_members_find(m, key, index) ||
	       netfil_pieces_failed("the kernel took no more members", errno, error);
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
	       netfil_pieces_failed("the kernel took no more members", errno, error);
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
		keys->numbers[keys->count++] = netfil_members_number(i);
		if (keys->count == KEYS_AT_ONCE && !put_keys(keys, fd, error))
			return FALSE;
	}
	return put_keys(keys, fd, error);
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

static void set_closed(NetfilMembers *m, gboolean closed)
{
	__atomic_store_n(&m->keyed->closed, (guint16)closed, __ATOMIC_SEQ_CST);
}

/* Has numbers looked up in `made` from now on. While nobody gets one, packets of whoever has none
 * are refused; all others go on. */
static gboolean change_numbers(NetfilMembers *m, int *made, guint max, guint8 *known,
			       GError **error)
{
	gboolean changed;
	int old = m->numbers;

	set_closed(m, TRUE);
	/* As they are; but from then on there is no program that may still give one. */
	changed =
	    show_numbers(m, error) && fits(m, max, error) && copy_keys(m, *made, known, error);
	if (changed) {
		m->keyed->max = max; /* who takes them over goes by it: see take_numbers() */
		if (m->numbers_pin)
			rename(m->next_pin, m->numbers_pin);
		m->numbers = *made;
		*made = old;
		changed = show_numbers(m, error);
	}
	set_closed(m, FALSE);
	return changed;
}

gboolean netfil_members_resize(NetfilMembers *m, guint max, NetfilMembersBumpFunc bump,
			       gpointer data, GError **error)
{
	g_autofree guint8 *known = g_malloc0(MAX(max, m->keyed->max));
	gboolean resized;
	int made = -1;

	if (max == m->keyed->max)
		return TRUE;
	/* What takes long first. */
	resized = fits(m, max, error) && make_numbers(&made, m->next_pin, max, error) &&
		  copy_keys(m, made, known, error) && netfil_pieces_extend(m->pieces, max, error) &&
		  change_numbers(m, &made, max, known, error);
	/* Who was of the others may get a number, and no shortcut leads to where members were. */
	bump(data);
	netfil_pieces_trim(m->pieces, m->keyed->max);
	close_numbers(&made);
	unpin(m->next_pin);
	return resized;
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
	credit_member(m, NETFIL_MEMBERS_OTHERS, used);
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
