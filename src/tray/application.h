/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

/* netfil-tray: one in a session; started again, it shows the window of the first. */
GApplication *netfil_application_new(void);
