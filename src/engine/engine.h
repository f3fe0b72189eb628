/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

#include "core/change.h"
#include "core/member.h"
#include "core/socket-usage.h"
#include "core/status.h"

/*
 * Filters in, verdicts and events out. The engine joins core, kernel and ledger;
 * netfild and `netfil run` each own one. It lives on the thread-default main
 * context of the thread that made it, and is not thread-safe.
 *
 * Signals:
 *   "added"   (const char *name)
 *   "removed" (const char *name)
 *   "changed" (const char *name)          settings, state or on/off; not each byte
 *   "cap-reached" (const char *name, guint direction, const char *member)
 *   "warned"      (const char *name, guint percent, guint direction, const char *member)
 *                                         member: the one whose cap it is; "": the filter's
 *   "cycle-started" (const char *name, gint64 started)
 *   "trouble"     (const char *what)      see netfil_engine_trouble(); "": it is over
 */
#define NETFIL_TYPE_ENGINE (netfil_engine_get_type())
G_DECLARE_FINAL_TYPE(NetfilEngine, netfil_engine, NETFIL, ENGINE, GObject)

typedef struct {
	const char *bpffs_dir;       /* where programs, links and counters are pinned;
					NULL: nothing outlives the engine */
	const char *state_dir;       /* the ledger's; NULL: none */
	const char *cgroup_root;     /* where the programs attach; NULL: the v2 root */
	NetfilDurability durability; /* of filters that do not say; DEFAULT: checkpoint */
	gboolean apps;               /* count what each application moves; needs a state_dir */
} NetfilEngineOptions;

/* A kernel feature, for `netfil doctor`. Strings are static. */
typedef struct {
	const char *name;
	gboolean present;
	gboolean used;
	gboolean required;
	const char *purpose; /* what it is for */
	const char *lost;    /* what is lost without it */
} NetfilFeature;

/* Loads, attaches and, with a bpffs_dir that holds an earlier engine's pins,
 * carries on where its counters stand (programs are swapped, none is missed). */
NetfilEngine *netfil_engine_new(const NetfilEngineOptions *options, GError **error);

/* The other way: takes over what an earlier engine pinned, lets go whom it holds paused or down,
 * and takes it all off the kernel. The ledger keeps filters, and usage up to then. Where the
 * ledger or the programs are beyond use, it warns, and takes the pins away all the same. */
gboolean netfil_engine_release(const NetfilEngineOptions *options, GError **error);

/* Has ready what takes long in adding these specs (of NetfilSpec), or in making filters of their
 * names what they say, and calls `done`, which is to do that. At once if nothing takes long, else
 * from the main loop, which serves others meanwhile; and not at all if the engine ends before.
 * `free_data` may be NULL. */
typedef void (*NetfilPreparedFunc)(gpointer data);
void netfil_engine_prepare(NetfilEngine *engine, const GPtrArray *specs, NetfilPreparedFunc done,
			   gpointer data, GDestroyNotify free_data);

/* The spec that the filter would have after netfil_engine_set(), if it would match other traffic
 * than now; else NULL. */
NetfilSpec *netfil_engine_becomes(NetfilEngine *engine, const char *name, GVariant *changes);

/* Takes effect before it returns. The spec is copied. `owner`: the user whose filter it is (an
 * id, 0: the administrators'); what such a filter kills or pauses is that user's alone.
 * NETFIL_ERROR_EXISTS,
 * _INVALID, _NOT_FOUND (a pid, user or file that is not there), _FULL. On error
 * nothing is changed; so with all that follow. */
gboolean netfil_engine_add(NetfilEngine *engine, const NetfilSpec *spec, guint32 owner,
			   GError **error);
/* `changes`: keys of a specification, and of NetfilAdjust. `owner`: whose filter it is from
 * then on. */
gboolean netfil_engine_set(NetfilEngine *engine, const char *name, GVariant *changes, guint32 owner,
			   GError **error);

/* All that are named (NULL-terminated), or none. */
gboolean netfil_engine_switch(NetfilEngine *engine, const char *const *names, gboolean on,
			      GError **error);
gboolean netfil_engine_reset(NetfilEngine *engine, const char *const *names, GError **error);
gboolean netfil_engine_remove(NetfilEngine *engine, const char *const *names, GError **error);

/* Makes the filters what the specs (of NetfilSpec) say, all or none, and the administrators':
 * adds, changes (usage goes on) and, with `prune`, removes those of the administrators that are not
 * among them. dry_run: only tells. Returns what it did (of NetfilChange), nothing for filters that
 * stay as they are; or, with nothing changed, why it cannot: each reason as NETFIL_CHANGE_REFUSED.
 * NULL: an error that is no filter's. */
GPtrArray *netfil_engine_apply(NetfilEngine *engine, const GPtrArray *specs, gboolean prune,
			       gboolean dry_run, GError **error);

/* The filter called `name`, or with NULL any, whose --pid names this process or one that it comes
 * from; NULL: none. */
const char *netfil_engine_follows(NetfilEngine *engine, const char *name, guint32 pid);

/* Does now what is done each second: cycles turn, warnings are given, usage is written. */
void netfil_engine_follow(NetfilEngine *engine);

/* Loads the programs anew and swaps them in under traffic. */
gboolean netfil_engine_reload(NetfilEngine *engine, GError **error);

/* Numbers of this instant. Caller frees. */
NetfilStatus *netfil_engine_get(NetfilEngine *engine, const char *name, GError **error);

/* Of NetfilStatus, by name: `count` of those behind the name `after` (NULL: from the start). */
GPtrArray *netfil_engine_list(NetfilEngine *engine, const char *after, guint count);

/* Of NetfilMember (g_array_unref), a page of the members of a filter with `each`; `*next` (caller
 * frees) is the cursor of the next one, NULL after the last; *total: how many match, these and
 * those behind them. NETFIL_ERROR_NOT_FOUND, _INVALID (no `each`, or the query). */
GArray *netfil_engine_members(NetfilEngine *engine, const char *name,
			      const NetfilMemberQuery *query, char **next, guint *total,
			      GError **error);

/* The usage of one member begins at 0 again. */
gboolean netfil_engine_reset_member(NetfilEngine *engine, const char *name, const char *key,
				    GError **error);

/* Connections of the filter that their application has closed while the kernel still
 * sends what it left. 0 for a name that is not there. */
guint netfil_engine_closing(NetfilEngine *engine, const char *name);

/* Ends the filter's TCP connections, whatever its policy. */
void netfil_engine_end_connections(NetfilEngine *engine, const char *name);

/* What a filter or an application moved in a period. */
typedef struct {
	GRefString
	    *name;   /* interned, of the array: the filter's name, or the executable's path ("":
			traffic   without an owner, "*": applications for which there was no room) */
	guint32 uid; /* applications; G_MAXUINT32: none */
	gint64 start, end; /* seconds since the epoch; end is excluded */
	guint64 in, out;
	guint64 refused_bytes, refused_packets; /* filters */
} NetfilHistory;

/* Of NetfilHistory (g_array_unref), by start, then name, up to this moment; from and to:
 * seconds since the epoch, 0: no bound. name NULL: all filters. NETFIL_ERROR_NOT_FOUND,
 * _UNSUPPORTED (no ledger). `by` of applications may be -1: one sum for each. */
GArray *netfil_engine_history(NetfilEngine *engine, const char *name, NetfilBy by, gint64 from,
			      gint64 to, GError **error);
GArray *netfil_engine_apps(NetfilEngine *engine, int by, gint64 from, gint64 to, GError **error);

/* What each socket that moved something did, by cookie (g_array_unref). Counting begins with the
 * first call, and ends when nobody has asked for ten seconds. */
GArray *netfil_engine_sockets(NetfilEngine *engine);

/* What is wrong with the ledger, or else what its owner complains of, and since when; "" if
 * nothing is. */
const char *netfil_engine_trouble(NetfilEngine *engine, gint64 *since);

/* Has something told that is wrong outside of the engine, until it is called with NULL. */
void netfil_engine_complain(NetfilEngine *engine, const char *what);

/* Bytes and packets whose owner is not known, by direction (in, out). */
void netfil_engine_unattributed(NetfilEngine *engine, guint64 bytes[2], guint64 packets[2]);

void netfil_engine_losses(NetfilEngine *engine, guint64 losses[NETFIL_LOSSES]);

/* Of NetfilFeature, owned by the caller (g_array_unref). Works without an
 * engine too, so that doctor can speak where none can start. */
GArray *netfil_engine_features(NetfilEngine *engine_or_null);
