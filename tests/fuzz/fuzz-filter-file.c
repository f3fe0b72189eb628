/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files of filters. The input is the file. */
#include <string.h>

#include "core/error.h"
#include "core/filter-file.h"
#include "fuzz.h"

static guint count_lines(const uint8_t *data, size_t size)
{
	guint lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	return lines;
}

static void expect_mistakes(const NetfilFilterFile *file, guint lines)
{
	guint before = 1;

	for (guint i = 0; i < file->mistakes->len; i++) {
		const NetfilMistake *mistake = &g_array_index(file->mistakes, NetfilMistake, i);
		GError *error =
		    g_error_new_literal(NETFIL_ERROR, NETFIL_ERROR_INVALID, mistake->text);

		fuzz_expect_refusal(&error);
		g_assert_cmpuint(mistake->line, >=, before);
		g_assert_cmpuint(mistake->line, <=, lines);
		before = mistake->line;
	}
}

/* Each is whole, and is known by its line. */
static void expect_filters(const NetfilFilterFile *file, guint lines)
{
	for (guint i = 0; i < file->specs->len; i++) {
		const NetfilSpec *spec = file->specs->pdata[i];

		g_assert_true(netfil_spec_check(spec, NULL));
		g_assert_cmpuint(netfil_filter_file_line(file, spec->name, NULL), >=, 1);
		g_assert_cmpuint(netfil_filter_file_line(file, spec->name, NULL), <=, lines);
		fuzz_expect_carried(spec);
	}
}

/* What is written reads back the same, and is written the same again. */
static void expect_written(const GPtrArray *specs)
{
	g_autofree char *text = netfil_filter_file_write(specs);
	g_autoptr(NetfilFilterFile) file = netfil_filter_file_read(text, strlen(text));
	g_autofree char *again = netfil_filter_file_write(file->specs);

	g_assert_cmpuint(file->mistakes->len, ==, 0);
	g_assert_cmpuint(file->specs->len, ==, specs->len);
	for (guint i = 0; i < specs->len; i++)
		fuzz_expect_same(specs->pdata[i], file->specs->pdata[i]);
	g_assert_cmpstr(text, ==, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_memdup2(data, size); /* no byte more than there is */
	g_autoptr(NetfilFilterFile) file = netfil_filter_file_read(text ? text : "", size);
	guint lines = count_lines(data, size);

	expect_mistakes(file, lines);
	expect_filters(file, lines);
	expect_written(file->specs);
	return 0;
}
