/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/spec.h"
#include "kernel/kernel.h"
#include "lists.h"

/* A spec's selectors in the kernel's terms: names looked up, lists read. */
typedef struct {
	guint32 asked;         /* bit 1 << enum netfil_kind, and NETFIL_ASKED_EXCEPT */
	GArray *pids;          /* guint32 */
	GArray *exes;          /* struct netfil_exe */
	GArray *uids;          /* guint32 */
	GPtrArray *cgroups;    /* char *: paths ("/a/b") and unit names ("x.service") */
	GArray *prefixes;      /* NetfilPrefix, of --ip, sorted */
	GPtrArray *lists;      /* NetfilList *, of --ip-file */
	GArray *excepts;       /* NetfilPrefix, sorted: remote addresses that are left out */
	GArray *ports;         /* NetfilPortRange */
	GArray *protos;        /* guint8 */
	GPtrArray *interfaces; /* char *, globs */
	gboolean any_owner;    /* a socket's owner is asked for, whichever it is */
	gboolean loopback;
} NetfilSelectors;

/* `lenient`: an executable, user or list that is not there matches nothing, instead of
 * NETFIL_ERROR_NOT_FOUND, and so does a list with a mistake: so a filter of the ledger survives
 * it. */
NetfilSelectors *netfil_selectors_new(NetfilKernel *kernel, NetfilLists *lists,
				      const NetfilSpec *spec, gboolean lenient, GError **error);
/* That ask nothing, and have these lists. */
NetfilSelectors *netfil_selectors_of_lists(GPtrArray *lists);

/* Its list of this path; NULL: none. */
const NetfilList *netfil_selectors_list(const NetfilSelectors *selectors, const char *path);
NetfilSelectors *netfil_selectors_copy(const NetfilSelectors *selectors);
void netfil_selectors_free(NetfilSelectors *selectors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilSelectors, netfil_selectors_free)

/* Whether one of the globs names the interface; loopback only where asked for or
 * named without a wildcard. */
gboolean netfil_globs_match(const GPtrArray *globs, const char *name, gboolean is_loopback,
			    gboolean loopback);
