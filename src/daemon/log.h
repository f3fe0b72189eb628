/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "caller.h"
#include "core/config.h"

/* One line an event: to the journal with fields, or to standard error, with the time unless
 * the journal is there to add its own. Any thread. */

/* Sends g_message() and the like there: to begin with, where NETFIL_LOG_TO_AUTO says. */
void netfil_log_start(void);
void netfil_log_to(NetfilLogTo to);

/* What has an id of its own in the journal: see netfild(8). */
typedef enum {
	NETFIL_LOG_CAP_REACHED,
	NETFIL_LOG_WARNED,
	NETFIL_LOG_CYCLE_STARTED,
	NETFIL_LOG_TROUBLE,
	NETFIL_LOG_TROUBLE_OVER,
	NETFIL_LOG_CALLED,  /* a call that changes something, done or failed */
	NETFIL_LOG_DENIED,  /* a call that was not allowed; limited */
	NETFIL_LOG_MISTAKE, /* in a file of administrators */
	NETFIL_LOG_APPLIED, /* a filter of filters.d was added or changed */
	NETFIL_LOG_HOOK,    /* what a hook wrote */
	NETFIL_LOG_HOOK_FAILED,
} NetfilLogEvent;

/* What is known of it; NULL, 0 and, of a member, "": nothing. */
typedef struct {
	const char *filter;
	const char *direction;
	guint percent;
	const char *member;
	const NetfilCaller *caller;
	const char *hook;
} NetfilLogFields;

/* `fields` may be NULL. */
void netfil_log_event(NetfilLogEvent event, const NetfilLogFields *fields, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* For events that any local user can cause: a few a minute, and then how many
 * were left out, so that nobody fills the log. */
void netfil_log_limited(const char *format, ...) G_GNUC_PRINTF(1, 2);
