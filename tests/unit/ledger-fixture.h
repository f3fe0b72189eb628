/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "expect.h"
#include "ledger/ledger.h"

/* An instant from which the tests count: 2026-11-23 00:00 UTC. */
#define NOW G_GINT64_CONSTANT(1795392000)
#define HOUR 3600
#define DAY (24 * HOUR)

/* A new directory; removed with all that is in it. */
char *directory_new(void);
void directory_remove(char *directory);

char *file_in(const char *directory, const char *name);
char *file_read(const char *path, gsize *length);
void file_write(const char *path, const char *data, gsize length);

/* The names of files in it that begin so, sorted. */
GPtrArray *files_like(const char *directory, const char *start);

/* Opens it; there is no warning. */
NetfilLedger *ledger_open(const char *directory);

/* Opens it; the backup was taken up. */
NetfilLedger *ledger_open_restored(const char *directory);

/* Closes it when a backup has been made. */
void ledger_back_up_and_close(NetfilLedger *ledger);

NetfilCounters counters(guint64 from);
void assert_counters(const NetfilCounters *a, const NetfilCounters *b);

/* With a value of its own in each field, by `salt`. */
NetfilLedgerFilter *filter_new(const char *name, guint salt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilLedgerFilter, netfil_ledger_filter_free)

/* All that the ledger says, as text. NULL with an error. */
char *ledger_try_dump(NetfilLedger *ledger, GError **error);
char *ledger_dump(NetfilLedger *ledger);

/* Some of everything. */
void ledger_fill(NetfilLedger *ledger, guint filters);

/* A workload: each step is one change, that is made as a whole or not at all, and may be
 * tried again. */
gboolean workload_step(NetfilLedger *ledger, guint step, GError **error);
guint workload_length(guint rounds);

/* Destroys a page in the middle of the database. */
void ledger_break(const char *directory);

/* Databases of schema 1, with rows by SQL. */
#define SCHEMA_1_FILTER(id, name)                                                                  \
	"INSERT INTO filter VALUES (" #id ", '" name "', '{''ip'': [''192.0.2.1'']}', 5, 7, 1000," \
	" 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);"
void schema_1_write(const char *directory, const char *rows);
