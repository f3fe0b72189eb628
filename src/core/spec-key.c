/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A filter's keys: what each is called, how its values are kept, and the a{sas}. */
#include <string.h>

#include "error.h"
#include "quote.h"
#include "size.h"
#include "spec-value.h"
#include "spec.h"

#define VALUES_MAX 4096 /* of one key */
#define VALUES_SHOWN 4  /* of one key, in words */

typedef struct Key Key;

/* How a sort of key keeps its values in a spec. */
typedef struct {
	gboolean repeatable; /* selectors are, settings are not */
	gboolean (*put)(const Key *key, NetfilSpec *spec, const char *value, GError **error);
	void (*clear)(const Key *key, NetfilSpec *spec); /* to the default */
	guint (*count)(const Key *key, const NetfilSpec *spec);
	char *(*text)(const Key *key, const NetfilSpec *spec, guint index);
} KeySort;

struct Key {
	const char *name;
	const KeySort *sort;
	gsize offset;                                      /* of the values in NetfilSpec */
	char *(*check)(const char *value, GError **error); /* texts */
	gboolean (*parse)(const char *value, gpointer element, GError **error); /* elements */
	char *(*format)(gconstpointer element);
};

#define FIELD(type, key, spec) G_STRUCT_MEMBER(type, spec, (key)->offset)

static gboolean has_room(const Key *key, guint count, GError **error)
{
	if (count < VALUES_MAX)
		return TRUE;
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
		    "%s has more than %d values: use an ip-file for addresses, or several filters",
		    key->name, VALUES_MAX);
	return FALSE;
}

/* Texts: a GPtrArray of strings. */

static gboolean texts_put(const Key *key, NetfilSpec *spec, const char *value, GError **error)
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

static void texts_clear(const Key *key, NetfilSpec *spec)
{
	g_ptr_array_set_size(FIELD(GPtrArray *, key, spec), 0);
}

static guint texts_count(const Key *key, const NetfilSpec *spec)
{
	return FIELD(GPtrArray *, key, spec)->len;
}

static char *texts_text(const Key *key, const NetfilSpec *spec, guint index)
{
	return g_strdup(g_ptr_array_index(FIELD(GPtrArray *, key, spec), index));
}

static const KeySort texts = {TRUE, texts_put, texts_clear, texts_count, texts_text};

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

static gboolean elements_put(const Key *key, NetfilSpec *spec, const char *value, GError **error)
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

static void elements_clear(const Key *key, NetfilSpec *spec)
{
	g_array_set_size(FIELD(GArray *, key, spec), 0);
}

static guint elements_count(const Key *key, const NetfilSpec *spec)
{
	return FIELD(GArray *, key, spec)->len;
}

static char *elements_text(const Key *key, const NetfilSpec *spec, guint index)
{
	return key->format(element_at(FIELD(GArray *, key, spec), index));
}

static const KeySort elements = {TRUE, elements_put, elements_clear, elements_count, elements_text};

/* Caps: 0 is none. */

static gboolean cap_put(const Key *key, NetfilSpec *spec, const char *value, GError **error)
{
	return netfil_size_parse(value, &FIELD(guint64, key, spec), error);
}

static void cap_clear(const Key *key, NetfilSpec *spec)
{
	FIELD(guint64, key, spec) = 0;
}

static guint cap_count(const Key *key, const NetfilSpec *spec)
{
	return FIELD(guint64, key, spec) != 0;
}

static char *cap_text(const Key *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, FIELD(guint64, key, spec));
}

static const KeySort cap = {FALSE, cap_put, cap_clear, cap_count, cap_text};

/* The policy at the limit; always told. */

static const char *const policies[] = {
    [NETFIL_ON_LIMIT_REJECT] = "reject",
    [NETFIL_ON_LIMIT_DROP] = "drop",
    [NETFIL_ON_LIMIT_KILL] = "kill",
};

const char *netfil_on_limit_name(NetfilOnLimit policy)
{
	g_return_val_if_fail((guint)policy < G_N_ELEMENTS(policies), NULL);
	return policies[policy];
}

static gboolean policy_put(const Key *key, NetfilSpec *spec, const char *value, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(policies); i++)
		if (g_str_equal(policies[i], value)) {
			FIELD(NetfilOnLimit, key, spec) = (NetfilOnLimit)i;
			return TRUE;
		}
	return netfil_set_invalid(error, value, -1,
				  "is not a policy for the limit: use reject, drop or kill");
}

static void policy_clear(const Key *key, NetfilSpec *spec)
{
	FIELD(NetfilOnLimit, key, spec) = NETFIL_ON_LIMIT_REJECT;
}

static guint always_one(G_GNUC_UNUSED const Key *key, G_GNUC_UNUSED const NetfilSpec *spec)
{
	return 1;
}

static char *policy_text(const Key *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return g_strdup(netfil_on_limit_name(FIELD(NetfilOnLimit, key, spec)));
}

static const KeySort policy = {FALSE, policy_put, policy_clear, always_one, policy_text};

/* Switches: "on" by default and always told, "loopback" only if true. */

static gboolean switch_put(const Key *key, NetfilSpec *spec, const char *value, GError **error)
{
	if (!g_str_equal(value, "true") && !g_str_equal(value, "false"))
		return netfil_set_invalid(error, value, -1,
					  "is not a value of %s: use true or false", key->name);
	FIELD(gboolean, key, spec) = g_str_equal(value, "true");
	return TRUE;
}

static void set_true(const Key *key, NetfilSpec *spec)
{
	FIELD(gboolean, key, spec) = TRUE;
}

static void set_false(const Key *key, NetfilSpec *spec)
{
	FIELD(gboolean, key, spec) = FALSE;
}

static guint count_if_true(const Key *key, const NetfilSpec *spec)
{
	return FIELD(gboolean, key, spec) ? 1 : 0;
}

static char *switch_text(const Key *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return g_strdup(FIELD(gboolean, key, spec) ? "true" : "false");
}

static const KeySort on = {FALSE, switch_put, set_true, always_one, switch_text};
static const KeySort off = {FALSE, switch_put, set_false, count_if_true, switch_text};

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
		name, &sort, G_STRUCT_OFFSET(NetfilSpec, field), 0, 0, 0                           \
	}

/* In the order in which they are told. */
static const Key keys[] = {
    ELEMENTS("pid", pids, netfil_value_pid),
    TEXTS("exe", exes, netfil_value_path),
    TEXTS("user", users, netfil_value_user),
    TEXTS("cgroup", cgroups, netfil_value_cgroup),
    TEXTS("unit", units, netfil_value_unit),
    ELEMENTS("ip", prefixes, netfil_value_prefix),
    TEXTS("ip-file", ip_files, netfil_value_path),
    ELEMENTS("port", ports, netfil_value_port),
    ELEMENTS("proto", protos, netfil_value_proto),
    TEXTS("interface", interfaces, netfil_value_interface),
    SETTING("in", cap, cap[NETFIL_IN]),
    SETTING("out", cap, cap[NETFIL_OUT]),
    SETTING("total", cap, cap[NETFIL_TOTAL]),
    SETTING("on-limit", policy, on_limit),
    SETTING("loopback", off, loopback),
    SETTING("on", on, on),
};

static const Key *find_key(const char *name, GError **error)
{
	GString *known = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (g_str_equal(keys[i].name, name)) {
			g_string_free(known, TRUE);
			return &keys[i];
		}
		g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", keys[i].name);
	}
	netfil_set_invalid(error, name, -1, "is not a key of a filter: use one of %s", known->str);
	g_string_free(known, TRUE);
	return NULL;
}

static gboolean put(const Key *key, NetfilSpec *spec, const char *value, GError **error)
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
	const Key *found = find_key(key, error);

	return found && put(found, spec, value, error);
}

static GVariant *key_to_variant(const Key *key, const NetfilSpec *spec)
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

static gboolean replace_values(NetfilSpec *spec, const char *name, GVariant *values, GError **error)
{
	const Key *key = find_key(name, error);
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

gboolean netfil_spec_update(NetfilSpec *spec, GVariant *changes, GError **error)
{
	g_autoptr(NetfilSpec) changed = NULL;
	gsize count;
	NetfilSpec old;

	if (!g_variant_is_of_type(changes, G_VARIANT_TYPE("a{sas}")))
		return netfil_set_invalid(error, g_variant_get_type_string(changes), -1,
					  "is not the type of a filter: use a{sas}");
	changed = netfil_spec_copy(spec);
	count = g_variant_n_children(changes);
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) values = NULL;
		const char *name;

		g_variant_get_child(changes, i, "{&s@as}", &name, &values);
		if (!replace_values(changed, name, values, error))
			return FALSE;
	}
	old = *spec;
	*spec = *changed;
	*changed = old; /* and is freed */
	return TRUE;
}

/* "ip 192.0.2.0/24 or 198.51.100.7 or 12 more" */
static void append_words(GString *words, const Key *key, const NetfilSpec *spec)
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
		if (!keys[i].sort->repeatable || keys[i].sort->count(&keys[i], spec) == 0)
			continue;
		if (words->len > 0)
			g_string_append(words, ", ");
		append_words(words, &keys[i], spec);
	}
	return g_string_free(words, FALSE);
}
