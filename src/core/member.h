/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "counters.h"
#include "netfil/abi.h"

/* Members of a filter with `each`, as they are asked for and told: a page at a time. */

/* The name of those beyond max-members, who share one cap. */
#define NETFIL_MEMBER_OTHERS "(others)"

typedef struct {
	char *name;      /* an address, a user, a path, an interface; or NETFIL_MEMBER_OTHERS */
	guint64 in, out; /* bytes of this cycle */
	guint64 refused_bytes, refused_packets;
	guint32 reached; /* bits, 1 << enum netfil_direction, of the caps that it is at */
} NetfilMember;

void netfil_member_clear(NetfilMember *member);

/* An array of NetfilMember that frees them. */
GArray *netfil_members_new(void);

/* An a(sttttu), in the order of the fields. Floating reference. */
#define NETFIL_MEMBER_TYPE "(sttttu)"
GVariant *netfil_members_to_variant(const GArray *members);

/* Appends those of an a(sttttu). */
void netfil_members_take(GArray *members, GVariant *variant);

typedef enum {
	NETFIL_MEMBER_BY_TOTAL, /* the default */
	NETFIL_MEMBER_BY_KEY,
	NETFIL_MEMBER_BY_IN,
	NETFIL_MEMBER_BY_OUT,
	NETFIL_MEMBER_BY_REFUSED,
} NetfilMemberSort;

/* What those that are sorted by number begin with is the largest one; by key, the first one. */
typedef struct {
	NetfilMemberSort sort;
	gboolean reverse;
	char *match;   /* part of the names wanted; NULL: all */
	guint32 limit; /* at most so many; 0: NETFIL_MEMBERS_PAGE */
	char *after;   /* a cursor: those behind it; NULL: from the start */
} NetfilMemberQuery;

#define NETFIL_MEMBERS_PAGE 50
#define NETFIL_MEMBERS_PAGE_MAX 1000

void netfil_member_query_clear(NetfilMemberQuery *query);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NetfilMemberQuery, netfil_member_query_clear)

const char *netfil_member_sort_name(NetfilMemberSort sort);
gboolean netfil_member_sort_parse(const char *text, NetfilMemberSort *sort, GError **error);

/* What the member is sorted by; 0 for its key. */
guint64 netfil_member_value(const NetfilMember *member, NetfilMemberSort sort);

/* An a{sv}: sort (s), reverse (b), match (s), limit (u), after (s), each if it is not the default.
 * Floating reference. */
GVariant *netfil_member_query_to_variant(const NetfilMemberQuery *query);

/* Of such an a{sv}, into an empty one; NETFIL_ERROR_INVALID. */
gboolean netfil_member_query_read(NetfilMemberQuery *query, GVariant *variant, GError **error);

/* "VALUE:KEY", of the last member of a page. Caller frees. */
char *netfil_member_cursor(const NetfilMember *member, NetfilMemberSort sort);

/* `name`: where the key is in `cursor`. NETFIL_ERROR_INVALID. */
gboolean netfil_member_cursor_parse(const char *cursor, guint64 *value, const char **name,
				    GError **error);
