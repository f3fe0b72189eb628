/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Sends g_message() and the like to stderr, one line an event: with the time,
 * unless the journal is there to add its own. */
void netfil_log_start(void);

/* For events that any local user can cause: a few a minute, and then how many
 * were left out, so that nobody fills the log. Any thread. */
void netfil_log_limited(const char *format, ...) G_GNUC_PRINTF(1, 2);
