/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "engine-private.h"

/*
 * Filters that are added, changed and removed together, all or none: first it is said what is
 * to be done, then it is done, and told.
 */
typedef struct NetfilBatch NetfilBatch;

NetfilBatch *netfil_batch_new(NetfilEngine *e);
void netfil_batch_free(NetfilBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilBatch, netfil_batch_free)

/* Specs are to stay until it is done. `keys` (NULL: not known): those that differ. `selects`:
 * it needs a rule of its new selectors. `owner`, `anew` and `adjust` are netfil_take_spec()'s. */
void netfil_batch_add(NetfilBatch *batch, const NetfilSpec *spec);
void netfil_batch_change(NetfilBatch *batch, NetfilFilter *filter, NetfilSpec *spec, guint32 owner,
			 const char *const *keys, gboolean selects, gboolean anew,
			 const NetfilAdjust *adjust);
void netfil_batch_remove(NetfilBatch *batch, NetfilFilter *filter);

/* Then nothing is done. Takes the error over. `key`: which of the filter's is wrong, if one is. */
void netfil_batch_refuse(NetfilBatch *batch, const char *name, const char *key, GError *error);
gboolean netfil_batch_is_refused(const NetfilBatch *batch);

/* On error nothing was changed; of several refusals it is the first. */
gboolean netfil_batch_carry_out(NetfilBatch *batch, GError **error);

/* Of NetfilChange: what is to be done, or why it cannot be. */
GPtrArray *netfil_batch_changes(NetfilBatch *batch);
