/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * The durable record of filters and usage: ledger.db in the state directory. The
 * only code that knows SQLite.
 */
typedef struct NetfilLedger NetfilLedger;

/* What a slot counts, in bytes and packets. */
typedef struct {
	guint64 in, out;
	guint64 refused_bytes, refused_packets;
	guint64 reset_bytes, reset_packets;
} NetfilCounters;

typedef struct {
	gint64 id;
	char *name;
	GVariant *spec; /* a{sas} */
	guint slot;	/* where the kernel counts it, as long as the slot says this id */
	int rule;	/* -1: none */
	NetfilCounters base; /* the slot's counters when the cycle began */
	NetfilCounters used; /* since then, at the last checkpoint */
	gint64 started;	     /* of the cycle, seconds since the epoch */
} NetfilLedgerFilter;

void netfil_ledger_filter_free(NetfilLedgerFilter *filter);

/* Makes the directory and the database where they are missing. Refuses a schema
 * newer than this program. */
NetfilLedger *netfil_ledger_open(const char *state_dir, GError **error);
void netfil_ledger_close(NetfilLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilLedger, netfil_ledger_close)

/* Several calls as one change. */
gboolean netfil_ledger_begin(NetfilLedger *ledger, GError **error);
gboolean netfil_ledger_commit(NetfilLedger *ledger, GError **error);
void netfil_ledger_rollback(NetfilLedger *ledger);

/* Of NetfilLedgerFilter, by id. */
GPtrArray *netfil_ledger_load(NetfilLedger *ledger, GError **error);

/* Inserts where id is 0 (and sets it), else updates the whole row. */
gboolean netfil_ledger_save(NetfilLedger *ledger, NetfilLedgerFilter *filter, GError **error);
gboolean netfil_ledger_checkpoint(NetfilLedger *ledger, gint64 id, const NetfilCounters *used,
				  GError **error);
gboolean netfil_ledger_delete(NetfilLedger *ledger, gint64 id, GError **error);
