/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the files of the engine share, and nobody else sees. */

#include "apps.h"
#include "core/adjust.h"
#include "core/error.h"
#include "engine.h"
#include "filter.h"
#include "kernel/device.h"

/* A percentage of a cap that was reached. */
typedef struct {
	gint64 filter; /* id */
	guint percent;
	guint direction;
	gint64 cycle, when; /* seconds since the epoch; cycle: when it began */
	gboolean told;
} NetfilWarning;

/* What is wrong. */
typedef struct {
	char *what;   /* NULL: nothing */
	gint64 since; /* seconds since the epoch */
} NetfilTrouble;

struct _NetfilEngine {
	GObject parent;
	NetfilKernel *kernel;
	NetfilDevices *devices;
	NetfilRules *rules;
	NetfilLists *lists;
	GHashTable *relists;     /* see relist.c */
	GPtrArray *preparations; /* see prepare.c */
	guint last_preparation;
	NetfilLedger *ledger; /* NULL: none */
	gboolean pinned;
	gboolean resuming;        /* not all filters are there yet */
	gboolean gathering;       /* many are changed at once, see batch.c */
	NetfilPresence *presence; /* while many are told of; else NULL */
	GHashTable *filters;      /* name -> NetfilFilter * */
	NetfilFilter *by_slot[NETFIL_SLOTS_MAX];
	guint next_slot;
	gint64 next_id;              /* without a ledger */
	NetfilDurability durability; /* of filters that do not say */
	guint tick_source;
	guint reset_source;
	guint ended_source;
	guint watch_source;
	char *zone_name; /* by which cycles end */

	/* What the ledger is still to be told. */
	GArray *closed;     /* of NetfilLedgerCycle */
	GArray *warnings;   /* of NetfilWarning */
	NetfilApps *apps;   /* NULL: not counted */
	GArray *apps_moved; /* of NetfilAppUsage, while they are written */

	/* The ledger's upkeep, see checkpoint.c. */
	NetfilTrouble trouble;
	NetfilTrouble complaint;      /* not the ledger's, but its owner's */
	gint64 history_hour;          /* to which what moved since the last record of it belongs */
	gint64 history_at, backup_at; /* monotonic, microseconds: when it is due */
	gboolean moved;               /* something did since the last backup */
	gboolean thinning;
};

/* engine.c: filters are in force when it returns, as far as the kernel alone keeps them. */
gboolean netfil_take_over(NetfilEngine *e, const NetfilEngineOptions *options, GError **error);

/* engine.c: what is told. */
void netfil_emit_added(NetfilEngine *e, const char *name);
void netfil_emit_removed(NetfilEngine *e, const char *name);
/* member "": the filter itself. */
void netfil_emit_cap_reached(NetfilEngine *e, const NetfilFilter *filter, guint direction,
			     const char *member);
void netfil_emit_changed(NetfilEngine *e, const NetfilFilter *filter);
void netfil_emit_cycle_started(NetfilEngine *e, const NetfilFilter *filter);
void netfil_emit_warned(NetfilEngine *e, const NetfilWarning *warning);
void netfil_emit_member_warned(NetfilEngine *e, const NetfilFilter *filter, guint percent,
			       guint direction, const char *member);
void netfil_emit_trouble(NetfilEngine *e);

/* install.c: a filter's hold on the kernel. */
guint netfil_slot_take(NetfilEngine *e, NetfilFilter *filter, GError **error);
void netfil_slot_give_back(NetfilEngine *e, guint slot);
NetfilFilter *netfil_find(NetfilEngine *e, const char *name, GError **error);
NetfilFilter *netfil_filter_by_id(NetfilEngine *e, gint64 id);
gboolean netfil_is_frame_filter(const NetfilSpec *spec);
gboolean netfil_names_interfaces(const NetfilSpec *spec);
gboolean netfil_apply_interfaces(NetfilEngine *e, GError **error);

/* Address rules may see forwarded packets too, where the kernel shows them. */
gboolean netfil_want_forwarding(NetfilEngine *e, const NetfilSpec *spec, GError **error);

/* A frame filter that leaves addresses out has a rule for them, which is never enabled.
 * `before`: the one it had, for the caller to remove once it is of no use. */
gboolean netfil_follow_excepts(NetfilEngine *e, NetfilFilter *filter, NetfilRule **before,
			       GError **error);

/* That, and what the cap will need. Interfaces are to be applied after it. */
gboolean netfil_prepare(NetfilEngine *e, NetfilFilter *filter, GError **error);

/* Gives a filter its hold on the kernel; it counts when this returns. On error nothing is
 * left, the filter neither. */
gboolean netfil_install(NetfilEngine *e, NetfilFilter *filter, int rule, gboolean seed,
			gboolean lenient, GError **error);

/* What a filter with `each` needs beside its slot, and the other way. `fresh`: it has no members
 * yet. */
gboolean netfil_members_begin(NetfilEngine *e, NetfilFilter *filter, gboolean fresh,
			      GError **error);
void netfil_members_end_of(NetfilFilter *filter);

/* Takes it away, and frees the filter. */
void netfil_uninstall(NetfilEngine *e, NetfilFilter *filter);

/* change.c: its steps, for batch.c and apply.c. */

/* Gives it a row in the ledger and its hold on the kernel; frees it on error. */
gboolean netfil_add_new(NetfilEngine *e, NetfilFilter *filter, GError **error);

/* Whether the filter may become what `spec` says. */
gboolean netfil_may_become(const NetfilFilter *filter, const NetfilSpec *spec, GError **error);

/* Whether a key is about which traffic, and not about what happens to it. */
gboolean netfil_key_selects(const char *key);

/* A rule for new selectors over the same counters, beside the one that the filter has; and puts
 * it in its place: packets meet the old one or the new one. */
NetfilRule *netfil_new_rule(NetfilEngine *e, NetfilFilter *filter, const NetfilSpec *spec,
			    GError **error);
void netfil_put_rule(NetfilEngine *e, NetfilFilter *filter, NetfilRule *rule, gboolean on);

/* Takes `spec` in the place of the filter's own, which is freed, and `owner`; on error all is as
 * it was, `spec` still the caller's. `anew`: what was done at the cap is taken back first, also
 * if it would be done again. `adjust` may be NULL. */
gboolean netfil_take_spec(NetfilEngine *e, NetfilFilter *filter, NetfilSpec *spec, guint32 owner,
			  gboolean anew, const NetfilAdjust *adjust, GError **error);

/* The other way: `before` and where it stood are the filter's again, and what was its spec is
 * the caller's. */
NetfilSpec *netfil_put_back(NetfilEngine *e, NetfilFilter *filter, NetfilSpec *before,
			    const NetfilStanding *standing, gboolean anew);

/* cap.c: what happens at the cap. */
void netfil_cap_event(const struct netfil_event *event, gpointer engine);

/* Has ready what the cap will need. Interfaces are to be applied after it. */
gboolean netfil_cap_prepare(NetfilEngine *e, NetfilFilter *filter, GError **error);

/* Takes back what netfil_cap_prepare() and the cap did. */
void netfil_cap_dismiss(NetfilEngine *e, NetfilFilter *filter);

/* After a cap or the policy changed, or netfild was away: does what is due now, and no
 * more what was due before. */
void netfil_cap_follow(NetfilEngine *e, NetfilFilter *filter);

/* turn.c: what time does. */

/* A filter is there, or its times were changed: reckons when its cycle and its free hours
 * end. Arm afterwards. */
void netfil_turn_begin(NetfilEngine *e, NetfilFilter *filter);

/* Notes the cycle at hand as over, with what was used when the counters stood `at`. */
NetfilLedgerCycle netfil_turn_close(const NetfilFilter *filter, const NetfilCounters *at,
				    gint64 ended);

/* Each second: turns what is due, writes what changed, and tells. */
void netfil_turn_all(NetfilEngine *e);

typedef struct NetfilPreparation NetfilPreparation;

/* prepare.c */
GPtrArray *netfil_preparations_new(void);

/* relist.c: list files that change. */
GHashTable *netfil_relists_new(void);

/* Each second: looks at the files, and takes up what is new. */
void netfil_relist(NetfilEngine *e);

/* Why the file's present version is not in force; NULL: nothing is known against it. */
const char *netfil_relist_problem(NetfilEngine *e, const char *path);

/* NetfilStatus.lists. Caller unrefs. */
GVariant *netfil_relist_tell(NetfilEngine *e, const NetfilFilter *filter);

/* Gives the filter's warnings that are due. */
void netfil_turn_warn(NetfilEngine *e, NetfilFilter *filter);

/* sockets.c: what it waits for is not waited for any more. */
void netfil_sockets_forget(NetfilEngine *e);

/* ended.c: from now on removes filters with until-exit whose processes have ended, as long as
 * there are any. */
void netfil_ended_watch(NetfilEngine *e);

/* grant.c: strict durability. */

/* Whether the filter needs grants; where they begin, its limit is where it stands. Before
 * netfil_filter_arm(). */
void netfil_grant_prepare(NetfilEngine *e, NetfilFilter *filter);

/* Grants more if that is due. */
void netfil_grant_follow(NetfilEngine *e, NetfilFilter *filter);

/* NETFIL_EVENT_GRANT. */
void netfil_grant_event(NetfilEngine *e, NetfilFilter *filter);

/* The kernel admits nothing any more: what is left of the grant is known not to be spent. */
void netfil_grant_end(NetfilEngine *e, NetfilFilter *filter);

/* The counters were lost: what was granted beyond `known`, in and out together, counts as
 * spent. */
void netfil_grant_forfeit(NetfilFilter *filter, guint64 known);

/* adjust.c: what `set` may change of this cycle alone. */
void netfil_adjust_apply(NetfilEngine *e, NetfilFilter *filter, const NetfilAdjust *adjust);

/* record.c: the engine's filters in the ledger; without a ledger, nothing. */

/* Writes the filter's row, and gives a new filter its id. */
gboolean netfil_record(NetfilEngine *e, NetfilFilter *filter, GError **error);

/* Notes and tells what is wrong with the ledger; NULL: nothing is. */
void netfil_trouble(NetfilEngine *e, const GError *error);

/* checkpoint.c: what changed, in one transaction. What cannot be written is kept for the next
 * time, and told as trouble. */
void netfil_checkpoint(NetfilEngine *e);

/* The same with history up to this moment; and before the engine ends, with all members that
 * moved; with every filter as a whole. */
void netfil_checkpoint_history(NetfilEngine *e);
void netfil_checkpoint_last(NetfilEngine *e);
void netfil_checkpoint_all(NetfilEngine *e);

/* resume.c: after a start. */

/* Takes up the ledger's filters, and their counters where the kernel kept them. */
gboolean netfil_resume(NetfilEngine *e, GError **error);

/* Counts what applications move from now on; what prevents it is logged. */
void netfil_resume_apps(NetfilEngine *e);
