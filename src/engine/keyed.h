/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/member.h"
#include "core/status.h"
#include "kernel/kernel.h"

/*
 * What the engine knows of a filter with `each`: up to where it has read its members, and what
 * they are called. What a member moved is added to the filter's slot, which the kernel leaves
 * alone: so all that is said of filters is said of the sum.
 */
typedef struct NetfilKeyed NetfilKeyed;

struct _NetfilEngine;
struct NetfilFilter;

/* Up to where a member was read. There may be a million of these. */
typedef struct {
	guint64 in, out;                                     /* counted */
	guint32 refused_bytes, refused_packets, reset_bytes; /* the same, the low bits of it */
	guint16 reset_packets;
	guint8 warned; /* the highest percentage of which was warned in this cycle */
	guint8 flags;  /* enum netfil_seen_flags; below them the caps that were told of */
} NetfilSeen;
_Static_assert(sizeof(NetfilSeen) == 32, "a million of these");

/* Bits of NetfilSeen.flags beside 1 << direction. */
enum {
	NETFIL_SEEN_KNOWN = 1 << 3,  /* counted as a member, and called by a name */
	NETFIL_SEEN_DIRTY = 1 << 4,  /* is in `dirty` */
	NETFIL_SEEN_DUE = 1 << 5,    /* is in `due` */
	NETFIL_SEEN_HIDDEN = 1 << 6, /* another one has its name now, and its usage */
};
#define NETFIL_SEEN_TOLD ((1U << NETFIL_DIRECTIONS) - 1)

struct NetfilKeyed {
	struct _NetfilEngine *engine;
	struct NetfilFilter *filter;
	NetfilMembers *members;
	NetfilMemberTerms terms; /* as they were armed last */
	gboolean armed;
	gboolean turns; /* at the next arming a cycle begins */

	GArray *seen; /* NetfilSeen, by index */
	NetfilSeen others;
	GArray *moved; /* guint: indices of members that are to be heard */
	guint count, at_cap;
	NetfilCounters beyond; /* what the slot has counted that no member has */

	/* Of those that are told apart by more than an address. */
	GHashTable *names;   /* struct netfil_member_key -> char * */
	GHashTable *by_name; /* char * -> index + 1 */
	GHashTable *waiting; /* char * -> NetfilCounters *: of the ledger, and not here yet */

	/* What the ledger is still to be told. */
	GArray *dirty; /* guint: indices */
	guint writing; /* how many of them are in the transaction that is under way */
	gboolean forgets;
	gboolean beyond_moved;

	GArray *due; /* guint: indices of those whose connections are to be ended */
};

/* keyed.c: life. */

/* Takes up the members of the filter's slot, or with `fresh` begins with none. */
NetfilKeyed *netfil_keyed_open(struct _NetfilEngine *e, struct NetfilFilter *filter, gboolean fresh,
			       GError **error);
void netfil_keyed_free(NetfilKeyed *k); /* the kernel's part stays */
void netfil_keyed_remove(NetfilKeyed *k);

/* Another max-members. FALSE: it is as it was. */
gboolean netfil_keyed_resize(NetfilKeyed *k, guint max, GError **error);

/* What netfil_filter_arm() does. */
void netfil_keyed_arm(NetfilKeyed *k, const NetfilMemberTerms *terms);

/* Has the next arming begin a cycle; or not, after all. */
void netfil_keyed_turn(NetfilKeyed *k, gboolean turns);

/* Adds what those moved that are still to be heard. */
void netfil_keyed_settle(NetfilKeyed *k);

/* Reads all, heard of or not, and marks who moved. Those without a name are to be heard. */
void netfil_keyed_sweep(NetfilKeyed *k);

/* Names those that are to be heard, without telling anybody. */
void netfil_keyed_call_all(NetfilKeyed *k);

/* Each second: hears who moved, and names them. TRUE if somebody did. */
gboolean netfil_keyed_hear(NetfilKeyed *k);

/* Reads a member, and adds what it moved. FALSE: nobody is there. */
gboolean netfil_keyed_read(NetfilKeyed *k, guint index, NetfilMemberReading *reading);

/* It was given what others had used: so much of its counters did not move now. */
void netfil_keyed_hand_on(NetfilKeyed *k, guint index, const NetfilCounters *used);

NetfilSeen *netfil_keyed_seen(NetfilKeyed *k, guint index);
void netfil_keyed_mark(NetfilKeyed *k, guint index); /* its row is to be written */

/* Calls for each member's index, and last for that of the others. */
typedef void (*NetfilKeyedFunc)(NetfilKeyed *k, guint index, const NetfilMemberReading *reading,
				gpointer data);
void netfil_keyed_each(NetfilKeyed *k, NetfilKeyedFunc func, gpointer data);

void netfil_keyed_status(NetfilKeyed *k, NetfilStatus *status);

/* keyed-names.c: what members are called. */

void netfil_keyed_names_init(NetfilKeyed *k);
void netfil_keyed_names_clear(NetfilKeyed *k);

/* Of the member at `index`. Caller frees. */
char *netfil_keyed_name(NetfilKeyed *k, guint index, const struct netfil_member_key *key);

/* Gives it a name for good, once; with it what the ledger, or an earlier bearer of the name that
 * is gone, had used. */
void netfil_keyed_call(NetfilKeyed *k, guint index, const struct netfil_member_key *key);

/* The same by a name that is known to lead to it. */
void netfil_keyed_christen(NetfilKeyed *k, guint index, const struct netfil_member_key *key,
			   const char *name);

/* The key of whom the machine calls so now. */
gboolean netfil_keyed_key(NetfilKeyed *k, const char *name, struct netfil_member_key *key);

/* The member that is called so. */
gboolean netfil_keyed_find(NetfilKeyed *k, const char *name, guint *index);

/* It has this name from the ledger on. */
void netfil_keyed_take_name(NetfilKeyed *k, guint index, const struct netfil_member_key *key,
			    const char *name);

/* keyed-ledger.c */

/* Takes up what the ledger has of members. `survived`: the kernel has counted on. */
gboolean netfil_keyed_resume(NetfilKeyed *k, gboolean survived, GError **error);

/* Writes what changed, within a transaction; once it is on disk, or is not, that is settled. */
gboolean netfil_keyed_write(NetfilKeyed *k, GError **error);
void netfil_keyed_written(NetfilKeyed *k, gboolean written);

/* Writes that a member is about to be given what others had used, before it is. */
void netfil_keyed_promise(NetfilKeyed *k, guint index, const NetfilMemberReading *own,
			  const NetfilCounters *used);

/* Whether rows wait for the next checkpoint. */
gboolean netfil_keyed_unwritten(const NetfilKeyed *k);

gboolean netfil_keyed_write_one(NetfilKeyed *k, guint index, const NetfilCounters *used,
				GError **error);

/* keyed-cap.c: warnings, and what happens at the cap. */

void netfil_keyed_event(NetfilKeyed *k, const struct netfil_event *event);
void netfil_keyed_warn(NetfilKeyed *k, guint index, const NetfilMemberReading *reading,
		       gboolean tell);

/* Which of the caps that a member is at are new is told. */
void netfil_keyed_tell(NetfilKeyed *k, guint index, const NetfilMemberReading *reading,
		       gboolean tell);

/* Ends connections of those that are due; TRUE if there were any. */
gboolean netfil_keyed_act(NetfilKeyed *k);
