/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mutate.h"

#include <string.h>

#define LONG_TEXT 300
#define UMLAUTS "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
/* Odd numbers of bytes stand in front of each, so that it is cut in one's midst. */
#define LONG_UMLAUTS "x" UMLAUTS UMLAUTS UMLAUTS UMLAUTS UMLAUTS
#define REPEATED 50
#define BYTES_PUT_IN 64

/* Not "kill" and "pause": whatever a filter becomes, nobody's processes are ended by it. */
static const char *const words[] = {
    "",
    "a",
    "good",
    "fuzz-1",
    "fuzz-2",
    "a/b",
    "pid",
    "exe",
    "user",
    "cgroup",
    "unit",
    "ip",
    "ip-file",
    "port",
    "proto",
    "interface",
    "except",
    "in",
    "out",
    "total",
    "on-limit",
    "warn",
    "every",
    "rollover",
    "free",
    "durability",
    "each",
    "max-members",
    "loopback",
    "on",
    "used",
    "unlimited-until",
    "0",
    "1",
    "4194304",
    "25M",
    "+1G",
    "-1",
    "12XB",
    "unlimited",
    "1e9",
    "/bin/true",
    "/dev/zero",
    "/nowhere",
    "/",
    "root",
    "65534",
    "/a/b",
    "nginx",
    "192.0.2.1",
    "192.0.2.0/24",
    "192.0.2.1/24",
    "2001:db8::/32",
    "::/0",
    "0.0.0.0/0",
    "127.0.0.1",
    "80",
    "1-65535",
    "90-80",
    "tcp",
    "icmp",
    "net*",
    "lo",
    "*",
    "reject",
    "drop",
    "notify",
    "down",
    "throttle=9k",
    "throttle=",
    "80,95",
    "101",
    "hour",
    "day",
    "month@31",
    "30d",
    "never",
    "true",
    "false",
    "01:00-07:00",
    "strict",
    "checkpoint",
    "cycle",
    "month",
    LONG_UMLAUTS,
    "\033[31m\n",
    "18446744073709551615",
    "18446744073709551616",
    "org.netfil.Netfil1.Manager",
    "Name",
};

static gboolean one_in(GRand *random, gint32 n)
{
	return g_rand_int_range(random, 0, n) == 0;
}

static char *mutate_text(GRand *random, const char *text)
{
	gsize length = strlen(text);

	switch (g_rand_int_range(random, 0, 6)) {
	case 0:
		return g_strnfill(LONG_TEXT, 'x');
	case 1: /* cut off; what is left may be no UTF-8 */
		return g_utf8_make_valid(text, g_rand_int_range(random, 0, (gint32)length + 1));
	case 2:
		return g_strconcat(text, words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))],
				   NULL);
	default:
		return g_strdup(words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))]);
	}
}

static guint64 mutate_number(GRand *random)
{
	static const guint64 numbers[] = {
	    0, 1, 2, 999, G_MAXINT32, G_MAXUINT32, G_MAXINT64, G_MAXUINT64, 1795449600};

	if (one_in(random, 3))
		return (guint64)g_rand_int(random) << 32 | g_rand_int(random);
	return numbers[g_rand_int_range(random, 0, G_N_ELEMENTS(numbers))];
}

static GVariant *mutate_basic(GRand *random, GVariant *value)
{
	g_autofree char *text = NULL;
	guint64 number = mutate_number(random);

	switch (g_variant_classify(value)) {
	case G_VARIANT_CLASS_STRING:
		text = mutate_text(random, g_variant_get_string(value, NULL));
		return g_variant_new_string(text);
	case G_VARIANT_CLASS_BOOLEAN:
		return g_variant_new_boolean(number & 1);
	case G_VARIANT_CLASS_UINT32:
		return g_variant_new_uint32((guint32)number);
	case G_VARIANT_CLASS_INT64:
		return g_variant_new_int64((gint64)number);
	case G_VARIANT_CLASS_UINT64:
		return g_variant_new_uint64(number);
	default:
		return value;
	}
}

/* Some are left out, and one of them is there often. */
static GVariant *mutate_array(GRand *random, GVariant *value)
{
	gsize count = g_variant_n_children(value);
	gsize often =
	    one_in(random, 40) ? (gsize)g_rand_int_range(random, 0, (gint32)count + 1) : count;
	GVariantBuilder builder;

	g_variant_builder_init(&builder, g_variant_get_type(value));
	for (gsize i = 0; i < count; i++) {
		guint times = i == often ? REPEATED : !one_in(random, 6);

		while (times-- > 0) {
			g_autoptr(GVariant) child = g_variant_get_child_value(value, i);

			g_variant_builder_add_value(&builder, mutate_value(random, child));
		}
	}
	return g_variant_builder_end(&builder);
}

static GVariant *mutate_parts(GRand *random, GVariant *value)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new();

	for (gsize i = 0; i < g_variant_n_children(value); i++) {
		g_autoptr(GVariant) child = g_variant_get_child_value(value, i);

		g_ptr_array_add(parts, mutate_value(random, child));
	}
	if (g_variant_is_of_type(value, G_VARIANT_TYPE_DICT_ENTRY))
		return g_variant_new_dict_entry(parts->pdata[0], parts->pdata[1]);
	if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARIANT))
		return g_variant_new_variant(parts->pdata[0]);
	return g_variant_new_tuple((GVariant *const *)parts->pdata, parts->len);
}

GVariant *mutate_value(GRand *random, GVariant *value)
{
	if (g_variant_is_of_type(value, G_VARIANT_TYPE_ARRAY))
		return mutate_array(random, value);
	if (g_variant_is_container(value))
		return mutate_parts(random, value);
	return one_in(random, 4) ? mutate_basic(random, value) : value;
}

static void mutate_once(GRand *random, GByteArray *bytes)
{
	static const guint8 telling[] = {0, 1, 'a', 's', '(', '{', 'v', 0x7f, 0x80, 0xff};
	guint at = (guint)g_rand_int_range(random, 0, (gint32)bytes->len);
	guint more_or_less = 1 + g_rand_int(random) % 16;
	guint8 more[BYTES_PUT_IN];

	switch (g_rand_int_range(random, 0, 6)) {
	case 0:
		bytes->data[at] ^= (guint8)(1 << g_rand_int_range(random, 0, 8));
		break;
	case 1:
		bytes->data[at] = (guint8)g_rand_int_range(random, 0, 256);
		break;
	case 2:
		bytes->data[at] = telling[g_rand_int_range(random, 0, sizeof telling)];
		break;
	case 3: /* most of the header's meaning is at the start */
		bytes->data[at % 16] = (guint8)g_rand_int_range(random, 0, 256);
		break;
	case 4:
		g_byte_array_remove_range(bytes, at, MIN(bytes->len - at, more_or_less));
		break;
	default:
		for (guint i = 0; i < sizeof more; i++)
			more[i] = (guint8)g_rand_int_range(random, 0, 256);
		g_byte_array_append(bytes, more, 1 + g_rand_int(random) % sizeof more);
	}
}

void mutate_bytes(GRand *random, GByteArray *bytes)
{
	for (gint32 times = g_rand_int_range(random, 1, 9); times > 0 && bytes->len > 0; times--)
		mutate_once(random, bytes);
}
