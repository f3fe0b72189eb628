// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Is it whole? */
#include "ledger-private.h"

#include <stdlib.h>
#include <string.h>

#include "core/quote.h"

/* Above this the look through it would delay the start. */
#define CHECKED_BYTES (256LL << 20)

/* Rows that are not as they were written, or without those that belong to them. */
#define CHANGED(table, columns)                                                                    \
	"SELECT '" table "' FROM " table " WHERE sum IS NOT netfil_sum(" columns ")"
static const char *const checks[] = {
    CHANGED("filter", NETFIL_SQL_FILTER),
    CHANGED("usage", NETFIL_SQL_USAGE),
    CHANGED("recorded", NETFIL_SQL_RECORDED),
    CHANGED("cycle", NETFIL_SQL_CYCLE),
    CHANGED("warning", NETFIL_SQL_WARNING),
    CHANGED("app", NETFIL_SQL_APP),
    CHANGED("account", NETFIL_SQL_ACCOUNT),
    CHANGED("note", NETFIL_SQL_NOTE),
    ("SELECT 'filter' FROM filter WHERE id NOT IN (SELECT filter FROM usage)"
     " OR id NOT IN (SELECT filter FROM recorded)"),
    "SELECT \"table\" FROM pragma_foreign_key_check",
};
static const char *const history_checks[] = {
    CHANGED("member", NETFIL_SQL_MEMBER),
    CHANGED("history", NETFIL_SQL_HISTORY),
    CHANGED("app_history", NETFIL_SQL_APP_HISTORY),
    "SELECT 'app_history' FROM app_history WHERE app NOT IN (SELECT id FROM app)",
};

/* A row is the name of a table in which something is wrong. */
static gboolean expect_none(NetfilLedger *ledger, const char *sql, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, sql, error);
	g_autofree char *what = NULL;
	int result;

	if (!row)
		return FALSE;
	result = sqlite3_step(row);
	if (result != SQLITE_ROW)
		return netfil_ledger_end(ledger, row, result, error);
	what =
	    g_strdup_printf("a row of %s has changed", (const char *)sqlite3_column_text(row, 0));
	netfil_ledger_end(ledger, row, SQLITE_DONE, NULL);
	return netfil_ledger_is_damaged(ledger, what, error);
}

static gboolean expect_all(NetfilLedger *ledger, const char *const *sql, guint count,
			   GError **error)
{
	for (guint i = 0; i < count; i++)
		if (!expect_none(ledger, sql[i], error))
			return FALSE;
	return TRUE;
}

static gboolean number(NetfilLedger *ledger, const char *sql, gint64 *value, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, sql, error);
	int result;

	if (!row)
		return FALSE;
	result = sqlite3_step(row);
	*value = result == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
	return netfil_ledger_end(ledger, row, result == SQLITE_ROW ? SQLITE_DONE : result, error);
}

static gboolean is_small(NetfilLedger *ledger, gboolean *small, GError **error)
{
	gint64 pages, size;

	if (!number(ledger, "PRAGMA page_count", &pages, error) ||
	    !number(ledger, "PRAGMA page_size", &size, error))
		return FALSE;
	*small = pages <= CHECKED_BYTES / MAX(size, 1);
	return TRUE;
}

/* SQLite says in words that it could not read a page, and why: 0 if it is not that. */
static int code_in(const char *said)
{
	static const char words[] = "error code";
	const char *at = strstr(said, words);

	return at ? atoi(at + strlen(words) + strspn(at + strlen(words), " =")) : 0;
}

/* The line before it says which database it is. */
static char *last_line(const char *text)
{
	const char *end = text ? strrchr(text, '\n') : NULL;

	return g_strdup(end ? end + 1 : text ? text : "");
}

static gboolean check_structure(NetfilLedger *ledger, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, "PRAGMA integrity_check(1)", error);
	g_autofree char *said = NULL;
	g_autofree char *what = NULL;
	int result;

	if (!row)
		return FALSE;
	result = sqlite3_step(row);
	if (result != SQLITE_ROW)
		return netfil_ledger_end(ledger, row, result, error);
	said = last_line((const char *)sqlite3_column_text(row, 0));
	netfil_ledger_end(ledger, row, SQLITE_DONE, NULL);
	if (g_str_equal(said, "ok"))
		return TRUE;
	if (code_in(said))
		return netfil_ledger_failed_with(ledger, code_in(said), error);
	what = netfil_escape(said, -1, 100);
	return netfil_ledger_is_damaged(ledger, what, error);
}

static gboolean check_rows(NetfilLedger *ledger, gboolean small, GError **error)
{
	g_autoptr(GPtrArray) filters = NULL;

	if (!expect_all(ledger, checks, G_N_ELEMENTS(checks), error) ||
	    (small && !expect_all(ledger, history_checks, G_N_ELEMENTS(history_checks), error)))
		return FALSE;
	filters = netfil_ledger_load(ledger, error);
	return filters != NULL;
}

static gboolean check(NetfilLedger *ledger, gboolean create, GError **error)
{
	gboolean small;
	int version;

	return netfil_ledger_check_version(ledger, create, &version, error) &&
	       is_small(ledger, &small, error) && (!small || check_structure(ledger, error)) &&
	       netfil_ledger_run(ledger, "PRAGMA journal_mode = WAL", error) &&
	       netfil_ledger_migrate(ledger, version, error) && check_rows(ledger, small, error);
}

static NetfilLedger *connect_once(const char *path, gboolean create, char **damage, GError **error)
{
	g_autoptr(NetfilLedger) ledger = NULL;

	*damage = NULL;
	ledger = netfil_ledger_connect(path, create, damage, error);
	if (!ledger)
		return NULL;
	if (!check(ledger, create, error)) {
		*damage = g_steal_pointer(&ledger->damage);
		return NULL;
	}
	sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return g_steal_pointer(&ledger);
}

/* SQLite takes some reads that fail for damage, so it has to say that twice. */
NetfilLedger *netfil_ledger_connect_checked(const char *path, gboolean create, char **damage,
					    GError **error)
{
	NetfilLedger *ledger = connect_once(path, create, damage, error);

	if (ledger || !*damage)
		return ledger;
	g_clear_pointer(damage, g_free);
	g_clear_error(error);
	return connect_once(path, create, damage, error);
}

gboolean netfil_ledger_check_file(const char *path, gboolean create, char **damage, GError **error)
{
	g_autoptr(NetfilLedger) ledger = netfil_ledger_connect_checked(path, create, damage, error);

	if (!ledger)
		return FALSE;
	/* Closing would do it too, and not say if it could not. */
	return sqlite3_wal_checkpoint_v2(ledger->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					 NULL) == SQLITE_OK ||
	       netfil_ledger_failed(ledger, error);
}
