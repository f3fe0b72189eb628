/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "text.h"

/* Asks netfild, over a connection of its own, whose end is seen by the thread's default main
 * context: a program that goes on has to run it. `duration` is left to the caller. */
NetfilMetrics *netfil_metrics_gather(GError **error);
