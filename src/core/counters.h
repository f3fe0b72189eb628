/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* What a filter counts, in bytes and packets. */
typedef struct {
	guint64 in, out;
	guint64 refused_bytes, refused_packets;
	guint64 reset_bytes, reset_packets;
} NetfilCounters;
