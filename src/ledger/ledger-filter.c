// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters, their usage, and notes. */
#include "ledger-private.h"

#include "core/error.h"

/* Columns of NETFIL_SQL_FILTER; parameters count from 1. */
enum {
	ID,
	NAME,
	SPEC,
	SLOT,
	RULE,
	STARTED,
	ENDS,
	EXTRA,
	FORFEITED = EXTRA + NETFIL_DIRECTIONS,
	GRANTED,
	UNLIMITED_UNTIL,
	FREE_UNTIL,
	DOWNED,
	OWNER,
	/* of load() alone */
	BASE,
	USED = BASE + NETFIL_SQL_COUNTERS_COUNT,
	RECORDED = USED + NETFIL_SQL_COUNTERS_COUNT,
};

#define FILTER_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16"
#define USAGE_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13"
#define RECORDED_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7"

/* Above all that were ever given. */
static const char next_id_sql[] =
    "SELECT 1 + max((SELECT coalesce(max(id), 0) FROM filter),"
    " (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'filter'))";
static const char insert_sql[] = "INSERT INTO filter (" NETFIL_SQL_FILTER ", sum)"
				 " VALUES (" FILTER_VALUES ", netfil_sum(" FILTER_VALUES "))";
static const char update_sql[] = "UPDATE filter SET (" NETFIL_SQL_FILTER ", sum)"
				 " = (" FILTER_VALUES ", netfil_sum(" FILTER_VALUES "))"
				 " WHERE id = ?1";
static const char put_usage_sql[] = "REPLACE INTO usage (" NETFIL_SQL_USAGE ", sum)"
				    " VALUES (" USAGE_VALUES ", netfil_sum(" USAGE_VALUES "))";
static const char checkpoint_sql[] = "UPDATE usage SET (" NETFIL_SQL_USAGE ", sum)"
				     " = (" USAGE_VALUES ", netfil_sum(" USAGE_VALUES "))"
				     " WHERE filter = ?1";
static const char put_recorded_sql[] =
    "REPLACE INTO recorded (" NETFIL_SQL_RECORDED ", sum)"
    " VALUES (" RECORDED_VALUES ", netfil_sum(" RECORDED_VALUES "))";
static const char load_sql[] =
    "SELECT " NETFIL_SQL_FILTER ", " NETFIL_SQL_BASE ", " NETFIL_SQL_USED ", " NETFIL_SQL_COUNTERS
    " FROM filter JOIN usage ON usage.filter = id JOIN recorded ON recorded.filter = id"
    " ORDER BY id";
static const char load_warnings_sql[] = "SELECT filter, percent FROM warning"
					" ORDER BY filter, percent";
static const char delete_sql[] = "DELETE FROM filter WHERE id = ?1";
static const char note_sql[] = "SELECT value FROM note WHERE key = ?1";
static const char set_note_sql[] = "REPLACE INTO note (" NETFIL_SQL_NOTE ", sum)"
				   " VALUES (?1, ?2, netfil_sum(?1, ?2))";

void netfil_ledger_filter_free(NetfilLedgerFilter *filter)
{
	if (!filter)
		return;
	g_free(filter->name);
	g_free(filter->downed);
	g_clear_pointer(&filter->spec, g_variant_unref);
	g_clear_pointer(&filter->warned, g_array_unref);
	g_free(filter);
}

/* ---- loading ---- */

static GVariant *read_spec(sqlite3_stmt *row)
{
	const char *text = (const char *)sqlite3_column_text(row, SPEC);

	return text ? g_variant_parse(G_VARIANT_TYPE("a{sas}"), text, NULL, NULL, NULL) : NULL;
}

static NetfilLedgerFilter *read_filter(sqlite3_stmt *row, GVariant *spec)
{
	NetfilLedgerFilter *filter = g_new0(NetfilLedgerFilter, 1);

	filter->id = sqlite3_column_int64(row, ID);
	filter->name = g_strdup((const char *)sqlite3_column_text(row, NAME));
	filter->spec = spec;
	filter->slot = sqlite3_column_int64(row, SLOT);
	filter->rule = sqlite3_column_int(row, RULE);
	filter->started = sqlite3_column_int64(row, STARTED);
	filter->ends = sqlite3_column_int64(row, ENDS);
	for (int i = 0; i < NETFIL_DIRECTIONS; i++)
		filter->extra[i] = sqlite3_column_int64(row, EXTRA + i);
	filter->forfeited = sqlite3_column_int64(row, FORFEITED);
	filter->granted = sqlite3_column_int64(row, GRANTED);
	filter->unlimited_until = sqlite3_column_int64(row, UNLIMITED_UNTIL);
	filter->free_until = sqlite3_column_int64(row, FREE_UNTIL);
	filter->downed = g_strdup((const char *)sqlite3_column_text(row, DOWNED));
	filter->owner = (guint32)sqlite3_column_int64(row, OWNER);
	filter->warned = g_array_new(FALSE, FALSE, sizeof(guint8));
	netfil_ledger_read_counters(row, BASE, &filter->base);
	netfil_ledger_read_counters(row, USED, &filter->used);
	netfil_ledger_read_counters(row, RECORDED, &filter->recorded);
	return filter;
}

static gboolean load_filters(NetfilLedger *ledger, GPtrArray *filters, GError **error)
{
	sqlite3_stmt *rows = netfil_ledger_statement(ledger, load_sql, error);
	int result;

	if (!rows)
		return FALSE;
	while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
		GVariant *spec = read_spec(rows);

		if (!spec) {
			netfil_ledger_end(ledger, rows, SQLITE_DONE, NULL);
			return netfil_ledger_is_damaged(ledger, "a filter cannot be read", error);
		}
		g_ptr_array_add(filters, read_filter(rows, spec));
	}
	return netfil_ledger_end(ledger, rows, result, error);
}

/* Both are sorted by the filters' numbers. */
static gboolean load_warnings(NetfilLedger *ledger, GPtrArray *filters, GError **error)
{
	sqlite3_stmt *rows = netfil_ledger_statement(ledger, load_warnings_sql, error);
	guint at = 0;
	int result;

	if (!rows)
		return FALSE;
	while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
		gint64 id = sqlite3_column_int64(rows, 0);
		guint8 percent = sqlite3_column_int(rows, 1);
		NetfilLedgerFilter *filter = NULL;

		for (; at < filters->len; at++) {
			filter = g_ptr_array_index(filters, at);
			if (filter->id >= id)
				break;
		}
		if (at < filters->len && filter->id == id)
			g_array_append_val(filter->warned, percent);
	}
	return netfil_ledger_end(ledger, rows, result, error);
}

GPtrArray *netfil_ledger_load(NetfilLedger *ledger, GError **error)
{
	g_autoptr(GPtrArray) filters =
	    g_ptr_array_new_with_free_func((GDestroyNotify)netfil_ledger_filter_free);

	if (!load_filters(ledger, filters, error) || !load_warnings(ledger, filters, error))
		return NULL;
	return g_steal_pointer(&filters);
}

/* ---- writing ---- */

static gint64 next_id(NetfilLedger *ledger, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, next_id_sql, error);
	gint64 id = 0;
	int result;

	if (!row)
		return 0;
	result = sqlite3_step(row);
	if (result == SQLITE_ROW)
		id = sqlite3_column_int64(row, 0);
	netfil_ledger_end(ledger, row, id ? SQLITE_DONE : result, error);
	return id;
}

static void bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
	sqlite3_bind_text(statement, parameter, text, -1, SQLITE_TRANSIENT);
}

static gboolean write_filter(NetfilLedger *ledger, const NetfilLedgerFilter *filter, gint64 id,
			     const char *sql, GError **error)
{
	sqlite3_stmt *write = netfil_ledger_statement(ledger, sql, error);
	g_autofree char *spec = g_variant_print(filter->spec, FALSE);

	if (!write)
		return FALSE;
	sqlite3_bind_int64(write, ID + 1, id);
	bind_text(write, NAME + 1, filter->name);
	bind_text(write, SPEC + 1, spec);
	sqlite3_bind_int64(write, SLOT + 1, filter->slot);
	sqlite3_bind_int64(write, RULE + 1, filter->rule);
	sqlite3_bind_int64(write, STARTED + 1, filter->started);
	sqlite3_bind_int64(write, ENDS + 1, filter->ends);
	for (int i = 0; i < NETFIL_DIRECTIONS; i++)
		sqlite3_bind_int64(write, EXTRA + 1 + i, filter->extra[i]);
	sqlite3_bind_int64(write, FORFEITED + 1, filter->forfeited);
	sqlite3_bind_int64(write, GRANTED + 1, filter->granted);
	sqlite3_bind_int64(write, UNLIMITED_UNTIL + 1, filter->unlimited_until);
	sqlite3_bind_int64(write, FREE_UNTIL + 1, filter->free_until);
	bind_text(write, DOWNED + 1, filter->downed);
	sqlite3_bind_int64(write, OWNER + 1, filter->owner);
	return netfil_ledger_finish(ledger, write, error) && netfil_ledger_met(ledger, id, error);
}

static gboolean write_usage(NetfilLedger *ledger, const char *sql, gint64 id,
			    const NetfilCounters *base, const NetfilCounters *used, GError **error)
{
	sqlite3_stmt *write = netfil_ledger_statement(ledger, sql, error);

	if (!write)
		return FALSE;
	sqlite3_bind_int64(write, 1, id);
	netfil_ledger_bind_counters(write, 2, base);
	netfil_ledger_bind_counters(write, 2 + NETFIL_SQL_COUNTERS_COUNT, used);
	return netfil_ledger_finish(ledger, write, error) && netfil_ledger_met(ledger, id, error);
}

gboolean netfil_ledger_checkpoint(NetfilLedger *ledger, gint64 id, const NetfilCounters *used,
				  const NetfilCounters *base, GError **error)
{
	return write_usage(ledger, checkpoint_sql, id, base, used, error);
}

gboolean netfil_ledger_set_recorded(NetfilLedger *ledger, gint64 filter,
				    const NetfilCounters *recorded, GError **error)
{
	sqlite3_stmt *put = netfil_ledger_statement(ledger, put_recorded_sql, error);

	if (!put)
		return FALSE;
	sqlite3_bind_int64(put, 1, filter);
	netfil_ledger_bind_counters(put, 2, recorded);
	return netfil_ledger_finish(ledger, put, error);
}

typedef struct {
	const NetfilLedgerFilter *filter;
	gint64 id;
} Save;

static gboolean save(NetfilLedger *ledger, gpointer data, GError **error)
{
	Save *to = data;
	const NetfilLedgerFilter *filter = to->filter;

	to->id = filter->id ? filter->id : next_id(ledger, error);
	return to->id &&
	       write_filter(ledger, filter, to->id, filter->id ? update_sql : insert_sql, error) &&
	       write_usage(ledger, put_usage_sql, to->id, &filter->base, &filter->used, error) &&
	       netfil_ledger_set_recorded(ledger, to->id, &filter->recorded, error);
}

gboolean netfil_ledger_save(NetfilLedger *ledger, NetfilLedgerFilter *filter, GError **error)
{
	Save to = {filter};

	if (!netfil_ledger_together(ledger, save, &to, error))
		return FALSE;
	filter->id = to.id;
	return TRUE;
}

/* What has no foreign key goes first, the rest by itself. */
static gboolean delete (NetfilLedger *ledger, gpointer data, GError **error)
{
	gint64 id = *(gint64 *)data;
	sqlite3_stmt *statement;

	if (!netfil_ledger_delete_history(ledger, id, error))
		return FALSE;
	statement = netfil_ledger_statement(ledger, delete_sql, error);
	if (!statement)
		return FALSE;
	sqlite3_bind_int64(statement, 1, id);
	return netfil_ledger_finish(ledger, statement, error);
}

gboolean netfil_ledger_delete(NetfilLedger *ledger, gint64 id, GError **error)
{
	return netfil_ledger_together(ledger, delete, &id, error);
}

/* ---- notes ---- */

char *netfil_ledger_note(NetfilLedger *ledger, const char *key, GError **error)
{
	sqlite3_stmt *row = netfil_ledger_statement(ledger, note_sql, error);
	char *value = NULL;
	int result;

	if (!row)
		return NULL;
	bind_text(row, 1, key);
	result = sqlite3_step(row);
	if (result == SQLITE_ROW)
		value = g_strdup((const char *)sqlite3_column_text(row, 0));
	netfil_ledger_end(ledger, row, value ? SQLITE_DONE : result, error);
	return value;
}

gboolean netfil_ledger_set_note(NetfilLedger *ledger, const char *key, const char *value,
				GError **error)
{
	sqlite3_stmt *set = netfil_ledger_statement(ledger, set_note_sql, error);

	if (!set)
		return FALSE;
	bind_text(set, 1, key);
	bind_text(set, 2, value);
	return netfil_ledger_finish(ledger, set, error);
}
