/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"

/* The status with properties (a{sv}) of its object on the bus put over it; NULL if they
 * cannot be read. Caller frees. */
NetfilStatus *netfil_status_overlay(const NetfilStatus *status, GVariant *properties);

/* Whether both say the same, with specs of their own. */
gboolean netfil_status_alike(const NetfilStatus *a, const NetfilStatus *b);
