// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pieces.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "pin.h"

/* What is mapped at a time is a part of a piece, and counts as this process's memory. So many
 * members are whole pages of 4 KiB, as each is a multiple of 8 bytes; where pages are larger it
 * is so many times as many. */
#define WINDOW_MEMBERS 512
#define WINDOWS 176 /* that are mapped at a time, at most: 16 MiB */

#define THREADS 64

struct NetfilPieces {
	NetfilMaps *all;
	char *dir; /* or NULL */
	struct netfil_keyed *keyeds, *keyed;
	guint slot;
	GArray *fds;           /* int, by piece */
	guint window;          /* members in one */
	GPtrArray *windows;    /* by number; NULL: not mapped */
	guint mapped[WINDOWS]; /* the numbers of those that are, in turn */
	guint mapped_count, next_window;
	struct netfil_member nobody; /* in the place of one that cannot be mapped */
};

/* With the one of all others. */
static guint pieces_for(guint max)
{
	return max / NETFIL_PIECE_MEMBERS + 1;
}

gboolean netfil_pieces_failed(const char *what, int number, GError **error)
{
	g_set_error(error, NETFIL_ERROR,
		    number == ENOMEM || number == E2BIG ? NETFIL_ERROR_FULL : NETFIL_ERROR_FAILED,
		    "%s (%s): see `netfil doctor`, or give a smaller --max-members", what,
		    g_strerror(number));
	return FALSE;
}

/* ---- pins: without a gap from the first on, whenever who makes or removes them is killed ---- */

static char *pin_of(const char *dir, guint slot, guint piece)
{
	g_autofree char *name = g_strdup_printf("members-%u-%u", slot, piece);

	return netfil_pin_path(dir, NETFIL_PIN_MAPS, name);
}

static gboolean pin_is_there(const char *dir, guint slot, guint piece)
{
	g_autofree char *pin = pin_of(dir, slot, piece);

	return !access(pin, F_OK);
}

/* How many are there of a slot, if so many are for certain. */
static guint count_pins(const char *dir, guint slot, guint known)
{
	while (pin_is_there(dir, slot, known))
		known++;
	return known;
}

static void unpin_from(const char *dir, guint slot, guint first)
{
	for (guint piece = dir ? count_pins(dir, slot, first) : 0; piece-- > first;) {
		g_autofree char *pin = pin_of(dir, slot, piece);

		unlink(pin);
	}
}

/* ---- elements of "members" ---- */

/* A change of one returns when the programs that may have met what was there before have ended,
 * which takes tens of milliseconds: so many are made at the same time, and wait together. */
typedef struct {
	int map;
	GArray *due;       /* guint32: elements */
	const int *pieces; /* what is to be put there, `first` and on; NULL: nothing */
	guint32 first;
	gint next, error;
} Change;

static gpointer work(gpointer data)
{
	Change *change = data;
	guint i;

	while ((i = (guint)g_atomic_int_add(&change->next, 1)) < change->due->len) {
		guint32 index = g_array_index(change->due, guint32, i);

		if (change->pieces
			? bpf_map_update_elem(change->map, &index,
					      &change->pieces[index - change->first], BPF_ANY)
			: bpf_map_delete_elem(change->map, &index))
			g_atomic_int_set(&change->error, errno);
	}
	return NULL;
}

/* Where no threads are to be had, this one does it all. Returns an errno. */
static int work_together(Change *change)
{
	GThread *threads[THREADS];
	guint count = 0;

	while (count + 1 < MIN(change->due->len, THREADS) &&
	       (threads[count] = g_thread_try_new("pieces", work, change, NULL)))
		count++;
	work(change);
	while (count)
		g_thread_join(threads[--count]);
	return change->error;
}

/* The pieces from `from` on, in the run that begins at `first`. */
static gboolean put(NetfilMaps *maps, guint32 first, const GArray *fds, guint from, GError **error)
{
	g_autoptr(GArray) due = g_array_new(FALSE, FALSE, sizeof(guint32));
	Change change = {.map = netfil_maps_fd(maps, "members"),
			 .due = due,
			 .pieces = (gconstpointer)fds->data,
			 .first = first};
	int number;

	for (guint32 index = first + from; index < first + fds->len; index++)
		g_array_append_val(due, index);
	number = work_together(&change);
	return !number || netfil_pieces_failed("the kernel took no members", number, error);
}

/* The elements first..end, but for those that are kept. None is asked whether it is there: older
 * kernels wait for that as well. */
static void take_away(NetfilMaps *maps, guint32 first, guint32 end, const guint8 *kept_or_null)
{
	g_autoptr(GArray) due = g_array_new(FALSE, FALSE, sizeof(guint32));
	Change change = {.map = netfil_maps_fd(maps, "members"), .due = due};

	for (guint32 index = first; index < MIN(end, NETFIL_PIECES_MAX); index++)
		if (!kept_or_null || !kept_or_null[index])
			g_array_append_val(due, index);
	work_together(&change); /* gone already: as wanted */
}

/* ---- room ---- */

/* 0: it is none. */
static guint pieces_of(const struct netfil_keyed *keyed)
{
	return keyed->kind && keyed->max ? pieces_for(keyed->max) : 0;
}

static void mark(guint8 *elements, guint first, guint count)
{
	for (guint i = first; i < first + count && i < NETFIL_PIECES_MAX; i++)
		elements[i] = TRUE;
}

/* By element: what keyed filters have, and what is nobody's. Caller frees. */
static guint8 *owned_elements(const struct netfil_keyed *keyeds)
{
	guint8 *owned = g_malloc0(NETFIL_PIECES_MAX);

	owned[0] = TRUE;
	for (guint slot = 0; slot < NETFIL_SLOTS_MAX; slot++)
		mark(owned, keyeds[slot].first, pieces_of(&keyeds[slot]));
	return owned;
}

/* … and what is being put or taken away. */
static guint8 *taken_elements(const struct netfil_keyed *keyeds)
{
	guint8 *taken = owned_elements(keyeds);

	for (guint slot = 0; slot < NETFIL_SLOTS_MAX; slot++)
		mark(taken, keyeds[slot].pending, keyeds[slot].pending_count);
	return taken;
}

static void begin_change(struct netfil_keyed *keyed, guint first, guint count)
{
	keyed->pending = first;
	__atomic_store_n(&keyed->pending_count, count, __ATOMIC_SEQ_CST);
}

static void end_change(struct netfil_keyed *keyed)
{
	__atomic_store_n(&keyed->pending_count, 0, __ATOMIC_SEQ_CST);
}

/* The run that is to come becomes the slot's, and that which was its own is to go: at once, or
 * else who is killed between would leave one of them behind. */
static void change_places(struct netfil_keyed *keyed)
{
	const guint32 both[] = {keyed->pending, keyed->first};
	guint64 word;

	_Static_assert(offsetof(struct netfil_keyed, first) % sizeof(word) == 0 &&
			   offsetof(struct netfil_keyed, pending) ==
			       offsetof(struct netfil_keyed, first) + sizeof(guint32),
		       "one store");
	memcpy(&word, both, sizeof(word));
	__atomic_store_n((guint64 *)(gpointer)&keyed->first, word, __ATOMIC_SEQ_CST);
}

/* What was being put or taken away is so no longer. */
static void sweep_pending(NetfilMaps *maps, const struct netfil_keyed *keyeds,
			  struct netfil_keyed *keyed)
{
	g_autofree guint8 *owned = NULL;

	if (!keyed->pending_count)
		return;
	owned = owned_elements(keyeds);
	take_away(maps, keyed->pending, keyed->pending + keyed->pending_count, owned);
	end_change(keyed);
}

static gboolean are_free(const guint8 *taken, guint first, guint count)
{
	for (guint i = first; i < first + count; i++)
		if (i >= NETFIL_PIECES_MAX || taken[i])
			return FALSE;
	return TRUE;
}

/* Where a run of `count` begins: behind the pieces that are there, or else where there is room
 * first; 0: nowhere. */
static guint find_room(const NetfilPieces *p, guint count)
{
	g_autofree guint8 *taken = taken_elements(p->keyeds);
	guint have = p->fds->len, first = p->keyed->first;

	if (have && are_free(taken, first + have, count - have))
		return first;
	for (guint i = 0, unused = 0; i < NETFIL_PIECES_MAX; i++) {
		unused = taken[i] ? 0 : unused + 1;
		if (unused == count)
			return i + 1 - count;
	}
	return 0;
}

/* ---- windows ---- */

static gsize window_bytes(const NetfilPieces *p)
{
	return p->window * sizeof(struct netfil_member);
}

static void unmap(NetfilPieces *p, guint window)
{
	munmap(p->windows->pdata[window], window_bytes(p));
	p->windows->pdata[window] = NULL;
}

static gboolean map_window(NetfilPieces *p, guint window)
{
	guint each = NETFIL_PIECE_MEMBERS / p->window, piece = window / each;
	gpointer memory = piece < p->fds->len ? mmap(NULL, window_bytes(p), PROT_READ | PROT_WRITE,
						     MAP_SHARED, g_array_index(p->fds, int, piece),
						     (off_t)(window % each * window_bytes(p)))
					      : MAP_FAILED;

	if (memory == MAP_FAILED)
		return FALSE;
	if (p->mapped_count == WINDOWS)
		unmap(p, p->mapped[p->next_window]);
	else
		p->mapped_count++;
	p->mapped[p->next_window] = window;
	p->next_window = (p->next_window + 1) % WINDOWS;
	p->windows->pdata[window] = memory;
	return TRUE;
}

static void unmap_all(NetfilPieces *p)
{
	for (guint i = 0; i < p->mapped_count; i++)
		unmap(p, p->mapped[i]);
	p->mapped_count = p->next_window = 0;
}

struct netfil_member *netfil_pieces_at(NetfilPieces *p, guint element)
{
	guint window = element / p->window;

	if (window >= p->windows->len)
		g_ptr_array_set_size(p->windows, (gint)window + 1);
	if (!p->windows->pdata[window] && !map_window(p, window)) {
		p->nobody = (struct netfil_member){0};
		return &p->nobody;
	}
	return (struct netfil_member *)p->windows->pdata[window] + element % p->window;
}

static gboolean can_map(NetfilPieces *p)
{
	return netfil_pieces_at(p, 0) != &p->nobody;
}

/* ---- pieces ---- */

NetfilPieces *netfil_pieces_new(NetfilMaps *maps, const char *bpffs_dir_or_null,
				struct netfil_keyed *keyeds, guint slot)
{
	NetfilPieces *p = g_new0(NetfilPieces, 1);

	p->all = maps;
	p->dir = g_strdup(bpffs_dir_or_null);
	p->keyeds = keyeds;
	p->keyed = &keyeds[slot];
	p->slot = slot;
	p->fds = g_array_new(FALSE, FALSE, sizeof(int));
	p->windows = g_ptr_array_new();
	p->window =
	    MIN(WINDOW_MEMBERS * (guint)(sysconf(_SC_PAGESIZE) / 4096), NETFIL_PIECE_MEMBERS);
	return p;
}

static void close_from(NetfilPieces *p, guint first)
{
	unmap_all(p);
	for (guint i = first; i < p->fds->len; i++)
		close(g_array_index(p->fds, int, i));
	g_array_set_size(p->fds, MIN(first, p->fds->len));
}

void netfil_pieces_free(NetfilPieces *p)
{
	close_from(p, 0);
	g_array_unref(p->fds);
	g_ptr_array_unref(p->windows);
	g_free(p->dir);
	g_free(p);
}

/* What is pinned behind the run was about to be of it, or is no longer. */
static void take_tail_away(NetfilPieces *p, guint count)
{
	g_autofree guint8 *taken = taken_elements(p->keyeds);
	guint first = p->keyed->first;

	take_away(p->all, first + count, first + count_pins(p->dir, p->slot, count), taken);
	unpin_from(p->dir, p->slot, count);
}

gboolean netfil_pieces_take(NetfilPieces *p, guint max)
{
	guint count = pieces_for(max);

	for (guint i = 0; p->dir && i < count; i++) {
		g_autofree char *pin = pin_of(p->dir, p->slot, i);
		int fd = bpf_obj_get(pin);

		if (fd < 0)
			break;
		g_array_append_val(p->fds, fd);
	}
	/* They are there, but for maps that somebody took away. */
	if (p->fds->len < count || !can_map(p) || !put(p->all, p->keyed->first, p->fds, 0, NULL)) {
		close_from(p, 0);
		return FALSE;
	}
	take_tail_away(p, count);
	return TRUE;
}

static gboolean make(NetfilPieces *p, GError **error)
{
	LIBBPF_OPTS(bpf_map_create_opts, array, .map_flags = BPF_F_MMAPABLE);
	g_autofree char *pin = p->dir ? pin_of(p->dir, p->slot, p->fds->len) : NULL;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "netfil_members", sizeof(guint32),
				sizeof(struct netfil_member), NETFIL_PIECE_MEMBERS, &array);

	if (fd < 0)
		return netfil_pieces_failed("the kernel has no room for the members", errno, error);
	g_array_append_val(p->fds, fd);
	if (!pin)
		return TRUE;
	unlink(pin);
	return !bpf_obj_pin(fd, pin) ||
	       netfil_pieces_failed("members cannot be pinned", errno, error);
}

/* Without regard to elements. */
static void forget(NetfilPieces *p, guint first)
{
	unpin_from(p->dir, p->slot, first);
	close_from(p, first);
}

static gboolean make_all(NetfilPieces *p, guint count, GError **error)
{
	while (p->fds->len < count)
		if (!make(p, error))
			return FALSE;
	return can_map(p) ||
	       netfil_pieces_failed("members cannot be mapped into memory", errno, error);
}

gboolean netfil_pieces_extend(NetfilPieces *p, guint max, GError **error)
{
	guint have = p->fds->len, count = pieces_for(max), from, to;

	if (count <= have)
		return TRUE;
	sweep_pending(p->all, p->keyeds, p->keyed); /* of one that was killed */
	to = find_room(p, count);
	if (!to) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "there is no room for %u members beside those of other filters: give a "
			    "smaller --max-members, here or there, or remove filters",
			    max);
		return FALSE;
	}
	from = have && to == p->keyed->first ? have : 0;
	if (!from)
		begin_change(p->keyed, to, count);
	if (make_all(p, count, error) && put(p->all, to, p->fds, from, error)) {
		if (have && !from)
			change_places(p->keyed);
		else
			p->keyed->first = to;
		return TRUE;
	}
	take_away(p->all, to + from, to + count, NULL);
	forget(p, have);
	end_change(p->keyed);
	return FALSE;
}

void netfil_pieces_settle(NetfilPieces *p)
{
	end_change(p->keyed);
}

void netfil_pieces_trim(NetfilPieces *p, guint max)
{
	guint32 first = p->keyed->first, count = pieces_for(max);

	sweep_pending(p->all, p->keyeds, p->keyed);
	if (count >= p->fds->len)
		return;
	take_away(p->all, first + count, first + p->fds->len, NULL);
	forget(p, count);
}

void netfil_pieces_remove(NetfilPieces *p)
{
	begin_change(p->keyed, p->keyed->first, p->fds->len);
	p->keyed->kind = 0; /* nobody takes them over any more */
	take_away(p->all, p->keyed->first, p->keyed->first + p->fds->len, NULL);
	forget(p, 0);
	memset(p->keyed, 0, sizeof(*p->keyed));
}

gsize netfil_pieces_bytes(const NetfilPieces *p)
{
	return p->fds->len ? p->fds->len * netfil_map_bytes(g_array_index(p->fds, int, 0)) : 0;
}

/* ---- what was left behind ---- */

gboolean netfil_pieces_are_left(const struct netfil_keyed *keyed)
{
	return keyed->kind || keyed->pending_count;
}

void netfil_pieces_sweep_out(NetfilMaps *maps, const char *bpffs_dir_or_null,
			     struct netfil_keyed *keyeds, guint slot)
{
	struct netfil_keyed *keyed = &keyeds[slot];
	guint count = pieces_of(keyed);

	sweep_pending(maps, keyeds, keyed);
	if (count) {
		begin_change(keyed, keyed->first, count);
		keyed->kind = 0;
		sweep_pending(maps, keyeds, keyed);
	}
	unpin_from(bpffs_dir_or_null, slot, 0);
	memset(keyed, 0, sizeof(*keyed));
}

void netfil_pieces_sweep(NetfilMaps *maps, struct netfil_keyed *keyeds)
{
	for (guint slot = 0; slot < NETFIL_SLOTS_MAX; slot++)
		sweep_pending(maps, keyeds, &keyeds[slot]);
}
