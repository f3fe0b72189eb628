/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Sends g_message() and the like to stderr, one line an event: with the time,
 * unless the journal is there to add its own. */
void netfil_log_start(void);
