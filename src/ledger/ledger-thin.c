// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Old history becomes coarser: a period at a time, of the filters or of the applications. */
#include "ledger-private.h"

#define DAY (24 * 60 * 60)
#define OTHERS_UID "4294967295"

/* One table's statements. ?1: resolution, ?2: start of a period, that becomes part of
 * ?3, ?4. */
typedef struct {
	const char *oldest, *merge, *remove;
	gboolean apps;
} Series;

/* What applications have there but those of which there is always one. */
#define APPS_OF_PERIOD                                                                             \
	"SELECT app FROM app_history JOIN app ON id = app"                                         \
	" WHERE resolution = ?1 AND start = ?2 AND exe NOT IN ('', '*')"
#define REST                                                                                       \
	"resolution = ?1 AND start = ?2 AND app IN (" APPS_OF_PERIOD                               \
	" ORDER BY bytes_in + bytes_out DESC, app LIMIT -1 OFFSET " G_STRINGIFY(                   \
	    NETFIL_LEDGER_APPS) ")"

static const Series series[] = {
    {
	.oldest = "SELECT min(start) FROM history WHERE resolution = ?1",
	.merge = "INSERT INTO history (" NETFIL_SQL_HISTORY ", sum)"
		 " SELECT ?3, ?4, filter, " NETFIL_SQL_COUNTERS
		 ", netfil_sum(?3, ?4, filter, " NETFIL_SQL_COUNTERS ") FROM history"
		 " WHERE resolution = ?1 AND start = ?2 " NETFIL_SQL_HISTORY_ADD,
	.remove = "DELETE FROM history WHERE resolution = ?1 AND start = ?2",
    },
    {
	.oldest = "SELECT min(start) FROM app_history WHERE resolution = ?1",
	.merge = "INSERT INTO app_history (" NETFIL_SQL_APP_HISTORY ", sum)"
		 " SELECT ?3, ?4, app, bytes_in, bytes_out,"
		 " netfil_sum(?3, ?4, app, bytes_in, bytes_out) FROM app_history"
		 " WHERE resolution = ?1 AND start = ?2 " NETFIL_SQL_APP_HISTORY_ADD,
	.remove = "DELETE FROM app_history WHERE resolution = ?1 AND start = ?2",
	.apps = TRUE,
    },
};
static const char merge_rest_sql[] =
    "INSERT INTO app_history (" NETFIL_SQL_APP_HISTORY ", sum)"
    " SELECT ?1, ?2, others.id, i, o, netfil_sum(?1, ?2, others.id, i, o) FROM app AS others,"
    " (SELECT sum(bytes_in) AS i, sum(bytes_out) AS o FROM app_history WHERE " REST ")"
    " WHERE exe = '*' AND uid = " OTHERS_UID " AND i IS NOT NULL " NETFIL_SQL_APP_HISTORY_ADD;
static const char remove_rest_sql[] = "DELETE FROM app_history WHERE " REST;
static const char forget_apps_sql[] =
    "DELETE FROM app WHERE id NOT IN (SELECT app FROM app_history)";

static const struct {
	NetfilBy from, to;
	int days;
} steps[] = {
    {NETFIL_BY_HOUR, NETFIL_BY_DAY, NETFIL_LEDGER_HOUR_DAYS},
    {NETFIL_BY_DAY, NETFIL_BY_MONTH, NETFIL_LEDGER_DAY_DAYS},
};

/* A period that becomes part of a longer one. */
typedef struct {
	const Series *series;
	NetfilBy from, to;
	gint64 start, into, end; /* `end` of the longer one */
} Piece;

static gboolean run_with(NetfilLedger *ledger, const char *sql, const Piece *piece, GError **error)
{
	sqlite3_stmt *statement = netfil_ledger_statement(ledger, sql, error);

	if (!statement)
		return FALSE;
	sqlite3_bind_int64(statement, 1, piece->from);
	sqlite3_bind_int64(statement, 2, piece->start);
	sqlite3_bind_int64(statement, 3, piece->to);
	sqlite3_bind_int64(statement, 4, piece->into);
	return netfil_ledger_finish(ledger, statement, error);
}

static gboolean find_oldest(NetfilLedger *ledger, const char *sql, NetfilBy by, gint64 *start,
			    GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, sql, error);
	int result;

	if (!row)
		return FALSE;
	sqlite3_bind_int64(row, 1, by);
	result = sqlite3_step(row);
	*start = G_MAXINT64;
	if (result == SQLITE_ROW && sqlite3_column_type(row, 0) == SQLITE_INTEGER)
		*start = sqlite3_column_int64(row, 0);
	return netfil_ledger_end(ledger, row, result == SQLITE_ROW ? SQLITE_DONE : result, error);
}

/* The oldest period there is, if the longer one that it is in is old as a whole. */
static gboolean find_piece(NetfilLedger *ledger, GTimeZone *zone, gint64 now, Piece *piece,
			   gboolean *found, GError **error)
{
	*found = FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(steps) * G_N_ELEMENTS(series) && !*found; i++) {
		guint step = i / G_N_ELEMENTS(series);
		gint64 old = now - (gint64)steps[step].days * DAY;

		piece->series = &series[i % G_N_ELEMENTS(series)];
		piece->from = steps[step].from;
		piece->to = steps[step].to;
		if (!find_oldest(ledger, piece->series->oldest, piece->from, &piece->start, error))
			return FALSE;
		*found = piece->start < netfil_period_start(piece->to, zone, old);
	}
	if (*found) {
		piece->into = netfil_period_start(piece->to, zone, piece->start);
		piece->end = netfil_period_end(piece->to, zone, piece->start);
	}
	return TRUE;
}

/* Few of many applications stay, where none come to a period any more. */
static gboolean drop_small_apps(NetfilLedger *ledger, const Piece *piece, GError **error)
{
	const Piece whole = {.from = piece->to, .start = piece->into};
	gint64 next;

	if (!find_oldest(ledger, piece->series->oldest, piece->from, &next, error))
		return FALSE;
	if (next < piece->end)
		return TRUE;
	return netfil_ledger_begin_app(ledger, "*", G_MAXUINT32, error) &&
	       run_with(ledger, merge_rest_sql, &whole, error) &&
	       run_with(ledger, remove_rest_sql, &whole, error) &&
	       run_with(ledger, forget_apps_sql, &whole, error);
}

static gboolean thin(NetfilLedger *ledger, gpointer data, GError **error)
{
	const Piece *piece = data;

	return run_with(ledger, piece->series->merge, piece, error) &&
	       run_with(ledger, piece->series->remove, piece, error) &&
	       (!piece->series->apps || drop_small_apps(ledger, piece, error));
}

gboolean netfil_ledger_thin(NetfilLedger *ledger, GTimeZone *zone, gint64 now, gboolean *more,
			    GError **error)
{
	Piece piece;

	*more = FALSE;
	if (!find_piece(ledger, zone, now, &piece, more, error))
		return FALSE;
	return !*more || netfil_ledger_together(ledger, thin, &piece, error);
}
