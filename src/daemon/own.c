/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "own.h"

#include "core/error.h"

gboolean netfil_own_allows(NetfilEngine *engine, const NetfilCaller *caller, const char *method,
			   GVariant *parameters, GError **error)
{
	(void)engine;
	(void)caller;
	(void)method;
	(void)parameters;
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
			    "only administrators may change filters");
	return FALSE;
}

gboolean netfil_own_is_free(NetfilEngine *engine, const NetfilCaller *caller, const char *method,
			    GVariant *parameters, GError **error)
{
	(void)engine;
	(void)caller;
	(void)method;
	(void)parameters;
	(void)error;
	return TRUE;
}
