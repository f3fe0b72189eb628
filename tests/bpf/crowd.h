/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <netinet/in.h>

#include "bed.h"
#include "kernel/members.h"

/* A bed with one keyed filter, each remote address a member, and who they are. Members drop
 * what is beyond their caps. */
#define SIZE 1000 /* of the packets that are sent, bytes on layer 3 */
#define RULE 0

extern Bed *bed; /* the test's to make */
extern NetfilMembers *members;
extern Packet packet; /* as the last one was */

/* With so many members at most, without caps, pinned nowhere; who were there are no more. */
void crowd_set_up(guint max);
void crowd_free(void); /* the bed, too */

/* The caps of each, bytes; 0: none. `turn`: what was used does not count any more. */
void crowd_arm(guint64 in, guint64 out, guint64 total, gboolean turn);

/* 10.0.0.0 + n, as the member that what is sent there has. */
struct in6_addr crowd_address(guint n);

/* Sends to that one, or lets it send; what the program returned in the end. */
int crowd_transmit(Program program, guint n, guint repeat);

gboolean crowd_find(guint n, guint *index);
NetfilMemberReading crowd_read(guint index);
NetfilMemberReading crowd_others(void); /* who do not fit */

/* Fails unless that one is a member, and has used these bytes. */
void crowd_expect(guint n, guint64 in, guint64 out);

/* The filter as the programs have it, and its members' first piece, that is by number less 1;
 * crowd_unmap() gives it back. */
struct netfil_keyed *crowd_keyed(void);
struct netfil_member *crowd_map(void);
void crowd_unmap(struct netfil_member *memory);
