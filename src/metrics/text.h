/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"

/* netfil's numbers in Prometheus' words: pure, no I/O. */

typedef enum {
	NETFIL_EXPOSITION_TEXT,        /* Prometheus' text format, 0.0.4 */
	NETFIL_EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0 */
} NetfilExposition;

/* What is told. */
typedef struct {
	gboolean up;         /* netfild answered; else nothing of it follows */
	char *version;       /* netfild's */
	GPtrArray *statuses; /* of NetfilStatus, in any order */
	guint64 bytes[2];    /* without a known owner: in, out */
	guint64 packets[2];
	guint64 losses[NETFIL_LOSSES];
	gint64 trouble_since; /* the ledger's, seconds since the epoch; 0: it is well */
	gint64 duration;      /* of asking netfild, microseconds; -1: not told */
} NetfilMetrics;

/* Of a netfild that does not answer. */
NetfilMetrics *netfil_metrics_new(void);
void netfil_metrics_free(NetfilMetrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilMetrics, netfil_metrics_free)

/* The same for the same numbers, byte for byte. */
GString *netfil_metrics_text(const NetfilMetrics *metrics, NetfilExposition exposition);
