/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "filter.h"

/*
 * Processes stand still while their filter is spent. A control group of `netfil run`'s in
 * which all are the filter's is frozen as a whole; others get SIGSTOP. Who stood still
 * already by somebody else's doing is left alone. All of it outlives netfild, and so does
 * NETFIL_EXHAUSTED_PAUSED, by which the next one knows whose doing it was.
 */

/* Has the filter's processes stand still (netfil_filter_processes()). Again: those that
 * came since, or were woken. FALSE: all stood still. */
gboolean netfil_pause(NetfilKernel *kernel, NetfilFilter *filter);

/* They go on, those as well that an earlier netfild paused. */
void netfil_pause_end(NetfilKernel *kernel, NetfilFilter *filter);

/* Frees what is remembered of them; they stay as they are. */
void netfil_pause_forget(NetfilFilter *filter);
