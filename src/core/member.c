/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "error.h"
#include "member.h"
#include "quote.h"

static const char *const sorts[] = {
    [NETFIL_MEMBER_BY_TOTAL] = "total",     [NETFIL_MEMBER_BY_KEY] = "key",
    [NETFIL_MEMBER_BY_IN] = "in",           [NETFIL_MEMBER_BY_OUT] = "out",
    [NETFIL_MEMBER_BY_REFUSED] = "refused",
};

void netfil_member_clear(NetfilMember *member)
{
	g_clear_pointer(&member->name, g_free);
}

static void clear(gpointer member)
{
	netfil_member_clear(member);
}

GArray *netfil_members_new(void)
{
	GArray *members = g_array_new(FALSE, FALSE, sizeof(NetfilMember));

	g_array_set_clear_func(members, clear);
	return members;
}

GVariant *netfil_members_to_variant(const GArray *members)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a" NETFIL_MEMBER_TYPE));
	for (guint i = 0; i < members->len; i++) {
		const NetfilMember *m = &g_array_index(members, NetfilMember, i);

		g_variant_builder_add(&builder, NETFIL_MEMBER_TYPE, m->name, m->in, m->out,
				      m->refused_bytes, m->refused_packets, m->reached);
	}
	return g_variant_builder_end(&builder);
}

void netfil_members_take(GArray *members, GVariant *variant)
{
	GVariantIter iter;
	NetfilMember m;

	g_variant_iter_init(&iter, variant);
	while (g_variant_iter_next(&iter, NETFIL_MEMBER_TYPE, &m.name, &m.in, &m.out,
				   &m.refused_bytes, &m.refused_packets, &m.reached))
		g_array_append_val(members, m);
}

/* ---- questions ---- */

void netfil_member_query_clear(NetfilMemberQuery *query)
{
	g_clear_pointer(&query->match, g_free);
	g_clear_pointer(&query->after, g_free);
}

const char *netfil_member_sort_name(NetfilMemberSort sort)
{
	g_return_val_if_fail((guint)sort < G_N_ELEMENTS(sorts), NULL);
	return sorts[sort];
}

gboolean netfil_member_sort_parse(const char *text, NetfilMemberSort *sort, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(sorts); i++)
		if (g_str_equal(sorts[i], text)) {
			*sort = (NetfilMemberSort)i;
			return TRUE;
		}
	return netfil_set_invalid(error, text, -1,
				  "is nothing to sort members by: use total, key, in, out or "
				  "refused");
}

guint64 netfil_member_value(const NetfilMember *member, NetfilMemberSort sort)
{
	switch (sort) {
	case NETFIL_MEMBER_BY_TOTAL:
		return member->in + member->out;
	case NETFIL_MEMBER_BY_IN:
		return member->in;
	case NETFIL_MEMBER_BY_OUT:
		return member->out;
	case NETFIL_MEMBER_BY_REFUSED:
		return member->refused_bytes;
	case NETFIL_MEMBER_BY_KEY:
		break;
	}
	return 0;
}

GVariant *netfil_member_query_to_variant(const NetfilMemberQuery *query)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	if (query->sort != NETFIL_MEMBER_BY_TOTAL)
		g_variant_dict_insert(&dict, "sort", "s", sorts[query->sort]);
	if (query->reverse)
		g_variant_dict_insert(&dict, "reverse", "b", TRUE);
	if (query->match)
		g_variant_dict_insert(&dict, "match", "s", query->match);
	if (query->limit)
		g_variant_dict_insert(&dict, "limit", "u", query->limit);
	if (query->after)
		g_variant_dict_insert(&dict, "after", "s", query->after);
	return g_variant_dict_end(&dict);
}

static gboolean read_key(NetfilMemberQuery *query, const char *key, GVariant *value, GError **error)
{
	const char *type = g_variant_get_type_string(value);
	guint64 number;
	const char *name;

	if (g_str_equal(key, "sort") && g_str_equal(type, "s"))
		return netfil_member_sort_parse(g_variant_get_string(value, NULL), &query->sort,
						error);
	if (g_str_equal(key, "reverse") && g_str_equal(type, "b")) {
		query->reverse = g_variant_get_boolean(value);
	} else if (g_str_equal(key, "match") && g_str_equal(type, "s")) {
		g_free(query->match);
		query->match = g_variant_dup_string(value, NULL);
	} else if (g_str_equal(key, "limit") && g_str_equal(type, "u")) {
		query->limit = g_variant_get_uint32(value);
	} else if (g_str_equal(key, "after") && g_str_equal(type, "s")) {
		g_free(query->after);
		query->after = g_variant_dup_string(value, NULL);
		return netfil_member_cursor_parse(query->after, &number, &name, error);
	} else {
		return netfil_set_invalid(error, key, -1,
					  "is no part of a question for members: use sort (s), "
					  "reverse (b), match (s), limit (u), after (s)");
	}
	return TRUE;
}

gboolean netfil_member_query_read(NetfilMemberQuery *query, GVariant *variant, GError **error)
{
	GVariantIter iter;
	GVariant *value;
	const char *key;

	g_variant_iter_init(&iter, variant);
	while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
		g_autoptr(GVariant) owned = value;

		if (!read_key(query, key, value, error))
			return FALSE;
	}
	return TRUE;
}

char *netfil_member_cursor(const NetfilMember *member, NetfilMemberSort sort)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT ":%s", netfil_member_value(member, sort),
			       member->name);
}

gboolean netfil_member_cursor_parse(const char *cursor, guint64 *value, const char **name,
				    GError **error)
{
	const char *colon = strchrnul(cursor, ':');
	g_autofree char *number = g_strndup(cursor, (gsize)(colon - cursor));

	if (!colon[0] || !colon[1] ||
	    !g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT64, value, NULL))
		return netfil_set_invalid(error, cursor, -1,
					  "is no place in a list of members: use what the page "
					  "before it told");
	*name = colon + 1;
	return TRUE;
}
