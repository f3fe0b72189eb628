/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "error.h"
#include "prefix.h"
#include "quote.h"

#define ENTRY_HINT "use an address, a prefix or a range first-last"
#define NAME_SHOWN 200

/* A part of the list's text: neither copied nor ended by a NUL. */
typedef struct {
	const char *start, *end;
} Span;

static gsize span_length(Span span)
{
	return (gsize)(span.end - span.start);
}

static gboolean is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static Span span_strip(Span span)
{
	while (span.start < span.end && is_blank(span.start[0]))
		span.start++;
	while (span.start < span.end && is_blank(span.end[-1]))
		span.end--;
	return span;
}

static gboolean refuse(Span span, const char *why, GError **error)
{
	return netfil_set_invalid(error, span.start, (gssize)span_length(span), "%s", why);
}

static gboolean read_prefix(Span span, NetfilPrefix *prefix, GError **error)
{
	char text[64]; /* more than any prefix has */

	if (span_length(span) >= sizeof text)
		return refuse(span, "is not an address: " ENTRY_HINT, error);
	memcpy(text, span.start, span_length(span));
	text[span_length(span)] = '\0';
	return netfil_prefix_parse(text, prefix, error);
}

static gboolean read_end(Span span, NetfilPrefix *address)
{
	span = span_strip(span);
	return !memchr(span.start, '/', span_length(span)) && read_prefix(span, address, NULL);
}

/* "first" or "name:first". A name may have colons itself; what is behind the last
 * one can only be IPv4, so that no part of an IPv6 address is taken for a name. */
static gboolean read_start(Span span, NetfilPrefix *address)
{
	const char *colon;

	if (read_end(span, address))
		return TRUE;
	colon = memrchr(span.start, ':', span_length(span));
	return colon && read_end((Span){colon + 1, span.end}, address);
}

static gboolean add_range(Span entry, const char *hyphen, GArray *prefixes, GError **error)
{
	NetfilPrefix first, last;

	if (!read_start((Span){entry.start, hyphen}, &first) ||
	    !read_end((Span){hyphen + 1, entry.end}, &last))
		return refuse(entry, "is not a range: use first-last or name:first-last", error);
	if (netfil_prefix_is_ipv4(&first) != netfil_prefix_is_ipv4(&last))
		return refuse(entry, "mixes IPv4 and IPv6: use a range of one of them", error);
	if (netfil_prefix_compare(&first, &last) > 0)
		return refuse(entry, "runs backwards: put the lower address first", error);
	netfil_prefix_range(prefixes, first.address, last.address);
	return TRUE;
}

static gboolean add_entry(Span entry, GArray *prefixes, GError **error)
{
	/* The last one, as names have hyphens too, and addresses have none. */
	const char *hyphen = memrchr(entry.start, '-', span_length(entry));
	NetfilPrefix prefix;

	if (hyphen)
		return add_range(entry, hyphen, prefixes, error);
	if (!read_prefix(entry, &prefix, error))
		return FALSE;
	g_array_append_val(prefixes, prefix);
	return TRUE;
}

/* FALSE for a mistyped address, TRUE for the words that names are made of. */
static gboolean has_words(Span span)
{
	for (const char *at = span.start; at < span.end; at++)
		if (!g_ascii_isxdigit(*at) && !is_blank(*at) && !strchr(".:/-", *at))
			return TRUE;
	return FALSE;
}

static gboolean add_line(Span line, GArray *prefixes, GError **error)
{
	const char *hash = memchr(line.start, '#', span_length(line));
	Span entry = span_strip((Span){line.start, hash ? hash : line.end});

	line = span_strip(line);
	if (memchr(line.start, '\0', span_length(line)))
		return refuse(line, "has a NUL byte: give a text file", error);
	if (span_length(entry) == 0)
		return TRUE;
	if (!hash || !has_words(entry))
		return add_entry(entry, prefixes, error);
	/* Names have '#' too, as in "Company #1:192.0.2.0-192.0.2.9". */
	return add_entry(entry, prefixes, NULL) || add_entry(line, prefixes, error);
}

/* A line of a few characters may be a range of hundreds: who wrote the list does not say how
 * much memory is taken. */
static gboolean fits(Span line, const GArray *prefixes, GError **error)
{
	return prefixes->len <= NETFIL_PREFIXES_MAX ||
	       refuse(span_strip(line),
		      "is too much: all lists together may have 4,194,303 prefixes, and a range is "
		      "as many as it takes",
		      error);
}

static gboolean add_lines(const char *name, Span text, GArray *prefixes, GError **error)
{
	for (guint number = 1; text.start < text.end; number++) {
		const char *newline = memchr(text.start, '\n', span_length(text));
		Span line = {text.start, newline ? newline : text.end};

		if (!add_line(line, prefixes, error) || !fits(line, prefixes, error)) {
			g_autofree char *shown = netfil_escape(name, -1, NAME_SHOWN);

			g_prefix_error(error, "%s:%u: ", shown, number);
			return FALSE;
		}
		text.start = newline ? newline + 1 : text.end;
	}
	return TRUE;
}

gboolean netfil_prefix_list_parse(const char *name, const char *text, gsize length,
				  GArray *prefixes, GError **error)
{
	Span span = {text, text + length};
	guint before = prefixes->len;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		span.start += 3;
	if (!add_lines(name, span, prefixes, error)) {
		g_array_set_size(prefixes, before);
		return FALSE;
	}
	if (prefixes->len == before)
		return netfil_set_invalid(error, name, -1,
					  "names no address: " ENTRY_HINT " on each line");
	return TRUE;
}
