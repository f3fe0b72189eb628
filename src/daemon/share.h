/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <sys/types.h>

/*
 * How much of the main loop's time each user takes with what they ask. A long history takes
 * long to answer: who asks for one after the other has to wait in between, so that the
 * others do not.
 */
typedef struct NetfilShares NetfilShares;

NetfilShares *netfil_shares_new(void);
void netfil_shares_free(NetfilShares *shares);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilShares, netfil_shares_free)

/* A call of the user's took so many microseconds. */
void netfil_shares_charge(NetfilShares *shares, uid_t uid, gint64 microseconds);

/* For how many milliseconds the user's next call is to wait; 0: it need not. */
guint netfil_shares_pause(NetfilShares *shares, uid_t uid);
