// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opening: what is new, old, newer, damaged, missing. */
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <utime.h>

#include "ledger-fixture.h"
#include "ledger/ledger-private.h"

#define SEED 20261123
#define DAMAGES 400

static void run_sql(const char *directory, const char *sql)
{
	g_autofree char *path = file_in(directory, "ledger.db");
	char *message = NULL;
	sqlite3 *db;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &message);
	g_assert_cmpstr(message, ==, NULL);
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}

static void assert_refused(const char *directory, NetfilError code, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *warning = NULL;

	g_assert_null(netfil_ledger_open(directory, &warning, &error));
	g_assert_cmpstr(warning, ==, NULL);
	expect_error(&error, code, part);
}

static void assert_dump(NetfilLedger *ledger, const char *expected)
{
	g_autofree char *found = ledger_dump(ledger);

	g_assert_cmpstr(found, ==, expected);
}

static void test_new(void)
{
	char *parent = directory_new();
	g_autofree char *directory = file_in(parent, "a");
	NetfilLedger *ledger = ledger_open(directory);
	g_autoptr(GPtrArray) names = NULL;

	assert_dump(ledger, "");
	netfil_ledger_close(ledger);
	netfil_ledger_close(NULL);
	names = files_like(directory, "");
	g_assert_cmpuint(names->len, ==, 1);
	g_assert_cmpstr(g_ptr_array_index(names, 0), ==, "ledger.db");
	directory_remove(g_steal_pointer(&directory));
	g_assert_cmpint(g_rmdir(parent), ==, 0);
	g_free(parent);
}

static void test_no_directory(void)
{
	char *directory = directory_new();
	g_autofree char *file = file_in(directory, "a"), *under = file_in(file, "b");

	file_write(file, "", 0);
	assert_refused(under, NETFIL_ERROR_FAILED, "NETFIL_STATE_DIR");
	directory_remove(directory);
}

/* ---- schemas ---- */

static void test_schema_1(void)
{
	char *directory = directory_new();
	NetfilLedger *ledger;
	g_autofree char *dump = NULL;
	g_autoptr(NetfilLedgerFilter) next = filter_new("next", 1);

	schema_1_write(directory, SCHEMA_1_FILTER(3, "a") SCHEMA_1_FILTER(8, "b") SCHEMA_1_FILTER(
				      9, "gone") "DELETE FROM filter WHERE id = 9;");
	ledger = ledger_open(directory);
	assert_dump(ledger, "filter a {'ip': ['192.0.2.1']} - 5 7 3 1000 0 1/2/3/4/5/6"
			    " 10/20/30/40/50/60 11/22/33/44/55/66 0 0 0 0 0 0 0 0\n"
			    "filter b {'ip': ['192.0.2.1']} - 5 7 8 1000 0 1/2/3/4/5/6"
			    " 10/20/30/40/50/60 11/22/33/44/55/66 0 0 0 0 0 0 0 0\n");
	g_assert_true(netfil_ledger_save(ledger, next, NULL));
	g_assert_cmpint(next->id, ==, 10);
	dump = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	ledger = ledger_open(directory);
	assert_dump(ledger, dump);
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

static void test_schema_1_empty(void)
{
	char *directory = directory_new();
	NetfilLedger *ledger;

	schema_1_write(directory, "");
	ledger = ledger_open(directory);
	assert_dump(ledger, "");
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

/* The text of a specification is checked before it is taken over. */
static void test_schema_1_unreadable(void)
{
	char *directory = directory_new();

	schema_1_write(directory,
		       SCHEMA_1_FILTER(3, "a") "UPDATE filter SET specification = '{''ip''';");
	assert_refused(directory, NETFIL_ERROR_FAILED, "a filter cannot be read");
	directory_remove(directory);
}

static void run_as_netfil(const char *directory, const char *sql)
{
	g_autofree char *path = file_in(directory, "ledger.db"), *damage = NULL;
	g_autoptr(GError) error = NULL;
	NetfilLedger *ledger = netfil_ledger_connect(path, FALSE, &damage, &error);

	g_assert_no_error(error);
	g_assert_true(netfil_ledger_run(ledger, sql, &error));
	g_assert_no_error(error);
	netfil_ledger_close(ledger);
}

/* Before there were members. */
static void make_schema_3(const char *directory)
{
	run_as_netfil(directory, "DROP TABLE member; PRAGMA user_version = 3");
}

/* All is as it was, and filters may have members. */
static void test_schema_3(void)
{
	const NetfilCounters used = counters(7);
	char *directory = directory_new();
	NetfilLedger *ledger = ledger_open(directory);
	g_autofree char *dump = NULL;

	ledger_fill(ledger, 3);
	netfil_ledger_close(ledger);
	run_sql(directory, "DELETE FROM member");
	ledger = ledger_open(directory);
	dump = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	make_schema_3(directory);
	ledger = ledger_open(directory);
	assert_dump(ledger, dump);
	g_assert_true(netfil_ledger_put_member(ledger, 2, "192.0.2.1", "7f", &used, NULL));
	g_free(dump);
	dump = ledger_dump(ledger);
	g_assert_nonnull(strstr(dump, "member 2 192.0.2.1 7f 7/8/9/10/11/12\n"));
	netfil_ledger_close(ledger);
	ledger = ledger_open(directory);
	assert_dump(ledger, dump);
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

/* As schema 2 had it: no owner, and a sum without one. */
static void make_schema_2(const char *directory)
{
	static const char columns[] =
	    "id, name, spec, slot, rule, started, ends, extra_in, extra_out, extra_total,"
	    " forfeited, granted, unlimited_until, free_until, downed";
	g_autofree char *sql = g_strdup_printf("DROP TABLE member;"
					       "ALTER TABLE filter DROP COLUMN owner;"
					       "UPDATE filter SET sum = netfil_sum(%s);"
					       "PRAGMA user_version = 2",
					       columns);

	run_as_netfil(directory, sql);
}

/* Filters of before there were owners are root's; all else is as it was. */
static void test_schema_2(void)
{
	char *directory = directory_new();
	NetfilLedger *ledger = ledger_open(directory);
	g_autoptr(NetfilLedgerFilter) filter = filter_new("a", 1);
	g_autofree char *dump = NULL;

	filter->owner = 0;
	g_assert_true(netfil_ledger_save(ledger, filter, NULL));
	dump = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	make_schema_2(directory);
	ledger = ledger_open(directory);
	assert_dump(ledger, dump);
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

/* A change of the schema makes no damaged row a good one. */
static void test_schema_2_damaged(void)
{
	char *directory = directory_new();
	NetfilLedger *ledger = ledger_open(directory);

	ledger_fill(ledger, 3);
	netfil_ledger_close(ledger);
	make_schema_2(directory);
	run_sql(directory, "UPDATE filter SET granted = granted + 1 WHERE id = 2");
	assert_refused(directory, NETFIL_ERROR_FAILED, "a row of filter has changed");
	directory_remove(directory);
}

static void test_newer(void)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db"), *before = NULL, *after = NULL;
	NetfilLedger *ledger = ledger_open(directory);
	gsize length, now;

	ledger_fill(ledger, 3);
	ledger_back_up_and_close(ledger);
	run_sql(directory, "ALTER TABLE filter ADD COLUMN future TEXT; PRAGMA user_version = 5");
	before = file_read(path, &length);
	assert_refused(directory, NETFIL_ERROR_UNSUPPORTED, "newer netfil (schema 5");
	after = file_read(path, &now);
	g_assert_cmpmem(before, length, after, now);
	directory_remove(directory);
}

/* ---- the backup ---- */

static void test_backup(void)
{
	char *directory = directory_new();
	g_autofree char *backup = file_in(directory, "ledger.db.backup"), *old = NULL;
	NetfilLedger *ledger = ledger_open(directory);
	g_autoptr(GPtrArray) names = NULL;

	ledger_fill(ledger, 3);
	old = ledger_dump(ledger);
	ledger_back_up_and_close(ledger);
	g_assert_cmpint(g_utime(backup, &(struct utimbuf){NOW, NOW}), ==, 0);
	ledger = ledger_open(directory);
	g_assert_true(netfil_ledger_set_note(ledger, "boot-id", "later", NULL));
	netfil_ledger_close(ledger);
	ledger_break(directory);
	ledger = ledger_open_restored(directory);
	assert_dump(ledger, old);
	netfil_ledger_close(ledger);
	names = files_like(directory, "ledger.db.new");
	g_assert_cmpuint(names->len, ==, 0);
	ledger = ledger_open(directory); /* told once */
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

static void test_warning(void)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db"), *backup = NULL;
	g_autofree char *warning = NULL;
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(NOW);
	g_autofree char *when = g_date_time_format(time, "the backup of %Y-%m-%d %H:%M:%S is used");
	NetfilLedger *ledger = ledger_open(directory);

	backup = file_in(directory, "ledger.db.backup");
	ledger_back_up_and_close(ledger);
	g_assert_cmpint(g_utime(backup, &(struct utimbuf){NOW, NOW}), ==, 0);
	file_write(path, "not a database, but longer than an empty file", 45);
	ledger = netfil_ledger_open(directory, &warning, NULL);
	g_assert_nonnull(ledger);
	g_assert_nonnull(strstr(warning, "damaged (file is not a database)"));
	g_assert_nonnull(strstr(warning, when));
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

/* What was set aside earlier is not overwritten; a -wal goes along. */
static void test_aside(void)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db");
	g_autofree char *wal = file_in(directory, "ledger.db-wal");
	NetfilLedger *ledger = ledger_open(directory);
	g_autoptr(GPtrArray) names = NULL;

	ledger_back_up_and_close(ledger);
	for (int i = 0; i < 3; i++) {
		file_write(path, "damage", 6);
		file_write(wal, "its log", 7);
		netfil_ledger_close(ledger_open_restored(directory));
	}
	names = files_like(directory, "ledger.db.damaged-");
	g_assert_cmpuint(names->len, ==, 6);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *aside = file_in(directory, name), *data = NULL;
		gsize length;

		data = file_read(aside, &length);
		g_assert_cmpstr(data, ==, g_str_has_suffix(name, "-wal") ? "its log" : "damage");
	}
	directory_remove(directory);
}

static void test_no_backup(void)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db"), *before = NULL, *after = NULL;
	g_autofree char *backup = file_in(directory, "ledger.db.backup");
	NetfilLedger *ledger = ledger_open(directory);
	g_autoptr(GPtrArray) names = NULL;
	gsize length, now;

	ledger_fill(ledger, 3);
	netfil_ledger_close(ledger);
	ledger_break(directory);
	before = file_read(path, &length);
	assert_refused(directory, NETFIL_ERROR_FAILED, "there is no good backup");
	file_write(backup, "not good", 8);
	assert_refused(directory, NETFIL_ERROR_FAILED, "there is no good backup");
	file_write(backup, before, length);
	assert_refused(directory, NETFIL_ERROR_FAILED, "there is no good backup");
	after = file_read(path, &now);
	g_assert_cmpmem(before, length, after, now);
	names = files_like(directory, "ledger.db.damaged");
	g_assert_cmpuint(names->len, ==, 0);
	directory_remove(directory);
}

/* A damaged database does not get to be the backup. */
static void test_bad_backup(void)
{
	char *directory = directory_new();
	g_autofree char *old = NULL;
	NetfilLedger *ledger = ledger_open(directory);

	ledger_fill(ledger, 3);
	old = ledger_dump(ledger);
	ledger_back_up_and_close(ledger);
	ledger = ledger_open(directory);
	run_sql(directory, "UPDATE usage SET used_bytes_in = 0");
	g_test_expect_message("netfil", G_LOG_LEVEL_WARNING, "there is no new backup:*damaged*");
	ledger_back_up_and_close(ledger);
	g_test_assert_expected_messages();
	ledger = ledger_open_restored(directory);
	assert_dump(ledger, old);
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

static void test_old_backup(void)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db");
	g_autofree char *backup = file_in(directory, "ledger.db.backup"), *dump = NULL;
	NetfilLedger *ledger;

	schema_1_write(directory, SCHEMA_1_FILTER(3, "a"));
	g_assert_cmpint(g_rename(path, backup), ==, 0);
	file_write(path, "damage", 6);
	ledger = ledger_open_restored(directory);
	dump = ledger_dump(ledger);
	g_assert_true(g_str_has_prefix(dump, "filter a "));
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

static void test_missing(void)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db"), *old = NULL;
	g_autofree char *wal = file_in(directory, "ledger.db-wal");
	g_autofree char *backup = file_in(directory, "ledger.db.backup");
	NetfilLedger *ledger = ledger_open(directory);

	ledger_fill(ledger, 2);
	old = ledger_dump(ledger);
	ledger_back_up_and_close(ledger);
	g_assert_cmpint(g_unlink(path), ==, 0);
	file_write(wal, "stray", 5);
	ledger = ledger_open_restored(directory);
	assert_dump(ledger, old);
	netfil_ledger_close(ledger);
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(g_unlink(backup), ==, 0);
	file_write(wal, "stray", 5);
	assert_refused(directory, NETFIL_ERROR_FAILED, "missing, and there is no good backup");
	directory_remove(directory);
}

/* It is written to while it is copied. */
static void test_backup_meanwhile(void)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db"), *dump = NULL;
	NetfilLedger *ledger = ledger_open(directory);
	const NetfilCounters base = {0};

	ledger_fill(ledger, 100);
	for (guint64 i = 0; i < 200; i++) {
		const NetfilCounters used = {i, i, i, i, i, i};

		netfil_ledger_backup(ledger);
		g_assert_true(netfil_ledger_begin(ledger, NULL));
		for (gint64 id = 1; id <= 100; id++)
			g_assert_true(netfil_ledger_checkpoint(ledger, id, &used, &base, NULL));
		g_assert_true(netfil_ledger_commit(ledger, NULL));
	}
	netfil_ledger_close(ledger);
	file_write(path, "", 0);
	ledger = ledger_open_restored(directory);
	dump = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	for (const char *at = dump; (at = strstr(at, "filter filter-")); at++) {
		guint64 in, first = g_ascii_strtoull(strstr(dump, " 0/0/0/0/0/0 ") + 13, NULL, 10);

		in = g_ascii_strtoull(strstr(at, " 0/0/0/0/0/0 ") + 13, NULL, 10);
		g_assert_cmpuint(in, ==, first); /* of one moment */
	}
	directory_remove(directory);
}

/* ---- damage ---- */

typedef struct {
	char *data, *old; /* database now; dump of the backup */
	gsize length;
	char *backup, *dump;
	gsize backup_length;
} Good;

static void damage(char *data, gsize *length, GRand *random, int kind)
{
	gsize at = g_rand_int_range(random, 0, *length);
	gsize size = g_rand_int_range(random, 1, 8192);

	size = MIN(size, *length - at);
	switch (kind) {
	case 0:
		data[at] ^= 1 << g_rand_int_range(random, 0, 8);
		break;
	case 1:
		memset(data + at, 0, size);
		break;
	case 2:
		for (gsize i = 0; i < size; i++)
			data[at + i] = g_rand_int(random);
		break;
	case 3: /* in the first page, where all is described */
		data[at % 4096] ^= 1 << g_rand_int_range(random, 0, 8);
		break;
	case 4: /* a page is another one */
		memcpy(data + at / 4096 * 4096,
		       data + g_rand_int_range(random, 0, *length) / 4096 * 4096, 4096);
		break;
	default:
		*length = at;
	}
}

static void assert_file(const char *path, const char *data, gsize length)
{
	g_autofree char *found = NULL;
	gsize now;

	found = file_read(path, &now);
	g_assert_cmpmem(found, now, data, length);
}

static void assert_aside(const char *directory, const char *data, gsize length)
{
	g_autoptr(GPtrArray) names = files_like(directory, "ledger.db.damaged-");
	g_autofree char *path = NULL;

	g_assert_cmpuint(names->len, >=, 1); /* the others are of a -wal */
	path = file_in(directory, g_ptr_array_index(names, 0));
	assert_file(path, data, length);
}

/* All of it is right, or of the backup and that is said, or nothing is touched. */
static void damage_once(const Good *good, GRand *random, int kind, gboolean backed_up, guint *taken)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db"), *warning = NULL;
	g_autofree char *data = g_memdup2(good->data, good->length), *found = NULL;
	g_autofree char *backup = file_in(directory, "ledger.db.backup");
	g_autoptr(GError) error = NULL;
	gsize length = good->length;
	NetfilLedger *ledger;

	damage(data, &length, random, kind);
	file_write(path, data, length);
	if (backed_up)
		file_write(backup, good->backup, good->backup_length);
	ledger = netfil_ledger_open(directory, &warning, &error);
	if (ledger) {
		found = ledger_dump(ledger);
		g_assert_cmpstr(found, ==, warning ? good->old : good->dump);
		netfil_ledger_close(ledger);
		taken[warning ? 1 : 0]++;
		if (warning)
			assert_aside(directory, data, length);
	} else {
		expect_error(&error,
			     g_error_matches(error, NETFIL_ERROR, NETFIL_ERROR_UNSUPPORTED)
				 ? NETFIL_ERROR_UNSUPPORTED
				 : NETFIL_ERROR_FAILED,
			     "ledger");
		assert_file(path, data, length);
		taken[2]++;
	}
	directory_remove(directory);
}

static void make_good(Good *good)
{
	char *directory = directory_new();
	g_autofree char *path = file_in(directory, "ledger.db");
	g_autofree char *backup = file_in(directory, "ledger.db.backup");
	NetfilLedger *ledger = ledger_open(directory);

	ledger_fill(ledger, 50);
	good->old = ledger_dump(ledger);
	ledger_back_up_and_close(ledger);
	ledger = ledger_open(directory);
	for (gint64 id = 10; id < 15; id++)
		g_assert_true(netfil_ledger_delete(ledger, id, NULL)); /* free pages */
	g_assert_true(netfil_ledger_set_note(ledger, "boot-id", "later", NULL));
	good->dump = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	good->data = file_read(path, &good->length);
	good->backup = file_read(backup, &good->backup_length);
	directory_remove(directory);
}

static void test_damage(void)
{
	const char *given = g_getenv("NETFIL_TEST_SEED");
	guint32 seed = given ? (guint32)strtoul(given, NULL, 10) : SEED;
	GRand *random = g_rand_new_with_seed(seed);
	guint taken[3] = {0};
	Good good;

	make_good(&good);
	g_test_message("seed %u", seed);
	for (int i = 0; i < DAMAGES; i++)
		damage_once(&good, random, i % 6, i / 6 % 4 != 0, taken);
	g_test_message("%u well, %u from the backup, %u refused", taken[0], taken[1], taken[2]);
	for (int i = 0; i < 3; i++)
		g_assert_cmpuint(taken[i], >, DAMAGES / 50);
	g_rand_free(random);
	g_free(good.data);
	g_free(good.old);
	g_free(good.backup);
	g_free(good.dump);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*test)(void);
	} tests[] = {
	    {"new", test_new},
	    {"no-directory", test_no_directory},
	    {"schema-1", test_schema_1},
	    {"schema-1-empty", test_schema_1_empty},
	    {"schema-1-unreadable", test_schema_1_unreadable},
	    {"schema-2", test_schema_2},
	    {"schema-2-damaged", test_schema_2_damaged},
	    {"schema-3", test_schema_3},
	    {"newer", test_newer},
	    {"backup", test_backup},
	    {"warning", test_warning},
	    {"aside", test_aside},
	    {"no-backup", test_no_backup},
	    {"bad-backup", test_bad_backup},
	    {"old-backup", test_old_backup},
	    {"missing", test_missing},
	    {"backup-meanwhile", test_backup_meanwhile},
	    {"damage", test_damage},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strconcat("/ledger/open/", tests[i].name, NULL);

		g_test_add_func(path, tests[i].test);
	}
	return g_test_run();
}
