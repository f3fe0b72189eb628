/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "act.h"
#include "model.h"

/* The window: a tab for each type of filters, and one for what was used. What is refused is
 * told in it. */
GtkWidget *netfil_window_new(GtkApplication *application, NetfilModel *model, NetfilAct *act);
