/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/* How calls of the bus are answered. */

void netfil_answer_error(GDBusMethodInvocation *call, const GError *error);

/* `answer` is floating, and NULL with an error. Returns TRUE: it is handled. */
gboolean netfil_answer(GDBusMethodInvocation *call, GVariant *answer, const GError *error);

/* The end of each call that changes something: one line in the log ("uid 0 (pid 7): what"), one
 * answer, which may be NULL without an error. Returns TRUE. */
gboolean netfil_answer_change(GDBusMethodInvocation *call, const char *what, GVariant *answer,
			      const GError *error);
