// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger-fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdio.h>

/* ---- files ---- */

char *directory_new(void)
{
	g_autoptr(GError) error = NULL;
	char *directory = g_dir_make_tmp("netfil-ledger-XXXXXX", &error);

	g_assert_no_error(error);
	return directory;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *files_like(const char *directory, const char *start)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	GDir *dir = g_dir_open(directory, 0, NULL);
	const char *name;

	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir)))
		if (g_str_has_prefix(name, start))
			g_ptr_array_add(names, g_strdup(name));
	g_dir_close(dir);
	g_ptr_array_sort(names, by_name);
	return names;
}

void directory_remove(char *directory)
{
	g_autoptr(GPtrArray) names = files_like(directory, "");

	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = file_in(directory, g_ptr_array_index(names, i));

		g_assert_cmpint(g_unlink(path), ==, 0);
	}
	g_assert_cmpint(g_rmdir(directory), ==, 0);
	g_free(directory);
}

char *file_in(const char *directory, const char *name)
{
	return g_build_filename(directory, name, NULL);
}

char *file_read(const char *path, gsize *length)
{
	g_autoptr(GError) error = NULL;
	char *data = NULL;

	g_file_get_contents(path, &data, length, &error);
	g_assert_no_error(error);
	return data;
}

void file_write(const char *path, const char *data, gsize length)
{
	FILE *file = fopen(path, "wb");

	g_assert_nonnull(file);
	g_assert_cmpuint(fwrite(data, 1, length, file), ==, length);
	g_assert_cmpint(fclose(file), ==, 0);
}

/* ---- ledgers ---- */

NetfilLedger *ledger_open(const char *directory)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *warning = NULL;
	NetfilLedger *ledger = netfil_ledger_open(directory, &warning, &error);

	g_assert_no_error(error);
	g_assert_nonnull(ledger);
	g_assert_cmpstr(warning, ==, NULL);
	return ledger;
}

NetfilLedger *ledger_open_restored(const char *directory)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *warning = NULL;
	NetfilLedger *ledger = netfil_ledger_open(directory, &warning, &error);

	g_assert_no_error(error);
	g_assert_nonnull(ledger);
	g_assert_nonnull(warning);
	g_assert_nonnull(strstr(warning, "the backup of 2"));
	g_assert_null(strchr(warning, '\n'));
	return ledger;
}

void ledger_back_up_and_close(NetfilLedger *ledger)
{
	netfil_ledger_backup(ledger);
	netfil_ledger_close(ledger);
}

NetfilCounters counters(guint64 from)
{
	return (NetfilCounters){from, from + 1, from + 2, from + 3, from + 4, from + 5};
}

void assert_counters(const NetfilCounters *a, const NetfilCounters *b)
{
	g_assert_cmpuint(a->in, ==, b->in);
	g_assert_cmpuint(a->out, ==, b->out);
	g_assert_cmpuint(a->refused_bytes, ==, b->refused_bytes);
	g_assert_cmpuint(a->refused_packets, ==, b->refused_packets);
	g_assert_cmpuint(a->reset_bytes, ==, b->reset_bytes);
	g_assert_cmpuint(a->reset_packets, ==, b->reset_packets);
}

NetfilLedgerFilter *filter_new(const char *name, guint salt)
{
	NetfilLedgerFilter *filter = g_new0(NetfilLedgerFilter, 1);
	guint64 from = (guint64)salt << 32;

	filter->name = g_strdup(name);
	filter->spec = g_variant_ref_sink(g_variant_new_parsed(
	    "{'name': [%s], 'ip': ['192.0.2.0/24', '2001:db8::/32'], 'in': ['100']}", name));
	filter->slot = salt + 1;
	filter->rule = salt % 2 ? -1 : (int)salt;
	filter->started = NOW + salt;
	filter->ends = NOW + salt + DAY;
	filter->base = counters(from + 100);
	filter->used = counters(from + 200);
	filter->recorded = counters(from + 300);
	filter->extra[NETFIL_IN] = -(gint64)from - 1;
	filter->extra[NETFIL_OUT] = from + 2;
	filter->extra[NETFIL_TOTAL] = from + 3;
	filter->forfeited = from + 4;
	filter->granted = from + 5;
	filter->unlimited_until = NOW + salt + 6;
	filter->free_until = NOW + salt + 7;
	filter->owner = salt + 1000;
	filter->downed = salt % 2 ? g_strdup("eth1 wlan0") : NULL;
	return filter;
}

/* ---- all that it says ---- */

static void tell_counters(GString *text, const NetfilCounters *c)
{
	g_string_append_printf(text, " %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, c->in, c->out);
	g_string_append_printf(text, "/%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, c->refused_bytes,
			       c->refused_packets);
	g_string_append_printf(text, "/%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, c->reset_bytes,
			       c->reset_packets);
}

static void tell_number(GString *text, gint64 number)
{
	g_string_append_printf(text, " %" G_GINT64_FORMAT, number);
}

static void tell_filter(GString *text, const NetfilLedgerFilter *f)
{
	g_autofree char *spec = g_variant_print(f->spec, FALSE);

	g_string_append_printf(text, "filter %s %s %s %u %d", f->name, spec,
			       f->downed ? f->downed : "-", f->slot, f->rule);
	tell_number(text, f->id);
	tell_number(text, f->started);
	tell_number(text, f->ends);
	tell_counters(text, &f->base);
	tell_counters(text, &f->used);
	tell_counters(text, &f->recorded);
	for (int i = 0; i < NETFIL_DIRECTIONS; i++)
		tell_number(text, f->extra[i]);
	tell_number(text, f->forfeited);
	tell_number(text, f->granted);
	tell_number(text, f->unlimited_until);
	tell_number(text, f->free_until);
	tell_number(text, f->owner);
	for (guint i = 0; i < f->warned->len; i++)
		g_string_append_printf(text, " %u%%", g_array_index(f->warned, guint8, i));
	g_string_append_c(text, '\n');
}

static gboolean tell_filters(GString *text, NetfilLedger *ledger, GError **error)
{
	g_autoptr(GPtrArray) filters = netfil_ledger_load(ledger, error);

	for (guint i = 0; filters && i < filters->len; i++)
		tell_filter(text, g_ptr_array_index(filters, i));
	return filters != NULL;
}

static gboolean tell_cycles(GString *text, NetfilLedger *ledger, GError **error)
{
	g_autoptr(GArray) cycles = netfil_ledger_cycles(ledger, 0, G_MININT64, G_MAXINT64, error);

	for (guint i = 0; cycles && i < cycles->len; i++) {
		const NetfilLedgerCycle *c = &g_array_index(cycles, NetfilLedgerCycle, i);

		g_string_append(text, "cycle");
		tell_number(text, c->filter);
		tell_number(text, c->started);
		tell_number(text, c->ended);
		for (int j = 0; j < NETFIL_DIRECTIONS; j++)
			tell_number(text, c->limit[j]);
		tell_counters(text, &c->used);
		g_string_append_c(text, '\n');
	}
	return cycles != NULL;
}

static gboolean tell_entries(GString *text, GArray *entries)
{
	for (guint i = 0; entries && i < entries->len; i++) {
		const NetfilLedgerEntry *e = &g_array_index(entries, NetfilLedgerEntry, i);

		g_string_append_printf(text, "%s %s", netfil_by_name(e->by), e->exe ? e->exe : "-");
		tell_number(text, e->uid);
		tell_number(text, e->filter);
		tell_number(text, e->start);
		tell_counters(text, &e->sum);
		g_string_append_c(text, '\n');
	}
	return entries != NULL;
}

static gboolean tell_history(GString *text, NetfilLedger *ledger, GError **error)
{
	g_autoptr(GArray) history = netfil_ledger_history(ledger, 0, G_MININT64, G_MAXINT64, error);
	g_autoptr(GArray) apps = NULL;

	if (!tell_entries(text, history))
		return FALSE;
	apps = netfil_ledger_apps(ledger, G_MININT64, G_MAXINT64, error);
	return tell_entries(text, apps);
}

static gboolean tell_accounts(GString *text, NetfilLedger *ledger, GError **error)
{
	g_autoptr(GArray) accounts = netfil_ledger_accounts(ledger, error);

	for (guint i = 0; accounts && i < accounts->len; i++) {
		const NetfilLedgerAccount *a = &g_array_index(accounts, NetfilLedgerAccount, i);

		g_string_append_printf(text, "account %u", a->account);
		tell_number(text, a->in);
		tell_number(text, a->out);
		g_string_append_c(text, '\n');
	}
	return accounts != NULL;
}

static gboolean tell_note(GString *text, NetfilLedger *ledger, const char *key, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *value = netfil_ledger_note(ledger, key, &why);

	if (value)
		g_string_append_printf(text, "note %s %s\n", key, value);
	if (!why)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&why));
	return FALSE;
}

typedef struct {
	GString *text;
	gint64 filter;
} Members;

static void tell_member(const char *name, const char *key, const NetfilCounters *used,
			gpointer data)
{
	const Members *members = data;

	g_string_append(members->text, "member");
	tell_number(members->text, members->filter);
	g_string_append_printf(members->text, " %s %s", name, key);
	tell_counters(members->text, used);
	g_string_append_c(members->text, '\n');
}

static gboolean tell_members(GString *text, NetfilLedger *ledger, GError **error)
{
	g_autoptr(GPtrArray) filters = netfil_ledger_load(ledger, error);

	for (guint i = 0; filters && i < filters->len; i++) {
		const NetfilLedgerFilter *filter = filters->pdata[i];
		Members members = {text, filter->id};

		if (!netfil_ledger_members(ledger, filter->id, tell_member, &members, error))
			return FALSE;
	}
	return filters != NULL;
}

char *ledger_try_dump(NetfilLedger *ledger, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (!tell_filters(text, ledger, error) || !tell_cycles(text, ledger, error) ||
	    !tell_members(text, ledger, error) || !tell_history(text, ledger, error) ||
	    !tell_accounts(text, ledger, error) || !tell_note(text, ledger, "boot-id", error) ||
	    !tell_note(text, ledger, "accounts", error))
		return NULL;
	return g_strdup(text->str);
}

char *ledger_dump(NetfilLedger *ledger)
{
	g_autoptr(GError) error = NULL;
	char *text = ledger_try_dump(ledger, &error);

	g_assert_no_error(error);
	return text;
}

/* ---- workloads ---- */

static gboolean add(NetfilLedger *ledger, guint i, GError **error)
{
	g_autofree char *name = g_strdup_printf("filter-%u", i);
	g_autoptr(NetfilLedgerFilter) filter = filter_new(name, i);

	return netfil_ledger_save(ledger, filter, error);
}

static gboolean change(NetfilLedger *ledger, gint64 id, guint salt, GError **error)
{
	g_autofree char *name = g_strdup_printf("changed-%u", salt);
	g_autoptr(NetfilLedgerFilter) filter = filter_new(name, salt);

	filter->id = id;
	return netfil_ledger_save(ledger, filter, error);
}

static gboolean use_members(NetfilLedger *ledger, gint64 id, guint round, GError **error)
{
	const NetfilCounters beyond = counters(id), used = counters(round);
	g_autofree char *name = g_strdup_printf("192.0.2.%u", round % 200);

	return netfil_ledger_put_member(ledger, id, NETFIL_LEDGER_BEYOND, "", &beyond, error) &&
	       netfil_ledger_put_member(ledger, id, name, name + 1, &used, error);
}

static gboolean turn(NetfilLedger *ledger, gint64 id, gint64 when, GError **error)
{
	const NetfilLedgerCycle cycle = {id, when, when + HOUR, {1, 2, 3}, counters(when)};

	return netfil_ledger_close_cycle(ledger, &cycle, error) &&
	       netfil_ledger_delete_members(ledger, id, error);
}

/* What netfild does each second, and each minute. */
static gboolean tick(NetfilLedger *ledger, guint filters, guint round, GError **error)
{
	const gint64 hour = NOW - (gint64)round * 5 * DAY;

	for (guint id = 1; id <= filters; id++) {
		const NetfilCounters base = counters(id * 1000), used = counters(round * 77 + id);

		if (!netfil_ledger_checkpoint(ledger, id, &used, &base, error) ||
		    !netfil_ledger_count(ledger, id, hour, &used, error) ||
		    !netfil_ledger_set_recorded(ledger, id, &used, error) ||
		    !use_members(ledger, id, round, error))
			return FALSE;
	}
	for (guint i = 0; i < 3; i++) {
		const NetfilLedgerAccount account = {i, round, i};
		g_autofree char *exe = g_strdup_printf("/usr/bin/program-%u", (round + i) % 5);

		if (!netfil_ledger_count_app(ledger, exe, i, hour, round + 1, i, error) ||
		    !netfil_ledger_record_account(ledger, &account, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean ticks(NetfilLedger *ledger, guint filters, guint round, GError **error)
{
	if (!netfil_ledger_begin(ledger, error))
		return FALSE;
	if (tick(ledger, filters, round, error))
		return netfil_ledger_commit(ledger, error);
	netfil_ledger_rollback(ledger);
	return FALSE;
}

static gboolean turn_alone(NetfilLedger *ledger, gint64 id, gint64 when, GError **error)
{
	if (!netfil_ledger_begin(ledger, error))
		return FALSE;
	if (turn(ledger, id, when, error))
		return netfil_ledger_commit(ledger, error);
	netfil_ledger_rollback(ledger);
	return FALSE;
}

static gboolean thin(NetfilLedger *ledger, GError **error)
{
	g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
	gboolean more;

	return netfil_ledger_thin(ledger, zone, NOW + DAY, &more, error);
}

/* As the caller that goes on after a failure has it: nothing of it may be left. */
static gboolean careless(NetfilLedger *ledger, guint round, GError **error)
{
	g_autofree char *text = g_strdup_printf("boot-%u", round);

	if (!netfil_ledger_begin(ledger, error))
		return FALSE;
	netfil_ledger_set_note(ledger, "boot-id", text, NULL);
	netfil_ledger_warn(ledger, 1, round % 100, NOW, NULL);
	netfil_ledger_set_note(ledger, "accounts", text, NULL);
	return netfil_ledger_commit(ledger, error);
}

#define FIRST 3 /* steps before the rounds */
#define ROUND 9 /* steps of a round */

guint workload_length(guint rounds)
{
	return FIRST + rounds * ROUND;
}

gboolean workload_step(NetfilLedger *ledger, guint step, GError **error)
{
	guint round = (step - FIRST) / ROUND;

	if (step < FIRST)
		return add(ledger, step, error);
	switch ((step - FIRST) % ROUND) {
	case 0:
		return ticks(ledger, FIRST, round, error);
	case 1:
		return careless(ledger, round, error);
	case 2:
		return turn_alone(ledger, 2, NOW + round * HOUR, error);
	case 3:
		return change(ledger, 1 + round % FIRST, round, error);
	case 4:
		return netfil_ledger_warn(ledger, 3, round % 3, NOW, error);
	case 5:
		return add(ledger, FIRST + round, error);
	case 6:
		return netfil_ledger_delete(ledger, FIRST + round + 1, error);
	case 7:
		return round % 3 || netfil_ledger_forget_accounts(ledger, error);
	default:
		return thin(ledger, error);
	}
}

void ledger_fill(NetfilLedger *ledger, guint filters)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(netfil_ledger_begin(ledger, &error));
	for (guint i = 0; i < filters; i++) {
		add(ledger, i, &error);
		g_assert_no_error(error);
		netfil_ledger_warn(ledger, i + 1, 80, NOW, &error);
		g_assert_no_error(error);
		turn(ledger, i + 1, NOW, &error);
		g_assert_no_error(error);
		netfil_ledger_warn(ledger, i + 1, 95, NOW, &error);
		g_assert_no_error(error);
	}
	for (guint round = 0; round < 20; round++)
		g_assert_true(tick(ledger, filters, round, &error));
	netfil_ledger_set_note(ledger, "boot-id", "a boot id", &error);
	g_assert_no_error(error);
	g_assert_true(netfil_ledger_commit(ledger, &error));
}

void ledger_break(const char *directory)
{
	g_autofree char *path = file_in(directory, "ledger.db"), *data = NULL;
	gsize length;

	data = file_read(path, &length);
	memset(data + length / 2 / 4096 * 4096, 0x55, 4096);
	file_write(path, data, length);
}

/* ---- schema 1 ---- */

#define SCHEMA_1                                                                                   \
	"CREATE TABLE filter ("                                                                    \
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"                                                   \
	" name TEXT NOT NULL UNIQUE,"                                                              \
	" specification TEXT NOT NULL,"                                                            \
	" slot INTEGER NOT NULL,"                                                                  \
	" rule INTEGER NOT NULL,"                                                                  \
	" started INTEGER NOT NULL,"                                                               \
	" base_in INTEGER NOT NULL, base_out INTEGER NOT NULL,"                                    \
	" base_refused_bytes INTEGER NOT NULL, base_refused_packets INTEGER NOT NULL,"             \
	" base_reset_bytes INTEGER NOT NULL, base_reset_packets INTEGER NOT NULL,"                 \
	" used_in INTEGER NOT NULL, used_out INTEGER NOT NULL,"                                    \
	" used_refused_bytes INTEGER NOT NULL, used_refused_packets INTEGER NOT NULL,"             \
	" used_reset_bytes INTEGER NOT NULL, used_reset_packets INTEGER NOT NULL"                  \
	") STRICT;"

void schema_1_write(const char *directory, const char *rows)
{
	g_autofree char *path = file_in(directory, "ledger.db");
	g_autofree char *sql = g_strconcat(
	    "PRAGMA journal_mode = WAL;" SCHEMA_1 "PRAGMA user_version = 1;", rows, NULL);
	char *message = NULL;
	sqlite3 *db;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &message);
	g_assert_cmpstr(message, ==, NULL);
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}
