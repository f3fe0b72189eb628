/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "core/counters.h"
#include "core/cycle.h"
#include "netfil/abi.h"

/*
 * The durable record of filters, usage, cycles, warnings and history: ledger.db in the
 * state directory. The only code that knows SQLite. Each commit is on the disk when it
 * returns. Instants are seconds since the epoch.
 */
typedef struct NetfilLedger NetfilLedger;

/* A filter. Counters are those of its slot, which only rise, also over a restart of the
 * machine: what is used is counters less base. (64 bits, and base may have wrapped.) */
typedef struct {
	gint64 id;
	char *name;
	GVariant *spec;          /* a{sas} */
	guint slot;              /* where the kernel counts it, as long as the slot says this id */
	int rule;                /* -1: none */
	gint64 started;          /* of the cycle */
	gint64 ends;             /* 0: never */
	NetfilCounters base;     /* the counters when the cycle began */
	NetfilCounters used;     /* since then, at the last checkpoint */
	NetfilCounters recorded; /* the counters up to which history holds them */
	gint64 extra[NETFIL_DIRECTIONS]; /* see NetfilStatus */
	guint64 forfeited;
	guint64 granted; /* in + out counters up to which the kernel may admit; 0: no grants */
	gint64 unlimited_until;
	gint64 free_until; /* hours were free at the last checkpoint, until then; 0: not */
	guint32 owner;     /* user id */
	char *downed;      /* names of interfaces taken down, by spaces; NULL: none */
	GArray *warned;    /* guint8, percents, ascending; never NULL after loading */
} NetfilLedgerFilter;

void netfil_ledger_filter_free(NetfilLedgerFilter *filter);

/*
 * Makes the directory and the database where they are missing. Refuses a schema newer
 * than this program (NETFIL_ERROR_UNSUPPORTED), and changes nothing then.
 *
 * A damaged database is set aside as ledger.db.damaged-TIME with its -wal, and the
 * backup is taken up; `*warning` (caller frees) then says so in one line, with what may
 * be lost since when; else it is NULL. Without a good backup: NETFIL_ERROR_FAILED, all
 * is left where it is, and the message says what to do.
 */
NetfilLedger *netfil_ledger_open(const char *state_dir, char **warning, GError **error);
void netfil_ledger_close(NetfilLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilLedger, netfil_ledger_close)

/* Several calls as one change. Where one of them failed, those after it do nothing and fail
 * too, and so does the commit. */
gboolean netfil_ledger_begin(NetfilLedger *ledger, GError **error);
gboolean netfil_ledger_commit(NetfilLedger *ledger, GError **error);
void netfil_ledger_rollback(NetfilLedger *ledger);

/* Of NetfilLedgerFilter, by id. */
GPtrArray *netfil_ledger_load(NetfilLedger *ledger, GError **error);

/* Inserts where id is 0 (and sets it), else updates all but `warned`. */
gboolean netfil_ledger_save(NetfilLedger *ledger, NetfilLedgerFilter *filter, GError **error);

/* With its cycles, warnings and history. */
gboolean netfil_ledger_delete(NetfilLedger *ledger, gint64 id, GError **error);

/* What changes each second: `used` and `base` (free hours move it). */
gboolean netfil_ledger_checkpoint(NetfilLedger *ledger, gint64 id, const NetfilCounters *used,
				  const NetfilCounters *base, GError **error);

/* A word to keep: "boot-id", "accounts". Caller frees; NULL without an error: none yet. */
char *netfil_ledger_note(NetfilLedger *ledger, const char *key, GError **error);
gboolean netfil_ledger_set_note(NetfilLedger *ledger, const char *key, const char *value,
				GError **error);

/* ---- cycles and warnings ---- */

typedef struct {
	gint64 filter;
	gint64 started, ended;
	guint64 limit[NETFIL_DIRECTIONS]; /* bytes, 0: none */
	NetfilCounters used;
} NetfilLedgerCycle;

/* Notes a cycle that is over, and forgets the filter's warnings. The oldest beyond
 * NETFIL_LEDGER_CYCLES of a filter go. */
#define NETFIL_LEDGER_CYCLES 120
gboolean netfil_ledger_close_cycle(NetfilLedger *ledger, const NetfilLedgerCycle *cycle,
				   GError **error);

/* Of NetfilLedgerCycle (g_array_unref), by start; those that overlap from..to. filter 0:
 * of all filters. */
GArray *netfil_ledger_cycles(NetfilLedger *ledger, gint64 filter, gint64 from, gint64 to,
			     GError **error);

/* Warned of this percentage in this cycle. Again: no error. */
gboolean netfil_ledger_warn(NetfilLedger *ledger, gint64 filter, guint percent, gint64 when,
			    GError **error);
gboolean netfil_ledger_forget_warnings(NetfilLedger *ledger, gint64 filter, GError **error);

/* ---- members ---- */

/* What a member used in the cycle at hand, by its name; `key`: by what the kernel told it apart,
 * in whatever words, as long as the machine is up. A row of the name NETFIL_LEDGER_BEYOND
 * is no member's: what the filter's counters have that its members' have not. */
#define NETFIL_LEDGER_BEYOND ""
gboolean netfil_ledger_put_member(NetfilLedger *ledger, gint64 filter, const char *name,
				  const char *key, const NetfilCounters *used, GError **error);

/* All but NETFIL_LEDGER_BEYOND. */
gboolean netfil_ledger_delete_members(NetfilLedger *ledger, gint64 filter, GError **error);

/* Calls `func` for each row, by name; it must not use the ledger. */
typedef void (*NetfilLedgerMemberFunc)(const char *name, const char *key,
				       const NetfilCounters *used, gpointer data);
gboolean netfil_ledger_members(NetfilLedger *ledger, gint64 filter, NetfilLedgerMemberFunc func,
			       gpointer data, GError **error);

/* ---- history ---- */

/* Adds to the filter's hour that starts at `hour` (netfil_period_start). */
gboolean netfil_ledger_count(NetfilLedger *ledger, gint64 filter, gint64 hour,
			     const NetfilCounters *more, GError **error);

/* The counters up to which the filter's history holds them: see
 * NetfilLedgerFilter.recorded. In the same transaction as netfil_ledger_count(). */
gboolean netfil_ledger_set_recorded(NetfilLedger *ledger, gint64 filter,
				    const NetfilCounters *recorded, GError **error);

/* The same for an application: an executable's path, "" for traffic without an owner,
 * "*" for applications for which there was no room; and a user (G_MAXUINT32: none). An hour
 * has room for 500. */
gboolean netfil_ledger_count_app(NetfilLedger *ledger, const char *exe, guint32 uid, gint64 hour,
				 guint64 in, guint64 out, GError **error);

/* The counters of the kernel's account up to which netfil_ledger_count_app() has them. In
 * the same transaction. Forgotten when the kernel's accounts start anew. */
typedef struct {
	guint32 account;
	guint64 in, out;
} NetfilLedgerAccount;

GArray *netfil_ledger_accounts(NetfilLedger *ledger, GError **error); /* g_array_unref */
gboolean netfil_ledger_record_account(NetfilLedger *ledger, const NetfilLedgerAccount *account,
				      GError **error);
gboolean netfil_ledger_forget_accounts(NetfilLedger *ledger, GError **error);

typedef struct {
	gint64 filter;   /* or 0, for an application */
	GRefString *exe; /* interned, of the array; applications */
	guint32 uid;
	NetfilBy by; /* what it is the sum of: an hour, day or month */
	gint64 start;
	NetfilCounters sum; /* applications: in and out alone */
} NetfilLedgerEntry;

/* Of NetfilLedgerEntry (g_array_unref), by start, then filter: the entries that start
 * within from..to (to excluded). filter 0: of all. */
GArray *netfil_ledger_history(NetfilLedger *ledger, gint64 filter, gint64 from, gint64 to,
			      GError **error);
GArray *netfil_ledger_apps(NetfilLedger *ledger, gint64 from, gint64 to, GError **error);

/* Hours of more than NETFIL_LEDGER_HOUR_DAYS days ago become days of the zone, days of more
 * than NETFIL_LEDGER_DAY_DAYS days ago become months; sums stay. Of the applications of a
 * day or month the NETFIL_LEDGER_APPS that moved most stay, the others become "*". A
 * bounded piece of work at a time: *more says that there is more to do. A transaction of
 * its own. */
#define NETFIL_LEDGER_HOUR_DAYS 14
#define NETFIL_LEDGER_DAY_DAYS 370
#define NETFIL_LEDGER_APPS 200
gboolean netfil_ledger_thin(NetfilLedger *ledger, GTimeZone *zone, gint64 now, gboolean *more,
			    GError **error);

/* Copies the database to ledger.db.backup: whole or not at all, in a thread of its own,
 * beside whatever is written meanwhile. Nothing if one is under way. Failure is logged
 * (g_warning). netfil_ledger_close() waits for it. */
void netfil_ledger_backup(NetfilLedger *ledger);
