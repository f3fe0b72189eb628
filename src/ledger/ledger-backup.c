// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The copy that is taken up when the ledger is damaged. */
#include "ledger-private.h"

#include "core/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3, sqlite3_close)

static gboolean copy_failed(sqlite3 *db, const char *path, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "cannot copy the ledger to %s (%s): see that its disk is well and has room",
		    path, sqlite3_errstr(sqlite3_extended_errcode(db)));
	return FALSE;
}

/* In one step, so that what is written meanwhile does not make it begin anew. */
static gboolean copy_database(sqlite3 *from, sqlite3 *to, const char *path, GError **error)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

	if (!backup)
		return copy_failed(to, path, error);
	sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup) == SQLITE_OK || copy_failed(to, path, error);
}

static gboolean copy(const char *from, const char *to, GError **error)
{
	const int create = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	g_autoptr(sqlite3) source = NULL;
	g_autoptr(sqlite3) target = NULL;

	if (sqlite3_open_v2(from, &source, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		return copy_failed(source, to, error);
	if (sqlite3_open_v2(to, &target, create, NULL) != SQLITE_OK ||
	    sqlite3_exec(target, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK)
		return copy_failed(target, to, error);
	return copy_database(source, target, to, error);
}

/* A backup that is not good must not take the place of one that is. */
static gboolean back_up(const char *path, const char *made, const char *backup, GError **error)
{
	g_autofree char *damage = NULL;

	return copy(path, made, error) && netfil_ledger_check_file(made, FALSE, &damage, error) &&
	       netfil_ledger_file_replace(made, backup, error);
}

static gpointer run(gpointer data)
{
	NetfilLedger *ledger = data;
	g_autofree char *backup = g_strconcat(ledger->path, ".backup", NULL);
	g_autofree char *made = g_strconcat(backup, ".new", NULL);
	g_autoptr(GError) error = NULL;

	netfil_ledger_file_remove(made);
	if (!back_up(ledger->path, made, backup, &error)) {
		netfil_ledger_file_remove(made);
		g_warning("there is no new backup: %s", error->message);
	}
	g_atomic_int_set(&ledger->backing_up, FALSE);
	return NULL;
}

void netfil_ledger_backup(NetfilLedger *ledger)
{
	if (g_atomic_int_get(&ledger->backing_up))
		return;
	if (ledger->backup)
		g_thread_join(ledger->backup);
	g_atomic_int_set(&ledger->backing_up, TRUE);
	ledger->backup = g_thread_new("ledger-backup", run, ledger);
}
