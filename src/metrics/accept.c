/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "accept.h"

#include <string.h>

/* One of the alternatives: "text/plain;version=0.0.4;q=0.5". */
typedef struct {
	const char *type;
	const char *version; /* NULL: any */
	double quality;
} Range;

static void read_parameter(Range *range, char *parameter)
{
	char *value = strchr(parameter, '=');

	if (!value)
		return;
	*value++ = '\0';
	g_strstrip(parameter);
	g_strstrip(value);
	if (g_ascii_strcasecmp(parameter, "q") == 0)
		range->quality = g_ascii_strtod(value, NULL);
	else if (g_ascii_strcasecmp(parameter, "version") == 0)
		range->version = value;
}

/* `words` hold what the range points to. */
static Range read_range(char **words)
{
	Range range = {.type = words[0] ? g_strstrip(words[0]) : "", .quality = 1};

	for (guint i = 1; words[0] && words[i]; i++)
		read_parameter(&range, words[i]);
	/* Not "<": what is no number is worth nothing. */
	if (!(range.quality > 0 && range.quality <= 1))
		range.quality = 0;
	return range;
}

static gboolean names(const Range *range, const char *type, const char *version)
{
	return g_ascii_strcasecmp(range->type, type) == 0 &&
	       (!range->version || g_str_equal(range->version, version));
}

NetfilExposition netfil_exposition_accepted(const char *accept)
{
	g_auto(GStrv) ranges = g_strsplit(accept ? accept : "", ",", -1);
	double openmetrics = 0, text = -1, any = 0;

	for (guint i = 0; ranges[i]; i++) {
		g_auto(GStrv) words = g_strsplit(ranges[i], ";", -1);
		Range range = read_range(words);

		if (names(&range, "application/openmetrics-text", "1.0.0"))
			openmetrics = MAX(openmetrics, range.quality);
		else if (names(&range, "text/plain", "0.0.4"))
			text = MAX(text, range.quality);
		else if (names(&range, "text/*", "") || names(&range, "*/*", ""))
			any = MAX(any, range.quality);
	}
	if (text < 0)
		text = any;
	return openmetrics > 0 && openmetrics >= text ? NETFIL_EXPOSITION_OPENMETRICS
						      : NETFIL_EXPOSITION_TEXT;
}

const char *netfil_exposition_content_type(NetfilExposition exposition)
{
	return exposition == NETFIL_EXPOSITION_OPENMETRICS
		   ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		   : "text/plain; version=0.0.4; charset=utf-8";
}
