/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "caller.h"
#include "engine/engine.h"

/*
 * What a local user may do without being an administrator (org.netfil.cap-own): cap
 * processes of their own, and change the filters that they made so.
 */

/* Whether this call is no more than that. FALSE and NETFIL_ERROR_DENIED: it is more, so
 * it takes org.netfil.manage; the message is what does ("process 1, which is not yours,").
 * `parameters`: the method's. */
gboolean netfil_own_allows(NetfilEngine *engine, const NetfilCaller *caller, const char *method,
			   GVariant *parameters, GError **error);

/* What goes before all else: a process that a --pid filter follows cannot change that filter. Nor
 * can root, if it is in namespaces of its own. NETFIL_ERROR_DENIED. */
gboolean netfil_own_is_free(NetfilEngine *engine, const NetfilCaller *caller, const char *method,
			    GVariant *parameters, GError **error);

/* Makes a filter one that matches what `uid` runs, and nothing else. */
gboolean netfil_own_confine(NetfilSpec *spec, uid_t uid, GError **error);
