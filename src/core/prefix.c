/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "prefix.h"
#include "quote.h"

static const NetfilPrefix ipv4 = {.address = {[10] = 0xff, [11] = 0xff}, .length = 96};

gboolean netfil_prefix_is_ipv4(const NetfilPrefix *prefix)
{
	return netfil_prefix_contains(&ipv4, prefix);
}

/* The bits of byte `index` that belong to a prefix of this length. */
static guint8 mask_byte(guint length, guint index)
{
	guint bits = length > 8 * index ? MIN(length - 8 * index, 8) : 0;

	return (guint8)(0xff00 >> bits);
}

static NetfilPrefix cut_to_length(const NetfilPrefix *prefix, guint length)
{
	NetfilPrefix cut = {.length = (guint8)length};

	for (guint i = 0; i < sizeof cut.address; i++)
		cut.address[i] = prefix->address[i] & mask_byte(length, i);
	return cut;
}

/* Returns the address's bits, 32 or 128, or 0 if there is none. inet_pton() takes
 * neither short forms ("10.1"), leading zeros (octal to some), nor zones. */
static guint read_address(const char *text, gsize length, guint8 address[16])
{
	char buffer[INET6_ADDRSTRLEN];

	if (length >= sizeof buffer)
		return 0;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	if (memchr(buffer, ':', length))
		return inet_pton(AF_INET6, buffer, address) == 1 ? 128 : 0;
	memcpy(address, ipv4.address, 12);
	return inet_pton(AF_INET, buffer, address + 12) == 1 ? 32 : 0;
}

/* "0" to "128": no sign, blank or leading zero. */
static gboolean read_length(const char *text, guint max, guint *length)
{
	gsize digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
		return FALSE;
	*length = (guint)g_ascii_strtoull(text, NULL, 10);
	return *length <= max;
}

static gboolean refuse_address(const char *text, GError **error)
{
	if (strchr(text, '%'))
		return netfil_set_invalid(error, text, -1,
					  "has a zone: leave out what begins with %%, and name "
					  "the interface beside it");
	return netfil_set_invalid(error, text, -1,
				  "is not an address or prefix: use one like 192.0.2.1, "
				  "192.0.2.0/24 or 2001:db8::/32");
}

/* ::ffff:192.0.2.1/24 was meant as IPv4, though its length says otherwise. */
static gboolean refuse_host_bits(const char *text, const NetfilPrefix *prefix, GError **error)
{
	gboolean mapped = memcmp(prefix->address, ipv4.address, 12) == 0 && prefix->length < 96;
	guint length = mapped ? MIN(96 + prefix->length, 128) : prefix->length;
	NetfilPrefix meant = cut_to_length(prefix, length);
	NetfilPrefix alone = cut_to_length(prefix, 128);
	g_autofree char *meant_text = netfil_prefix_format(&meant);
	g_autofree char *alone_text = netfil_prefix_format(&alone);

	return netfil_set_invalid(error, text, -1, "has bits set behind its length: use %s or %s",
				  meant_text, alone_text);
}

gboolean netfil_prefix_parse(const char *text, NetfilPrefix *prefix, GError **error)
{
	const char *slash = strchrnul(text, '/');
	NetfilPrefix read = {0};
	NetfilPrefix cut;
	guint bits = read_address(text, slash - text, read.address);
	guint length = bits;

	if (bits == 0)
		return refuse_address(text, error);
	if (*slash && !read_length(slash + 1, bits, &length))
		return netfil_set_invalid(error, text, -1,
					  "has no such prefix length: use /0 to /%u", bits);
	read.length = (guint8)(128 - bits + length);
	cut = cut_to_length(&read, read.length);
	if (memcmp(cut.address, read.address, sizeof cut.address) != 0)
		return refuse_host_bits(text, &read, error);
	*prefix = read;
	return TRUE;
}

char *netfil_prefix_format(const NetfilPrefix *prefix)
{
	char text[INET6_ADDRSTRLEN];
	guint before = netfil_prefix_is_ipv4(prefix) ? 96 : 0;

	if (before > 0)
		inet_ntop(AF_INET, prefix->address + 12, text, sizeof text);
	else
		inet_ntop(AF_INET6, prefix->address, text, sizeof text);
	if (prefix->length == 128)
		return g_strdup(text);
	return g_strdup_printf("%s/%u", text, prefix->length - before);
}

gboolean netfil_prefix_is_loopback(const NetfilPrefix *prefix)
{
	static const NetfilPrefix net4 = {
	    .address = {[10] = 0xff, [11] = 0xff, [12] = 127},
	    .length = 104,
	};
	static const NetfilPrefix host6 = {.address = {[15] = 1}, .length = 128};

	return netfil_prefix_contains(&net4, prefix) || netfil_prefix_contains(&host6, prefix);
}

gboolean netfil_prefix_contains(const NetfilPrefix *outer, const NetfilPrefix *inner)
{
	NetfilPrefix cut = cut_to_length(inner, outer->length);

	return outer->length <= inner->length &&
	       memcmp(outer->address, cut.address, sizeof cut.address) == 0;
}

int netfil_prefix_compare(gconstpointer a, gconstpointer b)
{
	const NetfilPrefix *left = a;
	const NetfilPrefix *right = b;
	int order = memcmp(left->address, right->address, sizeof left->address);

	return order != 0 ? order : left->length - right->length;
}

static gboolean is_sorted(const GArray *prefixes)
{
	const NetfilPrefix *at = (gconstpointer)prefixes->data;

	for (guint i = 1; i < prefixes->len; i++)
		if (netfil_prefix_compare(&at[i - 1], &at[i]) >= 0)
			return FALSE;
	return TRUE;
}

void netfil_prefix_sort(GArray *prefixes)
{
	NetfilPrefix *at = (gpointer)prefixes->data;
	guint count = 1;

	if (is_sorted(prefixes))
		return;
	qsort(at, prefixes->len, sizeof(*at), netfil_prefix_compare);
	for (guint i = 1; i < prefixes->len; i++)
		if (netfil_prefix_compare(&at[i], &at[count - 1]))
			at[count++] = at[i];
	g_array_set_size(prefixes, count);
}

/* The bits that both have at their start. */
static guint common_length(const NetfilPrefix *a, const NetfilPrefix *b)
{
	guint most = MIN(a->length, b->length), at = 0;

	while (at < 16 && a->address[at] == b->address[at])
		at++;
	if (at == 16)
		return most;
	return MIN(8 * at + (guint)__builtin_clz(a->address[at] ^ b->address[at]) - 24, most);
}

guint netfil_prefix_branches(const GArray *prefixes)
{
	const NetfilPrefix *at = (gconstpointer)prefixes->data;
	guint8 open[129]; /* lengths at which the last one's way has branched or stands */
	guint depth = 0, branches = 0;

	for (guint i = 0; i < prefixes->len; i++) {
		guint common = i ? common_length(&at[i - 1], &at[i]) : 0;

		while (depth && open[depth - 1] > common)
			depth--;
		if (i && !(depth && open[depth - 1] == common)) {
			open[depth++] = (guint8)common;
			branches++;
		}
		if (!(depth && open[depth - 1] == at[i].length))
			open[depth++] = at[i].length;
	}
	return branches;
}

/* An address as a number. Not __int128, which 32 bit machines lack. */
typedef struct {
	guint64 high, low;
} Number;

static Number number_read(const guint8 address[16])
{
	guint64 words[2];

	memcpy(words, address, sizeof words);
	return (Number){GUINT64_FROM_BE(words[0]), GUINT64_FROM_BE(words[1])};
}

static void number_write(Number number, guint8 address[16])
{
	guint64 words[2] = {GUINT64_TO_BE(number.high), GUINT64_TO_BE(number.low)};

	memcpy(address, words, sizeof words);
}

/* 2^bits - 1, for 0 to 128. */
static Number number_ones(guint bits)
{
	return (Number){
	    .high = bits <= 64 ? 0 : G_MAXUINT64 >> (128 - bits),
	    .low = bits == 0 ? 0 : G_MAXUINT64 >> (64 - MIN(bits, 64)),
	};
}

static Number number_subtract(Number a, Number b)
{
	return (Number){a.high - b.high - (a.low < b.low), a.low - b.low};
}

static guint number_trailing_zeros(Number number)
{
	if (number.low != 0)
		return (guint)__builtin_ctzll(number.low);
	return number.high != 0 ? 64 + (guint)__builtin_ctzll(number.high) : 128;
}

/* The most bits for which 2^bits - 1 is not above the number. */
static guint number_whole_bits(Number number)
{
	guint bits = 0;
	Number ones;

	if (number.high != 0)
		bits = 128 - (guint)__builtin_clzll(number.high);
	else if (number.low != 0)
		bits = 64 - (guint)__builtin_clzll(number.low);
	ones = number_ones(bits);
	return ones.high == number.high && ones.low == number.low ? bits : bits - 1;
}

void netfil_prefix_range(GArray *prefixes, const guint8 first[16], const guint8 last[16])
{
	Number from = number_read(first);
	Number to = number_read(last);

	g_return_if_fail(memcmp(first, last, 16) <= 0);

	/* From the left, each time the largest block that starts here and still fits. */
	for (;;) {
		guint fits = number_whole_bits(number_subtract(to, from));
		guint bits = MIN(number_trailing_zeros(from), fits);
		Number ones = number_ones(bits);
		NetfilPrefix prefix = {.length = (guint8)(128 - bits)};

		number_write(from, prefix.address);
		g_array_append_val(prefixes, prefix);
		from.high |= ones.high;
		from.low |= ones.low;
		if (from.high == to.high && from.low == to.low)
			break;
		from.low++;
		from.high += from.low == 0;
	}
}
