/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/counters.h"
#include "map.h"
#include "netfil/abi.h"

/*
 * The members of one keyed slot (struct netfil_member in abi.h). An index says which: from 0 on in
 * the order in which they got their numbers, and NETFIL_MEMBERS_OTHERS for who has no other one.
 * It stays the same for as long as the members are there. The programs make members and count
 * meanwhile, so what is read was true at some moment of the reading.
 */
typedef struct NetfilMembers NetfilMembers;

/* Raises config.generation. */
typedef void (*NetfilMembersBumpFunc)(gpointer data);

#define NETFIL_MEMBERS_OTHERS G_MAXUINT

/* What all members are under. */
typedef struct {
	guint64 cap[NETFIL_DIRECTIONS]; /* bytes of a cycle; 0: none */
	guint32 flags;                  /* enum netfil_slot_flags of the policy */
	guint64 rate, over_until;       /* as in struct netfil_slot */
} NetfilMemberTerms;

typedef struct {
	struct netfil_member_key key;
	NetfilCounters counted; /* since the member is there */
	NetfilCounters used;    /* the same, but in and out of this cycle alone */
	guint exhausted;        /* 1 << direction, of this cycle */
	gboolean current;       /* a packet came in this cycle */
} NetfilMemberReading;

/*
 * Makes the maps for `max` members that are told apart by `kind` (enum netfil_kind), and puts
 * them where the programs look. `bpffs_dir_or_null`: pins them there, or takes those over that
 * are pinned there for this slot with the same kind, whatever their maximum; what they count
 * goes on.
 */
NetfilMembers *netfil_members_open(NetfilMaps *maps, const char *bpffs_dir_or_null, guint slot,
				   guint kind, guint max, GError **error);

gboolean netfil_members_taken(const NetfilMembers *members); /* or made by netfil_members_open() */
guint netfil_members_max(const NetfilMembers *members);

void netfil_members_close(NetfilMembers *members); /* the maps and their pins stay */

/* Takes them away, and closes. No rule leads to the slot any more. */
void netfil_members_remove(NetfilMembers *members);

/*
 * Another maximum: all stay who they are, and nothing is counted twice or not at all. For the
 * milliseconds that it takes packets are dropped of whoever is no member yet. FALSE: all is as it
 * was. NETFIL_ERROR_INVALID: there are more; NETFIL_ERROR_FULL. config.generation was raised since
 * they were taken over.
 */
gboolean netfil_members_resize(NetfilMembers *members, guint max, NetfilMembersBumpFunc bump,
			       gpointer data, GError **error);

/* Takes away what was left behind of a slot that is of no keyed filter. */
void netfil_members_sweep_out(NetfilMaps *maps, const char *bpffs_dir_or_null, guint32 slot);

/* Takes away what was about to come or go of any slot, once all are opened that are there and
 * config.generation was raised. */
void netfil_members_sweep(NetfilMaps *maps);

/* The terms in force from each member's next packet on. `turn`: a new cycle, so the usage of
 * all begins at 0. The caller then raises config.generation, or sockets keep to the old ones. */
void netfil_members_arm(NetfilMembers *members, const NetfilMemberTerms *terms, gboolean turn);

guint netfil_members_end(const NetfilMembers *members); /* indices of members are below */

/* The index that goes with a number of the kernel's, as in events. FALSE: it is of nobody. */
gboolean netfil_members_index(const NetfilMembers *members, guint32 number, guint *index);
guint32 netfil_members_number(guint index);

/* FALSE: nobody is there. */
gboolean netfil_members_read(const NetfilMembers *members, guint index,
			     NetfilMemberReading *reading);

gboolean netfil_members_find(const NetfilMembers *members, const struct netfil_member_key *key,
			     guint *index);

/* Adds to what a member has used in this cycle, and makes it if it is not there. After
 * netfil_members_arm(). NETFIL_ERROR_FULL. */
gboolean netfil_members_restore(NetfilMembers *members, const struct netfil_member_key *key,
				const NetfilCounters *used, GError **error);

/* The same of who has no other one. */
void netfil_members_restore_others(NetfilMembers *members, const NetfilCounters *used);

/* Takes off what it has used in this cycle, without counting less: of free hours. The caller
 * raises config.generation. */
void netfil_members_forgive(NetfilMembers *members, guint index, guint64 in, guint64 out);

/* These caps (1 << direction) of it are not reached; if they are, its next packet says so. */
void netfil_members_calm(NetfilMembers *members, guint index, guint caps);

/* Its usage begins at 0 with its next packet, and reads as 0 until then. The caller raises
 * config.generation. */
void netfil_members_reset(NetfilMembers *members, guint index);

/* Before it is read: NETFIL_EVENT_MEMBER tells when it moves again. */
void netfil_members_hear(NetfilMembers *members, guint index);

/* A knock or a reached cap of it was acted on: see NETFIL_EXHAUSTED_KNOCKED. */
void netfil_members_listen(NetfilMembers *members, guint index);

/* Kernel memory of its maps, bytes. */
gsize netfil_members_bytes(const NetfilMembers *members);
