/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lists of addresses. The input is the list. */
#include <arpa/inet.h>
#include <string.h>

#include "core/prefix.h"
#include "fuzz.h"

static GArray *new_prefixes(void)
{
	return g_array_new(FALSE, FALSE, sizeof(NetfilPrefix));
}

static void expect_same(const GArray *a, const GArray *b)
{
	g_assert_cmpuint(a->len, ==, b->len);
	for (guint i = 0; i < a->len; i++)
		g_assert_cmpint(netfil_prefix_compare(&g_array_index(a, NetfilPrefix, i),
						      &g_array_index(b, NetfilPrefix, i)),
				==, 0);
}

/* This text names the same prefixes. */
static void expect_reads(const char *text, const GArray *expected)
{
	g_autoptr(GArray) prefixes = new_prefixes();
	g_autoptr(GError) error = NULL;

	netfil_prefix_list_parse("list", text, strlen(text), prefixes, &error);
	g_assert_no_error(error);
	expect_same(prefixes, expected);
}

/* One a line, in another form of the file. */
static void expect_written(const GArray *prefixes)
{
	g_autoptr(GString) text = g_string_new("\xef\xbb\xbf# again\r\n");

	for (guint i = 0; i < prefixes->len; i++) {
		const NetfilPrefix *prefix = &g_array_index(prefixes, NetfilPrefix, i);
		g_autofree char *line = netfil_prefix_format(prefix);

		g_assert_cmpuint(prefix->length, <=, 128);
		g_assert_true(netfil_prefix_contains(prefix, prefix));
		g_string_append_printf(text, " %s\t# %u\r\n", line, i);
	}
	expect_reads(text->str, prefixes);
}

/* The line that is told is there. */
static void expect_line(const GError *error, const uint8_t *data, size_t size)
{
	guint64 line = g_ascii_strtoull(error->message + strlen("list:"), NULL, 10);
	guint64 lines = 1;

	if (!g_str_has_prefix(error->message, "list:")) {
		g_assert_nonnull(strstr(error->message, "names no address"));
		return;
	}
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	g_assert_cmpuint(line, >=, 1);
	g_assert_cmpuint(line, <=, lines);
}

/* An address alone is what the C library says it is. */
static void try_address(const uint8_t *data, size_t size)
{
	g_autofree char *text = fuzz_text(data, size);
	g_autoptr(GError) error = NULL;
	NetfilPrefix prefix;
	guint8 address[16] = {[10] = 0xff, [11] = 0xff};
	gboolean known =
	    inet_pton(AF_INET, text, address + 12) == 1 || inet_pton(AF_INET6, text, address) == 1;

	if (!netfil_prefix_parse(text, &prefix, &error)) {
		g_assert_false(known);
		fuzz_expect_refusal(&error);
	} else if (!strchr(text, '/')) {
		g_assert_true(known);
		g_assert_cmpmem(prefix.address, 16, address, 16);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_memdup2(data, size); /* no byte more than there is */
	g_autoptr(GArray) prefixes = new_prefixes();
	g_autoptr(GError) error = NULL;

	try_address(data, size);
	if (netfil_prefix_list_parse("list", text ? text : "", size, prefixes, &error)) {
		expect_written(prefixes);
	} else {
		g_assert_cmpuint(prefixes->len, ==, 0);
		expect_line(error, data, size);
		fuzz_expect_refusal(&error);
	}
	return 0;
}
