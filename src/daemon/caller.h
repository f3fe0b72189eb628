/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

/* Who makes a call, whichever bus it came by. Does not change once made. */
typedef struct {
	uid_t uid;      /* (uid_t)-1: not known */
	pid_t pid;      /* 0: not known, as in another pid namespace */
	gboolean admin; /* root as netfild is: in its user and pid namespaces, with CAP_NET_ADMIN;
			   so the root of a container is nobody special */
	char *bus_name; /* unique name on the system bus; NULL: netfild's own socket */
	guint64
	    start; /* of that process when it connected, as NetfilProcess has it; 0: not known */
} NetfilCaller;

/* Whether its process is in a network, pid, user or control group namespace other than netfild's,
 * as that of a container is; also where it cannot be seen any more. */
gboolean netfil_caller_is_elsewhere(const NetfilCaller *caller);

/* The other end of a connected socket, as it was when it connected. Any thread. */
NetfilCaller *netfil_caller_of_socket(GSocket *socket);

/* A process that another one vouches for: the bus daemon. `pidfd`, or -1, is that process
 * and not one that got its number later. */
NetfilCaller *netfil_caller_of_process(uid_t uid, pid_t pid, int pidfd, const char *bus_name);

NetfilCaller *netfil_caller_ref(NetfilCaller *caller);
void netfil_caller_unref(NetfilCaller *caller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilCaller, netfil_caller_unref)
