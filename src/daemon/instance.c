/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

struct NetfilInstance {
	char *directory;
	char *lock_path;
	int lock;
};

static gboolean fail_errno(GError **error, const char *what, const char *path, const char *remedy)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED, "cannot %s %s (%s): %s", what, path,
		    g_strerror(errno), remedy);
	return FALSE;
}

/* Whoever else may write there could put a socket of their own in our place. */
static gboolean check_directory(const char *path, GError **error)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return fail_errno(error, "use", path, "set NETFIL_RUNTIME_DIR");
	if (S_ISDIR(status.st_mode) && status.st_uid == geteuid() && !(status.st_mode & 022))
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
		    "%s must be a directory of root's that none else can write: "
		    "remove it, or set NETFIL_RUNTIME_DIR",
		    path);
	return FALSE;
}

static gboolean make_directory(const char *path, GError **error)
{
	if (g_mkdir_with_parents(path, 0755) < 0)
		return fail_errno(error, "make", path, "set NETFIL_RUNTIME_DIR");
	return check_directory(path, error);
}

static gboolean say_busy(NetfilInstance *instance, GError **error)
{
	g_autofree char *pid = NULL;

	/* Empty for the instant between the holder's lock and its write. */
	if (g_file_get_contents(instance->lock_path, &pid, NULL, NULL))
		g_strstrip(pid);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_BUSY,
		    "another netfild (pid %s) holds %s: stop it, or set NETFIL_RUNTIME_DIR",
		    pid && *pid ? pid : "unknown", instance->directory);
	return FALSE;
}

/* A daemon that ends removes its lock file: a lock on a file that is no longer
 * there locks nothing. */
static gboolean lock_is_current(NetfilInstance *instance)
{
	struct stat ours, there;

	return fstat(instance->lock, &ours) == 0 && stat(instance->lock_path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static gboolean take_lock(NetfilInstance *instance, GError **error)
{
	do {
		if (instance->lock >= 0)
			close(instance->lock);
		if (!make_directory(instance->directory, error))
			return FALSE;
		instance->lock =
		    open(instance->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (instance->lock < 0 && errno == ENOENT)
			continue; /* the one that ends took the directory along */
		if (instance->lock < 0)
			return fail_errno(error, "open", instance->lock_path, "remove it");
		if (flock(instance->lock, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? say_busy(instance, error)
						    : fail_errno(error, "lock", instance->lock_path,
								 "set NETFIL_RUNTIME_DIR");
	} while (instance->lock < 0 || !lock_is_current(instance));
	return TRUE;
}

static gboolean write_pid(NetfilInstance *instance, GError **error)
{
	if (ftruncate(instance->lock, 0) < 0 || dprintf(instance->lock, "%d\n", getpid()) < 0)
		return fail_errno(error, "write", instance->lock_path, "make room there");
	return TRUE;
}

static void instance_free(NetfilInstance *instance)
{
	if (instance->lock >= 0)
		close(instance->lock);
	g_free(instance->lock_path);
	g_free(instance->directory);
	g_free(instance);
}

NetfilInstance *netfil_instance_take(const char *runtime_dir, GError **error)
{
	NetfilInstance *instance = g_new0(NetfilInstance, 1);

	instance->directory = g_strdup(runtime_dir);
	instance->lock_path = g_build_filename(runtime_dir, "netfild.pid", NULL);
	instance->lock = -1;
	if (take_lock(instance, error) && write_pid(instance, error))
		return instance;
	instance_free(instance);
	return NULL;
}

void netfil_instance_release(NetfilInstance *instance)
{
	g_unlink(instance->lock_path);
	g_rmdir(instance->directory); /* stays if others keep things there, as a log */
	instance_free(instance);
}
