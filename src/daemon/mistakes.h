/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

#include "core/key-file.h"

/* What is wrong with the files of administrators, all of it: lines "FILE:LINE: what: what
 * to do" (of char *). */

GPtrArray *netfil_mistakes_new(void);

/* line 0: of the whole file. */
void netfil_mistakes_add(GPtrArray *mistakes, const char *path, guint line, const char *text);
/* What is no line's, as it is. Takes the error over. */
void netfil_mistakes_take(GPtrArray *mistakes, GError *error);
void netfil_mistakes_add_all(GPtrArray *mistakes, const char *path, const NetfilKeyFile *file);

/* The first one, and how many there are beside it. Caller frees. */
char *netfil_mistakes_summary(const GPtrArray *mistakes);
