/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/spec.h"

/* What the targets of libFuzzer share. One that finds something wrong ends by g_assert_…(). */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a text, to its first NUL. Caller frees. */
char *fuzz_text(const uint8_t *data, size_t size);

/* What was refused says why as netfil does, in one line; clears the error. */
void fuzz_expect_refusal(GError **error);

/* The two are the same filter, key by key. */
void fuzz_expect_same(const NetfilSpec *a, const NetfilSpec *b);

/* By way of the bus, of a copy and, if it is whole, of a file of filters it stays the same. */
void fuzz_expect_carried(const NetfilSpec *spec);
