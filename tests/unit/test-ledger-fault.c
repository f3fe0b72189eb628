// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each call that the ledger makes to the system fails, once or for a while: no crash, no
 * half change, and once the trouble ends all goes on as if it had not been.
 */
#include <errno.h>

#include "ledger-disk.h"
#include "ledger-fixture.h"

typedef struct {
	const char *name;
	guint calls;
	int code;
	gboolean lasting;
} Fault;

#define WRITING (DISK_WRITE | DISK_SYNC | DISK_TRUNCATE | DISK_OPEN | DISK_UNLINK | DISK_RENAME)
#define ROUNDS 2

static const Fault faults[] = {
    {"full", DISK_WRITE, ENOSPC, FALSE},     {"full-long", DISK_WRITE, ENOSPC, TRUE},
    {"write", DISK_WRITE, EIO, FALSE},       {"write-long", DISK_WRITE, EIO, TRUE},
    {"sync", DISK_SYNC, EIO, FALSE},         {"sync-long", DISK_SYNC, EIO, TRUE},
    {"truncate", DISK_TRUNCATE, EIO, FALSE}, {"open", DISK_OPEN, EMFILE, FALSE},
    {"open-long", DISK_OPEN, EACCES, TRUE},  {"unlink", DISK_UNLINK, EIO, FALSE},
    {"rename", DISK_RENAME, EIO, FALSE},     {"read", DISK_READ, EIO, FALSE},
    {"read-long", DISK_READ, EIO, TRUE},     {"read-only", WRITING, EROFS, TRUE},
};

static GPtrArray *states; /* dumps after each step of the workload */

static void assert_failed(GError **error)
{
	g_assert_true(disk_has_failed());
	expect_error(error, NETFIL_ERROR_FAILED, ": ");
}

/* What fails fails with an error, and is fine afterwards. */
static NetfilLedger *open_patiently(const char *directory, gboolean restores)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *warning = NULL, *again = NULL;
	NetfilLedger *ledger = netfil_ledger_open(directory, &warning, &error);

	if (!ledger) {
		assert_failed(&error);
		disk_heal();
		ledger = netfil_ledger_open(directory, &again, &error);
		g_assert_no_error(error);
	}
	g_assert_true(restores == (warning || again)); /* it is told when it is done */
	return ledger;
}

static void assert_state(NetfilLedger *ledger, const char *expected)
{
	g_autofree char *found = ledger_dump(ledger);

	g_assert_cmpstr(found, ==, expected);
}

static void step_patiently(NetfilLedger *ledger, guint step)
{
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 2; i++) {
		if (workload_step(ledger, step, &error))
			return;
		assert_failed(&error);
	}
	disk_heal();
	assert_state(ledger, g_ptr_array_index(states, step));
	g_assert_true(workload_step(ledger, step, &error));
	g_assert_no_error(error);
}

/* One run of a story with the call number `at` failing; FALSE if there was none. */
typedef void (*Run)(char *directory);

static gboolean run_with(const Fault *fault, guint at, void (*prepare)(const char *), Run run)
{
	char *directory = directory_new();
	gboolean failed;

	prepare(directory);
	disk_attach(directory);
	disk_fail(fault->calls, at, fault->code, fault->lasting);
	run(directory);
	failed = disk_has_failed();
	disk_heal();
	disk_detach();
	directory_remove(directory);
	return failed;
}

static void run_all(const Fault *fault, void (*prepare)(const char *), Run run)
{
	guint at = 0;

	while (run_with(fault, at, prepare, run))
		at++;
	g_test_message("%s: %u calls", fault->name, at);
}

/* ---- stories ---- */

static void prepare_nothing(const char *directory)
{
	(void)directory;
}

static void run_workload(char *directory)
{
	NetfilLedger *ledger = open_patiently(directory, FALSE);

	for (guint i = 0; i < workload_length(ROUNDS); i++)
		step_patiently(ledger, i);
	netfil_ledger_close(ledger);
	ledger = open_patiently(directory, FALSE);
	disk_heal();
	assert_state(ledger, g_ptr_array_index(states, workload_length(ROUNDS)));
	netfil_ledger_close(ledger);
}

static void test_workload(gconstpointer data)
{
	run_all(data, prepare_nothing, run_workload);
}

static char *filled; /* dump of what prepare_backup() backs up */

static void prepare_backup(const char *directory)
{
	NetfilLedger *ledger = ledger_open(directory);

	ledger_fill(ledger, 2);
	g_free(filled);
	filled = ledger_dump(ledger);
	ledger_back_up_and_close(ledger);
}

/* The database is lost, so the backup must be good: the old or the new one. */
static void use_backup(const char *directory, const char *before, const char *after)
{
	g_autofree char *path = file_in(directory, "ledger.db"), *found = NULL;
	NetfilLedger *ledger;

	disk_heal();
	file_write(path, "", 0);
	ledger = ledger_open_restored(directory);
	found = ledger_dump(ledger);
	if (g_strcmp0(found, before))
		g_assert_cmpstr(found, ==, after);
	netfil_ledger_close(ledger);
}

static void note_patiently(NetfilLedger *ledger, const char *text)
{
	g_autoptr(GError) error = NULL;

	if (netfil_ledger_set_note(ledger, "boot-id", text, &error))
		return;
	assert_failed(&error);
	disk_heal();
	g_assert_true(netfil_ledger_set_note(ledger, "boot-id", text, &error));
}

static void run_backup(char *directory)
{
	NetfilLedger *ledger = open_patiently(directory, FALSE);
	g_autofree char *after = NULL;

	note_patiently(ledger, "later");
	netfil_ledger_backup(ledger);
	netfil_ledger_close(ledger);
	disk_heal();
	ledger = ledger_open(directory);
	after = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	use_backup(directory, filled, after);
}

static void test_backup(gconstpointer data)
{
	run_all(data, prepare_backup, run_backup);
}

static char *broken; /* content of the database that prepare_broken() made */
static gsize broken_length;

static void prepare_broken(const char *directory)
{
	g_autofree char *path = file_in(directory, "ledger.db");

	prepare_backup(directory);
	ledger_break(directory);
	g_free(broken);
	broken = file_read(path, &broken_length);
}

/* What is damaged is kept, once. */
static void assert_kept(const char *directory)
{
	g_autoptr(GPtrArray) names = files_like(directory, "ledger.db.damaged-");
	g_autofree char *path = NULL, *data = NULL;
	gsize length;

	g_assert_cmpuint(names->len, >=, 1);
	path = file_in(directory, g_ptr_array_index(names, 0));
	data = file_read(path, &length);
	g_assert_cmpmem(data, length, broken, broken_length);
}

static void run_restore(char *directory)
{
	NetfilLedger *ledger = open_patiently(directory, TRUE);

	disk_heal();
	assert_state(ledger, filled);
	netfil_ledger_close(ledger);
	assert_kept(directory);
}

static void test_restore(gconstpointer data)
{
	run_all(data, prepare_broken, run_restore);
}

static void prepare_schema_1(const char *directory)
{
	schema_1_write(directory, SCHEMA_1_FILTER(3, "a") SCHEMA_1_FILTER(4, "b"));
}

static char *migrated;

static void run_migration(char *directory)
{
	NetfilLedger *ledger = open_patiently(directory, FALSE);

	disk_heal();
	assert_state(ledger, migrated);
	netfil_ledger_close(ledger);
}

static void test_migration(gconstpointer data)
{
	run_all(data, prepare_schema_1, run_migration);
}

/* ---- without faults, for comparison ---- */

static void learn_workload(void)
{
	char *directory = directory_new();
	NetfilLedger *ledger = ledger_open(directory);

	states = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(states, ledger_dump(ledger));
	for (guint i = 0; i < workload_length(ROUNDS); i++) {
		g_assert_true(workload_step(ledger, i, NULL));
		g_ptr_array_add(states, ledger_dump(ledger));
	}
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

static void learn_migration(void)
{
	char *directory = directory_new();
	NetfilLedger *ledger;

	prepare_schema_1(directory);
	ledger = ledger_open(directory);
	migrated = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	directory_remove(directory);
}

/* Backups that fail are told of, and may. */
static void ignore(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
	(void)domain;
	(void)level;
	(void)data;
	g_assert_true(g_str_has_prefix(message, "there is no new backup: "));
}

static void add(const char *story, const Fault *fault, GTestDataFunc test)
{
	g_autofree char *path = g_strdup_printf("/ledger/fault/%s/%s", story, fault->name);

	g_test_add_data_func(path, fault, test);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
	g_log_set_handler(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, ignore, NULL);
	learn_workload();
	learn_migration();
	for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
		add("workload", &faults[i], test_workload);
		add("backup", &faults[i], test_backup);
		add("restore", &faults[i], test_restore);
		add("migration", &faults[i], test_migration);
	}
	return g_test_run();
}
