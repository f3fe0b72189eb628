// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger-private.h"

#include "core/error.h"

#define BASE_1                                                                                     \
	"base_in, base_out, base_refused_bytes, base_refused_packets,"                             \
	" base_reset_bytes, base_reset_packets"
#define USED_1                                                                                     \
	"used_in, used_out, used_refused_bytes, used_refused_packets,"                             \
	" used_reset_bytes, used_reset_packets"
#define COUNTERS_2                                                                                 \
	"bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,"                                   \
	" refused_bytes INTEGER NOT NULL, refused_packets INTEGER NOT NULL,"                       \
	" reset_bytes INTEGER NOT NULL, reset_packets INTEGER NOT NULL"
#define BASE_2                                                                                     \
	"base_bytes_in INTEGER NOT NULL, base_bytes_out INTEGER NOT NULL,"                         \
	" base_refused_bytes INTEGER NOT NULL, base_refused_packets INTEGER NOT NULL,"             \
	" base_reset_bytes INTEGER NOT NULL, base_reset_packets INTEGER NOT NULL"
#define USED_2                                                                                     \
	"used_bytes_in INTEGER NOT NULL, used_bytes_out INTEGER NOT NULL,"                         \
	" used_refused_bytes INTEGER NOT NULL, used_refused_packets INTEGER NOT NULL,"             \
	" used_reset_bytes INTEGER NOT NULL, used_reset_packets INTEGER NOT NULL"
#define OF_FILTER_2 "REFERENCES filter (id) ON DELETE CASCADE"
#define FILTER_2 "id, name, specification, slot, rule, started, 0, 0, 0, 0, 0, 0, 0, 0, NULL"
#define FILTER_COLUMNS_2                                                                           \
	"id, name, spec, slot, rule, started, ends, extra_in, extra_out, extra_total, forfeited,"  \
	" granted, unlimited_until, free_until, downed"
#define RECORDED_2                                                                                 \
	"base_in + used_in, base_out + used_out, base_refused_bytes + used_refused_bytes,"         \
	" base_refused_packets + used_refused_packets, base_reset_bytes + used_reset_bytes,"       \
	" base_reset_packets + used_reset_packets"

/* A step from each schema version to the next; append, never change. */
static const char *const migrations[] = {
    "CREATE TABLE filter ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " specification TEXT NOT NULL," /* GVariant text of a{sas} */
    " slot INTEGER NOT NULL,"
    " rule INTEGER NOT NULL,"
    " started INTEGER NOT NULL,"
    " base_in INTEGER NOT NULL, base_out INTEGER NOT NULL,"
    " base_refused_bytes INTEGER NOT NULL, base_refused_packets INTEGER NOT NULL,"
    " base_reset_bytes INTEGER NOT NULL, base_reset_packets INTEGER NOT NULL,"
    " used_in INTEGER NOT NULL, used_out INTEGER NOT NULL,"
    " used_refused_bytes INTEGER NOT NULL, used_refused_packets INTEGER NOT NULL,"
    " used_reset_bytes INTEGER NOT NULL, used_reset_packets INTEGER NOT NULL"
    ") STRICT",

    /*
     * What changes each second gets a table of short rows, `usage`. Rows have sums. What was
     * used so far is not history, as nobody knows when it was.
     *
     * `history` and `app_history` begin with the time, so that an hour's rows are written side
     * by side; no foreign key, which would look through all of it for each filter removed.
     */
    "ALTER TABLE filter RENAME TO filter_1;"
    "CREATE TABLE filter ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " spec TEXT NOT NULL," /* GVariant text of a{sas} */
    " slot INTEGER NOT NULL,"
    " rule INTEGER NOT NULL,"
    " started INTEGER NOT NULL,"
    " ends INTEGER NOT NULL,"
    " extra_in INTEGER NOT NULL, extra_out INTEGER NOT NULL, extra_total INTEGER NOT NULL,"
    " forfeited INTEGER NOT NULL,"
    " granted INTEGER NOT NULL,"
    " unlimited_until INTEGER NOT NULL,"
    " free_until INTEGER NOT NULL,"
    " downed TEXT,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE usage ("
    " filter INTEGER PRIMARY KEY " OF_FILTER_2 ", " BASE_2 ", " USED_2
    ", sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE recorded ("
    " filter INTEGER PRIMARY KEY " OF_FILTER_2 ", " COUNTERS_2 ","
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cycle ("
    " id INTEGER PRIMARY KEY,"
    " filter INTEGER NOT NULL " OF_FILTER_2 ","
    " started INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " limit_in INTEGER NOT NULL, limit_out INTEGER NOT NULL, limit_total INTEGER NOT "
    "NULL, " COUNTERS_2 ", sum INTEGER NOT NULL) STRICT;"
    "CREATE INDEX cycle_of_filter ON cycle (filter);"
    "CREATE TABLE warning ("
    " filter INTEGER NOT NULL " OF_FILTER_2 ","
    " percent INTEGER NOT NULL,"
    " given INTEGER NOT NULL,"
    " sum INTEGER NOT NULL,"
    " PRIMARY KEY (filter, percent)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE history ("
    " resolution INTEGER NOT NULL," /* 0: hours, 1: days, 2: months */
    " start INTEGER NOT NULL,"
    " filter INTEGER NOT NULL, " COUNTERS_2 ","
    " sum INTEGER NOT NULL,"
    " PRIMARY KEY (resolution, start, filter)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE app ("
    " id INTEGER PRIMARY KEY,"
    " exe TEXT NOT NULL,"
    " uid INTEGER NOT NULL,"
    " sum INTEGER NOT NULL,"
    " UNIQUE (exe, uid)) STRICT;"
    "CREATE TABLE app_history ("
    " resolution INTEGER NOT NULL,"
    " start INTEGER NOT NULL,"
    " app INTEGER NOT NULL,"
    " bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,"
    " sum INTEGER NOT NULL,"
    " PRIMARY KEY (resolution, start, app)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE account ("
    " account INTEGER PRIMARY KEY,"
    " bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE note ("
    " key TEXT PRIMARY KEY NOT NULL,"
    " value TEXT NOT NULL,"
    " sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO filter SELECT " FILTER_2 ", netfil_sum(" FILTER_2 ") FROM filter_1;"
    "INSERT INTO usage SELECT id, " BASE_1 ", " USED_1 ","
    " netfil_sum(id, " BASE_1 ", " USED_1 ") FROM filter_1;"
    "INSERT INTO recorded SELECT id, " RECORDED_2 ", netfil_sum(id, " RECORDED_2 ")"
    " FROM filter_1;"
    /* Numbers of filters are never given again. */
    "DELETE FROM sqlite_sequence WHERE name = 'filter';"
    "UPDATE sqlite_sequence SET name = 'filter' WHERE name = 'filter_1';"
    "DROP TABLE filter_1",

    /* Who made a filter: so far, root. A row whose sum is wrong keeps a wrong one. */
    "ALTER TABLE filter ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;"
    "UPDATE filter SET sum = netfil_sum(" FILTER_COLUMNS_2 ", owner)"
    " WHERE sum IS netfil_sum(" FILTER_COLUMNS_2 ")",

    /* Members of filters. */
    "CREATE TABLE member ("
    " filter INTEGER NOT NULL " OF_FILTER_2 ","
    " name TEXT NOT NULL,"
    " key TEXT NOT NULL, " COUNTERS_2 ","
    " sum INTEGER NOT NULL,"
    " PRIMARY KEY (filter, name)) STRICT, WITHOUT ROWID",
};

static int schema_version(NetfilLedger *ledger)
{
	sqlite3_stmt *statement = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(ledger->db, "PRAGMA user_version", -1, &statement, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

static gboolean step(NetfilLedger *ledger, int version, GError **error)
{
	g_autofree char *mark = g_strdup_printf("PRAGMA user_version = %d", version + 1);

	if (!netfil_ledger_begin(ledger, error))
		return FALSE;
	if (netfil_ledger_run(ledger, migrations[version], error) &&
	    netfil_ledger_run(ledger, mark, error))
		return netfil_ledger_commit(ledger, error);
	netfil_ledger_rollback(ledger);
	return FALSE;
}

gboolean netfil_ledger_check_version(NetfilLedger *ledger, gboolean create, int *version,
				     GError **error)
{
	*version = schema_version(ledger);
	if (*version < 0 && sqlite3_errcode(ledger->db) != SQLITE_OK)
		return netfil_ledger_failed(ledger, error);
	if (*version > (int)G_N_ELEMENTS(migrations)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_UNSUPPORTED,
			    "the ledger %s is of a newer netfil (schema %d, this one knows %d): "
			    "upgrade netfil, or set NETFIL_STATE_DIR",
			    ledger->path, *version, (int)G_N_ELEMENTS(migrations));
		return FALSE;
	}
	if (*version < (create ? 0 : 1))
		return netfil_ledger_is_damaged(ledger, "it is empty", error);
	return TRUE;
}

gboolean netfil_ledger_migrate(NetfilLedger *ledger, int version, GError **error)
{
	for (; version < (int)G_N_ELEMENTS(migrations); version++)
		if (!step(ledger, version, error))
			return FALSE;
	return TRUE;
}
