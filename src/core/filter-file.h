/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "key-file.h"
#include "spec.h"

/*
 * Filters as a text file that people write: a [NAME] for each filter, and below it lines
 * KEY=VALUE;VALUE with the keys of netfil_spec_put(). '#' begins a comment. See
 * netfil-filters.conf(5).
 */

#define NETFIL_FILTER_FILE_MAX NETFIL_KEY_FILE_MAX

typedef struct {
	GPtrArray *specs; /* of NetfilSpec, those without a mistake, as they stand in the file */
	GArray *mistakes; /* of NetfilMistake, all of them, by line; the key file's */
	NetfilKeyFile *keys;
} NetfilFilterFile;

/* Reads any bytes. */
NetfilFilterFile *netfil_filter_file_read(const char *text, gsize length);
void netfil_filter_file_free(NetfilFilterFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilFilterFile, netfil_filter_file_free)

/* The line of the filter's key, else of the filter; key may be NULL. 0: no such filter. */
guint netfil_filter_file_line(const NetfilFilterFile *file, const char *name, const char *key);

/* The file that reads back as these filters (of NetfilSpec). What is a default is left out.
 * Caller frees. */
char *netfil_filter_file_write(const GPtrArray *specs);
