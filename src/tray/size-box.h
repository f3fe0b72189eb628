/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

/* A size as an entry for the number, in the locale's form, and a choice of units. */
GtkWidget *netfil_size_units_new(void);

/* What was entered, as netfil_size_parse() takes it, unchecked; NULL if nothing was. */
char *netfil_size_entered(GtkWidget *entry, GtkWidget *units);

/* NULL, or a size that is 0, empties it. */
void netfil_size_enter(GtkWidget *entry, GtkWidget *units, const char *size);
