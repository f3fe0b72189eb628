/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Values in one line, with blanks or commas between them. One that has any of these itself,
 * as a path may, stands in double quotes, in which "" is a quote. */
char **netfil_words_split(const char *text);
char *netfil_words_join(const char *const *values);
