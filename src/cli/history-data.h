/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Periods (GArray of NetfilPeriod) on stdout for programs: JSON, or else CSV. */
void netfil_history_write(const GArray *periods, gboolean json);
void netfil_history_write_apps(const GArray *periods, gboolean json);
