/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "act.h"
#include "model.h"

/* A tab: the filters of a type, and the form of the one that is selected. */
GtkWidget *netfil_filter_page_new(NetfilModel *model, NetfilAct *act, NetfilSpecType type);
