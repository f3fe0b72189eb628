/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* An IPv4 or IPv6 prefix; IPv4 is held as ::ffff:a.b.c.d/96+n. "0.0.0.0/0" is all of
 * IPv4. "::/0" has length 0 and covers that too; filters take it as all of IPv6 and
 * nothing else (src/engine/rules.c). */
typedef struct {
	guint8 address[16]; /* network order */
	guint8 length;      /* bits, 0 to 128 */
} NetfilPrefix;

/* Reads "192.0.2.0/24", "192.0.2.1", "2001:db8::/32". Bits set behind the length
 * are refused, and the message names the prefix that was probably meant. */
gboolean netfil_prefix_parse(const char *text, NetfilPrefix *prefix, GError **error);

/* The text that netfil_prefix_parse reads; no "/32" or "/128" on a lone address.
 * Caller frees. */
char *netfil_prefix_format(const NetfilPrefix *prefix);

gboolean netfil_prefix_is_ipv4(const NetfilPrefix *prefix);
gboolean netfil_prefix_is_loopback(const NetfilPrefix *prefix);
gboolean netfil_prefix_contains(const NetfilPrefix *outer, const NetfilPrefix *inner);
int netfil_prefix_compare(gconstpointer a, gconstpointer b);

/* Sorts NetfilPrefix as netfil_prefix_compare() says, an outer one before those within it; each
 * is there once. */
void netfil_prefix_sort(GArray *prefixes);

/* In how many places beside themselves a tree of these prefixes branches; they are sorted. */
guint netfil_prefix_branches(const GArray *prefixes);

/* Appends the fewest prefixes that cover first to last, both included (16 bytes
 * each, network order, IPv4 mapped). */
void netfil_prefix_range(GArray *prefixes, const guint8 first[16], const guint8 last[16]);

#define NETFIL_PREFIXES_MAX 4194303 /* that the kernel's map takes, of all filters */

/* Reads a list: an address, a prefix, a range "first-last" or a PeerGuardian line
 * "name:first-last" on each line; '#' starts a comment; CRLF is taken. Appends
 * NetfilPrefix to `prefixes`. The first mistake stops it and is told with `name`
 * and its line: "list.txt:12: …"; so is the line with which there are more than
 * NETFIL_PREFIXES_MAX. Pure: `text` is the file's contents. */
gboolean netfil_prefix_list_parse(const char *name, const char *text, gsize length,
				  GArray *prefixes, GError **error);
