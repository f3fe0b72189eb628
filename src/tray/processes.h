/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

#include "model.h"

/* Lets the user pick running processes. `picked` is called for each, with key "pid" or "exe"
 * and its value; not after the window is gone. */
void netfil_processes_pick(GtkWindow *window, NetfilModel *model,
			   void (*picked)(const char *key, const char *value, gpointer data),
			   gpointer data);
