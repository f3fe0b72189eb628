/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

/* What applications moved, the most first. */
GtkWidget *netfil_apps_view_new(void);

/* periods: of NetfilPeriod, one an application and user. */
void netfil_apps_view_show(GtkWidget *view, const GArray *periods);
