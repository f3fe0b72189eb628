// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Many filters are made what they are to be, all or none: looked at first, then done in one
 * transaction of the ledger, with the kernel's maps written once for all. What fails is
 * undone. Filters are removed last, when nothing can fail any more.
 */
#include "engine-private.h"

#include <string.h>

#define ROUND_MAX 128

/* A filter that is changed, and what it was. */
typedef struct {
	NetfilFilter *filter;
	const NetfilSpec *wanted;
	gboolean selects; /* other traffic than before */
	gboolean done;
	NetfilRule *rule; /* that waits to be put in the place of its own */
	NetfilSpec *before;
	NetfilStanding standing;
	NetfilSelectors *selectors; /* before, if it has another rule now; else NULL */
	gboolean taken;             /* `before` is not its spec any more */
} Changed;

typedef struct {
	NetfilEngine *engine;
	GPtrArray *changes; /* of NetfilChange */
	guint refused;
	GPtrArray *wanted;  /* of const NetfilSpec, to be added */
	GPtrArray *added;   /* of NetfilFilter, that were */
	GPtrArray *changed; /* of Changed */
	GPtrArray *removed; /* of NetfilFilter, to be removed */
} Batch;

static void changed_free(gpointer data)
{
	Changed *c = data;

	netfil_spec_free(c->before);
	netfil_selectors_free(c->selectors);
	g_free(c);
}

static void batch_clear(Batch *b)
{
	g_ptr_array_unref(b->changes);
	g_ptr_array_unref(b->wanted);
	g_ptr_array_unref(b->added);
	g_ptr_array_unref(b->changed);
	g_ptr_array_unref(b->removed);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Batch, batch_clear)

/* Takes the error over. `key`: which of the filter's is wrong, if one is. */
static void refuse(Batch *b, const char *name, const char *key, GError *error)
{
	const char *const keys[] = {key, NULL};

	g_ptr_array_add(b->changes,
			netfil_change_new(NETFIL_CHANGE_REFUSED, name, keys, error->message));
	g_error_free(error);
	b->refused++;
}

/* ---- what is to be done ---- */

/* Users, files and processes that have to be there: each that is not is told. */
static void look_up(Batch *b, const NetfilSpec *spec, const char *key, const char *value)
{
	g_autoptr(NetfilSpec) alone = netfil_spec_new(spec->name);
	NetfilSelectors *selectors;
	GError *error = NULL;

	netfil_spec_put(alone, key, value, NULL); /* it was taken before */
	selectors = netfil_selectors_new(b->engine->kernel, alone, FALSE, &error);
	netfil_selectors_free(selectors);
	if (!selectors)
		refuse(b, spec->name, key, error);
}

static void look_up_all(Batch *b, const NetfilSpec *spec)
{
	for (guint i = 0; i < spec->exes->len; i++)
		look_up(b, spec, "exe", spec->exes->pdata[i]);
	for (guint i = 0; i < spec->users->len; i++)
		look_up(b, spec, "user", spec->users->pdata[i]);
	for (guint i = 0; i < spec->ip_files->len; i++)
		look_up(b, spec, "ip-file", spec->ip_files->pdata[i]);
}

static void plan_new(Batch *b, const NetfilSpec *spec)
{
	look_up_all(b, spec);
	g_ptr_array_add(b->wanted, (gpointer)spec);
	g_ptr_array_add(b->changes, netfil_change_new(NETFIL_CHANGE_ADDED, spec->name, NULL, NULL));
}

static void plan_change(Batch *b, NetfilFilter *filter, const NetfilSpec *spec)
{
	g_auto(GStrv) keys = netfil_spec_compare(filter->spec, spec);
	GError *error = NULL;
	Changed *c;

	if (!keys[0])
		return;
	if (!netfil_may_become(filter, spec, &error)) {
		refuse(b, spec->name, NULL, error);
		return;
	}
	c = g_new0(Changed, 1);
	c->filter = filter;
	c->wanted = spec;
	c->before = netfil_spec_copy(filter->spec);
	c->standing = netfil_filter_standing(filter);
	for (guint i = 0; keys[i]; i++)
		c->selects |= netfil_key_selects(keys[i]);
	if (c->selects)
		look_up_all(b, spec);
	g_ptr_array_add(b->changed, c);
	g_ptr_array_add(b->changes, netfil_change_new(NETFIL_CHANGE_CHANGED, spec->name,
						      (const char *const *)keys, NULL));
}

static void plan_one(Batch *b, const NetfilSpec *spec, GHashTable *names)
{
	NetfilFilter *filter = g_hash_table_lookup(b->engine->filters, spec->name);
	GError *error = NULL;

	if (!netfil_spec_check(spec, &error))
		refuse(b, spec->name, NULL, error);
	else if (!g_hash_table_add(names, spec->name))
		refuse(b, spec->name, NULL,
		       g_error_new(NETFIL_ERROR, NETFIL_ERROR_INVALID,
				   "'%s' is there twice: give each filter a name of its own",
				   spec->name));
	else if (filter)
		plan_change(b, filter, spec);
	else
		plan_new(b, spec);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	const NetfilFilter *const *x = a, *const *y = b;

	return strcmp((*x)->spec->name, (*y)->spec->name);
}

static void plan_removals(Batch *b, GHashTable *names)
{
	GHashTableIter iter;
	gpointer name, filter;

	g_hash_table_iter_init(&iter, b->engine->filters);
	while (g_hash_table_iter_next(&iter, &name, &filter))
		if (!g_hash_table_contains(names, name))
			g_ptr_array_add(b->removed, filter);
	g_ptr_array_sort(b->removed, compare_names);
	for (guint i = 0; i < b->removed->len; i++)
		g_ptr_array_add(b->changes, netfil_change_new(
						NETFIL_CHANGE_REMOVED,
						((NetfilFilter *)b->removed->pdata[i])->spec->name,
						NULL, NULL));
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

static gboolean add_all(Batch *b, GError **error)
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
			refuse(b, spec->name, NULL, problem);
	}
	return settle(b->engine, good ? error : NULL) && good;
}

static gboolean make_rule(Batch *b, Changed *c)
{
	NetfilEngine *e = b->engine;
	GError *problem = NULL;

	if (netfil_want_forwarding(e, c->wanted, &problem) && c->selects && c->filter->rule)
		c->rule = netfil_new_rule(e, c->filter, c->wanted, &problem);
	if (problem)
		refuse(b, c->wanted->name, NULL, problem);
	return !problem;
}

/* Has the filters whose turn it is ready, with new rules in the maps that are not switched on.
 * A rule goes to the word of the one that it replaces, where often one place alone is free: so
 * there may be several rounds. */
static gboolean make_rules(Batch *b, GPtrArray *round, GError **error)
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

static gboolean take(Batch *b, Changed *c)
{
	NetfilEngine *e = b->engine;
	NetfilSpec *spec = netfil_spec_copy(c->wanted);
	GError *problem = NULL;

	if (c->rule) {
		c->selectors = netfil_selectors_copy(c->filter->rule->selectors);
		netfil_put_rule(e, c->filter, g_steal_pointer(&c->rule), spec->on);
	}
	c->done = c->taken = netfil_take_spec(e, c->filter, spec, c->selects, NULL, &problem);
	if (c->taken)
		return TRUE;
	refuse(b, spec->name, NULL, problem);
	netfil_spec_free(spec);
	return FALSE;
}

static gboolean take_round(Batch *b, const GPtrArray *round, GError **error)
{
	gboolean good = TRUE;

	gather(b->engine);
	for (guint i = 0; good && i < round->len; i++)
		good = take(b, round->pdata[i]);
	return settle(b->engine, good ? error : NULL) && good;
}

static gboolean change_all(Batch *b, GError **error)
{
	for (guint done = 0; done < b->changed->len;) {
		g_autoptr(GPtrArray) round = g_ptr_array_new();

		if (!make_rules(b, round, error) || !take_round(b, round, error))
			return FALSE;
		done += round->len;
	}
	return TRUE;
}

static gboolean forget_all(Batch *b, GError **error)
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

static void undo_added(Batch *b)
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

static void undo(Batch *b)
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
						 &c->standing, c->selects));
		c->filter->dirty = TRUE; /* what is known to be written is not */
	}
	settle(e, NULL);
	for (guint i = 0; i < b->changed->len; i++)
		netfil_cap_follow(e, ((Changed *)b->changed->pdata[i])->filter);
}

/* ---- all of it ---- */

static gboolean carry_out(Batch *b, GError **error)
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
static void conclude(Batch *b)
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

static void tell(Batch *b)
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

static void keep_refusals(GPtrArray *changes)
{
	for (guint i = changes->len; i-- > 0;)
		if (((NetfilChange *)changes->pdata[i])->kind != NETFIL_CHANGE_REFUSED)
			g_ptr_array_remove_index(changes, i);
}

GPtrArray *netfil_engine_apply(NetfilEngine *e, const GPtrArray *specs, gboolean prune,
			       gboolean dry_run, GError **error)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(Batch) b = {
	    .engine = e,
	    .changes = netfil_changes_new(),
	    .wanted = g_ptr_array_new(),
	    .added = g_ptr_array_new(),
	    .changed = g_ptr_array_new_with_free_func(changed_free),
	    .removed = g_ptr_array_new(),
	};

	for (guint i = 0; i < specs->len; i++)
		plan_one(&b, specs->pdata[i], names);
	if (prune)
		plan_removals(&b, names);
	if (!b.refused && !dry_run && b.changes->len) {
		if (carry_out(&b, error)) {
			conclude(&b);
			tell(&b);
		} else if (!b.refused) {
			return NULL;
		}
	}
	if (b.refused)
		keep_refusals(b.changes);
	return g_ptr_array_ref(b.changes);
}
