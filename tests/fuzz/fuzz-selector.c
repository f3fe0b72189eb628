/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys of a filter. The input is lines KEY=VALUE; those that are taken make one filter. */
#include <string.h>

#include "core/error.h"
#include "fuzz.h"

/* What is refused has changed nothing; what is taken can be given again. */
static void try_put(NetfilSpec *spec, const char *key, const char *value)
{
	g_autoptr(NetfilSpec) before = netfil_spec_copy(spec);
	g_autoptr(NetfilSpec) once = NULL;
	g_autoptr(GError) error = NULL;

	if (!netfil_spec_put(spec, key, value, &error)) {
		fuzz_expect_refusal(&error);
		fuzz_expect_same(before, spec);
		return;
	}
	once = netfil_spec_copy(spec);
	g_assert_true(netfil_spec_put(spec, key, value, NULL));
	fuzz_expect_same(once, spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = fuzz_text(data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
	g_autoptr(NetfilSpec) spec = netfil_spec_new("a");

	for (guint i = 0; lines[i]; i++) {
		char *equals = strchr(lines[i], '=');

		if (equals)
			*equals = '\0';
		try_put(spec, lines[i], equals ? equals + 1 : "");
	}
	fuzz_expect_carried(spec);
	return 0;
}
