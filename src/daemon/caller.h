/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

/* Who makes a call, whichever bus it came by. */
typedef struct {
	uid_t uid;	/* (uid_t)-1: not known */
	pid_t pid;	/* 0: not known, as in another pid namespace */
	guint64 start;	/* of that process when it connected, as NetfilProcess has it; 0: not known */
	gboolean admin; /* root as netfild is: in its user and pid namespaces, with CAP_NET_ADMIN;
			   so the root of a container is nobody special */
	char *bus_name; /* unique name on the system bus; NULL: netfild's own socket */
} NetfilCaller;
