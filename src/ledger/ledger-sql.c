// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Connections, statements, transactions, errors. */
#include "ledger-private.h"

#include "core/error.h"

#define BUSY_MSEC 2000

/* ---- errors ---- */

/* The system's fault: the content may be well, once it can be read again. */
static gboolean is_environment(int code)
{
	switch (code & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_FULL:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_NOMEM:
	case SQLITE_NOLFS:
	case SQLITE_INTERRUPT:
		return TRUE;
	default:
		return FALSE;
	}
}

static const char *advice(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return "make room on its disk";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "end the program that holds it";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "start netfild anew, which takes up the backup";
	default:
		return "see that its disk is well, has room and is writable";
	}
}

static void spoil(NetfilLedger *ledger, const char *message)
{
	if (ledger->begun && !ledger->spoiled)
		ledger->spoiled = g_strdup(message);
}

gboolean netfil_ledger_failed_with(NetfilLedger *ledger, int code, GError **error)
{
	gboolean outside = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
	int system = outside ? sqlite3_system_errno(ledger->db) : 0;
	g_autofree char *message = g_strdup_printf(
	    "the ledger %s cannot be used (%s%s%s): %s", ledger->path, sqlite3_errstr(code),
	    system ? ", " : "", system ? g_strerror(system) : "", advice(code));

	if (!is_environment(code) && !ledger->damage)
		ledger->damage = g_strdup(sqlite3_errstr(code));
	spoil(ledger, message);
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED, message);
	return FALSE;
}

gboolean netfil_ledger_failed(NetfilLedger *ledger, GError **error)
{
	return netfil_ledger_failed_with(ledger, sqlite3_extended_errcode(ledger->db), error);
}

gboolean netfil_ledger_is_damaged(NetfilLedger *ledger, const char *how, GError **error)
{
	if (!ledger->damage)
		ledger->damage = g_strdup(how);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "the ledger %s is damaged (%s): start netfild anew, which takes up the backup",
		    ledger->path, how);
	return FALSE;
}

/* ---- statements ---- */

gboolean netfil_ledger_run(NetfilLedger *ledger, const char *sql, GError **error)
{
	return sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       netfil_ledger_failed(ledger, error);
}

sqlite3_stmt *netfil_ledger_statement(NetfilLedger *ledger, const char *sql, GError **error)
{
	sqlite3_stmt *statement = g_hash_table_lookup(ledger->statements, sql);

	if (ledger->spoiled) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED, ledger->spoiled);
		return NULL;
	}
	if (statement)
		return statement;
	if (sqlite3_prepare_v3(ledger->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
	    SQLITE_OK) {
		netfil_ledger_failed(ledger, error);
		return NULL;
	}
	g_hash_table_insert(ledger->statements, (gpointer)sql, statement);
	return statement;
}

gboolean netfil_ledger_end(NetfilLedger *ledger, sqlite3_stmt *statement, int result,
			   GError **error)
{
	gboolean done = result == SQLITE_DONE || netfil_ledger_failed(ledger, error);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return done;
}

GArray *netfil_ledger_rows(NetfilLedger *ledger, const char *sql, gint64 from, gint64 to,
			   gint64 filter, GArray *rows, NetfilLedgerReadFunc read, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, sql, error);
	g_autoptr(GArray) taken = rows;
	int result;

	if (!row)
		return NULL;
	sqlite3_bind_int64(row, 1, from);
	sqlite3_bind_int64(row, 2, to);
	if (filter)
		sqlite3_bind_int64(row, 3, filter);
	while ((result = sqlite3_step(row)) == SQLITE_ROW) {
		g_array_set_size(taken, taken->len + 1);
		read(row, taken->data + (gsize)(taken->len - 1) * g_array_get_element_size(taken));
	}
	return netfil_ledger_end(ledger, row, result, error) ? g_steal_pointer(&taken) : NULL;
}

gboolean netfil_ledger_finish(NetfilLedger *ledger, sqlite3_stmt *statement, GError **error)
{
	return netfil_ledger_end(ledger, statement, sqlite3_step(statement), error);
}

gboolean netfil_ledger_met(NetfilLedger *ledger, gint64 filter, GError **error)
{
	g_autofree char *message = NULL;

	if (sqlite3_changes(ledger->db))
		return TRUE;
	message =
	    g_strdup_printf("the ledger %s has no filter %" G_GINT64_FORMAT ": start netfild anew",
			    ledger->path, filter);
	spoil(ledger, message);
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED, message);
	return FALSE;
}

void netfil_ledger_bind_counters(sqlite3_stmt *statement, int parameter,
				 const NetfilCounters *counters)
{
	sqlite3_bind_int64(statement, parameter, counters->in);
	sqlite3_bind_int64(statement, parameter + 1, counters->out);
	sqlite3_bind_int64(statement, parameter + 2, counters->refused_bytes);
	sqlite3_bind_int64(statement, parameter + 3, counters->refused_packets);
	sqlite3_bind_int64(statement, parameter + 4, counters->reset_bytes);
	sqlite3_bind_int64(statement, parameter + 5, counters->reset_packets);
}

void netfil_ledger_read_counters(sqlite3_stmt *row, int column, NetfilCounters *counters)
{
	counters->in = sqlite3_column_int64(row, column);
	counters->out = sqlite3_column_int64(row, column + 1);
	counters->refused_bytes = sqlite3_column_int64(row, column + 2);
	counters->refused_packets = sqlite3_column_int64(row, column + 3);
	counters->reset_bytes = sqlite3_column_int64(row, column + 4);
	counters->reset_packets = sqlite3_column_int64(row, column + 5);
}

/* ---- transactions ---- */

gboolean netfil_ledger_begin(NetfilLedger *ledger, GError **error)
{
	if (!netfil_ledger_run(ledger, "BEGIN IMMEDIATE", error))
		return FALSE;
	ledger->begun = TRUE;
	return TRUE;
}

/* After some failures SQLite has rolled back by itself; what came after would then not be
 * part of the change, so it was not taken, and there is nothing to commit. */
gboolean netfil_ledger_commit(NetfilLedger *ledger, GError **error)
{
	if (ledger->spoiled)
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED, ledger->spoiled);
	else if (netfil_ledger_run(ledger, "COMMIT", error)) {
		ledger->begun = FALSE;
		return TRUE;
	}
	netfil_ledger_rollback(ledger);
	return FALSE;
}

void netfil_ledger_rollback(NetfilLedger *ledger)
{
	if (!sqlite3_get_autocommit(ledger->db))
		sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
	ledger->begun = FALSE;
	g_clear_pointer(&ledger->spoiled, g_free);
}

gboolean netfil_ledger_together(NetfilLedger *ledger, NetfilLedgerChange change, gpointer data,
				GError **error)
{
	if (ledger->begun)
		return change(ledger, data, error);
	if (!netfil_ledger_begin(ledger, error))
		return FALSE;
	if (change(ledger, data, error))
		return netfil_ledger_commit(ledger, error);
	netfil_ledger_rollback(ledger);
	return FALSE;
}

/* ---- connections ---- */

static guint64 mix(guint64 hash, guint64 value)
{
	hash = (hash ^ value) * 0x9fb21c651e98df25;
	return hash ^ hash >> 32;
}

static guint64 mix_text(guint64 hash, sqlite3_value *value)
{
	const guint8 *text = sqlite3_value_text(value);
	int length = sqlite3_value_bytes(value);

	hash = mix(hash, length);
	for (int i = 0; text && i < length; i++)
		hash = mix(hash, text[i]);
	return hash;
}

/* netfil_sum(...): 31 bits, so that it takes 4 bytes. On disk: never to be changed. */
static void sum(sqlite3_context *context, int count, sqlite3_value **values)
{
	guint64 hash = 0x2545f4914f6cdd1d;

	for (int i = 0; i < count; i++) {
		int type = sqlite3_value_type(values[i]);

		if (type == SQLITE_INTEGER)
			hash = mix(hash, sqlite3_value_int64(values[i]));
		else
			hash = mix_text(mix(hash, type), values[i]);
	}
	sqlite3_result_int64(context, hash >> 33);
}

/*
 * A commit is on the disk when it returns (FULL). Nothing but commits writes to the file
 * until it is known to be well: closing a connection else writes the -wal into it.
 * netfild's checkpoints take some 30 pages each second, so the -wal stays below 2 MB.
 */
static const char settings[] = "PRAGMA synchronous = FULL;"
			       "PRAGMA foreign_keys = ON;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA cell_size_check = ON;"
			       "PRAGMA wal_autocheckpoint = 400;"
			       "PRAGMA journal_size_limit = 4194304";

static gboolean set_up(NetfilLedger *ledger, GError **error)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

	sqlite3_extended_result_codes(ledger->db, 1);
	sqlite3_busy_timeout(ledger->db, BUSY_MSEC);
	if (sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK ||
	    sqlite3_create_function_v2(ledger->db, "netfil_sum", -1, flags, NULL, sum, NULL, NULL,
				       NULL) != SQLITE_OK)
		return netfil_ledger_failed(ledger, error);
	return netfil_ledger_run(ledger, settings, error);
}

static void finalize(gpointer statement)
{
	sqlite3_finalize(statement);
}

NetfilLedger *netfil_ledger_connect(const char *path, gboolean create, char **damage,
				    GError **error)
{
	g_autoptr(NetfilLedger) ledger = g_new0(NetfilLedger, 1);
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);

	ledger->path = g_strdup(path);
	ledger->statements = g_hash_table_new_full(NULL, NULL, NULL, finalize);
	if (sqlite3_open_v2(path, &ledger->db, flags, NULL) != SQLITE_OK) {
		netfil_ledger_failed(ledger, error);
		return NULL;
	}
	if (sqlite3_db_readonly(ledger->db, "main") == 1) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "the ledger %s is read-only: make its file system writable, or set "
			    "NETFIL_STATE_DIR",
			    path);
		return NULL;
	}
	if (set_up(ledger, error))
		return g_steal_pointer(&ledger);
	*damage = g_steal_pointer(&ledger->damage);
	return NULL;
}

void netfil_ledger_close(NetfilLedger *ledger)
{
	if (!ledger)
		return;
	if (ledger->backup)
		g_thread_join(ledger->backup);
	g_hash_table_unref(ledger->statements);
	sqlite3_close(ledger->db);
	g_free(ledger->spoiled);
	g_free(ledger->damage);
	g_free(ledger->path);
	g_free(ledger);
}
