/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lose-unsynced: a disk for netfild that keeps only what was synced, and one that fails.
 * LD_PRELOAD; sees the files in $NETFIL_STATE_DIR itself, but for SQLite's -shm, which
 * nobody keeps.
 *
 * What a power cut would leave at this moment is in $LOSE_UNSYNCED_SHADOW:
 *   .data/INODE  what of a file is on the disk. A write gets there, in sectors of 512
 *                bytes, when the file is synced, as does a change of its size.
 *   NAME         a hard link to that: the directory as it is on the disk. A new name is
 *                there when the file or its directory was synced; one that was renamed or
 *                removed stands until the directory is synced, all changes at once then.
 *                (The ways of ext4, xfs and btrfs; POSIX promises less for new names.)
 * $LOSE_UNSYNCED_EARLY: percent of sectors written, and of changes of the directory, that
 * get there at once, as a disk may do; chosen by $LOSE_UNSYNCED_SEED. So sectors of one
 * write arrive in any order and in part. Without a shadow, all that is there at the start
 * is on the disk; with one (netfild was killed, the machine was not), what differs from it
 * is still to be synced.
 *
 * $LOSE_UNSYNCED_FAULT: a file. While it says "ENOSPC|EIO|EROFS FILE|* KIND...", with the
 * kinds open (to write), write, truncate, fsync, rename, unlink, those calls fail for that
 * file, or all; each failure is a line with its kind in FAULT.hits. ENOSPC leaves half of
 * what is written, and a sync that fails forgets what was to be synced, as Linux does:
 * later syncs do not bring it.
 *
 * Nothing is synced in truth: the test's own disk need not.
 */
#undef _FILE_OFFSET_BITS /* or open() would be open64(): both are wanted, each by its name */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512
#define FDS 4096

struct file {
	struct file *next;
	ino_t inode;
	int users;
	int source; /* descriptors of our own: what the kernel has, and what the disk has */
	int disk;
	char name[NAME_MAX + 1];
	bool *dirty; /* by sector */
	size_t sectors;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files, *by_fd[FDS], directory;
static int state = -1, shadow = -1, data = -1; /* folders */
static char state_path[PATH_MAX], fault_path[PATH_MAX];
static int early; /* percent */
static unsigned int dice = 1;

/* ---- the kernel's own calls ---- */

static int kernel_openat(int folder, const char *path, int flags, mode_t mode)
{
	return syscall(SYS_openat, folder, path, flags | O_CLOEXEC, mode);
}

static int kernel_close(int fd)
{
	return syscall(SYS_close, fd);
}

static ssize_t kernel_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

static int kernel_ftruncate(int fd, off_t size)
{
	return syscall(SYS_ftruncate, fd, size);
}

static int kernel_unlinkat(int folder, const char *name)
{
	return syscall(SYS_unlinkat, folder, name, 0);
}

static int kernel_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	return syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

/* ---- faults ---- */

static int fault_errno(const char *name)
{
	return strcmp(name, "ENOSPC") == 0  ? ENOSPC
	       : strcmp(name, "EIO") == 0   ? EIO
	       : strcmp(name, "EROFS") == 0 ? EROFS
					    : 0;
}

static void note_hit(const char *kind)
{
	char path[PATH_MAX + 8];
	int fd;

	snprintf(path, sizeof(path), "%s.hits", fault_path);
	fd = kernel_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd < 0 || dprintf(fd, "%s\n", kind) < 0)
		err(1, "%s", path);
	kernel_close(fd);
}

/* Sets errno if calls of this kind are to fail now for this file ("": the directory). */
static bool faulty(const char *kind, const char *name)
{
	char text[128] = "", *rest, *word;
	int fd = *fault_path ? kernel_openat(AT_FDCWD, fault_path, O_RDONLY, 0) : -1;
	int number;

	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		err(1, "%s", fault_path);
	kernel_close(fd);
	word = strtok_r(text, " \n", &rest);
	number = word ? fault_errno(word) : 0;
	word = strtok_r(NULL, " \n", &rest);
	if (!word || (strcmp(word, "*") != 0 && strcmp(word, name) != 0))
		return false;
	while (number && (word = strtok_r(NULL, " \n", &rest)))
		if (strcmp(word, kind) == 0) {
			note_hit(kind);
			errno = number;
			return true;
		}
	return false;
}

/* ---- the disk ---- */

static bool at_once(void)
{
	return early && rand_r(&dice) % 100 < early;
}

static char *data_name(ino_t inode, char text[32])
{
	snprintf(text, 32, "%llu", (unsigned long long)inode);
	return text;
}

static bool is_kept(const char *name)
{
	size_t length = strlen(name);

	return *name != '.' && (length < 4 || strcmp(name + length - 4, "-shm") != 0);
}

static void mark(struct file *file, off_t from, off_t to)
{
	size_t first = from / SECTOR, end = (to + SECTOR - 1) / SECTOR;

	if (end > file->sectors) {
		file->dirty = realloc(file->dirty, end);
		if (!file->dirty)
			err(1, "realloc");
		memset(file->dirty + file->sectors, 0, end - file->sectors);
		file->sectors = end;
	}
	for (size_t i = first; i < end; i++)
		file->dirty[i] = true;
}

static void bring_sector(struct file *file, size_t sector)
{
	char bytes[SECTOR];
	off_t at = (off_t)sector * SECTOR;
	ssize_t length = pread(file->source, bytes, sizeof(bytes), at);

	if (length < 0 || (length && kernel_pwrite(file->disk, bytes, length, at) != length))
		err(1, "the shadow of %s", file->name);
}

static off_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		err(1, "fstat");
	return st.st_size;
}

/* The name leads to this file on the disk, whatever it led to before. */
static void place(ino_t inode, const char *name)
{
	char text[32];

	kernel_unlinkat(shadow, ".new"); /* left by one that was killed, if at all */
	if (linkat(data, data_name(inode, text), shadow, ".new", 0) ||
	    kernel_renameat(shadow, ".new", shadow, name))
		err(1, "the shadow of %s", name);
	kernel_unlinkat(shadow, ".new"); /* stays where the name did lead there */
}

static void sync_file(struct file *file)
{
	struct stat disk, named;

	for (size_t i = 0; i < file->sectors; i++)
		if (file->dirty[i])
			bring_sector(file, i);
	if (kernel_ftruncate(file->disk, size_of(file->source)) || fstat(file->disk, &disk))
		err(1, "the shadow of %s", file->name);
	if (disk.st_nlink == 1 && fstatat(state, file->name, &named, 0) == 0 &&
	    named.st_ino == file->inode)
		place(file->inode, file->name);
}

static void forget(struct file *file)
{
	if (file->dirty)
		memset(file->dirty, 0, file->sectors);
}

static DIR *list(int folder)
{
	int fd = kernel_openat(folder, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	if (!entries)
		err(1, "listing");
	return entries;
}

static void sync_directory(void)
{
	DIR *now = list(state), *then = list(shadow);
	struct dirent *entry;
	struct stat st;
	char text[32];

	while ((entry = readdir(now)))
		if (is_kept(entry->d_name) && fstatat(state, entry->d_name, &st, 0) == 0 &&
		    faccessat(data, data_name(st.st_ino, text), F_OK, 0) == 0)
			place(st.st_ino, entry->d_name);
	while ((entry = readdir(then)))
		if (is_kept(entry->d_name) && faccessat(state, entry->d_name, F_OK, 0))
			kernel_unlinkat(shadow, entry->d_name);
	closedir(now);
	closedir(then);
}

/* ---- files ---- */

/* What differs from the disk is still to be synced. */
static void compare(struct file *file)
{
	off_t size = size_of(file->source), on_disk = size_of(file->disk);
	char ours[SECTOR], theirs[SECTOR];
	ssize_t length;

	for (off_t at = 0; at < size; at += SECTOR) {
		length = pread(file->source, ours, SECTOR, at);
		if (length != pread(file->disk, theirs, SECTOR, at) ||
		    memcmp(ours, theirs, length) != 0)
			mark(file, at, at + 1);
	}
	if (on_disk > size)
		mark(file, size, on_disk);
}

static struct file *file_new(ino_t inode, const char *name, bool made)
{
	struct file *file = calloc(1, sizeof(*file));
	char text[32];

	if (!file)
		err(1, "calloc");
	file->inode = inode;
	strcpy(file->name, name);
	data_name(inode, text);
	if (made)
		kernel_unlinkat(data, text); /* of an earlier file with this number */
	file->source = kernel_openat(state, name, O_RDONLY, 0);
	file->disk = kernel_openat(data, text, O_RDWR | O_CREAT, 0600);
	if (file->source < 0 || file->disk < 0)
		err(1, "the shadow of %s", name);
	compare(file);
	file->next = files;
	files = file;
	if (made && at_once())
		place(inode, name);
	return file;
}

static void file_free(struct file *file)
{
	struct file **place_of = &files;

	while (*place_of != file)
		place_of = &(*place_of)->next;
	*place_of = file->next;
	kernel_close(file->source);
	kernel_close(file->disk);
	free(file->dirty);
	free(file);
}

static struct file *file_of(int fd)
{
	return fd >= 0 && fd < FDS ? by_fd[fd] : NULL;
}

static void watch(int fd, const char *name, bool existed)
{
	struct file *file = files;
	struct stat st;

	if (fd >= FDS || fstat(fd, &st))
		errx(1, "too many descriptors");
	while (file && file->inode != st.st_ino)
		file = file->next;
	if (!file)
		file = file_new(st.st_ino, name, !existed);
	else
		compare(file); /* it may have been emptied */
	file->users++;
	by_fd[fd] = file;
}

/* The part of a path behind the state directory; NULL: not there, or not kept; "": it. */
static const char *name_in_state(const char *path)
{
	size_t length = strlen(state_path);

	if (shadow < 0 || strncmp(path, state_path, length) != 0)
		return NULL;
	path += length;
	if (!*path)
		return path;
	return *path == '/' && !strchr(path + 1, '/') && is_kept(path + 1) ? path + 1 : NULL;
}

/* A file that was there before us is on the disk. */
static void import(const char *name)
{
	struct stat st;
	struct file *file;

	if (fstatat(state, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return;
	file = file_new(st.st_ino, name, true);
	sync_file(file);
	file_free(file);
}

static void import_all(void)
{
	DIR *entries = list(state);
	struct dirent *entry;

	while ((entry = readdir(entries)))
		if (is_kept(entry->d_name))
			import(entry->d_name);
	closedir(entries);
}

static int open_folder(int parent, const char *path)
{
	int fd = kernel_openat(parent, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* Under another name until it is whole: we may be killed meanwhile. */
static void make_shadow(const char *path)
{
	char new_path[PATH_MAX];

	snprintf(new_path, sizeof(new_path), "%s.%d", path, getpid());
	if (mkdir(new_path, 0755))
		err(1, "%s", new_path);
	shadow = open_folder(AT_FDCWD, new_path);
	if (mkdirat(shadow, ".data", 0755))
		err(1, "%s/.data", new_path);
	data = open_folder(shadow, ".data");
	import_all();
	if (kernel_renameat(AT_FDCWD, new_path, AT_FDCWD, path))
		err(1, "%s", path);
}

__attribute__((constructor)) static void begin(void)
{
	const char *shadow_path = getenv("LOSE_UNSYNCED_SHADOW");
	const char *from = getenv("NETFIL_STATE_DIR"), *fault = getenv("LOSE_UNSYNCED_FAULT");
	const char *percent = getenv("LOSE_UNSYNCED_EARLY"), *seed = getenv("LOSE_UNSYNCED_SEED");

	if (!shadow_path || !from || !realpath(from, state_path))
		return;
	if (fault)
		snprintf(fault_path, sizeof(fault_path), "%s", fault);
	early = percent ? atoi(percent) : 0;
	dice = seed ? atoi(seed) : 1;
	state = open_folder(AT_FDCWD, state_path);
	if (access(shadow_path, F_OK)) {
		make_shadow(shadow_path);
		return;
	}
	shadow = open_folder(AT_FDCWD, shadow_path);
	data = open_folder(shadow, ".data");
}

/* ---- the calls that netfild makes ---- */

static int open_watched(const char *name, int flags, mode_t mode)
{
	bool existed = faccessat(state, name, F_OK, 0) == 0;
	int fd;

	if ((flags & O_ACCMODE) != O_RDONLY && faulty("open", name))
		return -1;
	fd = kernel_openat(state, name, flags, mode);
	if (fd >= 0)
		watch(fd, name, existed);
	return fd;
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
	const char *name = name_in_state(path);
	int fd;

	if (!name)
		return syscall(SYS_openat, folder, path, flags, mode);
	pthread_mutex_lock(&lock);
	if (*name) {
		fd = open_watched(name, flags, mode);
	} else {
		fd = kernel_openat(folder, path, flags, mode);
		if (fd >= 0 && fd < FDS)
			by_fd[fd] = &directory;
	}
	pthread_mutex_unlock(&lock);
	return fd;
}

static mode_t mode_of(int flags, va_list arguments)
{
	return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return open_at(folder, path, flags, mode);
}

int close(int fd)
{
	struct file *file;

	pthread_mutex_lock(&lock);
	file = file_of(fd);
	if (file)
		by_fd[fd] = NULL;
	if (file && file != &directory && !--file->users)
		file_free(file);
	pthread_mutex_unlock(&lock);
	return kernel_close(fd);
}

static void wrote(struct file *file, off_t from, off_t to)
{
	mark(file, from, to);
	for (off_t sector = from / SECTOR; sector * SECTOR < to; sector++)
		if (at_once())
			bring_sector(file, sector);
}

static ssize_t write_watched(int fd, struct file *file, const void *bytes, size_t length,
			     off_t offset)
{
	ssize_t done;

	if (faulty("write", file->name)) {
		if (errno != ENOSPC || length <= SECTOR)
			return -1;
		length /= 2;
	}
	done = kernel_pwrite(fd, bytes, length, offset);
	if (done > 0)
		wrote(file, offset, offset + done);
	return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	struct file *file = file_of(fd);
	ssize_t done;

	if (!file)
		return kernel_pwrite(fd, bytes, length, offset);
	pthread_mutex_lock(&lock);
	done = write_watched(fd, file, bytes, length, offset);
	pthread_mutex_unlock(&lock);
	return done;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	struct file *file = file_of(fd);
	ssize_t done;

	if (!file)
		return syscall(SYS_write, fd, bytes, length);
	done = pwrite(fd, bytes, length, lseek(fd, 0, SEEK_CUR));
	if (done > 0)
		lseek(fd, done, SEEK_CUR);
	return done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	ssize_t done = 0, part = 0;

	if (!file_of(fd))
		return syscall(SYS_pwritev, fd, parts, count, offset, 0);
	for (int i = 0; i < count && part == (i ? (ssize_t)parts[i - 1].iov_len : 0); i++) {
		part = pwrite(fd, parts[i].iov_base, parts[i].iov_len, offset + done);
		if (part < 0)
			return done ? done : part;
		done += part;
	}
	return done;
}

int ftruncate(int fd, off_t size)
{
	struct file *file = file_of(fd);
	off_t before;
	int result;

	if (!file)
		return kernel_ftruncate(fd, size);
	pthread_mutex_lock(&lock);
	before = size_of(fd);
	result = faulty("truncate", file->name) ? -1 : kernel_ftruncate(fd, size);
	if (result == 0)
		mark(file, before < size ? before : size, before < size ? size : before);
	pthread_mutex_unlock(&lock);
	return result;
}

int fsync(int fd)
{
	struct file *file = file_of(fd);
	bool failed;

	if (!file)
		return syscall(SYS_fsync, fd);
	pthread_mutex_lock(&lock);
	failed = faulty("fsync", file->name);
	if (file == &directory && !failed)
		sync_directory();
	else if (file != &directory && !failed)
		sync_file(file);
	forget(file);
	pthread_mutex_unlock(&lock);
	return failed ? -1 : 0;
}

int rename(const char *from, const char *to)
{
	const char *old = name_in_state(from), *new = name_in_state(to);
	int result;

	if (!old && !new)
		return kernel_renameat(AT_FDCWD, from, AT_FDCWD, to);
	pthread_mutex_lock(&lock);
	result =
	    faulty("rename", new ? new : old) ? -1 : kernel_renameat(AT_FDCWD, from, AT_FDCWD, to);
	for (struct file *file = files; old && new &&file && !result; file = file->next)
		if (strcmp(file->name, old) == 0)
			strcpy(file->name, new);
	if (!result && at_once())
		sync_directory();
	pthread_mutex_unlock(&lock);
	return result;
}

int unlink(const char *path)
{
	const char *name = name_in_state(path);
	int result;

	if (!name)
		return kernel_unlinkat(AT_FDCWD, path);
	pthread_mutex_lock(&lock);
	result = faulty("unlink", name) ? -1 : kernel_unlinkat(AT_FDCWD, path);
	if (!result && at_once())
		sync_directory();
	pthread_mutex_unlock(&lock);
	return result;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset)
    __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
    __attribute__((alias("pwritev")));
int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
int fdatasync(int fd) __attribute__((alias("fsync")));
