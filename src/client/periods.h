/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* What a filter or an application moved in a period. */
typedef struct {
	char *name;  /* the filter's, or the executable's path ("": traffic without an owner, "*":
			applications for which there was no room) */
	guint32 uid; /* of an application; G_MAXUINT32: none */
	gint64 start, end; /* seconds since the epoch; end is excluded */
	guint64 in, out;
	guint64 refused_bytes, refused_packets; /* of a filter */
} NetfilPeriod;

GArray *netfil_periods_new(void);

/* Append a page of the answer to the method History, or Apps. */
void netfil_periods_add_history(GArray *periods, GVariant *page);
void netfil_periods_add_apps(GArray *periods, GVariant *page);
