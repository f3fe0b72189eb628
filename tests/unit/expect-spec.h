/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/spec.h"
#include "expect.h"

/* A spec from "key=value" words, separated by blanks. */
static inline NetfilSpec *make(const char *words)
{
	g_auto(GStrv) all = g_strsplit(words, " ", -1);
	g_autoptr(NetfilSpec) spec = netfil_spec_new("test");

	for (guint i = 0; all[i] && all[i][0]; i++) {
		g_auto(GStrv) word = g_strsplit(all[i], "=", 2);
		g_autoptr(GError) error = NULL;

		netfil_spec_put(spec, word[0], word[1], &error);
		g_assert_no_error(error);
	}
	return g_steal_pointer(&spec);
}

/* `refusal`: a part of what is said, or NULL where the spec is good. */
static inline void expect_check(const char *words, const char *refusal)
{
	g_autoptr(NetfilSpec) spec = make(words);
	g_autoptr(GError) error = NULL;
	gboolean good = netfil_spec_check(spec, &error);

	tell("spec", words);
	if (refusal) {
		g_assert_false(good);
		expect_error(&error, NETFIL_ERROR_INVALID, refusal);
	} else {
		g_assert_no_error(error);
		g_assert_true(good);
	}
}
