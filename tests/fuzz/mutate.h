/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* Calls of netfild that are nearly right, and messages that are nearly none. */

/* The same value with some of its parts replaced, repeated or left out; now and then of
 * another type. Floating reference. */
GVariant *mutate_value(GRand *random, GVariant *value);

/* Changes some bytes, takes some away or puts some in. */
void mutate_bytes(GRand *random, GByteArray *bytes);
