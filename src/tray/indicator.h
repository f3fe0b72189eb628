/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "model.h"

/* The icon in the panel, which follows the model; its menu is taken over. symbolic: in the
 * panel's colour, without its own. g_object_unref() takes it away. */
GObject *netfil_indicator_new(NetfilModel *model, GtkWidget *menu, gboolean symbolic);
