/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "filter.h"

/* The processes of a filter (guint32, ascending, each once): those under its process
 * rule, and those that hold a socket which it matches; never this process, nor
 * process 1. */
GArray *netfil_filter_processes(NetfilKernel *kernel, const NetfilFilter *filter);

/* The next packet that the cap refuses is to knock again (NETFIL_SLOT_KNOCK). */
void netfil_filter_hear(NetfilKernel *kernel, const NetfilFilter *filter);

/* Ends them. SIGTERM now, SIGKILL two seconds later to those that are still there or
 * came since. FALSE: there was none. */
gboolean netfil_kill(NetfilKernel *kernel, NetfilFilter *filter);

/* The SIGKILL that is still due is not sent. */
void netfil_kill_forget(NetfilFilter *filter);
