/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A filter's keys: what each is called, how selectors are kept, and the a{sas}. */
#include <string.h>

#include "error.h"
#include "quote.h"
#include "spec-key.h"
#include "spec-value.h"

#define VALUES_MAX 4096 /* of one key */
#define VALUES_SHOWN 4  /* of one key, in words */

#define FIELD NETFIL_KEY_FIELD

static gboolean has_room(const NetfilKey *key, guint count, GError **error)
{
	if (count < VALUES_MAX)
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
		    "%s has more than %d values: use an ip-file for addresses, or several filters",
		    key->name, VALUES_MAX);
	return FALSE;
}

/* Texts: a GPtrArray of strings. */

static gboolean texts_put(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error)
{
	GPtrArray *texts = FIELD(GPtrArray *, key, spec);
	g_autofree char *text = key->check(value, error);

	if (!text)
		return FALSE;
	if (g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
		return TRUE;
	if (!has_room(key, texts->len, error))
		return FALSE;
	g_ptr_array_add(texts, g_steal_pointer(&text));
	return TRUE;
}

static void texts_clear(const NetfilKey *key, NetfilSpec *spec)
{
	g_ptr_array_set_size(FIELD(GPtrArray *, key, spec), 0);
}

static guint texts_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(GPtrArray *, key, spec)->len;
}

static char *texts_text(const NetfilKey *key, const NetfilSpec *spec, guint index)
{
	return g_strdup(g_ptr_array_index(FIELD(GPtrArray *, key, spec), index));
}

static const NetfilKeySort texts = {TRUE, TRUE, texts_put, texts_clear, texts_count, texts_text};

/* Elements: a GArray of something without padding, so that memcmp() tells equals. */

typedef union {
	gint64 pid;
	NetfilPrefix prefix;
	NetfilPortRange ports;
	guint8 proto;
} Element;

static gconstpointer element_at(const GArray *elements, guint index)
{
	return elements->data + (gsize)index * g_array_get_element_size((GArray *)elements);
}

static gboolean elements_put(const NetfilKey *key, NetfilSpec *spec, const char *value,
			     GError **error)
{
	GArray *elements = FIELD(GArray *, key, spec);
	gsize size = g_array_get_element_size(elements);
	Element element;

	if (!key->parse(value, &element, error))
		return FALSE;
	for (guint i = 0; i < elements->len; i++)
		if (memcmp(element_at(elements, i), &element, size) == 0)
			return TRUE;
	if (!has_room(key, elements->len, error))
		return FALSE;
	g_array_append_vals(elements, &element, 1);
	return TRUE;
}

static void elements_clear(const NetfilKey *key, NetfilSpec *spec)
{
	g_array_set_size(FIELD(GArray *, key, spec), 0);
}

static guint elements_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(GArray *, key, spec)->len;
}

static char *elements_text(const NetfilKey *key, const NetfilSpec *spec, guint index)
{
	return key->format(element_at(FIELD(GArray *, key, spec), index));
}

static const NetfilKeySort elements = {TRUE,           TRUE,           elements_put,
				       elements_clear, elements_count, elements_text};

#define TEXTS(name, field, check)                                                                  \
	{                                                                                          \
		name, &texts, G_STRUCT_OFFSET(NetfilSpec, field), check, 0, 0                      \
	}
#define ELEMENTS(name, field, value)                                                               \
	{                                                                                          \
		name, &elements, G_STRUCT_OFFSET(NetfilSpec, field), NULL, value, value##_text     \
	}
#define SETTING(name, sort, field)                                                                 \
	{                                                                                          \
		name, &netfil_key_##sort, G_STRUCT_OFFSET(NetfilSpec, field), 0, 0, 0              \
	}

/* In the order in which they are told. */
static const NetfilKey keys[] = {
    ELEMENTS("pid", pids, netfil_value_pid),
    TEXTS("exe", exes, netfil_value_exe),
    TEXTS("user", users, netfil_value_user),
    TEXTS("cgroup", cgroups, netfil_value_cgroup),
    TEXTS("unit", units, netfil_value_unit),
    ELEMENTS("ip", prefixes, netfil_value_prefix),
    TEXTS("ip-file", ip_files, netfil_value_path),
    ELEMENTS("port", ports, netfil_value_port),
    ELEMENTS("proto", protos, netfil_value_proto),
    TEXTS("interface", interfaces, netfil_value_interface),
    ELEMENTS("except", excepts, netfil_value_prefix),
    SETTING("each", each, each),
    SETTING("max-members", members, max_members),
    SETTING("in", cap, cap[NETFIL_IN]),
    SETTING("out", cap, cap[NETFIL_OUT]),
    SETTING("total", cap, cap[NETFIL_TOTAL]),
    SETTING("on-limit", policy, on_limit),
    SETTING("warn", warn, warn),
    SETTING("every", every, every),
    SETTING("rollover", off, rollover),
    SETTING("free", free, free),
    SETTING("durability", durability, durability),
    SETTING("loopback", off, loopback),
    SETTING("until-exit", off, until_exit),
    SETTING("on", on, on),
};

static gboolean unknown_key(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", keys[i].name);
	return netfil_set_invalid(error, name, -1, "is not a key of a filter: use one of %s",
				  known->str);
}

static const NetfilKey *find_key(const char *name, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		if (g_str_equal(keys[i].name, name))
			return &keys[i];
	unknown_key(name, error);
	return NULL;
}

static gboolean put(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error)
{
	if (value[0] == '\0')
		return netfil_set_invalid(error, value, -1, "is no value of %s: give one",
					  key->name);
	/* What a bus cannot carry, or a terminal show, is no value of any key. */
	if (!netfil_text_is_plain(value))
		return netfil_set_invalid(error, value, -1,
					  "is no value of %s: use UTF-8 text without control "
					  "characters",
					  key->name);
	return key->sort->put(key, spec, value, error);
}

gboolean netfil_spec_put(NetfilSpec *spec, const char *key, const char *value, GError **error)
{
	const NetfilKey *found = find_key(key, error);

	return found && put(found, spec, value, error);
}

static GVariant *key_to_variant(const NetfilKey *key, const NetfilSpec *spec)
{
	guint count = key->sort->count(key, spec);
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_STRING_ARRAY);
	for (guint i = 0; i < count; i++)
		g_variant_builder_add_value(
		    &builder, g_variant_new_take_string(key->sort->text(key, spec, i)));
	return g_variant_builder_end(&builder);
}

GVariant *netfil_spec_to_variant(const NetfilSpec *spec)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a{sas}"));
	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].sort->count(&keys[i], spec) > 0)
			g_variant_builder_add(&builder, "{s@as}", keys[i].name,
					      key_to_variant(&keys[i], spec));
	return g_variant_builder_end(&builder);
}

static gboolean is_same(const NetfilKey *key, const NetfilSpec *a, const NetfilSpec *b)
{
	guint count = key->sort->count(key, a);

	if (key->sort->count(key, b) != count)
		return FALSE;
	for (guint i = 0; i < count; i++) {
		g_autofree char *x = key->sort->text(key, a, i);
		g_autofree char *y = key->sort->text(key, b, i);

		if (!g_str_equal(x, y))
			return FALSE;
	}
	return TRUE;
}

char **netfil_spec_compare(const NetfilSpec *a, const NetfilSpec *b)
{
	GPtrArray *different = g_ptr_array_new();

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		if (!is_same(&keys[i], a, b))
			g_ptr_array_add(different, g_strdup(keys[i].name));
	g_ptr_array_add(different, NULL);
	return (char **)g_ptr_array_free(different, FALSE);
}

static gboolean replace_values(NetfilSpec *spec, const char *name, GVariant *values, GError **error)
{
	const NetfilKey *key = find_key(name, error);
	gsize count = g_variant_n_children(values);

	if (!key)
		return FALSE;
	if (!key->sort->repeatable && count > 1)
		return netfil_set_invalid(error, name, -1, "has several values: give one");
	/* Before they are compared with each other, which takes the square of it. */
	if (count > VALUES_MAX)
		return has_room(key, VALUES_MAX, error);
	key->sort->clear(key, spec);
	for (gsize i = 0; i < count; i++) {
		const char *value;

		g_variant_get_child(values, i, "&s", &value);
		if (!put(key, spec, value, error))
			return FALSE;
	}
	return TRUE;
}

/* On error some of the keys are changed. */
static gboolean replace_all(NetfilSpec *spec, GVariant *settings, GError **error)
{
	GVariantIter iter;
	GVariant *values;
	const char *name;

	if (!g_variant_is_of_type(settings, G_VARIANT_TYPE("a{sas}")))
		return netfil_set_invalid(error, g_variant_get_type_string(settings), -1,
					  "is not the type of a filter: use a{sas}");
	g_variant_iter_init(&iter, settings);
	while (g_variant_iter_next(&iter, "{&s@as}", &name, &values)) {
		g_autoptr(GVariant) owned = values;

		if (!replace_values(spec, name, owned, error))
			return FALSE;
	}
	return TRUE;
}

NetfilSpec *netfil_spec_from_variant(const char *name, GVariant *settings, GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new(name);

	return replace_all(spec, settings, error) ? g_steal_pointer(&spec) : NULL;
}

gboolean netfil_spec_update(NetfilSpec *spec, GVariant *changes, GError **error)
{
	g_autoptr(NetfilSpec) changed = netfil_spec_copy(spec);
	NetfilSpec old;

	g_return_val_if_fail(spec->shares == 1, FALSE);
	if (!replace_all(changed, changes, error))
		return FALSE;
	old = *spec;
	*spec = *changed;
	*changed = old; /* and is freed */
	return TRUE;
}

/* "ip 192.0.2.0/24 or 198.51.100.7 or 12 more" */
static void append_words(GString *words, const NetfilKey *key, const NetfilSpec *spec)
{
	guint count = key->sort->count(key, spec);

	for (guint i = 0; i < MIN(count, VALUES_SHOWN); i++) {
		g_autofree char *text = key->sort->text(key, spec, i);

		g_string_append_printf(words, "%s %s", i > 0 ? " or" : key->name, text);
	}
	if (count > VALUES_SHOWN)
		g_string_append_printf(words, " or %u more", count - VALUES_SHOWN);
}

char *netfil_spec_selector_text(const NetfilSpec *spec)
{
	GString *words = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (!keys[i].sort->worded || keys[i].sort->count(&keys[i], spec) == 0)
			continue;
		if (words->len > 0)
			g_string_append(words, ", ");
		append_words(words, &keys[i], spec);
	}
	return g_string_free(words, FALSE);
}
