// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What each application moved, and how far the kernel's accounts are counted. */
#include "ledger-private.h"

#define OTHERS "*"

#define THIS_APP "(SELECT id FROM app WHERE exe = ?1 AND uid = ?2)"

/* An application that has moved something in this hour already. */
static const char add_sql[] =
    "UPDATE app_history SET (bytes_in, bytes_out, sum) = (bytes_in + ?4, bytes_out + ?5,"
    " netfil_sum(resolution, start, app, bytes_in + ?4, bytes_out + ?5))"
    " WHERE resolution = 0 AND start = ?3 AND app = " THIS_APP;
static const char apps_of_hour_sql[] =
    "SELECT count(*) FROM app_history WHERE resolution = 0 AND start = ?1";
static const char begin_app_sql[] =
    "INSERT INTO app (" NETFIL_SQL_APP ", sum) SELECT new, ?1, ?2, netfil_sum(new, ?1, ?2)"
    " FROM (SELECT 1 + coalesce(max(id), 0) AS new FROM app) WHERE TRUE"
    " ON CONFLICT (exe, uid) DO NOTHING";
static const char begin_sql[] = "INSERT INTO app_history (" NETFIL_SQL_APP_HISTORY ", sum)"
				" SELECT 0, ?3, id, ?4, ?5, netfil_sum(0, ?3, id, ?4, ?5) FROM app"
				" WHERE exe = ?1 AND uid = ?2";
static const char select_sql[] =
    "SELECT resolution, start, exe, uid, bytes_in, bytes_out FROM app_history"
    " JOIN app ON id = app WHERE resolution IN (0, 1, 2) AND start >= ?1 AND start < ?2"
    " ORDER BY start, exe, uid, resolution";
static const char accounts_sql[] = "SELECT " NETFIL_SQL_ACCOUNT " FROM account ORDER BY account";
static const char record_sql[] = "REPLACE INTO account (" NETFIL_SQL_ACCOUNT ", sum)"
				 " VALUES (?1, ?2, ?3, netfil_sum(?1, ?2, ?3))";
static const char forget_sql[] = "DELETE FROM account";

typedef struct {
	const char *exe;
	guint32 uid;
	gint64 hour;
	guint64 in, out;
} Count;

gboolean netfil_ledger_begin_app(NetfilLedger *ledger, const char *exe, guint32 uid, GError **error)
{
	sqlite3_stmt *begin = netfil_ledger_statement(ledger, begin_app_sql, error);

	if (!begin)
		return FALSE;
	sqlite3_bind_text(begin, 1, exe, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(begin, 2, uid);
	return netfil_ledger_finish(ledger, begin, error);
}

static gboolean run_with(NetfilLedger *ledger, const char *sql, const Count *count, gboolean *met,
			 GError **error)
{
	sqlite3_stmt *statement = netfil_ledger_statement(ledger, sql, error);

	if (!statement)
		return FALSE;
	sqlite3_bind_text(statement, 1, count->exe, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(statement, 2, count->uid);
	sqlite3_bind_int64(statement, 3, count->hour);
	sqlite3_bind_int64(statement, 4, count->in);
	sqlite3_bind_int64(statement, 5, count->out);
	if (!netfil_ledger_finish(ledger, statement, error))
		return FALSE;
	*met = sqlite3_changes(ledger->db) > 0;
	return TRUE;
}

static gboolean has_room(NetfilLedger *ledger, gint64 hour, gboolean *room, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, apps_of_hour_sql, error);
	int result;

	if (!row)
		return FALSE;
	sqlite3_bind_int64(row, 1, hour);
	result = sqlite3_step(row);
	*room = result == SQLITE_ROW && sqlite3_column_int64(row, 0) < NETFIL_LEDGER_HOUR_APPS;
	return netfil_ledger_end(ledger, row, result == SQLITE_ROW ? SQLITE_DONE : result, error);
}

/* Those for which the limit is not meant. */
static gboolean always_counts(const char *exe)
{
	return !*exe || g_str_equal(exe, OTHERS);
}

static gboolean count_app(NetfilLedger *ledger, gpointer data, GError **error)
{
	Count *count = data;
	gboolean met, room;

	if (!run_with(ledger, add_sql, count, &met, error))
		return FALSE;
	if (met)
		return TRUE;
	if (!has_room(ledger, count->hour, &room, error))
		return FALSE;
	if (!room && !always_counts(count->exe)) {
		count->exe = OTHERS;
		count->uid = G_MAXUINT32;
		return count_app(ledger, count, error);
	}
	return netfil_ledger_begin_app(ledger, count->exe, count->uid, error) &&
	       run_with(ledger, begin_sql, count, &met, error);
}

gboolean netfil_ledger_count_app(NetfilLedger *ledger, const char *exe, guint32 uid, gint64 hour,
				 guint64 in, guint64 out, GError **error)
{
	Count count = {exe, uid, hour, in, out};

	return netfil_ledger_together(ledger, count_app, &count, error);
}

static void read_app(sqlite3_stmt *row, gpointer into)
{
	NetfilLedgerEntry *entry = into;

	entry->by = (NetfilBy)sqlite3_column_int(row, 0);
	entry->start = sqlite3_column_int64(row, 1);
	entry->exe = g_ref_string_new_intern((const char *)sqlite3_column_text(row, 2));
	entry->uid = (guint32)sqlite3_column_int64(row, 3);
	entry->sum.in = sqlite3_column_int64(row, 4);
	entry->sum.out = sqlite3_column_int64(row, 5);
}

static void entry_clear(gpointer entry)
{
	g_clear_pointer(&((NetfilLedgerEntry *)entry)->exe, g_ref_string_release);
}

GArray *netfil_ledger_apps(NetfilLedger *ledger, gint64 from, gint64 to, GError **error)
{
	GArray *entries = g_array_new(FALSE, TRUE, sizeof(NetfilLedgerEntry));

	g_array_set_clear_func(entries, entry_clear);
	return netfil_ledger_rows(ledger, select_sql, from, to, 0, entries, read_app, error);
}

/* ---- accounts ---- */

GArray *netfil_ledger_accounts(NetfilLedger *ledger, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, accounts_sql, error);
	g_autoptr(GArray) accounts = g_array_new(FALSE, FALSE, sizeof(NetfilLedgerAccount));
	int result;

	if (!row)
		return NULL;
	while ((result = sqlite3_step(row)) == SQLITE_ROW) {
		NetfilLedgerAccount account = {
		    .account = (guint32)sqlite3_column_int64(row, 0),
		    .in = sqlite3_column_int64(row, 1),
		    .out = sqlite3_column_int64(row, 2),
		};

		g_array_append_val(accounts, account);
	}
	return netfil_ledger_end(ledger, row, result, error) ? g_steal_pointer(&accounts) : NULL;
}

gboolean netfil_ledger_record_account(NetfilLedger *ledger, const NetfilLedgerAccount *account,
				      GError **error)
{
	sqlite3_stmt *record = netfil_ledger_statement(ledger, record_sql, error);

	if (!record)
		return FALSE;
	sqlite3_bind_int64(record, 1, account->account);
	sqlite3_bind_int64(record, 2, account->in);
	sqlite3_bind_int64(record, 3, account->out);
	return netfil_ledger_finish(ledger, record, error);
}

gboolean netfil_ledger_forget_accounts(NetfilLedger *ledger, GError **error)
{
	sqlite3_stmt *forget = netfil_ledger_statement(ledger, forget_sql, error);

	return forget && netfil_ledger_finish(ledger, forget, error);
}
