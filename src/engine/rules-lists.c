// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rules with long lists. Their prefixes come into the kernel before they do, and leave it after
 * they have: in slices, with other work in between. A rule that is not enabled matches
 * nothing, so all that it takes is a number that nobody else has meanwhile.
 */
#include "rules-private.h"

#define LONG 10000  /* prefixes; a tenth of it takes the kernel a millisecond */
#define SLICE 20000 /* microseconds */

static gsize length_of(const GPtrArray *lists)
{
	gsize length = 0;

	for (guint i = 0; i < lists->len; i++)
		length += ((const NetfilList *)lists->pdata[i])->prefixes->len;
	return length;
}

static gboolean same_lists(const GPtrArray *a, const GPtrArray *b)
{
	for (guint i = 0; i < a->len && i < b->len; i++)
		if (a->pdata[i] != b->pdata[i])
			return FALSE;
	return a->len == b->len;
}

gboolean netfil_rules_fill(NetfilRules *r, gint64 until, gboolean *done, GError **error)
{
	*done = FALSE;
	if (r->stale) {
		g_autoptr(GArray) sources = netfil_rules_prefix_sources(r);

		if (!netfil_prefixes_aim(r->prefixes, sources, error))
			return FALSE;
		r->stale = FALSE;
	}
	return netfil_prefixes_write(r->prefixes, until, done, error);
}

/* ---- after ---- */

gboolean netfil_rules_is_long(const NetfilRule *rule)
{
	return length_of(rule->selectors->lists) >= LONG;
}

static void forget_leaving(NetfilRules *r)
{
	struct netfil_set gone = {0};
	guint32 asked = 0;
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule) {
		if (!rule->leaving)
			continue;
		asked |= rule->selectors->asked;
		netfil_set_add(&gone, rule->number);
	}
	/* Prefixes are done; what of them was changed meanwhile was written by who did. */
	if (!netfil_set_is_empty(&gone))
		netfil_rules_forget(r, &gone, asked & ~(1U << NETFIL_KIND_PREFIX));
}

static gboolean on_fill(gpointer data)
{
	NetfilRules *r = data;
	gboolean done;

	if (netfil_rules_fill(r, g_get_monotonic_time() + SLICE, &done, NULL) && !done)
		return G_SOURCE_CONTINUE;
	r->fill_source = 0;
	forget_leaving(r);
	return G_SOURCE_REMOVE;
}

void netfil_rules_leave(NetfilRules *r, NetfilRule *rule)
{
	rule->reserved = rule->removed = FALSE;
	rule->leaving = TRUE;
	g_ptr_array_set_size(rule->selectors->lists, 0);
	g_array_set_size(rule->selectors->prefixes, 0);
	r->stale = TRUE;
	if (!r->fill_source)
		r->fill_source = g_idle_add(on_fill, r);
}

static void see_off(NetfilRules *r)
{
	gboolean done;

	if (!r->fill_source)
		return;
	g_clear_handle_id(&r->fill_source, g_source_remove);
	netfil_rules_fill(r, G_MAXINT64, &done, NULL);
	forget_leaving(r);
}

/* ---- before ---- */

int netfil_rules_reserve(NetfilRules *r, GPtrArray *lists, const NetfilRule *beside)
{
	NetfilRule *rule;
	int number;

	if (length_of(lists) < LONG || (beside && same_lists(lists, beside->selectors->lists)))
		return -1;
	if (beside && !netfil_rules_have_room(r, beside))
		see_off(r);
	number = netfil_rules_free_number(r, beside, NULL);
	if (number < 0)
		return -1;
	rule = g_new0(NetfilRule, 1);
	rule->number = number;
	rule->reserved = TRUE;
	rule->selectors = netfil_selectors_of_lists(lists);
	r->by_number[number] = rule;
	r->stale = TRUE;
	return number;
}

static void rule_drop(NetfilRules *r, NetfilRule *rule)
{
	r->by_number[rule->number] = NULL;
	netfil_selectors_free(rule->selectors);
	g_free(rule);
}

int netfil_rules_take_reserved(NetfilRules *r, const NetfilSelectors *selectors,
			       const NetfilRule *beside)
{
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule) {
		int number = rule->number;

		if (!rule->reserved || !same_lists(rule->selectors->lists, selectors->lists) ||
		    (beside && beside->number / 64 != rule->number / 64))
			continue;
		rule_drop(r, rule);
		return number;
	}
	return -1;
}

void netfil_rules_unreserve(NetfilRules *r, guint number)
{
	NetfilRule *rule = r->by_number[number];

	if (rule && rule->reserved)
		netfil_rules_leave(r, rule);
}

void netfil_rules_make_room(NetfilRules *r, const NetfilRule *beside)
{
	NetfilRule *rule;

	if (!netfil_rules_have_room(r, beside))
		see_off(r);
	if (netfil_rules_have_room(r, beside))
		return;
	FOR_EACH_RULE (r, rule)
		if (rule->number / 64 == beside->number / 64)
			netfil_rules_unreserve(r, rule->number);
	see_off(r);
}
