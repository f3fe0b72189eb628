/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/status.h"
#include "terminal.h"

/* Filters as text. */

/* How lines are laid out, so that they stand under one another and fit. */
typedef struct {
	guint name, state, amount, bar, selector, extra; /* columns; 0: left out */
} NetfilColumns;

/* `extra`: room to be kept for a text of the caller's own at the end of a line. */
NetfilColumns netfil_print_columns(const GPtrArray *statuses, const NetfilTerminal *terminal,
				   guint extra);

/* "name  state  selector  bar  49%  12.3 MB / 25.0 MB  extra"; no newline. Caller frees. */
char *netfil_print_row(const NetfilStatus *status, const NetfilColumns *columns,
		       const NetfilTerminal *terminal, const char *extra);

/* All about one filter, with exact digits; lines with newlines. Caller frees. */
char *netfil_print_details(const NetfilStatus *status, const NetfilTerminal *terminal);

/* "12.3 MB / 25.0 MB", of the cap that is nearest; without one "12.3 MB". Caller frees. */
char *netfil_print_amount(const NetfilStatus *status);

/* What is next for it, if anything: "unlimited until 18:00", "free until 07:00", "7 members, 2 at
 * cap" (with --each), "cap in 3 days" (at this rate), "12 days left" (of the cycle). Caller frees.
 */
char *netfil_print_outlook(const NetfilStatus *status);

/* "7 members, 2 at cap", with --each. Caller frees. */
char *netfil_print_member_count(const NetfilStatus *status);

/* "Trouble since 2026-12-24 18:00: what: what to do": see netfil_client_trouble(). Caller frees. */
char *netfil_print_trouble(const char *what, gint64 since);

/* "1.2 MB/s". Caller frees. */
char *netfil_print_rate(double bytes_per_second);

/* Appends "  bar   49%", the bar `width` columns wide (0: none). */
void netfil_print_bar(GString *line, const NetfilStatus *status, guint width,
		      const NetfilTerminal *terminal);

/* The colour for what is used and for where the filter stands. */
NetfilColour netfil_print_colour(const NetfilStatus *status);
