// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Cycles that are over, and warnings given in the one at hand. */
#include "ledger-private.h"

/* Columns of NETFIL_SQL_CYCLE */
enum { FILTER, STARTED, ENDED, LIMIT, USED = LIMIT + NETFIL_DIRECTIONS };

#define CYCLE_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12"

static const char insert_sql[] = "INSERT INTO cycle (" NETFIL_SQL_CYCLE ", sum)"
				 " VALUES (" CYCLE_VALUES ", netfil_sum(" CYCLE_VALUES "))";
/* By when they were noted: the clock may have been set back. */
static const char drop_old_sql[] = "DELETE FROM cycle WHERE filter = ?1 AND id NOT IN"
				   " (SELECT id FROM cycle WHERE filter = ?1"
				   " ORDER BY id DESC LIMIT " G_STRINGIFY(NETFIL_LEDGER_CYCLES) ")";
/* One that began and ended in the same second overlaps where it began. */
#define SELECT_CYCLES "SELECT " NETFIL_SQL_CYCLE " FROM cycle"
#define OVERLAPS "started < ?2 AND (ended > ?1 OR started >= ?1) ORDER BY started, filter, id"
static const char select_all_sql[] = SELECT_CYCLES " WHERE " OVERLAPS;
static const char select_sql[] = SELECT_CYCLES " WHERE filter = ?3 AND " OVERLAPS;
static const char warn_sql[] = "INSERT INTO warning (" NETFIL_SQL_WARNING ", sum)"
			       " VALUES (?1, ?2, ?3, netfil_sum(?1, ?2, ?3))"
			       " ON CONFLICT (filter, percent) DO NOTHING";
static const char forget_sql[] = "DELETE FROM warning WHERE filter = ?1";

/* Steps a statement whose one parameter is the filter. */
static gboolean run_for(NetfilLedger *ledger, const char *sql, gint64 filter, GError **error)
{
	sqlite3_stmt *statement = netfil_ledger_statement(ledger, sql, error);

	if (!statement)
		return FALSE;
	sqlite3_bind_int64(statement, 1, filter);
	return netfil_ledger_finish(ledger, statement, error);
}

static gboolean insert(NetfilLedger *ledger, const NetfilLedgerCycle *cycle, GError **error)
{
	sqlite3_stmt *statement = netfil_ledger_statement(ledger, insert_sql, error);

	if (!statement)
		return FALSE;
	sqlite3_bind_int64(statement, FILTER + 1, cycle->filter);
	sqlite3_bind_int64(statement, STARTED + 1, cycle->started);
	sqlite3_bind_int64(statement, ENDED + 1, cycle->ended);
	for (int i = 0; i < NETFIL_DIRECTIONS; i++)
		sqlite3_bind_int64(statement, LIMIT + 1 + i, cycle->limit[i]);
	netfil_ledger_bind_counters(statement, USED + 1, &cycle->used);
	return netfil_ledger_finish(ledger, statement, error);
}

static gboolean close_cycle(NetfilLedger *ledger, gpointer data, GError **error)
{
	const NetfilLedgerCycle *cycle = data;

	return insert(ledger, cycle, error) &&
	       run_for(ledger, drop_old_sql, cycle->filter, error) &&
	       netfil_ledger_forget_warnings(ledger, cycle->filter, error);
}

gboolean netfil_ledger_close_cycle(NetfilLedger *ledger, const NetfilLedgerCycle *cycle,
				   GError **error)
{
	return netfil_ledger_together(ledger, close_cycle, (gpointer)cycle, error);
}

static void read_cycle(sqlite3_stmt *row, gpointer into)
{
	NetfilLedgerCycle *cycle = into;

	cycle->filter = sqlite3_column_int64(row, FILTER);
	cycle->started = sqlite3_column_int64(row, STARTED);
	cycle->ended = sqlite3_column_int64(row, ENDED);
	for (int i = 0; i < NETFIL_DIRECTIONS; i++)
		cycle->limit[i] = sqlite3_column_int64(row, LIMIT + i);
	netfil_ledger_read_counters(row, USED, &cycle->used);
}

GArray *netfil_ledger_cycles(NetfilLedger *ledger, gint64 filter, gint64 from, gint64 to,
			     GError **error)
{
	return netfil_ledger_rows(ledger, filter ? select_sql : select_all_sql, from, to, filter,
				  g_array_new(FALSE, TRUE, sizeof(NetfilLedgerCycle)), read_cycle,
				  error);
}

gboolean netfil_ledger_warn(NetfilLedger *ledger, gint64 filter, guint percent, gint64 when,
			    GError **error)
{
	sqlite3_stmt *warn = netfil_ledger_statement(ledger, warn_sql, error);

	if (!warn)
		return FALSE;
	sqlite3_bind_int64(warn, 1, filter);
	sqlite3_bind_int64(warn, 2, percent);
	sqlite3_bind_int64(warn, 3, when);
	return netfil_ledger_finish(ledger, warn, error);
}

gboolean netfil_ledger_forget_warnings(NetfilLedger *ledger, gint64 filter, GError **error)
{
	return run_for(ledger, forget_sql, filter, error);
}
