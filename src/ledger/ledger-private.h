/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <sqlite3.h>

#include "ledger.h"

struct NetfilLedger {
	sqlite3 *db;
	char *path;
	GHashTable *statements; /* SQL by its address -> sqlite3_stmt */
	gboolean begun;
	char *spoiled; /* what failed since it was begun: nothing more is taken */
	char *damage;  /* a failure was the content's fault, not the system's: how */
	GThread *backup;
	gint backing_up; /* atomic */
};

/* How many applications an hour has at most, before all others are "*": so that nobody
 * fills the disk with names. */
#define NETFIL_LEDGER_HOUR_APPS 500

/*
 * Columns, in the order in which they are bound, read and summed. Each row ends with
 * `sum`, netfil_sum() of all that stands before it: SQLite has no checksums of its own.
 */
#define NETFIL_SQL_COUNTERS                                                                        \
	"bytes_in, bytes_out, refused_bytes, refused_packets, reset_bytes, reset_packets"
#define NETFIL_SQL_BASE                                                                            \
	"base_bytes_in, base_bytes_out, base_refused_bytes, base_refused_packets,"                 \
	" base_reset_bytes, base_reset_packets"
#define NETFIL_SQL_USED                                                                            \
	"used_bytes_in, used_bytes_out, used_refused_bytes, used_refused_packets,"                 \
	" used_reset_bytes, used_reset_packets"
#define NETFIL_SQL_COUNTERS_COUNT 6

#define NETFIL_SQL_FILTER                                                                          \
	"id, name, spec, slot, rule, started, ends, extra_in, extra_out, extra_total, forfeited,"  \
	" granted, unlimited_until, free_until, downed, owner"
#define NETFIL_SQL_USAGE "filter, " NETFIL_SQL_BASE ", " NETFIL_SQL_USED
#define NETFIL_SQL_RECORDED "filter, " NETFIL_SQL_COUNTERS
#define NETFIL_SQL_CYCLE                                                                           \
	"filter, started, ended, limit_in, limit_out, limit_total, " NETFIL_SQL_COUNTERS
#define NETFIL_SQL_WARNING "filter, percent, given"
#define NETFIL_SQL_HISTORY "resolution, start, filter, " NETFIL_SQL_COUNTERS
#define NETFIL_SQL_APP "id, exe, uid"
#define NETFIL_SQL_APP_HISTORY "resolution, start, app, bytes_in, bytes_out"
#define NETFIL_SQL_ACCOUNT "account, bytes_in, bytes_out"
#define NETFIL_SQL_MEMBER "filter, name, key, " NETFIL_SQL_COUNTERS
#define NETFIL_SQL_NOTE "key, value"

/* The values, and what is done where there is such a row already. */
#define NETFIL_SQL_HISTORY_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"
#define NETFIL_SQL_PLUS "bytes_in + excluded.bytes_in, bytes_out + excluded.bytes_out"
#define NETFIL_SQL_COUNTERS_PLUS                                                                   \
	NETFIL_SQL_PLUS ", refused_bytes + excluded.refused_bytes,"                                \
			" refused_packets + excluded.refused_packets,"                             \
			" reset_bytes + excluded.reset_bytes,"                                     \
			" reset_packets + excluded.reset_packets"
#define NETFIL_SQL_HISTORY_ADD                                                                     \
	"ON CONFLICT (resolution, start, filter) DO UPDATE SET (" NETFIL_SQL_COUNTERS              \
	", sum) = (" NETFIL_SQL_COUNTERS_PLUS                                                      \
	", netfil_sum(resolution, start, filter, " NETFIL_SQL_COUNTERS_PLUS "))"
#define NETFIL_SQL_APP_HISTORY_ADD                                                                 \
	"ON CONFLICT (resolution, start, app) DO UPDATE SET (bytes_in, bytes_out, sum)"            \
	" = (" NETFIL_SQL_PLUS ", netfil_sum(resolution, start, app, " NETFIL_SQL_PLUS "))"

/* `resolution` on disk. */
_Static_assert(NETFIL_BY_HOUR == 0 && NETFIL_BY_DAY == 1 && NETFIL_BY_MONTH == 2, "on disk");

/* ---- ledger-sql.c ---- */

/* An open database, whatever it holds. `*damage` (caller frees) is set where the content is
 * at fault. */
NetfilLedger *netfil_ledger_connect(const char *path, gboolean create, char **damage,
				    GError **error);

/* Raises what SQLite says, or says that the content is damaged. Return FALSE. */
gboolean netfil_ledger_failed(NetfilLedger *ledger, GError **error);
gboolean netfil_ledger_failed_with(NetfilLedger *ledger, int code, GError **error);
gboolean netfil_ledger_is_damaged(NetfilLedger *ledger, const char *how, GError **error);

gboolean netfil_ledger_run(NetfilLedger *ledger, const char *sql, GError **error);

/* Prepared once, the SQL being a constant. NULL with an error also where the change under
 * way has failed already. */
sqlite3_stmt *netfil_ledger_statement(NetfilLedger *ledger, const char *sql, GError **error);

/* After the last step, which gave `result`: TRUE if it was SQLITE_DONE. The statement is
 * ready again. */
gboolean netfil_ledger_end(NetfilLedger *ledger, sqlite3_stmt *statement, int result,
			   GError **error);

/* Appends a row for each that a question has within from..to (?1, ?2), about one filter (?3)
 * unless it is 0. Takes `rows`, which is empty, over. */
typedef void (*NetfilLedgerReadFunc)(sqlite3_stmt *row, gpointer into);
GArray *netfil_ledger_rows(NetfilLedger *ledger, const char *sql, gint64 from, gint64 to,
			   gint64 filter, GArray *rows, NetfilLedgerReadFunc read, GError **error);

/* Steps a statement without rows. */
gboolean netfil_ledger_finish(NetfilLedger *ledger, sqlite3_stmt *statement, GError **error);

/* Whether the statement before this met a row of this filter. */
gboolean netfil_ledger_met(NetfilLedger *ledger, gint64 filter, GError **error);

/* Several statements as one change: part of the one that the caller has begun, else one of
 * their own. */
typedef gboolean (*NetfilLedgerChange)(NetfilLedger *ledger, gpointer data, GError **error);
gboolean netfil_ledger_together(NetfilLedger *ledger, NetfilLedgerChange change, gpointer data,
				GError **error);

/* SQLite's integers are signed; 64 bits go in and come out unchanged. Parameters count
 * from 1, columns from 0. */
void netfil_ledger_bind_counters(sqlite3_stmt *statement, int parameter,
				 const NetfilCounters *counters);
void netfil_ledger_read_counters(sqlite3_stmt *row, int column, NetfilCounters *counters);

/* ---- ledger-schema.c ---- */

/* Refuses what is newer than this program, and what is empty where it was not just made. */
gboolean netfil_ledger_check_version(NetfilLedger *ledger, gboolean create, int *version,
				     GError **error);
gboolean netfil_ledger_migrate(NetfilLedger *ledger, int version, GError **error);

/* ---- ledger-check.c ---- */

/* A database that is whole, and of this program's schema. `damage` as above. */
NetfilLedger *netfil_ledger_connect_checked(const char *path, gboolean create, char **damage,
					    GError **error);

/* The same for a database of our own making, which is closed again: all of it is in the
 * one file then, to be renamed. */
gboolean netfil_ledger_check_file(const char *path, gboolean create, char **damage, GError **error);

/* ---- ledger-history.c, ledger-app.c ---- */

gboolean netfil_ledger_delete_history(NetfilLedger *ledger, gint64 filter, GError **error);

/* A number for an application that has none yet. */
gboolean netfil_ledger_begin_app(NetfilLedger *ledger, const char *exe, guint32 uid,
				 GError **error);

/* ---- ledger-file.c ---- */

gboolean netfil_ledger_file_copy(const char *from, const char *to, GError **error);

/* Puts a finished file in the place of another, durably. */
gboolean netfil_ledger_file_replace(const char *from, const char *to, GError **error);

/* Removes a database of our own making with what SQLite may have left beside it. */
void netfil_ledger_file_remove(const char *path);

/* Renames a database as `to`, with its -wal and -journal. What is missing is no error. */
gboolean netfil_ledger_file_move(const char *path, const char *to, GError **error);

gboolean netfil_ledger_file_sync(const char *path, GError **error);
