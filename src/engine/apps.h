/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "kernel/kernel.h"

/*
 * What applications move: the kernel's accounts (struct netfil_account), read from mapped
 * memory. Knows how far somebody has written them down, and gives accounts that were idle
 * for long back to the kernel.
 */
typedef struct NetfilApps NetfilApps;

/* What an account moved since it was last recorded. */
typedef struct {
	guint32 account;
	GRefString *exe; /* interned, of the array: the executable's path, "" for traffic without
			    an owner, "*" for applications for which there was no account */
	guint32 uid;     /* G_MAXUINT32: none */
	guint64 in, out; /* since then; bytes */
	guint64 raw_in, raw_out; /* the account's counters, up to which this reaches */
} NetfilAppUsage;

/* Has the kernel's accounts ready. Those of maps whose config.instance is 0 start anew, and
 * nothing of them is recorded; so set it afterwards. Others go on. Nothing is counted before
 * netfil_apps_start(). */
NetfilApps *netfil_apps_new(NetfilKernel *kernel, GError **error);
void netfil_apps_free(NetfilApps *apps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilApps, netfil_apps_free)

/* Counts from now on (config.accounting), sockets that are there already too. The caller then
 * raises config.generation. */
gboolean netfil_apps_start(NetfilApps *apps, GError **error);

/* How far an account has been written down by an earlier one: of the ledger, after
 * netfil_apps_new(). */
void netfil_apps_resume(NetfilApps *apps, guint32 account, guint64 in, guint64 out);

/* Of NetfilAppUsage (g_array_unref): the accounts that moved since they were last recorded,
 * by number. */
GArray *netfil_apps_moved(NetfilApps *apps);

/* The path of an executable: of the account, if that is its still, or as far as it is known. Caller
 * frees. */
char *netfil_apps_path(NetfilApps *apps, guint32 account, const struct netfil_exe *exe);

/* The same, of any account that has it, or else of a process that runs it. What does not begin with
 * a slash is no path. */
char *netfil_apps_find_path(NetfilApps *apps_or_null, const struct netfil_exe *exe);

/* What netfil_apps_moved() gave has been written down, for good. Where few accounts are
 * free, takes back those that were idle for long. */
void netfil_apps_recorded(NetfilApps *apps, const GArray *moved);
