/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "filter.h"

/* Ends the processes of a filter: those under its process rule, and those that hold
 * a socket which it matches. SIGTERM now, SIGKILL two seconds later to those that
 * are still there; never this process, nor process 1. */
void netfil_kill(NetfilKernel *kernel, NetfilFilter *filter);

/* The SIGKILL that is still due is not sent. */
void netfil_kill_forget(NetfilFilter *filter);
