/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "answer.h"

#include "core/error.h"
#include "core/quote.h"
#include "gate.h"
#include "log.h"

#define SHOWN_MAX 300 /* of a change, in the log */

void netfil_answer_error(GDBusMethodInvocation *call, const GError *error)
{
	g_dbus_method_invocation_return_error_literal(
	    call, NETFIL_ERROR, error->domain == NETFIL_ERROR ? error->code : NETFIL_ERROR_FAILED,
	    error->message);
}

gboolean netfil_answer_change(GDBusMethodInvocation *call, const char *what, GVariant *answer,
			      const GError *error)
{
	const NetfilCaller *caller = netfil_gate_caller(call);
	g_autofree char *line = netfil_escape(what, -1, SHOWN_MAX);

	netfil_log_event(NETFIL_LOG_CALLED, &(NetfilLogFields){.caller = caller},
			 "uid %d (pid %d): %s%s%s", (int)caller->uid, (int)caller->pid, line,
			 error ? ": " : "", error ? error->message : "");
	if (error)
		netfil_answer_error(call, error);
	else
		g_dbus_method_invocation_return_value(call, answer);
	return TRUE;
}

gboolean netfil_answer(GDBusMethodInvocation *call, GVariant *answer, const GError *error)
{
	if (answer)
		g_dbus_method_invocation_return_value(call, answer);
	else
		netfil_answer_error(call, error);
	return TRUE;
}
