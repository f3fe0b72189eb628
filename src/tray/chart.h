/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "core/cycle.h"

/* Bars of what moved in and out, one a period. */
GtkWidget *netfil_chart_new(void);

/* buckets: of NetfilBucket; taken over. cap: a line, 0: none. */
void netfil_chart_show(GtkWidget *chart, GArray *buckets, NetfilBy by, guint64 cap);
