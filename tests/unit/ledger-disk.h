/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * The disk under the ledger's tests. The C library's calls on the files of one directory
 * pass through here: they can be made to fail, and they are noted, so that what a power
 * cut may leave can be made from them. Nothing is synced in truth, which would be slow.
 */
void disk_attach(const char *directory); /* what is in it is on disk already */
void disk_detach(void);

/* ---- failing ---- */

enum {
	DISK_READ = 1 << 0,
	DISK_WRITE = 1 << 1,
	DISK_SYNC = 1 << 2,
	DISK_TRUNCATE = 1 << 3,
	DISK_OPEN = 1 << 4, /* with EROFS: to write */
	DISK_UNLINK = 1 << 5,
	DISK_RENAME = 1 << 6,
};

/* Call number `at` of these kinds, from 0, fails with this errno; if `lasting`, all after
 * it too, until disk_heal(). A write that finds the disk full has still written half. */
void disk_fail(guint calls, guint at, int code, gboolean lasting);
void disk_heal(void);
gboolean disk_has_failed(void); /* since disk_fail() */

/* ---- power cuts ---- */

/* Puts a number into the notes. */
void disk_mark(int number);

/* Notes so far; a cut may be after any number of them. */
guint disk_noted(void);

/* The last mark before the cut; `none` without one. */
int disk_marked(guint cut, int none);

/* Writes the files as the power cut may have left them into an empty directory: what was
 * synced, and of the rest some, sector by sector. Names change in order, and are there for
 * sure once the directory was synced. */
void disk_image(guint cut, GRand *random, const char *to);
