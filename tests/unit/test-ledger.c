// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the ledger keeps, call by call. */
#include "ledger-fixture.h"

typedef struct {
	char *directory;
	NetfilLedger *ledger;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
	(void)data;
	f->directory = directory_new();
	f->ledger = ledger_open(f->directory);
}

static void tear_down(Fixture *f, gconstpointer data)
{
	(void)data;
	netfil_ledger_close(f->ledger);
	directory_remove(f->directory);
}

static void reopen(Fixture *f)
{
	netfil_ledger_close(f->ledger);
	f->ledger = ledger_open(f->directory);
}

static GError *why; /* OK() has none left */

#define OK(call)                                                                                   \
	do {                                                                                       \
		gboolean done = (call);                                                            \
		g_assert_no_error(why);                                                            \
		g_assert_true(done);                                                               \
	} while (0)

static gint64 save_new(Fixture *f, const char *name, guint salt)
{
	g_autoptr(NetfilLedgerFilter) filter = filter_new(name, salt);

	OK(netfil_ledger_save(f->ledger, filter, &why));
	g_assert_cmpint(filter->id, >, 0);
	return filter->id;
}

static GPtrArray *load(Fixture *f)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *filters = netfil_ledger_load(f->ledger, &error);

	g_assert_no_error(error);
	return filters;
}

static void assert_filter(const NetfilLedgerFilter *a, const NetfilLedgerFilter *b)
{
	g_assert_cmpint(a->id, ==, b->id);
	g_assert_cmpstr(a->name, ==, b->name);
	g_assert_true(g_variant_equal(a->spec, b->spec));
	g_assert_cmpuint(a->slot, ==, b->slot);
	g_assert_cmpint(a->rule, ==, b->rule);
	g_assert_cmpint(a->started, ==, b->started);
	g_assert_cmpint(a->ends, ==, b->ends);
	assert_counters(&a->base, &b->base);
	assert_counters(&a->used, &b->used);
	assert_counters(&a->recorded, &b->recorded);
	for (int i = 0; i < NETFIL_DIRECTIONS; i++)
		g_assert_cmpint(a->extra[i], ==, b->extra[i]);
	g_assert_cmpuint(a->forfeited, ==, b->forfeited);
	g_assert_cmpuint(a->granted, ==, b->granted);
	g_assert_cmpint(a->unlimited_until, ==, b->unlimited_until);
	g_assert_cmpint(a->free_until, ==, b->free_until);
	g_assert_cmpstr(a->downed, ==, b->downed);
}

static void test_filters(Fixture *f, gconstpointer data)
{
	g_autoptr(NetfilLedgerFilter) a = filter_new("a", 1), b = filter_new("b", 2);
	g_autoptr(GPtrArray) none = load(f);
	g_autoptr(GPtrArray) filters = NULL;

	(void)data;
	g_assert_cmpuint(none->len, ==, 0);
	OK(netfil_ledger_save(f->ledger, a, &why));
	OK(netfil_ledger_save(f->ledger, b, &why));
	g_assert_cmpint(a->id, ==, 1);
	g_assert_cmpint(b->id, ==, 2);
	reopen(f);
	filters = load(f);
	g_assert_cmpuint(filters->len, ==, 2);
	assert_filter(g_ptr_array_index(filters, 0), a);
	assert_filter(g_ptr_array_index(filters, 1), b);
}

static void test_update(Fixture *f, gconstpointer data)
{
	gint64 id = save_new(f, "a", 1), other = save_new(f, "b", 2);
	g_autoptr(NetfilLedgerFilter) changed = filter_new("c", 30), wide = filter_new("b", 2);
	g_autoptr(GPtrArray) filters = NULL;
	const NetfilLedgerFilter *loaded;

	(void)data;
	OK(netfil_ledger_warn(f->ledger, id, 80, NOW, &why));
	OK(netfil_ledger_count(f->ledger, id, NOW, &changed->used, &why));
	changed->id = id;
	wide->id = other;
	wide->base = (NetfilCounters){G_MAXUINT64, G_MAXUINT64 - 1, 1ULL << 63, 0, 0, 0};
	OK(netfil_ledger_save(f->ledger, changed, &why));
	OK(netfil_ledger_save(f->ledger, wide, &why));
	filters = load(f);
	loaded = g_ptr_array_index(filters, 0);
	assert_filter(loaded, changed);
	assert_filter(g_ptr_array_index(filters, 1), wide);
	g_assert_cmpuint(loaded->warned->len, ==, 1); /* it does not go with the old row */
	reopen(f);
}

static void test_save_fails(Fixture *f, gconstpointer data)
{
	g_autoptr(NetfilLedgerFilter) same = filter_new("a", 2), unknown = filter_new("b", 3);
	g_autofree char *before = NULL, *after = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	save_new(f, "a", 1);
	before = ledger_dump(f->ledger);
	g_assert_false(netfil_ledger_save(f->ledger, same, &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "constraint");
	g_assert_cmpint(same->id, ==, 0);
	unknown->id = 77;
	g_assert_false(netfil_ledger_save(f->ledger, unknown, &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "no filter 77");
	after = ledger_dump(f->ledger);
	g_assert_cmpstr(before, ==, after);
}

static void test_delete(Fixture *f, gconstpointer data)
{
	const NetfilCounters c = counters(5);
	gint64 id = save_new(f, "a", 1), kept = save_new(f, "b", 2), next;
	const NetfilLedgerCycle cycle = {id, NOW, NOW + 1, {0}, c};
	g_autofree char *before = ledger_dump(f->ledger), *after = NULL, *all = NULL;

	(void)data;
	next = save_new(f, "c", 3);
	OK(netfil_ledger_close_cycle(f->ledger, &cycle, &why));
	OK(netfil_ledger_warn(f->ledger, next, 80, NOW, &why));
	for (int i = 0; i < 3; i++)
		OK(netfil_ledger_count(f->ledger, next, NOW + i * HOUR, &c, &why));
	OK(netfil_ledger_delete(f->ledger, next, &why));
	OK(netfil_ledger_delete(f->ledger, next, &why)); /* not there: no error */
	OK(netfil_ledger_count(f->ledger, kept, NOW, &c, &why));
	OK(netfil_ledger_delete(f->ledger, id, &why));
	all = ledger_dump(f->ledger);
	g_assert_null(strstr(all, "cycle"));
	g_assert_nonnull(strstr(all, "hour"));
	OK(netfil_ledger_delete(f->ledger, kept, &why));
	after = ledger_dump(f->ledger);
	g_assert_cmpstr(after, ==, "");
	g_assert_cmpstr(before, !=, "");
	reopen(f);
	g_assert_cmpint(save_new(f, "d", 4), ==, 4); /* numbers do not come again */
}

static void test_checkpoint(Fixture *f, gconstpointer data)
{
	gint64 id = save_new(f, "a", 1);
	const NetfilCounters used = counters(7000), base = counters(1ULL << 60);
	g_autoptr(NetfilLedgerFilter) expected = filter_new("a", 1);
	g_autoptr(GPtrArray) filters = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	OK(netfil_ledger_checkpoint(f->ledger, id, &used, &base, &why));
	reopen(f);
	filters = load(f);
	expected->id = id;
	expected->used = used;
	expected->base = base;
	assert_filter(g_ptr_array_index(filters, 0), expected);
	g_assert_false(netfil_ledger_checkpoint(f->ledger, id + 1, &used, &base, &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "no filter 2");
}

static void test_recorded(Fixture *f, gconstpointer data)
{
	gint64 id = save_new(f, "a", 1);
	const NetfilCounters recorded = counters(9000);
	g_autoptr(NetfilLedgerFilter) expected = filter_new("a", 1);
	g_autoptr(GPtrArray) filters = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	OK(netfil_ledger_set_recorded(f->ledger, id, &recorded, &why));
	reopen(f);
	filters = load(f);
	expected->id = id;
	expected->recorded = recorded;
	assert_filter(g_ptr_array_index(filters, 0), expected);
	g_assert_false(netfil_ledger_set_recorded(f->ledger, id + 1, &recorded, &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "constraint");
}

static void test_transactions(Fixture *f, gconstpointer data)
{
	g_autofree char *before = NULL, *after = NULL, *later = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	OK(netfil_ledger_begin(f->ledger, &why));
	save_new(f, "a", 1);
	save_new(f, "b", 2);
	OK(netfil_ledger_commit(f->ledger, &why));
	before = ledger_dump(f->ledger);
	OK(netfil_ledger_begin(f->ledger, &why));
	save_new(f, "c", 3);
	netfil_ledger_rollback(f->ledger);
	netfil_ledger_rollback(f->ledger); /* nothing to roll back */
	after = ledger_dump(f->ledger);
	g_assert_cmpstr(before, ==, after);
	g_assert_false(netfil_ledger_commit(f->ledger, &error)); /* nothing begun */
	g_clear_error(&error);
	OK(netfil_ledger_begin(f->ledger, &why));
	g_assert_false(netfil_ledger_begin(f->ledger, &error));
	g_clear_error(&error);
	netfil_ledger_rollback(f->ledger);
	reopen(f);
	later = ledger_dump(f->ledger);
	g_assert_cmpstr(before, ==, later);
}

/* What comes after a failure is not part of anything, and what came before it goes. */
static void test_spoiled(Fixture *f, gconstpointer data)
{
	g_autofree char *before = NULL, *after = NULL;
	g_autoptr(GError) error = NULL;
	const NetfilCounters c = counters(1);

	(void)data;
	save_new(f, "a", 1);
	before = ledger_dump(f->ledger);
	OK(netfil_ledger_begin(f->ledger, &why));
	save_new(f, "b", 2);
	g_assert_false(netfil_ledger_warn(f->ledger, 99, 80, NOW, NULL));
	g_assert_false(netfil_ledger_set_note(f->ledger, "boot-id", "x", &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "constraint");
	g_assert_false(netfil_ledger_checkpoint(f->ledger, 1, &c, &c, NULL));
	g_assert_false(netfil_ledger_commit(f->ledger, &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "constraint");
	after = ledger_dump(f->ledger);
	g_assert_cmpstr(before, ==, after);
	OK(netfil_ledger_begin(f->ledger, &why));
	OK(netfil_ledger_checkpoint(f->ledger, 1, &c, &c, &why));
	OK(netfil_ledger_commit(f->ledger, &why));
}

static void assert_note(Fixture *f, const char *key, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *value = netfil_ledger_note(f->ledger, key, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(value, ==, expected);
}

static void test_notes(Fixture *f, gconstpointer data)
{
	(void)data;
	assert_note(f, "boot-id", NULL);
	OK(netfil_ledger_set_note(f->ledger, "boot-id", "one", &why));
	OK(netfil_ledger_set_note(f->ledger, "boot-id", "two", &why));
	OK(netfil_ledger_set_note(f->ledger, "accounts", "", &why));
	reopen(f);
	assert_note(f, "boot-id", "two");
	assert_note(f, "accounts", "");
	assert_note(f, "other", NULL);
}

/* ---- cycles and warnings ---- */

static void assert_cycles(Fixture *f, gint64 filter, gint64 from, gint64 to, const char *starts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) cycles = netfil_ledger_cycles(f->ledger, filter, from, to, &error);
	g_autoptr(GString) found = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < cycles->len; i++) {
		const NetfilLedgerCycle *c = &g_array_index(cycles, NetfilLedgerCycle, i);

		g_string_append_printf(found, "%d:%d ", (int)c->filter, (int)c->started);
	}
	g_assert_cmpstr(found->str, ==, starts);
}

static void close_cycle(Fixture *f, gint64 filter, gint64 started, gint64 ended)
{
	const NetfilLedgerCycle cycle = {filter, started, ended, {1, 0, 3}, counters(started)};

	OK(netfil_ledger_close_cycle(f->ledger, &cycle, &why));
}

static void test_cycles(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) one = NULL;
	const NetfilLedgerCycle *cycle;
	const NetfilCounters used = counters(300);

	(void)data;
	save_new(f, "a", 1);
	save_new(f, "b", 2);
	close_cycle(f, 1, 300, 400);
	close_cycle(f, 1, 100, 200);
	close_cycle(f, 2, 100, 300);
	close_cycle(f, 2, 300, 300);
	reopen(f);
	assert_cycles(f, 0, 0, 1000, "1:100 2:100 1:300 2:300 ");
	assert_cycles(f, 1, 0, 1000, "1:100 1:300 ");
	assert_cycles(f, 0, 200, 300, "2:100 ");
	assert_cycles(f, 0, 199, 200, "1:100 2:100 ");
	assert_cycles(f, 0, 300, 301, "1:300 2:300 ");
	assert_cycles(f, 0, 400, 1000, "");
	assert_cycles(f, 1, 0, 100, "");
	one = netfil_ledger_cycles(f->ledger, 1, 300, 400, &error);
	cycle = &g_array_index(one, NetfilLedgerCycle, 0);
	g_assert_cmpint(cycle->ended, ==, 400);
	g_assert_cmpuint(cycle->limit[NETFIL_IN], ==, 1);
	g_assert_cmpuint(cycle->limit[NETFIL_OUT], ==, 0);
	g_assert_cmpuint(cycle->limit[NETFIL_TOTAL], ==, 3);
	assert_counters(&cycle->used, &used);
}

static void test_old_cycles(Fixture *f, gconstpointer data)
{
	g_autoptr(GArray) cycles = NULL;
	const int more = 5;

	(void)data;
	save_new(f, "a", 1);
	save_new(f, "b", 2);
	close_cycle(f, 2, 1, 2);
	OK(netfil_ledger_begin(f->ledger, &why));
	for (int i = 0; i < NETFIL_LEDGER_CYCLES + more; i++)
		close_cycle(f, 1, 1000 - i, 2000); /* the clock goes back */
	OK(netfil_ledger_commit(f->ledger, &why));
	cycles = netfil_ledger_cycles(f->ledger, 1, 0, 9999, NULL);
	g_assert_cmpuint(cycles->len, ==, NETFIL_LEDGER_CYCLES);
	g_assert_cmpint(g_array_index(cycles, NetfilLedgerCycle, 0).started, ==,
			1000 - NETFIL_LEDGER_CYCLES - more + 1);
	assert_cycles(f, 2, 0, 9999, "2:1 ");
}

static void assert_warned(Fixture *f, guint index, const char *expected)
{
	g_autoptr(GPtrArray) filters = load(f);
	const NetfilLedgerFilter *filter = g_ptr_array_index(filters, index);
	g_autoptr(GString) found = g_string_new(NULL);

	for (guint i = 0; i < filter->warned->len; i++)
		g_string_append_printf(found, "%u ", g_array_index(filter->warned, guint8, i));
	g_assert_cmpstr(found->str, ==, expected);
}

static void test_warnings(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	save_new(f, "a", 1);
	save_new(f, "b", 2);
	save_new(f, "c", 3);
	OK(netfil_ledger_warn(f->ledger, 1, 95, NOW, &why));
	OK(netfil_ledger_warn(f->ledger, 1, 80, NOW, &why));
	OK(netfil_ledger_warn(f->ledger, 1, 80, NOW + 1, &why));
	OK(netfil_ledger_warn(f->ledger, 3, 50, NOW, &why));
	reopen(f);
	assert_warned(f, 0, "80 95 ");
	assert_warned(f, 1, "");
	assert_warned(f, 2, "50 ");
	close_cycle(f, 1, 100, 200);
	assert_warned(f, 0, "");
	assert_warned(f, 2, "50 ");
	OK(netfil_ledger_forget_warnings(f->ledger, 3, &why));
	assert_warned(f, 2, "");
	g_assert_false(netfil_ledger_warn(f->ledger, 4, 50, NOW, &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "constraint");
}

/* ---- history ---- */

static void assert_history(Fixture *f, gint64 filter, gint64 from, gint64 to, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) entries = netfil_ledger_history(f->ledger, filter, from, to, &error);
	g_autoptr(GString) found = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < entries->len; i++) {
		const NetfilLedgerEntry *e = &g_array_index(entries, NetfilLedgerEntry, i);

		g_string_append_printf(found, "%d@%d=%d ", (int)e->filter, (int)e->start,
				       (int)e->sum.in);
		g_assert_cmpint(e->by, ==, NETFIL_BY_HOUR);
		g_assert_null(e->exe);
	}
	g_assert_cmpstr(found->str, ==, expected);
}

static void test_count(Fixture *f, gconstpointer data)
{
	const NetfilCounters c = counters(10), less = {-(guint64)3, 0, 0, 0, 0, 0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) entries = NULL;
	NetfilCounters sum = {17, 22, 24, 26, 28, 30};

	(void)data;
	save_new(f, "a", 1);
	save_new(f, "b", 2);
	OK(netfil_ledger_count(f->ledger, 2, 3600, &c, &why));
	OK(netfil_ledger_count(f->ledger, 1, 7200, &c, &why));
	OK(netfil_ledger_count(f->ledger, 1, 3600, &c, &why));
	OK(netfil_ledger_count(f->ledger, 1, 3600, &c, &why));
	OK(netfil_ledger_count(f->ledger, 1, 3600, &less, &why));
	OK(netfil_ledger_count(f->ledger, 1, 0, &c, &why));
	reopen(f);
	assert_history(f, 0, 0, 7201, "1@0=10 1@3600=17 2@3600=10 1@7200=10 ");
	assert_history(f, 1, 0, 7201, "1@0=10 1@3600=17 1@7200=10 ");
	assert_history(f, 1, 1, 7200, "1@3600=17 ");
	assert_history(f, 0, 3600, 7200, "1@3600=17 2@3600=10 ");
	assert_history(f, 2, 0, 3600, "");
	entries = netfil_ledger_history(f->ledger, 1, 3600, 3601, &error);
	assert_counters(&g_array_index(entries, NetfilLedgerEntry, 0).sum, &sum);
	g_assert_false(netfil_ledger_count(f->ledger, 3, 3600, &c, &error));
	expect_error(&error, NETFIL_ERROR_FAILED, "no filter 3");
}

static void assert_apps(Fixture *f, gint64 from, gint64 to, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) entries = netfil_ledger_apps(f->ledger, from, to, &error);
	g_autoptr(GString) found = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < entries->len; i++) {
		const NetfilLedgerEntry *e = &g_array_index(entries, NetfilLedgerEntry, i);

		g_string_append_printf(found, "%s,%u@%d=%d,%d ", e->exe, e->uid, (int)e->start,
				       (int)e->sum.in, (int)e->sum.out);
		/* One text for all of its kind, which nobody keeps for ever. */
		g_assert_cmpuint(g_quark_try_string(e->exe), ==, 0);
		g_assert_cmpint(e->filter, ==, 0);
	}
	g_assert_cmpstr(found->str, ==, expected);
}

static void test_apps(Fixture *f, gconstpointer data)
{
	(void)data;
	OK(netfil_ledger_count_app(f->ledger, "/bin/b", 0, 3600, 1, 2, &why));
	OK(netfil_ledger_count_app(f->ledger, "/bin/b", 0, 3600, 10, 20, &why));
	OK(netfil_ledger_count_app(f->ledger, "/bin/b", 1, 3600, 5, 6, &why));
	OK(netfil_ledger_count_app(f->ledger, "/bin/\xff", 1, 3600, 7, 8, &why));
	OK(netfil_ledger_count_app(f->ledger, "", G_MAXUINT32, 3600, 3, 4, &why));
	OK(netfil_ledger_count_app(f->ledger, "/bin/b", 0, 0, 1, 1, &why));
	reopen(f);
	assert_apps(f, 0, 1, "/bin/b,0@0=1,1 ");
	assert_apps(f, 1, 3601,
		    ",4294967295@3600=3,4 /bin/b,0@3600=11,22 /bin/b,1@3600=5,6 "
		    "/bin/\xff,1@3600=7,8 ");
	assert_apps(f, 1, 3600, "");
}

/* Nobody fills the disk with names. */
static void test_many_apps(Fixture *f, gconstpointer data)
{
	g_autoptr(GArray) entries = NULL;
	guint64 sum = 0;

	(void)data;
	OK(netfil_ledger_begin(f->ledger, &why));
	for (guint i = 0; i < 700; i++) {
		g_autofree char *exe = g_strdup_printf("/bin/%u", i);

		OK(netfil_ledger_count_app(f->ledger, exe, 0, 3600, i, 1, &why));
	}
	OK(netfil_ledger_count_app(f->ledger, "", G_MAXUINT32, 3600, 0, 1, &why));
	OK(netfil_ledger_count_app(f->ledger, "/bin/0", 0, 3600, 0, 1, &why));
	OK(netfil_ledger_count_app(f->ledger, "/bin/699", 0, 7200, 0, 1, &why));
	OK(netfil_ledger_commit(f->ledger, &why));
	entries = netfil_ledger_apps(f->ledger, 3600, 3601, NULL);
	g_assert_cmpuint(entries->len, ==, 500 + 2);
	for (guint i = 0; i < entries->len; i++) {
		const NetfilLedgerEntry *e = &g_array_index(entries, NetfilLedgerEntry, i);

		sum += e->sum.in;
		if (g_str_equal(e->exe, "*"))
			g_assert_cmpuint(e->sum.out, ==, 200);
	}
	g_assert_cmpuint(sum, ==, 700 * 699 / 2);
	assert_apps(f, 7200, 7201, "/bin/699,0@7200=0,1 ");
}

static void test_accounts(Fixture *f, gconstpointer data)
{
	const NetfilLedgerAccount a = {7, 1, 2}, b = {3, G_MAXUINT64, 4}, again = {7, 10, 20};
	g_autoptr(GArray) accounts = NULL, none = NULL;
	const NetfilLedgerAccount *found;

	(void)data;
	OK(netfil_ledger_record_account(f->ledger, &a, &why));
	OK(netfil_ledger_record_account(f->ledger, &b, &why));
	OK(netfil_ledger_record_account(f->ledger, &again, &why));
	reopen(f);
	accounts = netfil_ledger_accounts(f->ledger, NULL);
	g_assert_cmpuint(accounts->len, ==, 2);
	found = (const NetfilLedgerAccount *)accounts->data;
	g_assert_cmpuint(found[0].account, ==, 3);
	g_assert_cmpuint(found[0].in, ==, G_MAXUINT64);
	g_assert_cmpuint(found[1].in, ==, 10);
	g_assert_cmpuint(found[1].out, ==, 20);
	OK(netfil_ledger_forget_accounts(f->ledger, &why));
	none = netfil_ledger_accounts(f->ledger, NULL);
	g_assert_cmpuint(none->len, ==, 0);
}

typedef struct {
	guint count;
	NetfilCounters sum;
	char *last;
} Seen;

static void see(const char *name, const char *key, const NetfilCounters *used, gpointer data)
{
	Seen *seen = data;

	g_assert_cmpstr(key, ==, *name ? "key" : "");
	g_assert_cmpstr(seen->last ? seen->last : "", <=, name);
	g_free(seen->last);
	seen->last = g_strdup(name);
	seen->count++;
	seen->sum.in += used->in;
	seen->sum.reset_packets += used->reset_packets;
}

static void assert_members(Fixture *f, gint64 filter, guint count, guint64 in)
{
	Seen seen = {0};

	OK(netfil_ledger_members(f->ledger, filter, see, &seen, &why));
	g_free(seen.last);
	g_assert_cmpuint(seen.count, ==, count);
	g_assert_cmpuint(seen.sum.in, ==, in);
}

#define MEMBERS 1000

static void put_members(Fixture *f, gint64 filter, guint64 in)
{
	OK(netfil_ledger_begin(f->ledger, &why));
	for (guint i = 0; i < MEMBERS; i++) {
		const NetfilCounters used = {.in = in + i, .reset_packets = 1};
		g_autofree char *name = g_strdup_printf("10.0.%u.%u", i / 256, i % 256);

		OK(netfil_ledger_put_member(f->ledger, filter, name, "key", &used, &why));
	}
	OK(netfil_ledger_commit(f->ledger, &why));
}

static void test_members(Fixture *f, gconstpointer data)
{
	const gint64 a = save_new(f, "a", 1), b = save_new(f, "b", 2);
	const NetfilCounters beyond = {.in = 1000000000}, one = {.in = 5};
	const guint64 sum = MEMBERS * (MEMBERS - 1) / 2;
	Seen seen = {0};

	(void)data;
	assert_members(f, a, 0, 0);
	put_members(f, a, 0);
	put_members(f, b, 7);
	OK(netfil_ledger_put_member(f->ledger, a, NETFIL_LEDGER_BEYOND, "", &beyond, &why));
	reopen(f);
	assert_members(f, a, MEMBERS + 1, sum + 1000000000);
	assert_members(f, b, MEMBERS, sum + 7 * MEMBERS);
	put_members(f, a, 3); /* again */
	assert_members(f, a, MEMBERS + 1, sum + 3 * MEMBERS + 1000000000);
	OK(netfil_ledger_members(f->ledger, b, see, &seen, &why));
	g_assert_cmpuint(seen.sum.reset_packets, ==, MEMBERS);
	g_free(seen.last);

	/* A turn leaves what is no member's. */
	OK(netfil_ledger_delete_members(f->ledger, a, &why));
	assert_members(f, a, 1, 1000000000);
	assert_members(f, b, MEMBERS, sum + 7 * MEMBERS);

	/* They go with their filter, and there is none without one. */
	OK(netfil_ledger_delete(f->ledger, b, &why));
	assert_members(f, b, 0, 0);
	g_assert_false(netfil_ledger_put_member(f->ledger, b, "10.0.0.1", "", &one, &why));
	g_clear_error(&why);
	reopen(f);
	assert_members(f, a, 1, 1000000000);
	assert_members(f, b, 0, 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*test)(Fixture *f, gconstpointer data);
	} tests[] = {
	    {"filters", test_filters},
	    {"update", test_update},
	    {"save-fails", test_save_fails},
	    {"delete", test_delete},
	    {"checkpoint", test_checkpoint},
	    {"recorded", test_recorded},
	    {"transactions", test_transactions},
	    {"spoiled", test_spoiled},
	    {"notes", test_notes},
	    {"cycles", test_cycles},
	    {"old-cycles", test_old_cycles},
	    {"warnings", test_warnings},
	    {"count", test_count},
	    {"apps", test_apps},
	    {"many-apps", test_many_apps},
	    {"accounts", test_accounts},
	    {"members", test_members},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strconcat("/ledger/", tests[i].name, NULL);

		g_test_add(path, Fixture, NULL, set_up, tests[i].test, tear_down);
	}
	return g_test_run();
}
