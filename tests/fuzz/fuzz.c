/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "fuzz.h"

#include "core/filter-file.h"
#include "tests/unit/expect.h"

char *fuzz_text(const uint8_t *data, size_t size)
{
	return g_strndup((const char *)data, size);
}

void fuzz_expect_refusal(GError **error)
{
	g_assert_nonnull(*error);
	expect_error(error, (NetfilError)(*error)->code, "");
}

void fuzz_expect_same(const NetfilSpec *a, const NetfilSpec *b)
{
	g_auto(GStrv) different = netfil_spec_compare(a, b);

	g_assert_cmpstr(a->name, ==, b->name);
	g_assert_cmpstr(different[0], ==, NULL);
}

static void expect_carried_by_bus(const NetfilSpec *spec)
{
	g_autoptr(GVariant) variant = g_variant_ref_sink(netfil_spec_to_variant(spec));
	g_autoptr(NetfilSpec) read = netfil_spec_new(spec->name);
	g_autoptr(GVariant) again = NULL;
	g_autoptr(GError) error = NULL;

	netfil_spec_update(read, variant, &error);
	g_assert_no_error(error);
	fuzz_expect_same(spec, read);
	again = g_variant_ref_sink(netfil_spec_to_variant(read));
	g_assert_true(g_variant_equal(variant, again));
}

static void expect_carried_by_file(const NetfilSpec *spec)
{
	g_autoptr(GPtrArray) specs = g_ptr_array_new();
	g_autoptr(NetfilFilterFile) file = NULL;
	g_autofree char *text = NULL;

	g_ptr_array_add(specs, (gpointer)spec);
	text = netfil_filter_file_write(specs);
	file = netfil_filter_file_read(text, strlen(text));
	g_assert_cmpuint(file->mistakes->len, ==, 0);
	g_assert_cmpuint(file->specs->len, ==, 1);
	fuzz_expect_same(spec, file->specs->pdata[0]);
}

void fuzz_expect_carried(const NetfilSpec *spec)
{
	g_autoptr(NetfilSpec) copy = netfil_spec_copy(spec);
	g_autofree char *words = netfil_spec_selector_text(spec);
	g_autoptr(GError) error = NULL;

	fuzz_expect_same(spec, copy);
	g_assert_true(netfil_text_is_plain(words));
	expect_carried_by_bus(spec);
	if (netfil_spec_check(spec, &error))
		expect_carried_by_file(spec);
	else
		fuzz_expect_refusal(&error);
}
