/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "text.h"

/* Asks netfild in a thread, so that one that does not answer holds up nobody; one question
 * at a time and not too many a second, however many want to know. */
typedef struct NetfilScraper NetfilScraper;

/* `scrape`: its number. Without netfild, `metrics` say so. */
typedef void (*NetfilScrapeFunc)(const NetfilMetrics *metrics, guint64 scrape, gpointer data);

/* Calls back on the default main context. Lives as long as the process: a netfild that hangs
 * would hold up its end. */
NetfilScraper *netfil_scraper_new(NetfilScrapeFunc done, gpointer data);

/* The number of the first scrape that begins after this call: it will be done. */
guint64 netfil_scraper_ask(NetfilScraper *scraper);
