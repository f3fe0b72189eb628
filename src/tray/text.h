/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/cycle.h"
#include "core/status.h"
#include "face.h"

/* What the tray says, in the user's language and form. Callers free what is not const. */

char *netfil_text_size(guint64 bytes); /* "12,3 MB" */
char *netfil_text_rate(double bytes_per_second);

/* "12.3 MB of 25.0 MB", of the cap that is nearest; without one "12.3 MB"; with `each`
 * "12.3 MB, 25.0 MB each". */
char *netfil_text_amount(const NetfilStatus *status);

/* What is next: "unlimited until 18:00", "cap in 3 hours", "new cycle in 12 days"; or "". */
char *netfil_text_outlook(const NetfilStatus *status);

/* Of a filter with `each`: "12 members, 3 at their cap". */
char *netfil_text_members(const NetfilStatus *status);

/* "on", "off", "at its cap", "waiting". */
const char *netfil_text_state(const NetfilStatus *status);

/* All of it in one line, for a menu: "hotspot  ███░░░  49%  12.3 of …  cap in 3 days  new cycle
 * in 12 days". */
char *netfil_text_line(const NetfilStatus *status);

/* The same without the bar, for those who hear it. */
char *netfil_text_spoken(const NetfilStatus *status);

const char *netfil_text_face(NetfilFace face);

const char *netfil_text_type(NetfilSpecType type); /* "Interface", "Socket", "IP" */

/* An instant, short: the time if it is today, else the date and the time. */
char *netfil_text_when(gint64 seconds);

/* When the cap will be reached, or that it will not; with `each`, how many members there are;
 * "" without a cap. */
char *netfil_text_forecast(const NetfilStatus *status);
