// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/error.h"

#define PIECE (1 << 16)

static gboolean file_failed(const char *path, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "cannot write %s (%s): see that its disk is well, has room and is writable",
		    path, g_strerror(errno));
	return FALSE;
}

gboolean netfil_ledger_file_sync(const char *path, GError **error)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	gboolean done = file >= 0 && !fsync(file);

	if (!done)
		file_failed(path, error);
	if (file >= 0)
		close(file);
	return done;
}

static gboolean write_all(int file, const char *data, gssize length)
{
	while (length > 0) {
		gssize written = write(file, data, length);

		if (written < 0)
			return FALSE;
		data += written;
		length -= written;
	}
	return TRUE;
}

static gboolean pour(int from, int to)
{
	g_autofree char *piece = g_malloc(PIECE);
	gssize length;

	while ((length = read(from, piece, PIECE)) > 0)
		if (!write_all(to, piece, length))
			return FALSE;
	return !length;
}

gboolean netfil_ledger_file_copy(const char *from, const char *to, GError **error)
{
	int source = open(from, O_RDONLY | O_CLOEXEC);
	int copy = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	gboolean done = copy >= 0 && pour(source, copy);

	if (!done)
		file_failed(source < 0 ? from : to, error);
	if (copy >= 0)
		close(copy);
	if (source >= 0)
		close(source);
	return done;
}

static gboolean sync_directory_of(const char *path, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);

	return netfil_ledger_file_sync(directory, error);
}

gboolean netfil_ledger_file_replace(const char *from, const char *to, GError **error)
{
	if (!netfil_ledger_file_sync(from, error))
		return FALSE;
	if (rename(from, to))
		return file_failed(to, error);
	return sync_directory_of(to, error);
}

void netfil_ledger_file_remove(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};

	for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autofree char *name = g_strconcat(path, ends[i], NULL);

		unlink(name);
	}
}

/* The -wal last: without its database it can do no harm, as netfil_ledger_open() then
 * moves it too; a database without its -wal would look as if nothing were missing. */
gboolean netfil_ledger_file_move(const char *path, const char *to, GError **error)
{
	static const char *const ends[] = {"", "-journal", "-wal"};
	g_autofree char *shm = g_strconcat(path, "-shm", NULL);

	for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autofree char *from = g_strconcat(path, ends[i], NULL);
		g_autofree char *aside = g_strconcat(to, ends[i], NULL);

		if (rename(from, aside) && errno != ENOENT)
			return file_failed(aside, error);
	}
	unlink(shm);
	return sync_directory_of(path, error);
}
