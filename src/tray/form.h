/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "act.h"
#include "model.h"

/*
 * A filter's settings, for one type of filters: made, changed, switched on ("Filter") and
 * off ("Stop"). It follows the model: a filter that is changed elsewhere is shown as it is
 * now, unless the user has begun to change it here.
 */
GtkWidget *netfil_form_new(NetfilModel *model, NetfilAct *act, NetfilSpecType type);

/* NULL: a new filter. */
void netfil_form_show(GtkWidget *form, const char *name);

/* Whether the new filter of that name was asked for here. */
gboolean netfil_form_made(GtkWidget *form, const char *name);
