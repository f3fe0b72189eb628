/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "level.h"

NetfilLevel netfil_level(const NetfilStatus *status)
{
	double fraction = netfil_status_fraction(status);

	if (status->state == NETFIL_STATE_OFF)
		return NETFIL_LEVEL_OFF;
	if (status->state == NETFIL_STATE_EXHAUSTED || fraction >= 1)
		return NETFIL_LEVEL_BAD;
	if (fraction >= 0.8 || status->state == NETFIL_STATE_WAITING)
		return NETFIL_LEVEL_WARN;
	return NETFIL_LEVEL_GOOD;
}
