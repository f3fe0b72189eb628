/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "caller.h"

/*
 * polkit, asked over the system bus and without waiting for it. Where it cannot be reached
 * the defaults of data/bus/org.netfil.policy hold, without a password that could be asked
 * for: everybody may read and cap what is theirs, and nobody but administrators manages. So
 * it is for a root that is no administrator.
 */
typedef struct NetfilAuthority NetfilAuthority;

typedef enum {
	NETFIL_ACTION_READ,
	NETFIL_ACTION_CAP_OWN,
	NETFIL_ACTION_MANAGE,
} NetfilAction;

const char *netfil_action_name(NetfilAction action);

NetfilAuthority *netfil_authority_new(void);
void netfil_authority_free(NetfilAuthority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilAuthority, netfil_authority_free)

/* NULL: there is none. */
void netfil_authority_set_bus(NetfilAuthority *authority, GDBusConnection *bus);

/* `interactive`: a password may be asked for. Cancelling takes the question back from the
 * user's screen too. */
void netfil_authority_check(NetfilAuthority *authority, const NetfilCaller *caller,
			    NetfilAction action, gboolean interactive, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer data);

/* FALSE without an error: not allowed. NETFIL_ERROR_DENIED: polkit is there and did not say. */
gboolean netfil_authority_check_finish(GAsyncResult *result, GError **error);
