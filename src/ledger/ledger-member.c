// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What members of filters used in the cycle at hand. */
#include "ledger-private.h"

/* Columns of NETFIL_SQL_MEMBER */
enum { FILTER, NAME, KEY, COUNTERS };

#define MEMBER_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"

static const char put_sql[] = "REPLACE INTO member (" NETFIL_SQL_MEMBER ", sum)"
			      " VALUES (" MEMBER_VALUES ", netfil_sum(" MEMBER_VALUES "))";
static const char delete_sql[] =
    "DELETE FROM member WHERE filter = ?1 AND name <> '" NETFIL_LEDGER_BEYOND "'";
static const char select_sql[] = "SELECT " NETFIL_SQL_MEMBER " FROM member WHERE filter = ?1"
				 " ORDER BY name";

gboolean netfil_ledger_put_member(NetfilLedger *ledger, gint64 filter, const char *name,
				  const char *key, const NetfilCounters *used, GError **error)
{
	sqlite3_stmt *put = netfil_ledger_statement(ledger, put_sql, error);

	if (!put)
		return FALSE;
	sqlite3_bind_int64(put, FILTER + 1, filter);
	sqlite3_bind_text(put, NAME + 1, name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(put, KEY + 1, key, -1, SQLITE_TRANSIENT);
	netfil_ledger_bind_counters(put, COUNTERS + 1, used);
	return netfil_ledger_finish(ledger, put, error);
}

gboolean netfil_ledger_delete_members(NetfilLedger *ledger, gint64 filter, GError **error)
{
	sqlite3_stmt *delete = netfil_ledger_statement(ledger, delete_sql, error);

	if (!delete)
		return FALSE;
	sqlite3_bind_int64(delete, 1, filter);
	return netfil_ledger_finish(ledger, delete, error);
}

gboolean netfil_ledger_members(NetfilLedger *ledger, gint64 filter, NetfilLedgerMemberFunc func,
			       gpointer data, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, select_sql, error);
	int result;

	if (!row)
		return FALSE;
	sqlite3_bind_int64(row, 1, filter);
	while ((result = sqlite3_step(row)) == SQLITE_ROW) {
		NetfilCounters used;

		netfil_ledger_read_counters(row, COUNTERS, &used);
		func((const char *)sqlite3_column_text(row, NAME),
		     (const char *)sqlite3_column_text(row, KEY), &used, data);
	}
	return netfil_ledger_end(ledger, row, result, error);
}
