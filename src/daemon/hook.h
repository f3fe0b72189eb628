/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <sys/types.h>

/*
 * One run of an executable of events.d: as another user, with nothing of netfild's but what it
 * is given, and for so long. What it writes goes to the log, line by line. The main loop is
 * not kept waiting.
 */
typedef struct NetfilHook NetfilHook;

typedef struct {
	uid_t uid;
	gid_t gid;
} NetfilHookUser;

/* The process is gone, with all that was in its process group. */
typedef void (*NetfilHookDone)(gpointer data);

/* `timeout`: seconds. NULL: it could not be started, which is in the log; `done` is not
 * called then. The hook frees itself after `done`. */
NetfilHook *netfil_hook_start(const char *path, char **environment, const NetfilHookUser *user,
			      guint timeout, NetfilHookDone done, gpointer data);

/* At once; `done` is not called. */
void netfil_hook_end(NetfilHook *hook);

/* What may be run of a directory, in the order in which it is: paths of executables that root
 * alone can change, with names of letters, digits, "_" and "-", as run-parts(8) takes them.
 * Others that are executable are told in `problems` (of char *), which may be NULL. */
GPtrArray *netfil_hooks_list(const char *directory, GPtrArray *problems);
