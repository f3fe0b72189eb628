/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "run-cap.h"

NetfilStatus *netfil_run_cap_status(NetfilRunCap *cap, GError **error)
{
	return cap->status(cap, error);
}

NetfilStatus *netfil_run_cap_end(NetfilRunCap *cap, GError **error)
{
	return cap->end(cap, error);
}

void netfil_run_cap_free(NetfilRunCap *cap)
{
	cap->free(cap);
}
