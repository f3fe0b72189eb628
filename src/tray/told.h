/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"

/*
 * What the user was told of, kept in a file, so that nothing is told twice: not after a
 * restart of the tray, nor of netfild. All news is read from where a filter stands, so that
 * none is missed that came while nobody looked.
 */
typedef struct NetfilTold NetfilTold;

typedef struct {
	guint warned;     /* percents of a cap that are used; 0: no news */
	gboolean reached; /* a cap is reached */
	gboolean cycle;   /* a new cycle began */
	guint members;    /* with `each`: so many are at their cap, more than before; 0: no news */
} NetfilNews;

/* A file that is not there, or not readable, has told nothing. */
NetfilTold *netfil_told_open(const char *path);
void netfil_told_free(NetfilTold *told);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilTold, netfil_told_free)

/* What is new about this filter since it was asked last, which counts as told then. */
NetfilNews netfil_told_news(NetfilTold *told, const NetfilStatus *status);

/* The filter is gone. */
void netfil_told_forget(NetfilTold *told, const NetfilStatus *status);
