// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "prefixes.h"

#include <string.h>

#define AT_ONCE 1024    /* map elements in one call of the kernel */
#define LOOKED_AT 65536 /* of what may stay as it is, between two looks at the clock */

/* 20 bytes, of which a set can have millions. */
typedef struct {
	NetfilPrefix prefix;
	guint16 number; /* of the set, held once */
} Entry;

G_STATIC_ASSERT(sizeof(Entry) == 20);
G_STATIC_ASSERT(NETFIL_SETS_MAX <= 1 << 16);

struct NetfilPrefixes {
	NetfilKernel *kernel;
	NetfilSets *sets;
	const char *map;
	GArray *entries; /* of Entry, sorted: the map, when nothing is being written */

	/* While it is written; else NULL. First `target` is put in, up to `put`; then what of
	 * `entries` is not in it is taken out, up to `taken`. */
	GArray *target;
	guint put, taken;
	guint beside; /* a place in the other array, not behind the one at hand */
};

#define ENTRY(array, i) (&g_array_index(array, Entry, i))

static gint compare_entries(gconstpointer a, gconstpointer b)
{
	return netfil_prefix_compare(&((const Entry *)a)->prefix, &((const Entry *)b)->prefix);
}

/* Room that is not used is not resident; what has to grow is there twice. */
static GArray *entries_new(guint most)
{
	return g_array_sized_new(FALSE, FALSE, sizeof(Entry), most);
}

/* ---- what stands in the map ---- */

static void adopt(gconstpointer key, gconstpointer value, gpointer data)
{
	NetfilPrefixes *p = data;
	const struct netfil_prefix *prefix = key;
	Entry entry = {.prefix.length = (guint8)prefix->length, .number = *(const guint32 *)value};

	memcpy(entry.prefix.address, prefix->address, sizeof(entry.prefix.address));
	netfil_sets_adopt(p->sets, entry.number);
	g_array_append_val(p->entries, entry);
}

NetfilPrefixes *netfil_prefixes_new(NetfilKernel *kernel, NetfilSets *sets, const char *map)
{
	NetfilPrefixes *p = g_new0(NetfilPrefixes, 1);

	p->kernel = kernel;
	p->sets = sets;
	p->map = map;
	p->entries = entries_new(0);
	netfil_maps_each(netfil_kernel_maps(kernel), map, sizeof(struct netfil_prefix),
			 sizeof(guint32), adopt, p);
	g_array_sort(p->entries, compare_entries);
	return p;
}

void netfil_prefixes_free(NetfilPrefixes *p)
{
	if (!p)
		return;
	g_array_unref(p->entries);
	g_clear_pointer(&p->target, g_array_unref);
	g_free(p);
}

/* ---- what it should be ---- */

typedef struct {
	const NetfilPrefix *at, *end;
	guint rule; /* NETFIL_RULES_MAX: none */
} Source;

/* A prefix and what it lists, with the prefixes around it. */
typedef struct {
	NetfilPrefix prefix;
	struct netfil_set set;
} Around;

static const NetfilPrefix all_ipv4 = {.address = {[10] = 0xff, [11] = 0xff}, .length = 96};

/* Puts the first source where it belongs: the one with the least prefix is to be first. */
static void sift(GArray *heap, guint at)
{
	Source moved = g_array_index(heap, Source, at);

	for (guint next; (next = 2 * at + 1) < heap->len; at = next) {
		const Source *below = &g_array_index(heap, Source, next);

		if (next + 1 < heap->len && netfil_prefix_compare(below[1].at, below[0].at) < 0)
			below = &g_array_index(heap, Source, ++next);
		if (netfil_prefix_compare(moved.at, below->at) <= 0)
			break;
		g_array_index(heap, Source, at) = *below;
	}
	g_array_index(heap, Source, at) = moved;
}

static GArray *heap_new(const GArray *sources)
{
	GArray *heap = g_array_new(FALSE, FALSE, sizeof(Source));

	for (guint i = 0; i < sources->len; i++) {
		const NetfilPrefixSource *from = &g_array_index(sources, NetfilPrefixSource, i);
		const NetfilPrefix *first = (gconstpointer)from->prefixes->data;
		Source source = {first, first + from->prefixes->len, from->rule};

		if (from->prefixes->len)
			g_array_append_val(heap, source);
	}
	if (heap->len) {
		Source source = {&all_ipv4, &all_ipv4 + 1, NETFIL_RULES_MAX};

		g_array_append_val(heap, source);
	}
	for (guint i = heap->len / 2; i-- > 0;)
		sift(heap, i);
	return heap;
}

/* Takes the least prefix out of all sources, with the rules that list it. */
static Around heap_pop(GArray *heap)
{
	Around least = {.prefix = *g_array_index(heap, Source, 0).at};

	while (heap->len) {
		Source *first = &g_array_index(heap, Source, 0);

		if (netfil_prefix_compare(first->at, &least.prefix))
			break;
		if (first->rule < NETFIL_RULES_MAX)
			netfil_set_add(&least.set, first->rule);
		if (++first->at == first->end)
			g_array_remove_index_fast(heap, 0);
		if (heap->len)
			sift(heap, 0);
	}
	return least;
}

static void release_all(NetfilPrefixes *p, const GArray *entries, guint from)
{
	for (guint i = from; i < entries->len; i++)
		netfil_sets_release(p->sets, ENTRY(entries, i)->number);
}

static guint length_of(const GArray *heap)
{
	gsize length = 0;

	for (guint i = 0; i < heap->len; i++)
		length += g_array_index(heap, Source, i).end - g_array_index(heap, Source, i).at;
	return (guint)length;
}

/* The trie yields the longest prefix alone: so each has the rules of those around it
 * too. An outer one stands before its inner ones. IPv4 inherits nothing from IPv6
 * prefixes: ::/0 is all of IPv6, and only that. */
static GArray *make_target(NetfilPrefixes *p, GArray *heap, GError **error)
{
	g_autoptr(GArray) around = g_array_new(FALSE, FALSE, sizeof(Around));
	GArray *target = entries_new(length_of(heap));

	while (heap->len) {
		Around at = heap_pop(heap);
		Entry entry = {.prefix = at.prefix};
		guint32 number;

		while (around->len &&
		       !netfil_prefix_contains(
			   &g_array_index(around, Around, around->len - 1).prefix, &at.prefix))
			g_array_set_size(around, around->len - 1);
		if (around->len && netfil_prefix_compare(&at.prefix, &all_ipv4))
			netfil_set_union(&at.set,
					 &g_array_index(around, Around, around->len - 1).set);
		g_array_append_val(around, at);
		if (!netfil_sets_hold(p->sets, &at.set, &number, error)) {
			release_all(p, target, 0);
			g_array_unref(target);
			return NULL;
		}
		entry.number = (guint16)number;
		g_array_append_val(target, entry);
	}
	return target;
}

/* ---- from one to the other ---- */

/* What is in the map now: of `entries` what was not taken out, and what was put in. */
static void settle(NetfilPrefixes *p)
{
	g_autoptr(GArray) entries = p->entries;
	g_autoptr(GArray) target = g_steal_pointer(&p->target);
	guint put = p->put, from = p->taken, to = 0;

	if (put == target->len && from == entries->len) {
		release_all(p, entries, 0);
		p->entries = g_array_ref(target);
		return;
	}
	release_all(p, target, put);
	for (guint i = 0; i < from; i++)
		netfil_sets_release(p->sets, ENTRY(entries, i)->number);
	p->entries = entries_new(entries->len - from + put);
	while (from < entries->len || to < put) {
		int order = from == entries->len ? 1
			    : to == put          ? -1
					: compare_entries(ENTRY(entries, from), ENTRY(target, to));

		g_array_append_vals(p->entries,
				    order < 0 ? ENTRY(entries, from) : ENTRY(target, to), 1);
		if (order == 0)
			netfil_sets_release(p->sets, ENTRY(entries, from)->number);
		from += order <= 0;
		to += order >= 0;
	}
}

gboolean netfil_prefixes_aim(NetfilPrefixes *p, const GArray *sources, GError **error)
{
	g_autoptr(GArray) heap = heap_new(sources);

	if (p->target)
		settle(p);
	p->target = make_target(p, heap, error);
	p->put = p->taken = p->beside = 0;
	return p->target != NULL;
}

/* Elements on their way into the map, and where they stand in their array. */
typedef struct {
	struct netfil_prefix keys[AT_ONCE];
	guint32 values[AT_ONCE];
	guint places[AT_ONCE];
	guint count;
} Load;

static void load_add(Load *load, const GArray *array, guint place)
{
	const Entry *entry = ENTRY(array, place);
	struct netfil_prefix *key = &load->keys[load->count];

	key->length = entry->prefix.length;
	memcpy(key->address, entry->prefix.address, sizeof(key->address));
	load->values[load->count] = entry->number;
	load->places[load->count++] = place;
}

/* The entry of the same prefix; NULL: none. To be asked in ascending order. */
static const Entry *find_beside(NetfilPrefixes *p, const GArray *other, const Entry *entry)
{
	int order = 1;

	while (p->beside < other->len &&
	       (order = compare_entries(ENTRY(other, p->beside), entry)) < 0)
		p->beside++;
	return p->beside < other->len && order == 0 ? ENTRY(other, p->beside) : NULL;
}

static gboolean put_some(NetfilPrefixes *p, GError **error)
{
	Load load = {.count = 0};
	guint at = p->put, stop = MIN(p->target->len - at, LOOKED_AT) + at, done;

	for (; at < stop && load.count < AT_ONCE; at++) {
		const Entry *old = find_beside(p, p->entries, ENTRY(p->target, at));

		if (!old || old->number != ENTRY(p->target, at)->number)
			load_add(&load, p->target, at);
	}
	done = netfil_maps_put_many(netfil_kernel_maps(p->kernel), p->map, load.keys,
				    sizeof(load.keys[0]), load.values, sizeof(load.values[0]),
				    load.count, error);
	p->put = done < load.count ? load.places[done] : at;
	if (p->put == p->target->len)
		p->beside = 0; /* now of the other array */
	return done == load.count;
}

static void take_some(NetfilPrefixes *p)
{
	Load load = {.count = 0};
	guint stop = MIN(p->entries->len - p->taken, LOOKED_AT) + p->taken;

	for (; p->taken < stop && load.count < AT_ONCE; p->taken++)
		if (!find_beside(p, p->target, ENTRY(p->entries, p->taken)))
			load_add(&load, p->entries, p->taken);
	netfil_maps_delete_many(netfil_kernel_maps(p->kernel), p->map, load.keys,
				sizeof(load.keys[0]), load.count);
}

gboolean netfil_prefixes_write(NetfilPrefixes *p, gint64 until, gboolean *done, GError **error)
{
	*done = FALSE;
	while (p->target && (p->put < p->target->len || p->taken < p->entries->len)) {
		if (until != G_MAXINT64 && g_get_monotonic_time() >= until)
			return TRUE;
		if (p->put == p->target->len) {
			take_some(p);
		} else if (!put_some(p, error)) {
			settle(p);
			return FALSE;
		}
	}
	if (p->target)
		settle(p);
	*done = TRUE;
	return TRUE;
}
