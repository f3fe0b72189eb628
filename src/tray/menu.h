/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "act.h"
#include "model.h"

/*
 * The menu of the icon: all filters by type, each with a switch. It follows the model by
 * itself, for as long as the menu lives; what does not differ is not touched.
 */
GtkWidget *netfil_menu_new(NetfilModel *model, NetfilAct *act, GActionGroup *actions);
