// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The ledger is opened, made, or restored from its backup. */
#include "ledger-private.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/error.h"

static char *beside(const char *path, const char *end)
{
	return g_strconcat(path, end, NULL);
}

static gboolean exists(const char *path, const char *end)
{
	g_autofree char *name = beside(path, end);

	return g_file_test(name, G_FILE_TEST_EXISTS);
}

static char *time_text(gint64 when, const char *format)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(when);

	return g_date_time_format(time, format);
}

/* A name that nothing has, not even a -wal. */
static char *name_aside(const char *path)
{
	g_autofree char *time = time_text(g_get_real_time() / G_USEC_PER_SEC, "%Y%m%dT%H%M%S");
	char *name = g_strdup_printf("%s.damaged-%s", path, time);

	for (guint i = 2; exists(name, "") || exists(name, "-wal"); i++) {
		g_free(name);
		name = g_strdup_printf("%s.damaged-%s-%u", path, time, i);
	}
	return name;
}

/* Made under another name: what is called ledger.db has been whole once, so an empty one
 * is damaged. */
static gboolean make(const char *path, GError **error)
{
	g_autofree char *made = beside(path, ".new"), *damage = NULL;

	netfil_ledger_file_remove(made);
	return netfil_ledger_check_file(made, TRUE, &damage, error) &&
	       netfil_ledger_file_replace(made, path, error);
}

/* ---- restoring ---- */

static gboolean no_backup(const char *path, const char *trouble, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "the ledger %s is %s, and there is no good backup: put a copy of yours in its "
		    "place, or move %s* away to begin with nothing",
		    path, trouble, path);
	return FALSE;
}

/* A copy of the backup that is known to be good, under another name. */
static gboolean copy_backup(const char *backup, const char *made, char **damage, GError **error)
{
	netfil_ledger_file_remove(made);
	if (netfil_ledger_file_copy(backup, made, error) &&
	    netfil_ledger_check_file(made, FALSE, damage, error))
		return TRUE;
	netfil_ledger_file_remove(made);
	return FALSE;
}

/* `trouble`: "missing", "damaged (how)". */
static gboolean restore(const char *path, const char *trouble, char **warning, GError **error)
{
	g_autofree char *backup = beside(path, ".backup"), *made = beside(path, ".new");
	g_autofree char *aside = name_aside(path), *damage = NULL, *time = NULL;
	g_autoptr(GError) why = NULL;
	struct stat status;

	if (stat(backup, &status))
		return no_backup(path, trouble, error);
	if (!copy_backup(backup, made, &damage, &why)) {
		if (damage)
			return no_backup(path, trouble, error);
		g_propagate_error(error, g_steal_pointer(&why));
		return FALSE;
	}
	if (!netfil_ledger_file_move(path, aside, error))
		return FALSE;
	/* Once it is in place it has to be told, even if that is not on disk. */
	if (!netfil_ledger_file_replace(made, path, &why) && !exists(path, "")) {
		g_propagate_error(error, g_steal_pointer(&why));
		return FALSE;
	}
	time = time_text(status.st_mtime, "%Y-%m-%d %H:%M:%S");
	*warning =
	    g_strdup_printf("the ledger %s is %s: what there is of it is kept as %s, and the "
			    "backup of %s is used; what was changed since then is lost",
			    path, trouble, aside, time);
	return TRUE;
}

/* ---- opening ---- */

static gboolean make_directory(const char *state_dir, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(state_dir);

	if (g_file_test(state_dir, G_FILE_TEST_IS_DIR))
		return TRUE;
	if (g_mkdir_with_parents(state_dir, 0755)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "cannot make %s (%s): run as root, or set NETFIL_STATE_DIR", state_dir,
			    g_strerror(errno));
		return FALSE;
	}
	return netfil_ledger_file_sync(parent, error);
}

/* A backup or -wal without its database says that there was one. */
static gboolean find(const char *path, char **warning, GError **error)
{
	if (exists(path, ""))
		return TRUE;
	if (exists(path, ".backup") || exists(path, "-wal"))
		return restore(path, "missing", warning, error);
	return make(path, error);
}

NetfilLedger *netfil_ledger_open(const char *state_dir, char **warning, GError **error)
{
	g_autofree char *path = g_build_filename(state_dir, "ledger.db", NULL);
	g_autofree char *damage = NULL, *trouble = NULL, *again = NULL;
	g_autoptr(GError) why = NULL;
	NetfilLedger *ledger;

	*warning = NULL;
	if (!make_directory(state_dir, error) || !find(path, warning, error))
		return NULL;
	ledger = netfil_ledger_connect_checked(path, FALSE, &damage, &why);
	if (ledger)
		return ledger;
	if (!damage || *warning) {
		g_propagate_error(error, g_steal_pointer(&why));
		return NULL;
	}
	trouble = g_strdup_printf("damaged (%s)", damage);
	if (!restore(path, trouble, warning, error))
		return NULL;
	return netfil_ledger_connect_checked(path, FALSE, &again, error);
}
