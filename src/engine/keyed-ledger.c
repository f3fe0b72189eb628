// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Members in the ledger: read at a start, and written when they moved. */
#include <string.h>

#include "clock.h"
#include "engine-private.h"

/* A checkpoint takes as many at most, so that nobody waits for it long. */
#define ROWS_AT_ONCE 50000

typedef struct {
	NetfilKeyed *k;
	gboolean survived;
} Resume;

/* ---- keys as text ---- */

static char *key_text(const NetfilKeyed *k, guint index, const struct netfil_member_key *key)
{
	GString *text = g_string_new(NULL);

	/* An address is its name. */
	if (k->filter->spec->each != NETFIL_EACH_IP && index != NETFIL_MEMBERS_OTHERS)
		for (guint i = 0; i < sizeof(key->bytes); i++)
			g_string_append_printf(text, "%02x", key->bytes[i]);
	return g_string_free(text, FALSE);
}

static gboolean read_key(const char *text, struct netfil_member_key *key)
{
	if (strlen(text) != 2 * sizeof(key->bytes))
		return FALSE;
	for (guint i = 0; i < sizeof(key->bytes); i++) {
		int high = g_ascii_xdigit_value(text[2 * i]);
		int low = g_ascii_xdigit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return FALSE;
		key->bytes[i] = (guint8)(high << 4 | low);
	}
	return TRUE;
}

/* ---- a start ---- */

static void wait_for(NetfilKeyed *k, const char *name, const NetfilCounters *used)
{
	NetfilCounters *left = g_new(NetfilCounters, 1);

	*left = (NetfilCounters){.in = used->in, .out = used->out};
	g_hash_table_insert(k->waiting, g_strdup(name), left);
}

static void restore(NetfilKeyed *k, const char *name, const NetfilCounters *used)
{
	struct netfil_member_key key;
	guint index;

	if (g_str_equal(name, NETFIL_MEMBER_OTHERS)) {
		netfil_members_restore_others(k->members, used);
		return;
	}
	if (!netfil_keyed_key(k, name, &key) ||
	    !netfil_members_restore(k->members, &key, used, NULL) ||
	    !netfil_members_find(k->members, &key, &index)) {
		wait_for(k, name, used);
		return;
	}
	netfil_keyed_take_name(k, index, &key, name);
	netfil_keyed_mark(k, index); /* by its key of now */
}

/* What an earlier netfild wrote down as handed on and was killed before it was: see inherit() in
 * keyed-names.c. At a cycle's end nothing is made up for, as its turn may have come that far. */
static void make_up(NetfilKeyed *k, const NetfilMemberReading *reading, const NetfilCounters *used)
{
	const NetfilFilter *filter = k->filter;
	NetfilCounters missing = {
	    .in = used->in - MIN(reading->used.in, used->in),
	    .out = used->out - MIN(reading->used.out, used->out),
	};

	if (reading->current && !filter->free_until && (missing.in || missing.out) &&
	    !(filter->ends && netfil_clock_seconds() >= filter->ends))
		netfil_members_restore(k->members, &reading->key, &missing, NULL);
}

/* The kernel has it, and has counted on: what is there more is told once it is read. */
static gboolean recognize(NetfilKeyed *k, const char *name, const char *text,
			  const NetfilCounters *used)
{
	NetfilMemberReading reading, then;
	struct netfil_member_key key;
	guint index = NETFIL_MEMBERS_OTHERS;

	if (!g_str_equal(name, NETFIL_MEMBER_OTHERS)) {
		if (k->filter->spec->each == NETFIL_EACH_IP ? !netfil_keyed_key(k, name, &key)
							    : !read_key(text, &key))
			return FALSE;
		if (!netfil_members_find(k->members, &key, &index))
			return FALSE;
	}
	if (!netfil_members_read(k->members, index, &reading))
		return FALSE;
	netfil_keyed_take_name(k, index, &reading.key, name);
	if (index != NETFIL_MEMBERS_OTHERS)
		make_up(k, &reading, used);
	then = reading;
	then.used = *used;
	netfil_keyed_warn(k, index, &then, FALSE);
	/* Free hours, in which netfild was away for a while. */
	if (k->filter->free_until && reading.used.in >= used->in && reading.used.out >= used->out)
		netfil_members_forgive(k->members, index, reading.used.in - used->in,
				       reading.used.out - used->out);
	return TRUE;
}

static void take_row(const char *name, const char *key, const NetfilCounters *used, gpointer data)
{
	const Resume *resume = data;
	NetfilKeyed *k = resume->k;

	if (!*name) {
		k->beyond = *used;
		return;
	}
	if (!resume->survived)
		restore(k, name, used);
	else if (!recognize(k, name, key, used))
		wait_for(k, name, used);
}

/* Who waited, and is there by now, need not move first. */
static void bring(NetfilKeyed *k)
{
	static const NetfilCounters nothing;
	g_autoptr(GList) waiting = g_hash_table_get_keys(k->waiting);
	struct netfil_member_key key;
	guint index;

	for (const GList *at = waiting; at; at = at->next) {
		g_autofree char *name = g_strdup(at->data);

		if (!netfil_keyed_key(k, name, &key) ||
		    !netfil_members_restore(k->members, &key, &nothing, NULL) ||
		    !netfil_members_find(k->members, &key, &index))
			continue;
		netfil_keyed_christen(k, index, &key, name);
		netfil_keyed_mark(k, index);
	}
}

static void sum_up(NetfilKeyed *k, guint index, const NetfilMemberReading *reading, gpointer sum)
{
	NetfilCounters *total = sum;

	*total = netfil_counters_plus(total, &reading->counted);
	netfil_keyed_tell(k, index, reading, FALSE);
	netfil_members_listen(k->members, index);
}

static NetfilCounters slot_counters(const struct netfil_slot *slot)
{
	return (NetfilCounters){
	    .in = slot->used[NETFIL_IN],
	    .out = slot->used[NETFIL_OUT],
	    .refused_bytes = slot->refused_bytes,
	    .refused_packets = slot->refused_packets,
	    .reset_bytes = slot->reset_bytes,
	    .reset_packets = slot->reset_packets,
	};
}

static void set_slot(struct netfil_slot *slot, const NetfilCounters *to)
{
	slot->used[NETFIL_IN] = to->in;
	slot->used[NETFIL_OUT] = to->out;
	slot->used[NETFIL_TOTAL] = to->in + to->out;
	slot->refused_bytes = to->refused_bytes;
	slot->refused_packets = to->refused_packets;
	slot->reset_bytes = to->reset_bytes;
	slot->reset_packets = (guint32)to->reset_packets;
}

/* The slot is what its members have counted, and what was before them. */
static gboolean balance(NetfilKeyed *k, gboolean survived, const NetfilCounters *known,
			GError **error)
{
	struct netfil_slot *slot = netfil_kernel_slot(k->engine->kernel, k->filter->slot);
	NetfilCounters sum = {0}, total;

	netfil_keyed_each(k, sum_up, &sum);
	if (!survived) {
		k->beyond = netfil_counters_less(known, &sum);
		set_slot(slot, known);
		/* Before all else, as it cannot be found out again. */
		return netfil_ledger_put_member(k->engine->ledger, k->filter->id,
						NETFIL_LEDGER_BEYOND, "", &k->beyond, error);
	}
	total = netfil_counters_plus(&k->beyond, &sum);
	set_slot(slot, &total);
	return TRUE;
}

gboolean netfil_keyed_resume(NetfilKeyed *k, gboolean survived, GError **error)
{
	NetfilEngine *e = k->engine;
	NetfilCounters known = slot_counters(netfil_kernel_slot(e->kernel, k->filter->slot));
	Resume resume = {k, survived};

	if (!netfil_ledger_members(e->ledger, k->filter->id, take_row, &resume, error))
		return FALSE;
	if (survived)
		bring(k);
	if (!balance(k, survived, &known, error))
		return FALSE;
	/* Who came while nobody looked gets a name at the first second, when applications are
	 * known: what goes from one to the other then is no part of the sum. */
	netfil_keyed_sweep(k);
	netfil_rules_bump(e->rules);
	return TRUE;
}

/* ---- writing ---- */

static gboolean write_promise(NetfilKeyed *k, guint index, const NetfilMemberReading *own,
			      const NetfilCounters *used)
{
	NetfilLedger *ledger = k->engine->ledger;
	NetfilCounters beyond = netfil_counters_less(&k->beyond, used);
	NetfilCounters all = netfil_counters_plus(&own->used, used);

	return netfil_ledger_put_member(ledger, k->filter->id, NETFIL_LEDGER_BEYOND, "", &beyond,
					NULL) &&
	       netfil_keyed_write_one(k, index, &all, NULL) && netfil_ledger_commit(ledger, NULL);
}

/* What cannot be written is done all the same; the next checkpoint tells. */
void netfil_keyed_promise(NetfilKeyed *k, guint index, const NetfilMemberReading *own,
			  const NetfilCounters *used)
{
	NetfilLedger *ledger = k->engine->ledger;

	if (ledger && netfil_ledger_begin(ledger, NULL) && !write_promise(k, index, own, used))
		netfil_ledger_rollback(ledger);
}

gboolean netfil_keyed_unwritten(const NetfilKeyed *k)
{
	return k->dirty->len > 0;
}

gboolean netfil_keyed_write_one(NetfilKeyed *k, guint index, const NetfilCounters *used,
				GError **error)
{
	g_autofree char *name = NULL, *text = NULL;
	NetfilMemberReading reading;

	if (!netfil_members_read(k->members, index, &reading))
		return TRUE;
	name = netfil_keyed_name(k, index, &reading.key);
	text = key_text(k, index, &reading.key);
	return netfil_ledger_put_member(k->engine->ledger, k->filter->id, name, text, used, error);
}

static gboolean write_dirty(NetfilKeyed *k, guint index, GError **error)
{
	NetfilMemberReading reading;

	return !netfil_keyed_read(k, index, &reading) ||
	       netfil_keyed_write_one(k, index, &reading.used, error);
}

/* Of those who are not here the rows stay, but for a cycle's end. */
gboolean netfil_keyed_write(NetfilKeyed *k, GError **error)
{
	NetfilLedger *ledger = k->engine->ledger;

	if (k->forgets && !netfil_ledger_delete_members(ledger, k->filter->id, error))
		return FALSE;
	if (k->beyond_moved &&
	    !netfil_ledger_put_member(ledger, k->filter->id, NETFIL_LEDGER_BEYOND, "", &k->beyond,
				      error))
		return FALSE;
	k->writing = MIN(k->dirty->len, ROWS_AT_ONCE);
	for (guint i = 0; i < k->writing; i++)
		if (!write_dirty(k, g_array_index(k->dirty, guint, i), error))
			return FALSE;
	return TRUE;
}

void netfil_keyed_written(NetfilKeyed *k, gboolean written)
{
	guint count = written ? k->writing : 0;

	k->writing = 0;
	if (!written)
		return;
	for (guint i = 0; i < count; i++)
		netfil_keyed_seen(k, g_array_index(k->dirty, guint, i))->flags &=
		    ~NETFIL_SEEN_DIRTY;
	if (count)
		g_array_remove_range(k->dirty, 0, count);
	k->forgets = k->beyond_moved = FALSE;
}
