/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bar.h"

/* The cells of a bar in steps: how many of `cells` * `steps` are filled. */
static guint filled(double fraction, guint cells, guint steps)
{
	guint all = cells * steps;
	guint n = (guint)(CLAMP(fraction, 0.0, 1.0) * all);

	if (fraction > 0 && n == 0)
		return 1;
	return n;
}

static char *unicode_bar(double fraction, guint width)
{
	static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	guint eighths = filled(fraction, width, 8);
	GString *bar = g_string_new(NULL);
	guint cells = eighths / 8;

	for (guint i = 0; i < cells; i++)
		g_string_append(bar, "█");
	if (eighths % 8) {
		g_string_append(bar, parts[eighths % 8]);
		cells++;
	}
	for (; cells < width; cells++)
		g_string_append(bar, "░");
	return g_string_free(bar, FALSE);
}

static char *ascii_bar(double fraction, guint width)
{
	guint cells = width - 2;
	guint hashes = filled(fraction, cells, 1);
	GString *bar = g_string_new("[");

	for (guint i = 0; i < cells; i++)
		g_string_append_c(bar, i < hashes ? '#' : '-');
	return g_string_free(g_string_append_c(bar, ']'), FALSE);
}

char *netfil_bar(double fraction, guint width, gboolean unicode)
{
	if (fraction < 0 || width < 3)
		return g_strnfill(width, ' ');
	return unicode ? unicode_bar(fraction, width) : ascii_bar(fraction, width);
}

char *netfil_bar_percent(double fraction)
{
	if (fraction < 0)
		return g_strdup("");
	return g_strdup_printf("%u%%", (guint)(MIN(fraction, 1.0) * 100));
}
