/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "map.h"
#include "netfil/abi.h"

/*
 * Where one keyed slot's members are: pieces of one size (struct netfil_member in abi.h), a run of
 * the elements of "members". Which of these are taken is told by "keyeds" alone: by the filters
 * that have a kind and a maximum.
 */
typedef struct NetfilPieces NetfilPieces;

/* None yet. */
NetfilPieces *netfil_pieces_new(NetfilMaps *maps, const char *bpffs_dir_or_null,
				struct netfil_keyed *keyeds, guint slot);
void netfil_pieces_free(NetfilPieces *pieces); /* the maps and their pins stay */

/* Takes those over that are pinned, if there are enough for `max` members, and takes away what is
 * pinned beyond. FALSE: there are not, and none is taken. */
gboolean netfil_pieces_take(NetfilPieces *pieces, guint max);

/*
 * Makes room for `max` members, behind those that are there or at another place: then all are at
 * both, so it does not matter where a program finds them. FALSE: all is as it was.
 * NETFIL_ERROR_FULL. config.generation was raised since they were taken over.
 */
gboolean netfil_pieces_extend(NetfilPieces *pieces, guint max, GError **error);

/* The first ones have a kind and a maximum now. */
void netfil_pieces_settle(NetfilPieces *pieces);

/* Takes away what `max` members do not need, and the place of before: once all programs have ended
 * that ran when it was another one, and config.generation has been raised since, so that no
 * shortcut leads there. */
void netfil_pieces_trim(NetfilPieces *pieces, guint max);

/* Takes all away; the slot is of no keyed filter then. */
void netfil_pieces_remove(NetfilPieces *pieces);

/* By number less 1. Good until the next call. */
struct netfil_member *netfil_pieces_at(NetfilPieces *pieces, guint element);

gsize netfil_pieces_bytes(const NetfilPieces *pieces); /* of kernel memory */

/* Of a slot that is of no keyed filter: FALSE where nothing was left behind. */
gboolean netfil_pieces_are_left(const struct netfil_keyed *keyed);

/* Takes it away. */
void netfil_pieces_sweep_out(NetfilMaps *maps, const char *bpffs_dir_or_null,
			     struct netfil_keyed *keyeds, guint slot);

/* Sets an error of members' maps by an errno: NETFIL_ERROR_FULL, if it is one of memory. FALSE. */
gboolean netfil_pieces_failed(const char *what, int number, GError **error);

/* Takes away what is pending of any slot. */
void netfil_pieces_sweep(NetfilMaps *maps, struct netfil_keyed *keyeds);
