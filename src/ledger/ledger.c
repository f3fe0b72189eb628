// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger.h"

#include <errno.h>
#include <sqlite3.h>

#include "core/error.h"

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
};

#define COLUMNS                                                                                    \
	"id, name, specification, slot, rule, started, base_in, base_out, base_refused_bytes,"     \
	" base_refused_packets, base_reset_bytes, base_reset_packets, used_in, used_out,"          \
	" used_refused_bytes, used_refused_packets, used_reset_bytes, used_reset_packets"

enum { COLUMN_ID, COLUMN_NAME, COLUMN_SPEC, COLUMN_SLOT, COLUMN_RULE, COLUMN_STARTED, COLUMN_BASE,
       COLUMN_USED = COLUMN_BASE + 6 };

struct NetfilLedger {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *save, *checkpoint, *delete;
};

static gboolean failed(NetfilLedger *ledger, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "the ledger %s cannot be used (%s): see that its disk has room and is writable",
		    ledger->path, sqlite3_errmsg(ledger->db));
	return FALSE;
}

static gboolean run(NetfilLedger *ledger, const char *sql, GError **error)
{
	return sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       failed(ledger, error);
}

/* Steps a statement that returns no rows, and makes it ready again. */
static gboolean finish(NetfilLedger *ledger, sqlite3_stmt *statement, GError **error)
{
	gboolean done = sqlite3_step(statement) == SQLITE_DONE || failed(ledger, error);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return done;
}

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

static gboolean migrate(NetfilLedger *ledger, GError **error)
{
	int version = schema_version(ledger);

	if (version < 0)
		return failed(ledger, error);
	if (version > (int)G_N_ELEMENTS(migrations)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_UNSUPPORTED,
			    "the ledger %s is of a newer netfil (schema %d, this one knows %d): "
			    "upgrade netfil, or set NETFIL_STATE_DIR",
			    ledger->path, version, (int)G_N_ELEMENTS(migrations));
		return FALSE;
	}
	for (; version < (int)G_N_ELEMENTS(migrations); version++) {
		g_autofree char *mark = g_strdup_printf("PRAGMA user_version = %d", version + 1);

		if (!netfil_ledger_begin(ledger, error))
			return FALSE;
		if (!run(ledger, migrations[version], error) || !run(ledger, mark, error)) {
			netfil_ledger_rollback(ledger);
			return FALSE;
		}
		if (!netfil_ledger_commit(ledger, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean prepare(NetfilLedger *ledger, const char *sql, sqlite3_stmt **statement,
			GError **error)
{
	return sqlite3_prepare_v3(ledger->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
				  NULL) == SQLITE_OK ||
	       failed(ledger, error);
}

static gboolean prepare_all(NetfilLedger *ledger, GError **error)
{
	return prepare(ledger,
		       "REPLACE INTO filter (" COLUMNS ") VALUES "
		       "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
		       " ?17, ?18)",
		       &ledger->save, error) &&
	       prepare(ledger,
		       "UPDATE filter SET used_in = ?1, used_out = ?2, used_refused_bytes = ?3,"
		       " used_refused_packets = ?4, used_reset_bytes = ?5, used_reset_packets = ?6"
		       " WHERE id = ?7",
		       &ledger->checkpoint, error) &&
	       prepare(ledger, "DELETE FROM filter WHERE id = ?1", &ledger->delete, error);
}

NetfilLedger *netfil_ledger_open(const char *state_dir, GError **error)
{
	g_autoptr(NetfilLedger) ledger = g_new0(NetfilLedger, 1);

	ledger->path = g_build_filename(state_dir, "ledger.db", NULL);
	if (g_mkdir_with_parents(state_dir, 0755)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "cannot make %s (%s): run as root, or set NETFIL_STATE_DIR", state_dir,
			    g_strerror(errno));
		return NULL;
	}
	if (sqlite3_open_v2(ledger->path, &ledger->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
		failed(ledger, error);
		return NULL;
	}
	sqlite3_busy_timeout(ledger->db, 2000);
	if (!run(ledger, "PRAGMA journal_mode = WAL", error) ||
	    !run(ledger, "PRAGMA synchronous = NORMAL", error) ||
	    !run(ledger, "PRAGMA foreign_keys = ON", error) || !migrate(ledger, error) ||
	    !prepare_all(ledger, error))
		return NULL;
	return g_steal_pointer(&ledger);
}

void netfil_ledger_close(NetfilLedger *ledger)
{
	if (!ledger)
		return;
	sqlite3_finalize(ledger->save);
	sqlite3_finalize(ledger->checkpoint);
	sqlite3_finalize(ledger->delete);
	sqlite3_close(ledger->db);
	g_free(ledger->path);
	g_free(ledger);
}

gboolean netfil_ledger_begin(NetfilLedger *ledger, GError **error)
{
	return run(ledger, "BEGIN IMMEDIATE", error);
}

gboolean netfil_ledger_commit(NetfilLedger *ledger, GError **error)
{
	if (run(ledger, "COMMIT", error))
		return TRUE;
	netfil_ledger_rollback(ledger);
	return FALSE;
}

void netfil_ledger_rollback(NetfilLedger *ledger)
{
	run(ledger, "ROLLBACK", NULL); /* none under way: as wanted */
}

void netfil_ledger_filter_free(NetfilLedgerFilter *filter)
{
	if (!filter)
		return;
	g_free(filter->name);
	g_clear_pointer(&filter->spec, g_variant_unref);
	g_free(filter);
}

/* SQLite's integers are signed; 64 bits go in and come out unchanged. */
static void read_counters(sqlite3_stmt *row, int column, NetfilCounters *counters)
{
	counters->in = sqlite3_column_int64(row, column);
	counters->out = sqlite3_column_int64(row, column + 1);
	counters->refused_bytes = sqlite3_column_int64(row, column + 2);
	counters->refused_packets = sqlite3_column_int64(row, column + 3);
	counters->reset_bytes = sqlite3_column_int64(row, column + 4);
	counters->reset_packets = sqlite3_column_int64(row, column + 5);
}

static void bind_counters(sqlite3_stmt *statement, int parameter, const NetfilCounters *counters)
{
	sqlite3_bind_int64(statement, parameter, counters->in);
	sqlite3_bind_int64(statement, parameter + 1, counters->out);
	sqlite3_bind_int64(statement, parameter + 2, counters->refused_bytes);
	sqlite3_bind_int64(statement, parameter + 3, counters->refused_packets);
	sqlite3_bind_int64(statement, parameter + 4, counters->reset_bytes);
	sqlite3_bind_int64(statement, parameter + 5, counters->reset_packets);
}

static NetfilLedgerFilter *read_filter(sqlite3_stmt *row, GError **error)
{
	NetfilLedgerFilter *filter;
	GVariant *spec = g_variant_parse(G_VARIANT_TYPE("a{sas}"),
					 (const char *)sqlite3_column_text(row, COLUMN_SPEC), NULL,
					 NULL, NULL);

	if (!spec) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "the ledger's filter %s cannot be read: restore ledger.db from a backup",
			    sqlite3_column_text(row, COLUMN_NAME));
		return NULL;
	}
	filter = g_new0(NetfilLedgerFilter, 1);
	filter->spec = g_variant_ref_sink(spec);
	filter->id = sqlite3_column_int64(row, COLUMN_ID);
	filter->name = g_strdup((const char *)sqlite3_column_text(row, COLUMN_NAME));
	filter->slot = sqlite3_column_int(row, COLUMN_SLOT);
	filter->rule = sqlite3_column_int(row, COLUMN_RULE);
	filter->started = sqlite3_column_int64(row, COLUMN_STARTED);
	read_counters(row, COLUMN_BASE, &filter->base);
	read_counters(row, COLUMN_USED, &filter->used);
	return filter;
}

GPtrArray *netfil_ledger_load(NetfilLedger *ledger, GError **error)
{
	g_autoptr(GPtrArray) filters =
		g_ptr_array_new_with_free_func((GDestroyNotify)netfil_ledger_filter_free);
	sqlite3_stmt *rows = NULL;
	NetfilLedgerFilter *filter;
	int result;

	if (!prepare(ledger, "SELECT " COLUMNS " FROM filter ORDER BY id", &rows, error))
		return NULL;
	while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
		filter = read_filter(rows, error);
		if (!filter)
			break;
		g_ptr_array_add(filters, filter);
	}
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		failed(ledger, error);
	sqlite3_finalize(rows);
	return result == SQLITE_DONE ? g_steal_pointer(&filters) : NULL;
}

gboolean netfil_ledger_save(NetfilLedger *ledger, NetfilLedgerFilter *filter, GError **error)
{
	g_autofree char *spec = g_variant_print(filter->spec, FALSE);
	sqlite3_stmt *save = ledger->save;

	if (filter->id)
		sqlite3_bind_int64(save, COLUMN_ID + 1, filter->id);
	sqlite3_bind_text(save, COLUMN_NAME + 1, filter->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(save, COLUMN_SPEC + 1, spec, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(save, COLUMN_SLOT + 1, filter->slot);
	sqlite3_bind_int64(save, COLUMN_RULE + 1, filter->rule);
	sqlite3_bind_int64(save, COLUMN_STARTED + 1, filter->started);
	bind_counters(save, COLUMN_BASE + 1, &filter->base);
	bind_counters(save, COLUMN_USED + 1, &filter->used);
	if (!finish(ledger, save, error))
		return FALSE;
	if (!filter->id)
		filter->id = sqlite3_last_insert_rowid(ledger->db);
	return TRUE;
}

gboolean netfil_ledger_checkpoint(NetfilLedger *ledger, gint64 id, const NetfilCounters *used,
				  GError **error)
{
	bind_counters(ledger->checkpoint, 1, used);
	sqlite3_bind_int64(ledger->checkpoint, 7, id);
	return finish(ledger, ledger->checkpoint, error);
}

gboolean netfil_ledger_delete(NetfilLedger *ledger, gint64 id, GError **error)
{
	sqlite3_bind_int64(ledger->delete, 1, id);
	return finish(ledger, ledger->delete, error);
}
