/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "object.h"

/* See netfil_kernel_reset_connections(). */
guint netfil_reset_connections(NetfilObjects *objects, guint slot, guint member);

/* See netfil_kernel_closing_connections(). */
guint netfil_closing_connections(NetfilObjects *objects, guint slot);
