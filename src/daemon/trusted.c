/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

static gboolean fail_errno(const char *path, GError **error)
{
	gboolean absent = errno == ENOENT;

	g_set_error(error, NETFIL_ERROR, absent ? NETFIL_ERROR_NOT_FOUND : NETFIL_ERROR_FAILED,
		    "%s cannot be read (%s): %s", path, g_strerror(errno),
		    absent ? "make it" : "look at what it is");
	return FALSE;
}

gboolean netfil_trusted_check(const char *path, const struct stat *status, GError **error)
{
	if (status->st_uid == 0 && !(status->st_mode & (S_IWGRP | S_IWOTH)))
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
		    "%s %s: use \"chown root %s\" and \"chmod go-w %s\"", path,
		    status->st_uid ? "is not root's" : "can be written by others than root", path,
		    path);
	return FALSE;
}

static gboolean check_directory_of(const char *path, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	struct stat status;

	return stat(directory, &status) == 0 ? netfil_trusted_check(directory, &status, error)
					     : fail_errno(directory, error);
}

gboolean netfil_trusted_place(const char *path, GError **error)
{
	g_autofree char *real = realpath(path, NULL);

	return check_directory_of(path, error) && (!real || check_directory_of(real, error));
}

static gboolean check_file(const char *path, int fd, gsize max, GError **error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail_errno(path, error);
	if (!S_ISREG(status.st_mode)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "%s is no file: remove it, or put a file in its place", path);
		return FALSE;
	}
	if ((guint64)status.st_size > max) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "%s has more than %" G_GSIZE_FORMAT " bytes: make it shorter", path,
			    max);
		return FALSE;
	}
	return netfil_trusted_check(path, &status, error);
}

/* It may grow meanwhile: no more than `max` all the same. */
static char *read_all(const char *path, int fd, gsize max, gsize *length, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint8 part[65536];
	ssize_t n;

	while (bytes->len < max) {
		n = read(fd, part, MIN(sizeof(part), max - bytes->len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail_errno(path, error);
			return NULL;
		}
		if (n == 0)
			break;
		g_byte_array_append(bytes, part, n);
	}
	*length = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}

char *netfil_trusted_read(const char *path, gsize max, gsize *length, GError **error)
{
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		fail_errno(path, error);
		return NULL;
	}
	if (netfil_trusted_place(path, error) && check_file(path, fd, max, error))
		text = read_all(path, fd, max, length, error);
	close(fd);
	return text;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *netfil_trusted_list(const char *directory, const char *suffix, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) problem = NULL;
	g_autoptr(GDir) dir = NULL;
	struct stat status;
	const char *name;

	if (stat(directory, &status) < 0) {
		if (errno == ENOENT)
			return g_steal_pointer(&names);
		fail_errno(directory, error);
		return NULL;
	}
	if (!netfil_trusted_place(directory, error) ||
	    !netfil_trusted_check(directory, &status, error))
		return NULL;
	dir = g_dir_open(directory, 0, &problem);
	if (!dir) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "%s cannot be read (%s): make it a directory", directory,
			    problem->message);
		return NULL;
	}
	while ((name = g_dir_read_name(dir)))
		if (name[0] != '.' && g_str_has_suffix(name, suffix))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}
