/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "error.h"

GQuark netfil_error_quark(void)
{
	return g_quark_from_static_string("netfil-error-quark");
}
