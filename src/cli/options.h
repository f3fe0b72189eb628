/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* How a command is called, for --help and for errors. */
typedef struct {
	const char *command;       /* "add" */
	const char *arguments;     /* "NAME SELECTOR... CAPS [POLICY]" */
	const char *summary;       /* what it does */
	const char *description;   /* after the options: examples */
	gboolean stop_at_argument; /* what follows the first argument is none of ours */
} NetfilUsage;

/* Takes the options out of argv and leaves the arguments after argv[0]; --help
 * prints and exits. `entries` may be NULL; `group` may be NULL and is taken over.
 * Errors are NETFIL_ERROR_INVALID in one line. */
gboolean netfil_options_parse(const NetfilUsage *usage, const GOptionEntry *entries,
			      GOptionGroup *group, int *argc, char ***argv, GError **error);

/* From now on netfil_options_parse() parses nothing: it hands over what --help would print, and
 * fails, so that the command ends. For completion. */
typedef void (*NetfilOptionsObserver)(const NetfilUsage *usage, const char *help, gpointer data);
void netfil_options_observe(NetfilOptionsObserver observer, gpointer data);

/* For a command without arguments. */
gboolean netfil_options_no_more(const NetfilUsage *usage, int argc, char **argv, GError **error);

/* The filter names after argv[0], NULL-terminated and not to be freed: `least` of
 * them or more, but not more than `most` (0: any number). */
const char *const *netfil_options_names(const NetfilUsage *usage, int argc, char **argv, int least,
					int most, GError **error);

/* Raises NETFIL_ERROR_INVALID with a pointer to the command's --help. Returns
 * FALSE, so that a caller can return it. */
gboolean netfil_usage_error(const NetfilUsage *usage, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
