// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What each filter moved, by hour, day and month. */
#include "ledger-private.h"

/* Columns of NETFIL_SQL_HISTORY */
enum { RESOLUTION, START, FILTER, SUM };

static const char count_sql[] =
    "INSERT INTO history (" NETFIL_SQL_HISTORY ", sum) SELECT " NETFIL_SQL_HISTORY_VALUES
    ", netfil_sum(" NETFIL_SQL_HISTORY_VALUES ") FROM filter WHERE id = ?3 " NETFIL_SQL_HISTORY_ADD;

/* The rows of one filter, found period by period, as the time comes first in the key. */
#define PERIODS                                                                                    \
	"WITH RECURSIVE period (resolution, start) AS ("                                           \
	" SELECT column1, (SELECT min(start) FROM history"                                         \
	"  WHERE resolution = column1 AND start >= ?1) FROM (VALUES (0), (1), (2))"                \
	" UNION ALL"                                                                               \
	" SELECT resolution, (SELECT min(h.start) FROM history h"                                  \
	"  WHERE h.resolution = period.resolution AND h.start > period.start)"                     \
	" FROM period WHERE start < ?2) "
#define SELECT_HISTORY "SELECT " NETFIL_SQL_HISTORY " FROM history"
static const char select_all_sql[] =
    SELECT_HISTORY " WHERE resolution IN (0, 1, 2) AND start >= ?1 AND start < ?2"
		   " ORDER BY start, filter, resolution";
static const char select_sql[] =
    PERIODS SELECT_HISTORY " WHERE (resolution, start, filter) IN"
			   " (SELECT resolution, start, ?3 FROM period WHERE start < ?2)"
			   " ORDER BY start, resolution";
static const char delete_sql[] = PERIODS "DELETE FROM history WHERE (resolution, start, filter) IN"
					 " (SELECT resolution, start, ?3 FROM period)";

gboolean netfil_ledger_count(NetfilLedger *ledger, gint64 filter, gint64 hour,
			     const NetfilCounters *more, GError **error)
{
	sqlite3_stmt *count = netfil_ledger_statement(ledger, count_sql, error);

	if (!count)
		return FALSE;
	sqlite3_bind_int64(count, RESOLUTION + 1, NETFIL_BY_HOUR);
	sqlite3_bind_int64(count, START + 1, hour);
	sqlite3_bind_int64(count, FILTER + 1, filter);
	netfil_ledger_bind_counters(count, SUM + 1, more);
	return netfil_ledger_finish(ledger, count, error) &&
	       netfil_ledger_met(ledger, filter, error);
}

gboolean netfil_ledger_delete_history(NetfilLedger *ledger, gint64 filter, GError **error)
{
	sqlite3_stmt *statement = netfil_ledger_statement(ledger, delete_sql, error);

	if (!statement)
		return FALSE;
	sqlite3_bind_int64(statement, 1, G_MININT64);
	sqlite3_bind_int64(statement, 2, G_MAXINT64);
	sqlite3_bind_int64(statement, 3, filter);
	return netfil_ledger_finish(ledger, statement, error);
}

static void read_entry(sqlite3_stmt *row, gpointer into)
{
	NetfilLedgerEntry *entry = into;

	entry->filter = sqlite3_column_int64(row, FILTER);
	entry->uid = G_MAXUINT32;
	entry->by = (NetfilBy)sqlite3_column_int(row, RESOLUTION);
	entry->start = sqlite3_column_int64(row, START);
	netfil_ledger_read_counters(row, SUM, &entry->sum);
}

GArray *netfil_ledger_history(NetfilLedger *ledger, gint64 filter, gint64 from, gint64 to,
			      GError **error)
{
	return netfil_ledger_rows(ledger, filter ? select_sql : select_all_sql, from, to, filter,
				  g_array_new(FALSE, TRUE, sizeof(NetfilLedgerEntry)), read_entry,
				  error);
}
