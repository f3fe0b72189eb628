/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* NETFIL_ERROR and its codes, which every part of netfil raises, and libnetfil passes on. Programs
 * print messages after "netfil: " as they are; NETFIL_ERROR_INVALID is their exit status 2. */
#include "netfil/types.h"
