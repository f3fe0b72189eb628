/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "model.h"

/* The tab of what was used: a chart of a filter, its forecast, and which applications it was. */
GtkWidget *netfil_usage_new(NetfilModel *model);
