/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "filter.h"

/* The processes of a filter (guint32, ascending, each once): those under its process
 * rule, and those that hold a socket which it matches; of a user's filter those that the user
 * may signal; never this process, nor process 1. */
GArray *netfil_filter_processes(NetfilKernel *kernel, const NetfilFilter *filter);

/* Whether the filter may do something to a process: a user's filter may what the user may. Ask
 * when a pidfd means the process already. */
gboolean netfil_filter_may_signal(const NetfilFilter *filter, guint32 pid);

/* The next packet that the cap refuses is to knock again (NETFIL_EXHAUSTED_KNOCKED). */
void netfil_filter_hear(NetfilKernel *kernel, const NetfilFilter *filter);

/* Ends them. SIGTERM now, SIGKILL two seconds later to those that are still there or
 * came since. FALSE: there was none. */
gboolean netfil_kill(NetfilKernel *kernel, NetfilFilter *filter);

/* The SIGKILL that is still due is not sent. */
void netfil_kill_forget(NetfilFilter *filter);
