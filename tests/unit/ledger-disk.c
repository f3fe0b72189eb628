// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger-disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ledger-fixture.h"

#define FILES_MAX 1024
#define SECTOR 512

typedef enum { MARK, CREATE, UNLINK, RENAME, WRITE, TRUNCATE, SYNC, SYNC_NAMES } NoteType;

typedef struct {
	NoteType type;
	int file; /* which of all that ever were; MARK: the number */
	char *name, *to;
	gint64 offset; /* TRUNCATE: the length */
	GBytes *data;
} Note;

#define NO_FILE -1
#define THE_DIRECTORY -2
#define UNNOTED -3 /* shared memory: gone after a power cut */

static struct {
	char *directory;
	GArray *notes;
	GHashTable *names;   /* name -> file + 1 */
	int open[FILES_MAX]; /* file of each descriptor, + 1 */
	int files;
	guint calls, left;
	int code;
	gboolean lasting, failing, failed;
} disk;

static GMutex lock;

/* ---- notes ---- */

static void clear_note(gpointer data)
{
	Note *note = data;

	g_free(note->name);
	g_free(note->to);
	g_clear_pointer(&note->data, g_bytes_unref);
}

static void put(Note note)
{
	g_array_append_val(disk.notes, note);
}

/* The part of a path after the directory; NULL if it is not in it. */
static const char *name_of(const char *path)
{
	gsize length = disk.directory ? strlen(disk.directory) : 0;

	if (!length || strncmp(path, disk.directory, length))
		return NULL;
	return path[length] == '/' ? path + length + 1 : path[length] ? NULL : "";
}

static int file_of(int descriptor)
{
	if (!disk.directory || descriptor < 0 || descriptor >= FILES_MAX)
		return NO_FILE;
	return disk.open[descriptor] ? disk.open[descriptor] - 1 : NO_FILE;
}

static int find(const char *name)
{
	return GPOINTER_TO_INT(g_hash_table_lookup(disk.names, name)) - 1;
}

static int create(const char *name)
{
	int file = disk.files++;

	g_hash_table_insert(disk.names, g_strdup(name), GINT_TO_POINTER(file + 1));
	put((Note){.type = CREATE, .file = file, .name = g_strdup(name)});
	return file;
}

static void adopt(const char *name)
{
	g_autofree char *path = file_in(disk.directory, name), *data = NULL;
	int file = create(name);
	gsize length;

	data = file_read(path, &length);
	put((Note){.type = WRITE, .file = file, .data = g_bytes_new(data, length)});
	put((Note){.type = SYNC, .file = file});
}

void disk_attach(const char *directory)
{
	g_autoptr(GPtrArray) names = files_like(directory, "");

	g_assert_null(disk.directory);
	memset(&disk, 0, sizeof(disk));
	disk.notes = g_array_new(FALSE, FALSE, sizeof(Note));
	g_array_set_clear_func(disk.notes, clear_note);
	disk.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	disk.directory = g_strdup(directory);
	for (guint i = 0; i < names->len; i++)
		adopt(g_ptr_array_index(names, i));
	put((Note){.type = SYNC_NAMES});
}

void disk_detach(void)
{
	g_array_unref(disk.notes);
	g_hash_table_unref(disk.names);
	g_clear_pointer(&disk.directory, g_free);
}

/* A backup may be under way in its thread. */
void disk_mark(int number)
{
	g_mutex_lock(&lock);
	put((Note){.type = MARK, .file = number});
	g_mutex_unlock(&lock);
}

guint disk_noted(void)
{
	return disk.notes->len;
}

int disk_marked(guint cut, int none)
{
	while (cut--) {
		const Note *note = &g_array_index(disk.notes, Note, cut);

		if (note->type == MARK)
			return note->file;
	}
	return none;
}

/* ---- images ---- */

typedef struct {
	GPtrArray *contents; /* GByteArray, by file */
	GHashTable *names;
} Image;

static void apply_bytes(GByteArray *content, gint64 offset, const guint8 *data, gsize length)
{
	guint old = content->len;

	if (offset + length > old) {
		g_byte_array_set_size(content, offset + length);
		memset(content->data + old, 0, content->len - old);
	}
	memcpy(content->data + offset, data, length);
}

/* Cut where sectors begin on the disk. */
static void apply_write(GByteArray *content, const Note *note, GRand *random, double share)
{
	gsize length, piece;
	const guint8 *data = g_bytes_get_data(note->data, &length);

	for (gsize at = 0; at < length; at += piece) {
		piece = MIN(length - at, SECTOR - (note->offset + at) % SECTOR);
		if (share >= 1 || g_rand_double(random) < share)
			apply_bytes(content, note->offset + at, data + at, piece);
	}
}

static void apply_truncate(GByteArray *content, const Note *note)
{
	guint old = content->len;

	g_byte_array_set_size(content, note->offset);
	if (content->len > old)
		memset(content->data + old, 0, content->len - old);
}

static void apply_name(GHashTable *names, const Note *note)
{
	gpointer file = g_hash_table_lookup(names, note->name);

	if (note->type == CREATE)
		g_hash_table_insert(names, g_strdup(note->name), GINT_TO_POINTER(note->file + 1));
	else
		g_hash_table_remove(names, note->name);
	if (note->type == RENAME)
		g_hash_table_insert(names, g_strdup(note->to), file);
}

static void apply(Image *image, const Note *note, GRand *random, double share)
{
	GByteArray *content = NULL;

	if (note->type == WRITE || note->type == TRUNCATE)
		content = g_ptr_array_index(image->contents, note->file);
	if (note->type == WRITE)
		apply_write(content, note, random, share);
	else if (note->type == TRUNCATE && (share >= 1 || g_rand_double(random) < share))
		apply_truncate(content, note);
}

static gboolean is_name(const Note *note)
{
	return note->type == CREATE || note->type == UNLINK || note->type == RENAME;
}

/* Where the last sync of this file, or of the names, was before the cut. */
static guint synced(guint cut, NoteType type, int file)
{
	while (cut--) {
		const Note *note = &g_array_index(disk.notes, Note, cut);

		if (note->type == type && (type == SYNC_NAMES || note->file == file))
			return cut;
	}
	return 0;
}

static guint names_kept(guint cut, GRand *random)
{
	guint sure = synced(cut, SYNC_NAMES, 0);

	return sure + g_rand_int_range(random, 0, cut - sure + 1);
}

static void build(Image *image, guint cut, GRand *random)
{
	static const double shares[] = {0, 0.5, 0.9, 1};
	double share = shares[g_rand_int_range(random, 0, G_N_ELEMENTS(shares))];
	g_autofree guint *sure = g_new(guint, disk.files + 1);
	guint kept = names_kept(cut, random);

	for (int i = 0; i < disk.files; i++)
		sure[i] = synced(cut, SYNC, i);
	for (guint i = 0; i < cut; i++) {
		const Note *note = &g_array_index(disk.notes, Note, i);

		if (is_name(note)) {
			if (i < kept)
				apply_name(image->names, note);
		} else if (note->type == WRITE || note->type == TRUNCATE)
			apply(image, note, random, i < sure[note->file] ? 1 : share);
	}
}

void disk_image(guint cut, GRand *random, const char *to)
{
	Image image = {
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref),
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};
	GHashTableIter iter;
	gpointer name, file;

	for (int i = 0; i < disk.files; i++)
		g_ptr_array_add(image.contents, g_byte_array_new());
	build(&image, cut, random);
	g_hash_table_iter_init(&iter, image.names);
	while (g_hash_table_iter_next(&iter, &name, &file)) {
		GByteArray *content = g_ptr_array_index(image.contents, GPOINTER_TO_INT(file) - 1);
		g_autofree char *path = file_in(to, name);

		file_write(path, (const char *)content->data, content->len);
	}
	g_hash_table_unref(image.names);
	g_ptr_array_unref(image.contents);
}

/* ---- failing ---- */

void disk_fail(guint calls, guint at, int code, gboolean lasting)
{
	disk.calls = calls;
	disk.left = at;
	disk.code = code;
	disk.lasting = lasting;
	disk.failing = disk.failed = FALSE;
}

void disk_heal(void)
{
	disk.calls = 0;
}

gboolean disk_has_failed(void)
{
	return disk.failed;
}

/* Whether this call fails; errno is set. */
static gboolean fails(guint call)
{
	gboolean first;

	if (!(disk.calls & call))
		return FALSE;
	first = !disk.failing && !disk.left--;
	if (!first && !disk.failing)
		return FALSE;
	disk.failed = TRUE;
	disk.failing = disk.lasting;
	if (!disk.lasting)
		disk.calls = 0;
	errno = disk.code;
	return TRUE;
}

/* ---- the C library's calls ---- */

#define REAL(call)                                                                                 \
	static __typeof__(&call) real;                                                             \
	if (!real)                                                                                 \
	real = (__typeof__(&call))dlsym(RTLD_NEXT, G_STRINGIFY(call))

/* With 64-bit offsets these names are macros, for what the library calls open64 etc. */
#undef open
#undef ftruncate
#undef pwrite
#undef pread
int open64(const char *path, int flags, ...);
ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset);
ssize_t pread64(int file, void *data, size_t length, off64_t offset);
int ftruncate64(int file, off64_t length);

static void note_open(const char *name, int flags, int descriptor)
{
	int file;

	g_assert_cmpint(descriptor, <, FILES_MAX);
	if (!*name)
		file = THE_DIRECTORY;
	else if (g_str_has_suffix(name, "-shm"))
		file = UNNOTED;
	else if ((file = find(name)) < 0)
		file = create(name);
	else if (flags & O_TRUNC)
		put((Note){.type = TRUNCATE, .file = file});
	disk.open[descriptor] = file + 1;
}

int open64(const char *path, int flags, ...)
{
	const char *name;
	int descriptor = -1;
	mode_t mode = 0;
	va_list list;
	gboolean writes = (flags & O_ACCMODE) != O_RDONLY;

	REAL(open64);
	if (flags & O_CREAT) {
		va_start(list, flags);
		mode = va_arg(list, mode_t);
		va_end(list);
	}
	g_mutex_lock(&lock);
	name = name_of(path);
	if (!name)
		descriptor = real(path, flags, mode);
	else if ((disk.code == EROFS && !writes) || !fails(DISK_OPEN)) {
		descriptor = real(path, flags, mode);
		if (descriptor >= 0)
			note_open(name, flags, descriptor);
	}
	g_mutex_unlock(&lock);
	return descriptor;
}

int close(int descriptor)
{
	REAL(close);
	g_mutex_lock(&lock);
	if (file_of(descriptor) != NO_FILE)
		disk.open[descriptor] = 0;
	g_mutex_unlock(&lock);
	return real(descriptor);
}

static void note_write(int file, const void *data, ssize_t length, gint64 offset)
{
	if (file >= 0 && length > 0)
		put((Note){.type = WRITE,
			   .file = file,
			   .offset = offset,
			   .data = g_bytes_new(data, length)});
}

ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset)
{
	ssize_t written = -1;
	gboolean was_failing, fail;
	int file;

	REAL(pwrite64);
	g_mutex_lock(&lock);
	file = file_of(descriptor);
	was_failing = disk.failing;
	fail = file != NO_FILE && fails(DISK_WRITE);
	if (fail && disk.code == ENOSPC && !was_failing)
		written = real(descriptor, data, length / 2, offset);
	else if (!fail)
		written = real(descriptor, data, length, offset);
	note_write(file, data, written, offset);
	g_mutex_unlock(&lock);
	return written;
}

ssize_t write(int descriptor, const void *data, size_t length)
{
	ssize_t written = -1;
	int file;

	REAL(write);
	g_mutex_lock(&lock);
	file = file_of(descriptor);
	if (file == NO_FILE || !fails(DISK_WRITE)) {
		gint64 offset = file < 0 ? 0 : lseek(descriptor, 0, SEEK_CUR);

		written = real(descriptor, data, length);
		note_write(file, data, written, offset);
	}
	g_mutex_unlock(&lock);
	return written;
}

ssize_t pread64(int descriptor, void *data, size_t length, off64_t offset)
{
	ssize_t done = -1;

	REAL(pread64);
	g_mutex_lock(&lock);
	if (file_of(descriptor) == NO_FILE || !fails(DISK_READ))
		done = real(descriptor, data, length, offset);
	g_mutex_unlock(&lock);
	return done;
}

ssize_t read(int descriptor, void *data, size_t length)
{
	ssize_t done = -1;

	REAL(read);
	g_mutex_lock(&lock);
	if (file_of(descriptor) == NO_FILE || !fails(DISK_READ))
		done = real(descriptor, data, length);
	g_mutex_unlock(&lock);
	return done;
}

int ftruncate64(int descriptor, off64_t length)
{
	int result = -1, file;

	REAL(ftruncate64);
	g_mutex_lock(&lock);
	file = file_of(descriptor);
	if (file == NO_FILE || !fails(DISK_TRUNCATE))
		result = real(descriptor, length);
	if (!result && file >= 0)
		put((Note){.type = TRUNCATE, .file = file, .offset = length});
	g_mutex_unlock(&lock);
	return result;
}

static int sync_file(int descriptor)
{
	int file, result = 0;

	g_mutex_lock(&lock);
	file = file_of(descriptor);
	if (file != NO_FILE && fails(DISK_SYNC))
		result = -1;
	else if (file == THE_DIRECTORY)
		put((Note){.type = SYNC_NAMES});
	else if (file >= 0)
		put((Note){.type = SYNC, .file = file});
	g_mutex_unlock(&lock);
	return result;
}

int fsync(int descriptor)
{
	return sync_file(descriptor);
}

int fdatasync(int descriptor)
{
	return sync_file(descriptor);
}

int unlink(const char *path)
{
	const char *name;
	int result = -1;

	REAL(unlink);
	g_mutex_lock(&lock);
	name = name_of(path);
	if (!name || !fails(DISK_UNLINK))
		result = real(path);
	if (!result && name && find(name) >= 0) {
		put((Note){.type = UNLINK, .name = g_strdup(name)});
		g_hash_table_remove(disk.names, name);
	}
	g_mutex_unlock(&lock);
	return result;
}

int rename(const char *from, const char *to)
{
	const char *name, *other;
	int result = -1;

	REAL(rename);
	g_mutex_lock(&lock);
	name = name_of(from);
	other = name_of(to);
	if (!name || !fails(DISK_RENAME))
		result = real(from, to);
	if (!result && name && other) {
		int file = find(name);

		put((Note){.type = RENAME, .name = g_strdup(name), .to = g_strdup(other)});
		g_hash_table_remove(disk.names, name);
		g_hash_table_insert(disk.names, g_strdup(other), GINT_TO_POINTER(file + 1));
	}
	g_mutex_unlock(&lock);
	return result;
}
