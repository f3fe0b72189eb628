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
void directory_copy(const char *from, const char *to);

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

/*
 * A workload: each step is one change, that is made as a whole or not at all, and may be
 * tried again. Steps `workload_length()` and beyond do not exist.
 */
gboolean workload_step(NetfilLedger *ledger, guint step, GError **error);
guint workload_length(void);

/* schema-1 databases as netfil 0.1 wrote them. */
void schema_1_write(const char *directory, const char *rows);
