/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/*
 * `netfil __complete WORD...`, which the shells' scripts in data/completions ask: what may
 * stand in the place of the last word (which may be empty), the command being the first.
 * Prints lines:
 *
 *   CANDIDATE<tab>DESCRIPTION  a whole word, whatever of it is typed; the description may be empty
 *   :files PREFIX              names of files, behind PREFIX ("--report=", or nothing)
 *   :programs PREFIX           the same of programs
 *   :command N                 another command's line begins at word N, the first being 0
 *   :nospace                   words may go on behind what is offered
 *
 * Nothing is printed where nothing is known; nothing is said if something fails, and nothing
 * is started. Does not take long.
 */
int netfil_complete(int count, char **words);

/* The word that is to be completed. */
typedef struct {
	const char *command;
	char *before;      /* what of the word stands before its value: "--on-limit=", or "" */
	const char *value; /* as far as it is typed */
} NetfilComplete;

/* Prints a candidate for the value. What could not be typed is passed over. */
void netfil_complete_offer(const NetfilComplete *word, const char *value, const char *description);

/* Prints ":files" or another such line. */
void netfil_complete_leave(const NetfilComplete *word, const char *what);

/* What an option takes, by its name and, if that is not known, by what --help calls its value. */
void netfil_complete_option(const NetfilComplete *word, const char *option, const char *argument);

/* The filters that netfild has, but for those that are among `given`. */
void netfil_complete_filters(const NetfilComplete *word, const char *const *given);

/* KEY and KEY=VALUE of `netfil sysctl`. */
void netfil_complete_sysctl(const NetfilComplete *word);
