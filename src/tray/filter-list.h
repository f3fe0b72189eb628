/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "model.h"

/* The filters of a type, each with what is used of it, as they are now. `selected` is
 * called with the name of the one that the user selects, NULL for none. */
GtkWidget *netfil_filter_list_new(NetfilModel *model, NetfilSpecType type,
				  void (*selected)(const char *name, gpointer data), gpointer data);

/* NULL: none. */
void netfil_filter_list_select(GtkWidget *list, const char *name);
