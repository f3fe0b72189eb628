/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "rules.h"

/*
 * Processes that were there before the rule that names them: each is to come under it, with
 * all that descends from it. Rules wait here, so that processes are looked for once for many.
 */
typedef struct NetfilSeeds NetfilSeeds;

NetfilSeeds *netfil_seeds_new(NetfilKernel *kernel);
void netfil_seeds_free(NetfilSeeds *seeds);

/* The processes that the rule names. NETFIL_ERROR_NOT_FOUND. */
gboolean netfil_seeds_name(NetfilSeeds *seeds, const NetfilRule *rule, GError **error);

/* Whoever is under the other rule by then. */
void netfil_seeds_follow(NetfilSeeds *seeds, const NetfilRule *rule, const NetfilRule *other);

/* Puts them under their rules. Who has ended since is not missed. */
gboolean netfil_seeds_sow(NetfilSeeds *seeds, GError **error);
