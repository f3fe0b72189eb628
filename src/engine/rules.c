// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>

#include "cgroups.h"
#include "core/error.h"
#include "rules-private.h"

/* One rule of each word stays free, so that a rule can be replaced by one in its own
 * word, with one store. */
#define RULES_PER_WORD 63

static void adopt_array(NetfilSets *sets, const guint32 *memory, guint length)
{
	for (guint i = 0; i < length; i++)
		netfil_sets_adopt(sets, memory[2 * i]);
}

static void adopt_interfaces(NetfilRules *r)
{
	NetfilMaps *maps = netfil_kernel_maps(r->kernel);
	g_autoptr(GByteArray) keys = netfil_maps_keys(maps, "interfaces", sizeof(guint32));
	const guint32 *indexes = (gconstpointer)keys->data;

	for (gsize i = 0; i < keys->len / sizeof(guint32); i++) {
		g_autofree struct netfil_interface *entry = g_new0(struct netfil_interface, 1);

		if (!netfil_maps_get(maps, "interfaces", &indexes[i], entry))
			continue;
		netfil_sets_adopt(r->sets, entry->set);
		g_hash_table_insert(r->interfaces, GUINT_TO_POINTER(indexes[i]),
				    g_steal_pointer(&entry));
	}
}

NetfilRules *netfil_rules_new(NetfilKernel *kernel)
{
	NetfilRules *r = g_new0(NetfilRules, 1);

	r->kernel = kernel;
	r->frozen = TRUE;
	r->sets = netfil_sets_new(kernel);
	r->exes = netfil_table_new(kernel, r->sets, "exes", sizeof(struct netfil_exe));
	r->users = netfil_table_new(kernel, r->sets, "users", sizeof(guint32));
	r->prefixes = netfil_prefixes_new(kernel, r->sets, "prefixes");
	r->excepts = netfil_prefixes_new(kernel, r->sets, "excepts");
	r->seeds = netfil_seeds_new(kernel);
	r->interfaces = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	adopt_array(r->sets, netfil_kernel_port_set(kernel, 0), 65536);
	adopt_array(r->sets, netfil_kernel_proto_set(kernel, 0), 256);
	adopt_interfaces(r);
	return r;
}

static void rule_free(NetfilRule *rule)
{
	netfil_selectors_free(rule->selectors);
	g_free(rule);
}

void netfil_rules_free(NetfilRules *r)
{
	if (!r)
		return;
	g_clear_handle_id(&r->fill_source, g_source_remove);
	for (guint i = 0; i < NETFIL_RULES_MAX; i++)
		if (r->by_number[i])
			rule_free(r->by_number[i]);
	netfil_table_free(r->exes);
	netfil_table_free(r->users);
	netfil_prefixes_free(r->prefixes);
	netfil_prefixes_free(r->excepts);
	netfil_seeds_free(r->seeds);
	netfil_sets_free(r->sets);
	g_hash_table_unref(r->interfaces);
	g_free(r);
}

void netfil_rules_bump(NetfilRules *r)
{
	netfil_kernel_bump(r->kernel);
}

/* ---- rules ---- */

static gboolean is_owned(const NetfilSelectors *s)
{
	return s->any_owner || s->asked & (1 << NETFIL_KIND_PROCESS | 1 << NETFIL_KIND_EXE |
					   1 << NETFIL_KIND_USER | 1 << NETFIL_KIND_CGROUP);
}

static void set_bit(struct netfil_set *set, guint rule, gboolean on)
{
	__u64 *word = &set->words[rule / 64], bit = 1ULL << (rule % 64);

	__atomic_store_n(word, on ? *word | bit : *word & ~bit, __ATOMIC_SEQ_CST);
}

static void configure(NetfilRules *r, const NetfilRule *rule)
{
	struct netfil_config *config = netfil_kernel_config(r->kernel);

	config->slot[rule->number] = rule->slot;
	set_bit(&config->loopback, rule->number, rule->selectors->loopback);
	set_bit(&config->owned, rule->number, is_owned(rule->selectors));
	for (guint kind = 0; kind < NETFIL_KINDS; kind++)
		set_bit(&config->any[kind], rule->number, !(rule->selectors->asked & 1U << kind));
	config->asked |= rule->selectors->asked;
	config->words = MAX(config->words, rule->number / 64 + 1);
	if (rule->number >= NETFIL_MATCH_MAX)
		config->refusing = 1;
}

/* What rules ask, anew: after one was removed. */
static void configure_all(NetfilRules *r)
{
	struct netfil_config *config = netfil_kernel_config(r->kernel);
	guint32 asked = 0, words = 0;
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule) {
		asked |= rule->selectors->asked;
		words = rule->number / 64 + 1;
	}
	config->asked = asked | (r->keyed ? NETFIL_ASKED_EACH : 0);
	config->words = words;
}

gboolean netfil_rules_follow(NetfilRules *r, GError **error)
{
	const struct netfil_config *config = netfil_kernel_config(r->kernel);
	gboolean wanted = config->accounting || config->watched;
	const NetfilRule *rule;

	FOR_EACH_RULE (r, rule)
		wanted = wanted || is_owned(rule->selectors);
	return netfil_kernel_follow(r->kernel, wanted, error);
}

void netfil_rules_key(NetfilRules *r, gboolean on)
{
	struct netfil_config *config = netfil_kernel_config(r->kernel);

	r->keyed += on ? 1 : -1;
	if (r->keyed)
		config->asked |= NETFIL_ASKED_EACH;
	else
		config->asked &= ~NETFIL_ASKED_EACH;
	netfil_rules_bump(r);
}

static guint taken_in_word(const NetfilRules *r, guint word)
{
	guint taken = 0;

	for (guint i = 0; i < 64; i++)
		taken += r->by_number[word * 64 + i] != NULL;
	return taken;
}

static int free_in_word(const NetfilRules *r, guint word)
{
	for (guint i = word * 64; i < (word + 1) * 64; i++)
		if (!r->by_number[i])
			return i;
	return -1;
}

int netfil_rules_free_number(const NetfilRules *r, const NetfilRule *beside, GError **error)
{
	int number = beside ? free_in_word(r, beside->number / 64) : -1;

	for (guint word = 0; number < 0 && word < NETFIL_SET_WORDS; word++)
		if (taken_in_word(r, word) < RULES_PER_WORD)
			number = free_in_word(r, word);
	if (number < 0)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "there are %d filters, which is all that fit: remove some first",
			    RULES_PER_WORD * NETFIL_SET_WORDS);
	return number;
}

static gboolean same_pids(const NetfilSelectors *a, const NetfilSelectors *b)
{
	return a->pids->len == b->pids->len &&
	       !memcmp(a->pids->data, b->pids->data, a->pids->len * sizeof(guint32));
}

static gboolean sow(NetfilRules *r, GError **error)
{
	if (!r->seeded || r->gathering)
		return TRUE;
	if (!netfil_seeds_sow(r->seeds, error) || !netfil_kernel_label(r->kernel, error))
		return FALSE;
	r->seeded = FALSE;
	return TRUE;
}

/* The rule that takes another's place, with the same --pid, has the other's processes:
 * those may outlive the one that was named. */
static gboolean seed(NetfilRules *r, const NetfilRule *rule, const NetfilRule *beside,
		     GError **error)
{
	if (!rule->selectors->pids->len)
		return TRUE;
	if (beside && same_pids(rule->selectors, beside->selectors))
		netfil_seeds_follow(r->seeds, rule, beside);
	else if (!netfil_seeds_name(r->seeds, rule, error))
		return FALSE;
	r->seeded = TRUE;
	return sow(r, error);
}

NetfilRule *netfil_rules_add(NetfilRules *r, NetfilSelectors *selectors, guint slot, int number,
			     const NetfilRule *beside, gboolean seeded, GError **error)
{
	NetfilRule *rule = g_new0(NetfilRule, 1);

	rule->selectors = selectors;
	rule->slot = slot;
	if (number < 0)
		number = netfil_rules_take_reserved(r, selectors, beside);
	if (number < 0 && beside)
		netfil_rules_make_room(r, beside);
	if (number < 0 || number >= NETFIL_RULES_MAX || r->by_number[number])
		number = netfil_rules_free_number(r, beside, error);
	if (number < 0) {
		rule_free(rule);
		return NULL;
	}
	rule->number = number;
	r->by_number[number] = rule;
	configure(r, rule);
	if (netfil_rules_follow(r, error) && netfil_rules_apply(r, selectors->asked, error) &&
	    (!seeded || seed(r, rule, beside, error)))
		return rule;
	netfil_rules_remove(r, rule);
	return NULL;
}

/* Takes numbers off what inherited them before they are given again; asked: by their rules. */
static void scrub(NetfilRules *r, const struct netfil_set *numbers, guint32 asked)
{
	if (asked & 1 << NETFIL_KIND_PROCESS)
		netfil_kernel_scrub(r->kernel, numbers, NULL);
	if (asked & 1 << NETFIL_KIND_CGROUP)
		netfil_cgroups_scrub(r->kernel, numbers);
}

void netfil_rules_forget(NetfilRules *r, const struct netfil_set *numbers, guint32 asked)
{
	for (guint i = 0; i < NETFIL_RULES_MAX; i++)
		if (netfil_set_has(numbers, i))
			g_clear_pointer(&r->by_number[i], rule_free);
	netfil_rules_apply(r, asked, NULL); /* taking away needs no room */
	configure_all(r);
	netfil_rules_follow(r, NULL);
	scrub(r, numbers, asked);
}

void netfil_rules_remove(NetfilRules *r, NetfilRule *rule)
{
	guint32 asked = rule->selectors->asked;
	struct netfil_set number = {0};

	netfil_rules_enable(r, rule, FALSE);
	if (r->gathering) {
		rule->removed = TRUE;
		return;
	}
	if (netfil_rules_is_long(rule)) {
		netfil_rules_leave(r, rule);
		return;
	}
	netfil_set_add(&number, rule->number);
	netfil_rules_forget(r, &number, asked);
}

void netfil_rules_enable(NetfilRules *r, const NetfilRule *rule, gboolean on)
{
	/* Once it is in the maps; and, after a start, once its slot is on disk. */
	gboolean later = r->gathering || r->frozen;

	if (later)
		set_bit(&r->awake, rule->number, on);
	if (later && on)
		return;
	set_bit(&netfil_kernel_config(r->kernel)->enabled, rule->number, on);
	netfil_rules_bump(r);
}

void netfil_rules_replace(NetfilRules *r, const NetfilRule *old, const NetfilRule *new)
{
	struct netfil_set *enabled = &netfil_kernel_config(r->kernel)->enabled;
	__u64 *word = &enabled->words[new->number / 64];
	__u64 to = *word | 1ULL << (new->number % 64);

	if (old->number / 64 == new->number / 64)
		to &= ~(1ULL << (old->number % 64));
	else
		set_bit(enabled, old->number, FALSE);
	__atomic_store_n(word, to, __ATOMIC_SEQ_CST);
	netfil_rules_bump(r);
}

static void wake(NetfilRules *r)
{
	struct netfil_set *enabled = &netfil_kernel_config(r->kernel)->enabled;

	for (guint i = 0; i < NETFIL_SET_WORDS; i++)
		__atomic_store_n(&enabled->words[i], enabled->words[i] | r->awake.words[i],
				 __ATOMIC_SEQ_CST);
	memset(&r->awake, 0, sizeof(r->awake));
	netfil_rules_bump(r);
}

gboolean netfil_rules_thaw(NetfilRules *r, GError **error)
{
	struct netfil_config *config = netfil_kernel_config(r->kernel);

	r->frozen = FALSE;
	for (guint i = 0; i < NETFIL_RULES_MAX; i++)
		if (!r->by_number[i])
			set_bit(&config->enabled, i, FALSE);
	configure_all(r);
	config->home_netns = netfil_kernel_netns(r->kernel);
	netfil_rules_bump(r);
	if (!netfil_rules_apply(r, ~0U, error))
		return FALSE;
	wake(r);
	return TRUE;
}

/* ---- many at once ---- */

void netfil_rules_gather(NetfilRules *r)
{
	r->gathering = TRUE;
}

gboolean netfil_rules_write(NetfilRules *r, GError **error)
{
	r->gathering = FALSE;
	if (!netfil_rules_apply(r, r->due, error))
		return FALSE;
	r->due = 0;
	return sow(r, error);
}

/* Takes those that were removed out of the maps: what is on has replaced them. */
static void let_go(NetfilRules *r)
{
	struct netfil_set gone = {0};
	guint32 asked = 0;
	NetfilRule *rule;

	FOR_EACH_RULE (r, rule) {
		if (!rule->removed)
			continue;
		if (netfil_rules_is_long(rule)) {
			netfil_rules_leave(r, rule);
			continue;
		}
		asked |= rule->selectors->asked;
		netfil_set_add(&gone, rule->number);
	}
	if (!netfil_set_is_empty(&gone))
		netfil_rules_forget(r, &gone, asked);
}

void netfil_rules_settle(NetfilRules *r, gboolean on)
{
	r->gathering = FALSE;
	if (!on)
		memset(&r->awake, 0, sizeof(r->awake));
	wake(r);
	let_go(r);
}

gboolean netfil_rules_have_room(const NetfilRules *r, const NetfilRule *beside)
{
	return free_in_word(r, beside->number / 64) >= 0;
}
