/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"

/* How well a filter stands: what its colour tells. */
typedef enum {
	NETFIL_LEVEL_OFF,
	NETFIL_LEVEL_GOOD,
	NETFIL_LEVEL_WARN, /* near its cap, or nothing there to match */
	NETFIL_LEVEL_BAD,  /* at its cap */
} NetfilLevel;

NetfilLevel netfil_level(const NetfilStatus *status);
