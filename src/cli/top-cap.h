/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/client.h"
#include "top-model.h"

/* Puts a cap on a row: "25M" (in total), "in 25M" or "out 25M". A filter gets it as its own, for
 * all others a filter is made. Returns what was done, in one line; NULL and an error. Caller
 * frees. */
char *netfil_top_cap(NetfilClient *client, NetfilTopGroup group, const NetfilTopRow *row,
		     const char *text, GError **error);
