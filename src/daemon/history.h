/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "engine/engine.h"

/*
 * What the methods History and Apps answer, page by page. What a first page was cut out
 * of is kept for the next ones, for a while: they are of one moment then, and the ledger
 * is not read anew for each of hundreds.
 */
typedef struct NetfilPages NetfilPages;

NetfilPages *netfil_pages_new(NetfilEngine *engine);
void netfil_pages_free(NetfilPages *pages);

/* The arguments are the methods'. Floating tuple; NULL and an error. */
GVariant *netfil_pages_history(NetfilPages *pages, const char *name, const char *by, gint64 from,
			       gint64 to, guint64 cursor, GError **error);
GVariant *netfil_pages_apps(NetfilPages *pages, const char *by, gint64 from, gint64 to,
			    guint64 cursor, GError **error);
