// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * In one transaction of the ledger, with the kernel's maps written once for all. What fails is
 * undone. Filters are removed last, when nothing can fail any more.
 */
#include "batch.h"

#define ROUND_MAX 128

/* A filter that is changed, and what it was. */
typedef struct {
	NetfilFilter *filter;
	NetfilSpec *wanted;
	guint32 owner;
	gboolean selects; /* other traffic than before */
	gboolean anew;
	const NetfilAdjust *adjust;
	gboolean done;
	NetfilRule *rule; /* that waits to be put in the place of its own */
	NetfilSpec *before;
	NetfilStanding standing;
	NetfilSelectors *selectors; /* before, if it has another rule now; else NULL */
	gboolean taken;             /* `before` is not its spec any more */
} Changed;

struct NetfilBatch {
	NetfilEngine *engine;
	GPtrArray *changes; /* of NetfilChange */
	GError *problem;    /* why it cannot be; NULL: nothing was refused */
	GPtrArray *wanted;  /* of const NetfilSpec, to be added */
	GPtrArray *added;   /* of NetfilFilter, that were */
	GPtrArray *changed; /* of Changed */
	GPtrArray *removed; /* of NetfilFilter, to be removed */
};

static void changed_free(gpointer data)
{
	Changed *c = data;

	netfil_spec_free(c->wanted);
	netfil_spec_free(c->before);
	netfil_selectors_free(c->selectors);
	g_free(c);
}

NetfilBatch *netfil_batch_new(NetfilEngine *e)
{
	NetfilBatch *b = g_new0(NetfilBatch, 1);

	b->engine = e;
	b->changes = netfil_changes_new();
	b->wanted = g_ptr_array_new();
	b->added = g_ptr_array_new();
	b->changed = g_ptr_array_new_with_free_func(changed_free);
	b->removed = g_ptr_array_new();
	return b;
}

void netfil_batch_free(NetfilBatch *b)
{
	g_ptr_array_unref(b->changes);
	g_clear_error(&b->problem);
	g_ptr_array_unref(b->wanted);
	g_ptr_array_unref(b->added);
	g_ptr_array_unref(b->changed);
	g_ptr_array_unref(b->removed);
	g_free(b);
}

/* ---- what is to be done ---- */

void netfil_batch_refuse(NetfilBatch *b, const char *name, const char *key, GError *error)
{
	const char *const keys[] = {key, NULL};

	g_ptr_array_add(b->changes,
			netfil_change_new(NETFIL_CHANGE_REFUSED, name, keys, error->message));
	if (b->problem)
		g_error_free(error);
	else
		b->problem = error;
}

void netfil_batch_add(NetfilBatch *b, const NetfilSpec *spec)
{
	g_ptr_array_add(b->wanted, (gpointer)spec);
	g_ptr_array_add(b->changes, netfil_change_new(NETFIL_CHANGE_ADDED, spec->name, NULL, NULL));
}

void netfil_batch_change(NetfilBatch *b, NetfilFilter *filter, NetfilSpec *spec, guint32 owner,
			 const char *const *keys, gboolean selects, gboolean anew,
			 const NetfilAdjust *adjust)
{
	Changed *c = g_new0(Changed, 1);

	c->filter = filter;
	c->wanted = netfil_spec_share(spec);
	c->owner = owner;
	c->selects = selects;
	c->anew = anew;
	c->adjust = adjust;
	c->before = netfil_spec_share(filter->spec);
	c->standing = netfil_filter_standing(filter);
	g_ptr_array_add(b->changed, c);
	g_ptr_array_add(b->changes,
			netfil_change_new(NETFIL_CHANGE_CHANGED, spec->name, keys, NULL));
}

void netfil_batch_remove(NetfilBatch *b, NetfilFilter *filter)
{
	g_ptr_array_add(b->removed, filter);
	g_ptr_array_add(b->changes,
			netfil_change_new(NETFIL_CHANGE_REMOVED, filter->spec->name, NULL, NULL));
}

/* ---- doing it ---- */

static void gather(NetfilEngine *e)
{
	e->gathering = TRUE;
	netfil_rules_gather(e->rules);
}

/* What was gathered is in force when this returns TRUE; else no rule of it is. */
static gboolean settle(NetfilEngine *e, GError **error)
{
	gboolean done;

	e->gathering = FALSE;
	done = netfil_rules_write(e->rules, error) && netfil_apply_interfaces(e, error);
	netfil_rules_settle(e->rules, done);
	return done;
}

static gboolean add_all(NetfilBatch *b, GError **error)
{
	gboolean good = TRUE;

	gather(b->engine);
	for (guint i = 0; good && i < b->wanted->len; i++) {
		const NetfilSpec *spec = b->wanted->pdata[i];
		NetfilFilter *filter = netfil_filter_new(spec);
		GError *problem = NULL;

		good = netfil_add_new(b->engine, filter, &problem);
		if (good)
			g_ptr_array_add(b->added, filter);
		else
			netfil_batch_refuse(b, spec->name, NULL, problem);
	}
	return settle(b->engine, good ? error : NULL) && good;
}

static gboolean make_rule(NetfilBatch *b, Changed *c)
{
	NetfilEngine *e = b->engine;
	GError *problem = NULL;

	if (netfil_want_forwarding(e, c->wanted, &problem) && c->selects && c->filter->rule)
		c->rule = netfil_new_rule(e, c->filter, c->wanted, &problem);
	if (problem)
		netfil_batch_refuse(b, c->wanted->name, NULL, problem);
	return !problem;
}

/* Has the filters whose turn it is ready, with new rules in the maps that are not switched on.
 * A rule goes to the word of the one that it replaces, where often one place alone is free: so
 * there may be several rounds. */
static gboolean make_rules(NetfilBatch *b, GPtrArray *round, GError **error)
{
	NetfilEngine *e = b->engine;
	gboolean good = TRUE;

	gather(e);
	for (guint i = 0; good && i < b->changed->len && round->len < ROUND_MAX; i++) {
		Changed *c = b->changed->pdata[i];

		if (c->done || (round->len && c->selects && c->filter->rule &&
				!netfil_rules_have_room(e->rules, c->filter->rule)))
			continue;
		good = make_rule(b, c);
		g_ptr_array_add(round, c);
	}
	return settle(e, good ? error : NULL) && good;
}

static gboolean take(NetfilBatch *b, Changed *c)
{
	NetfilEngine *e = b->engine;
	NetfilSpec *spec = netfil_spec_share(c->wanted);
	GError *problem = NULL;

	if (c->rule) {
		c->selectors = netfil_selectors_copy(c->filter->rule->selectors);
		netfil_put_rule(e, c->filter, g_steal_pointer(&c->rule), spec->on);
	}
	c->done = c->taken =
	    netfil_take_spec(e, c->filter, spec, c->owner, c->anew, c->adjust, &problem);
	if (c->taken)
		return TRUE;
	netfil_batch_refuse(b, spec->name, NULL, problem);
	netfil_spec_free(spec);
	return FALSE;
}

static gboolean take_round(NetfilBatch *b, const GPtrArray *round, GError **error)
{
	gboolean good = TRUE;

	gather(b->engine);
	for (guint i = 0; good && i < round->len; i++)
		good = take(b, round->pdata[i]);
	return settle(b->engine, good ? error : NULL) && good;
}

static gboolean change_all(NetfilBatch *b, GError **error)
{
	for (guint done = 0; done < b->changed->len;) {
		g_autoptr(GPtrArray) round = g_ptr_array_new();

		if (!make_rules(b, round, error) || !take_round(b, round, error))
			return FALSE;
		done += round->len;
	}
	return TRUE;
}

static gboolean forget_all(NetfilBatch *b, GError **error)
{
	NetfilLedger *ledger = b->engine->ledger;

	for (guint i = 0; ledger && i < b->removed->len; i++)
		if (!netfil_ledger_delete(ledger, ((NetfilFilter *)b->removed->pdata[i])->id,
					  error))
			return FALSE;
	return TRUE;
}

/* ---- undoing it ---- */

static void undo_rule(NetfilEngine *e, Changed *c)
{
	NetfilRule *rule = netfil_rules_add(e->rules, g_steal_pointer(&c->selectors),
					    c->filter->slot, -1, c->filter->rule, TRUE, NULL);

	if (!rule)
		return; /* there was room for it before */
	netfil_apply_interfaces(e, NULL);
	netfil_put_rule(e, c->filter, rule, c->before->on);
}

static void undo_added(NetfilBatch *b)
{
	gather(b->engine);
	for (guint i = 0; i < b->changed->len; i++) {
		Changed *c = b->changed->pdata[i];

		if (c->rule)
			netfil_rules_remove(b->engine->rules, g_steal_pointer(&c->rule));
	}
	for (guint i = 0; i < b->added->len; i++)
		netfil_uninstall(b->engine, b->added->pdata[i]);
	settle(b->engine, NULL);
}

static void undo(NetfilBatch *b)
{
	NetfilEngine *e = b->engine;

	undo_added(b);
	for (guint i = 0; i < b->changed->len; i++)
		if (((Changed *)b->changed->pdata[i])->selectors)
			undo_rule(e, b->changed->pdata[i]);
	gather(e);
	for (guint i = 0; i < b->changed->len; i++) {
		Changed *c = b->changed->pdata[i];

		if (!c->taken)
			continue;
		netfil_spec_free(netfil_put_back(e, c->filter, g_steal_pointer(&c->before),
						 &c->standing, c->anew));
		c->filter->dirty = TRUE; /* what is known to be written is not */
	}
	settle(e, NULL);
	for (guint i = 0; i < b->changed->len; i++)
		netfil_cap_follow(e, ((Changed *)b->changed->pdata[i])->filter);
}

static gboolean carry_out(NetfilBatch *b, GError **error)
{
	NetfilLedger *ledger = b->engine->ledger;

	if (ledger && !netfil_ledger_begin(ledger, error))
		return FALSE;
	if (add_all(b, error) && change_all(b, error) && forget_all(b, error) &&
	    (!ledger || netfil_ledger_commit(ledger, error)))
		return TRUE;
	if (ledger)
		netfil_ledger_rollback(ledger);
	undo(b);
	return FALSE;
}

/* It is on disk: what cannot be taken back. */
static void conclude(NetfilBatch *b)
{
	NetfilEngine *e = b->engine;

	gather(e);
	for (guint i = 0; i < b->removed->len; i++)
		netfil_uninstall(e, b->removed->pdata[i]);
	settle(e, NULL); /* taking away needs no room */
	for (guint i = 0; i < b->added->len; i++)
		netfil_grant_follow(e, b->added->pdata[i]);
	for (guint i = 0; i < b->changed->len; i++) {
		Changed *c = b->changed->pdata[i];

		netfil_cap_follow(e, c->filter);
		netfil_grant_follow(e, c->filter);
	}
}

static void tell(NetfilBatch *b)
{
	NetfilEngine *e = b->engine;
	NetfilPresence presence = {0};

	e->presence = &presence;
	for (guint i = 0; i < b->changes->len; i++) {
		const NetfilChange *change = b->changes->pdata[i];

		if (change->kind == NETFIL_CHANGE_ADDED)
			netfil_emit_added(e, change->name);
		else if (change->kind == NETFIL_CHANGE_CHANGED)
			netfil_emit_changed(e, netfil_find(e, change->name, NULL));
		else
			netfil_emit_removed(e, change->name);
	}
	e->presence = NULL;
}

/* ---- all of it ---- */

gboolean netfil_batch_carry_out(NetfilBatch *b, GError **error)
{
	GError *problem = NULL;

	if (!b->problem && b->changes->len && carry_out(b, &problem)) {
		conclude(b);
		tell(b);
		return TRUE;
	}
	if (problem)
		g_propagate_error(error, problem);
	else if (b->problem)
		g_propagate_error(error, g_error_copy(b->problem));
	return !problem && !b->problem;
}

gboolean netfil_batch_is_refused(const NetfilBatch *b)
{
	return b->problem != NULL;
}

GPtrArray *netfil_batch_changes(NetfilBatch *b)
{
	for (guint i = b->changes->len; b->problem && i-- > 0;)
		if (((NetfilChange *)b->changes->pdata[i])->kind != NETFIL_CHANGE_REFUSED)
			g_ptr_array_remove_index(b->changes, i);
	return g_ptr_array_ref(b->changes);
}
