// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Members as they are asked for: a page of them, and one that is reset. */
#include <string.h>

#include "core/quote.h"
#include "engine-private.h"

#define NAME_SHOWN 64

typedef struct {
	guint64 value; /* that it is sorted by */
	gboolean others;
	struct netfil_member_key key; /* of addresses, which are sorted by it */
	NetfilMember member;          /* without a name while it is an address */
} Candidate;

/* The first `limit` of those behind `after`, as a heap whose root is the last of them: so it
 * does not matter how many there are. */
typedef struct {
	NetfilKeyed *k;
	const NetfilMemberQuery *query;
	gboolean addresses;
	guint limit;
	guint total;
	GArray *heap;     /* Candidate */
	Candidate *after; /* NULL: from the start */
} Page;

static void candidate_clear(gpointer candidate)
{
	netfil_member_clear(&((Candidate *)candidate)->member);
}

/* ---- order ---- */

static int compare_keys(const Page *p, const Candidate *a, const Candidate *b)
{
	if (a->others != b->others)
		return a->others - b->others;
	return p->addresses ? memcmp(&a->key, &b->key, sizeof(a->key))
			    : strcmp(a->member.name, b->member.name);
}

static int compare(const Page *p, const Candidate *a, const Candidate *b)
{
	int order = a->value != b->value ? (a->value > b->value ? -1 : 1) : compare_keys(p, a, b);

	return p->query->reverse ? -order : order;
}

static gint compare_for_sort(gconstpointer a, gconstpointer b, gpointer page)
{
	return compare(page, a, b);
}

static Candidate *at(const Page *p, guint i)
{
	return &g_array_index(p->heap, Candidate, i);
}

static void swap(const Page *p, guint i, guint j)
{
	Candidate c = *at(p, i);

	*at(p, i) = *at(p, j);
	*at(p, j) = c;
}

static void rise(const Page *p, guint i)
{
	for (; i && compare(p, at(p, i), at(p, (i - 1) / 2)) > 0; i = (i - 1) / 2)
		swap(p, i, (i - 1) / 2);
}

static void sink(const Page *p)
{
	for (guint i = 0, child; (child = 2 * i + 1) < p->heap->len; i = child) {
		if (child + 1 < p->heap->len && compare(p, at(p, child + 1), at(p, child)) > 0)
			child++;
		if (compare(p, at(p, child), at(p, i)) <= 0)
			return;
		swap(p, i, child);
	}
}

/* ---- candidates ---- */

static gboolean matches(const Page *p, const Candidate *c)
{
	g_autofree char *address = NULL;
	const char *name = c->member.name;

	if (!p->query->match)
		return TRUE;
	if (!name)
		name = address = netfil_keyed_name(p->k, 0, &c->key);
	return strstr(name, p->query->match) != NULL;
}

/* Takes the candidate's name over. */
static void offer(Page *p, Candidate *c)
{
	c->value = netfil_member_value(&c->member, p->query->sort);
	if ((p->after && compare(p, c, p->after) <= 0) || !matches(p, c)) {
		candidate_clear(c);
		return;
	}
	p->total++;
	if (p->heap->len < p->limit) {
		g_array_append_val(p->heap, *c);
		rise(p, p->heap->len - 1);
	} else if (compare(p, c, at(p, 0)) < 0) {
		candidate_clear(at(p, 0));
		*at(p, 0) = *c;
		sink(p);
	} else {
		candidate_clear(c);
	}
}

static void offer_member(NetfilKeyed *k, guint index, const NetfilMemberReading *r, gpointer page)
{
	guint flags = netfil_keyed_seen(k, index)->flags;
	Page *p = page;
	Candidate c = {
	    .others = index == NETFIL_MEMBERS_OTHERS,
	    .key = r->key,
	    .member = {NULL, r->used.in, r->used.out, r->used.refused_bytes,
		       r->used.refused_packets, flags & NETFIL_SEEN_TOLD},
	};

	if (flags & NETFIL_SEEN_HIDDEN ||
	    (c.others && !r->counted.in && !r->counted.out && !r->counted.refused_packets))
		return;
	if (!p->addresses || c.others)
		c.member.name = netfil_keyed_name(k, index, &r->key);
	offer(p, &c);
}

static void offer_waiting(Page *p)
{
	const NetfilCounters *used;
	GHashTableIter iter;
	const char *name;

	g_hash_table_iter_init(&iter, p->k->waiting);
	while (g_hash_table_iter_next(&iter, (gpointer *)&name, (gpointer *)&used)) {
		Candidate c = {.member = {g_strdup(name), used->in, used->out, 0, 0, 0}};

		netfil_keyed_key(p->k, name, &c.key);
		offer(p, &c);
	}
}

/* ---- pages ---- */

static gboolean find_start(Page *p, Candidate *start, GError **error)
{
	const char *name;

	if (!p->query->after)
		return TRUE;
	if (!netfil_member_cursor_parse(p->query->after, &start->value, &name, error))
		return FALSE;
	start->others = g_str_equal(name, NETFIL_MEMBER_OTHERS);
	if (p->addresses && !start->others && !netfil_keyed_key(p->k, name, &start->key))
		return netfil_set_invalid(error, name, -1,
					  "is no address behind which there could be others: use "
					  "what the page before it told");
	start->member.name = g_strdup(name);
	p->after = start;
	return TRUE;
}

static GArray *finish(Page *p, char **next)
{
	GArray *members = netfil_members_new();

	g_array_sort_with_data(p->heap, compare_for_sort, p);
	for (guint i = 0; i < p->heap->len; i++) {
		Candidate *c = at(p, i);

		if (!c->member.name)
			c->member.name = netfil_keyed_name(p->k, 0, &c->key);
		g_array_append_val(members, c->member);
		c->member.name = NULL; /* the array's */
	}
	*next = p->total > members->len
		    ? netfil_member_cursor(&g_array_index(members, NetfilMember, members->len - 1),
					   p->query->sort)
		    : NULL;
	return members;
}

static NetfilKeyed *find_keyed(NetfilEngine *e, const char *name, GError **error)
{
	NetfilFilter *filter = netfil_find(e, name, error);

	if (filter && !filter->keyed)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "filter %s has no members: add one with each, like --ip 10.0.0.0/8 "
			    "--each",
			    name);
	return filter ? filter->keyed : NULL;
}

GArray *netfil_engine_members(NetfilEngine *e, const char *name, const NetfilMemberQuery *query,
			      char **next, guint *total, GError **error)
{
	NetfilKeyed *k = find_keyed(e, name, error);
	guint limit = query->limit ? query->limit : NETFIL_MEMBERS_PAGE;
	g_autoptr(GArray) heap = g_array_new(FALSE, FALSE, sizeof(Candidate));
	Page page = {.k = k, .query = query, .heap = heap};
	Candidate start = {0};
	GArray *members = NULL;

	if (!k)
		return NULL;
	g_array_set_clear_func(heap, candidate_clear);
	page.addresses = k->filter->spec->each == NETFIL_EACH_IP;
	page.limit = MIN(limit, NETFIL_MEMBERS_PAGE_MAX);
	if (find_start(&page, &start, error)) {
		netfil_keyed_each(k, offer_member, &page);
		offer_waiting(&page);
		members = finish(&page, next);
		*total = page.total;
	}
	candidate_clear(&start);
	return members;
}

/* ---- reset ---- */

static const NetfilCounters nothing;

/* Writes that a member has used nothing. */
typedef gboolean (*WriteFunc)(NetfilKeyed *k, gconstpointer whose, GError **error);

static gboolean write_known(NetfilKeyed *k, gconstpointer index, GError **error)
{
	return netfil_keyed_write_one(k, *(const guint *)index, &nothing, error);
}

static gboolean write_waiting(NetfilKeyed *k, gconstpointer name, GError **error)
{
	return netfil_ledger_put_member(k->engine->ledger, k->filter->id, name, "", &nothing,
					error);
}

/* On disk before it holds: the member's row, and that the filter has used less by it. */
static gboolean record_change(NetfilKeyed *k, const NetfilCounters *used, WriteFunc write,
			      gconstpointer whose, GError **error)
{
	NetfilEngine *e = k->engine;
	NetfilFilter *filter = k->filter;

	if (e->ledger && !netfil_ledger_begin(e->ledger, error))
		return FALSE;
	filter->base.in += used->in;
	filter->base.out += used->out;
	if (!e->ledger)
		return TRUE;
	if (netfil_record(e, filter, error) && write(k, whose, error) &&
	    netfil_ledger_commit(e->ledger, error))
		return TRUE;
	netfil_ledger_rollback(e->ledger);
	filter->base.in -= used->in;
	filter->base.out -= used->out;
	filter->dirty = TRUE; /* what is known to be written is not */
	return FALSE;
}

static gboolean reset(NetfilKeyed *k, guint index, GError **error)
{
	NetfilSeen *seen;
	NetfilMemberReading reading;

	if (!netfil_keyed_read(k, index, &reading))
		return TRUE;
	if (!record_change(k, &reading.used, write_known, &index, error))
		return FALSE;
	netfil_members_reset(k->members, index);
	netfil_rules_bump(k->engine->rules);
	seen = netfil_keyed_seen(k, index);
	if (seen->flags & NETFIL_SEEN_TOLD && index != NETFIL_MEMBERS_OTHERS)
		k->at_cap--;
	seen->flags &= ~NETFIL_SEEN_TOLD;
	seen->warned = 0;
	netfil_keyed_mark(k, index); /* what it uses from now on */
	return TRUE;
}

/* One of the ledger's, that is not here. */
static gboolean reset_waiting(NetfilKeyed *k, const char *name, GError **error)
{
	const NetfilCounters *used = g_hash_table_lookup(k->waiting, name);
	g_autofree char *shown = netfil_escape(name, -1, NAME_SHOWN);
	NetfilFilter *filter = k->filter;

	if (!used) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "filter %s has no member '%s': see `netfil show %s --members`",
			    filter->spec->name, shown, filter->spec->name);
		return FALSE;
	}
	if (!record_change(k, used, write_waiting, name, error))
		return FALSE;
	g_hash_table_remove(k->waiting, name);
	return TRUE;
}

gboolean netfil_engine_reset_member(NetfilEngine *e, const char *name, const char *key,
				    GError **error)
{
	NetfilKeyed *k = find_keyed(e, name, error);
	guint index;

	if (!k)
		return FALSE;
	if (!(netfil_keyed_find(k, key, &index) ? reset(k, index, error)
						: reset_waiting(k, key, error)))
		return FALSE;
	netfil_emit_changed(e, k->filter);
	return TRUE;
}
