/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "client/client.h"

/* Periods (GArray of NetfilPeriod) on stdout, for people and for programs. */

typedef enum {
	NETFIL_HISTORY_TEXT,
	NETFIL_HISTORY_JSON,
	NETFIL_HISTORY_CSV,
} NetfilHistoryForm;

/* Of filters. Text: a line a period and a total; of several filters a block each, under its
 * name. Sorts the periods. */
void netfil_history_print(GArray *periods, NetfilBy by, NetfilHistoryForm form);

/* Of applications. Text: a line each, the one that moved most first; `by` -1: one sum each,
 * else a block a period. Sorts the periods. */
void netfil_history_print_apps(GArray *periods, int by, NetfilHistoryForm form);
