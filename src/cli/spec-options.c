/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "spec-options.h"

#include "core/adjust.h"
#include "core/error.h"
#include "resolve.h"

#define ALL (NETFIL_FOR_ADD | NETFIL_FOR_SET | NETFIL_FOR_RUN)
#define DAEMON (NETFIL_FOR_ADD | NETFIL_FOR_SET)
#define EACH "each"
#define NEW (NETFIL_FOR_ADD | NETFIL_FOR_RUN)

struct NetfilSpecOptions {
	NetfilSpecUse use;
	GArray *entries; /* GOptionEntry */
	NetfilSpec *spec;
	GHashTable *texts; /* key -> GPtrArray of values, as the bus takes them */
	gboolean each;     /* of whatever the selectors are about */
};

/* Values that change this cycle and not the specification: see NetfilAdjust. */
typedef enum {
	ADJUSTS_NOT,
	ADJUSTS_IF_SIGNED,
	ADJUSTS,
} Adjusts;

typedef struct {
	const char *name;
	const char *argument;
	const char *help;
	guint uses;
	const char *key;   /* the specification's; NULL: the name */
	const char *fixed; /* the value, for an option that takes none */
	char *(*resolve)(const char *word, GError **error);
	gboolean once; /* another one replaces it */
	gboolean list; /* values may stand in one, with commas */
	Adjusts adjusts;
	gboolean hidden; /* netfild says why not */
} Option;

static const Option table[] = {
    {"pid", "N", "the process N and all that it starts", DAEMON},
    {"exe", "PATH", "processes that run this executable; '*': any", DAEMON,
     .resolve = netfil_resolve_executable},
    {"user", "NAME", "processes of this user; '*': any", DAEMON},
    {"cgroup", "PATH", "processes in this control group and below; '*': any", DAEMON,
     .resolve = netfil_resolve_cgroup},
    {"unit", "NAME", "processes of this systemd unit", DAEMON},
    {"ip", "PREFIX", "traffic with this address or prefix", ALL},
    {"ip-file", "FILE", "traffic with the addresses listed in this file", ALL,
     .resolve = netfil_resolve_file},
    {"port", "N[-M]", "traffic with this remote or local port", ALL},
    {"proto", "NAME", "traffic of this protocol: tcp, udp, icmp, ...", ALL},
    {"interface", "GLOB", "traffic through these network interfaces", ALL},
    {"except", "PREFIX", "but not traffic with this address or prefix", ALL},
    {EACH, "KIND", "a cap for each: ip, user, exe, cgroup, interface", NETFIL_FOR_ADD,
     .once = TRUE},
    {"max-members", "N", "have up to so many of these (10000)", NETFIL_FOR_ADD, .once = TRUE},
    {EACH, "KIND", "", NETFIL_FOR_SET, .once = TRUE, .hidden = TRUE},
    {"max-members", "N", "", NETFIL_FOR_SET, .once = TRUE, .hidden = TRUE},
    {"in", "SIZE", "cap on bytes in: 25M is 25,000,000, 25MiB is 26,214,400", NEW, .once = TRUE},
    {"out", "SIZE", "cap on bytes out", NEW, .once = TRUE},
    {"total", "SIZE", "cap on bytes in and out together", NEW, .once = TRUE},
    {"in", "[+|-]SIZE", "cap on bytes in; +5G: 5 GB more in this cycle alone", NETFIL_FOR_SET,
     .once = TRUE, .adjusts = ADJUSTS_IF_SIGNED},
    {"out", "[+|-]SIZE", "cap on bytes out", NETFIL_FOR_SET, .once = TRUE,
     .adjusts = ADJUSTS_IF_SIGNED},
    {"total", "[+|-]SIZE", "cap on bytes in and out together", NETFIL_FOR_SET, .once = TRUE,
     .adjusts = ADJUSTS_IF_SIGNED},
    {"used", "SIZE", "what is used of the cap, as the carrier says: 12.3G", NETFIL_FOR_SET,
     .once = TRUE, .adjusts = ADJUSTS},
    {"unlimited-until", "TIME", "no cap until then: 18:00, +2h, tomorrow; or now", NETFIL_FOR_SET,
     .resolve = netfil_resolve_time_to_come, .once = TRUE, .adjusts = ADJUSTS},
    {"on-limit", "POLICY", "at the cap: reject (default), or another: see below", ALL,
     .once = TRUE},
    {"warn", "PERCENT,...", "warn when so much of the cap is used, as 80,95", ALL, .list = TRUE},
    {"every", "CYCLE", "start again each hour, day, week, month@14, 30d", ALL, .once = TRUE},
    {"rollover", NULL, "carry what is left into the next cycle", ALL, .fixed = "true",
     .once = TRUE},
    {"no-rollover", NULL, "do not carry it over", NETFIL_FOR_SET, .key = "rollover",
     .fixed = "false", .once = TRUE},
    {"free", "HH:MM-HH:MM", "hours that do not count, as 01:00-07:00", ALL, .once = TRUE},
    {"durability", "MODE", "checkpoint, or strict: no byte lost in a power cut", DAEMON,
     .once = TRUE},
    {"loopback", NULL, "count loopback traffic too", ALL, .fixed = "true", .once = TRUE},
    {"no-loopback", NULL, "do not count loopback, unless an --ip names it", NETFIL_FOR_SET,
     .key = "loopback", .fixed = "false", .once = TRUE},
    {"until-exit", NULL, "remove it when the last of the --pid processes has ended", DAEMON,
     .fixed = "true", .once = TRUE},
    {"no-until-exit", NULL, "keep it then", NETFIL_FOR_SET, .key = "until-exit", .fixed = "false",
     .once = TRUE},
    {"off", NULL, "switched off: it neither counts nor refuses", DAEMON, .key = "on",
     .fixed = "false", .once = TRUE},
};

static const char *option_key(const Option *option)
{
	return option->key ? option->key : option->name;
}

static const Option *find_option(const char *dashed, NetfilSpecUse use)
{
	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if ((table[i].uses & use) && g_str_equal(dashed + 2, table[i].name))
			return &table[i];
	g_return_val_if_reached(NULL);
}

static GPtrArray *texts_of(NetfilSpecOptions *options, const char *key)
{
	GPtrArray *texts = g_hash_table_lookup(options->texts, key);

	if (!texts) {
		texts = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(options->texts, (gpointer)key, texts);
	}
	return texts;
}

/* The value in the form that the specification keeps; NULL and an error. */
static char *resolve(const Option *option, const char *value, GError **error)
{
	g_autofree char *text = NULL;

	if (option->fixed)
		return g_strdup(option->fixed);
	text = option->resolve ? option->resolve(value, error) : g_strdup(value);
	if (text && !g_utf8_validate(text, -1, NULL)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "the value of --%s is not UTF-8: rename it, or use another selector",
			    option->name);
		return NULL;
	}
	return g_steal_pointer(&text);
}

static gboolean check_adjustment(const char *key, const char *text, GError **error)
{
	const char *const texts[] = {text, NULL};
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sas}"));
	g_autoptr(GVariant) changes = NULL;
	g_autoptr(GVariant) rest = NULL;
	NetfilAdjust adjust;

	g_variant_builder_add(&builder, "{s^as}", key, texts);
	changes = g_variant_ref_sink(g_variant_builder_end(&builder));
	return netfil_adjust_split(changes, &adjust, &rest, error);
}

static gboolean is_adjustment(const Option *option, const char *text)
{
	return option->adjusts == ADJUSTS ||
	       (option->adjusts == ADJUSTS_IF_SIGNED && (text[0] == '+' || text[0] == '-'));
}

static gboolean take(NetfilSpecOptions *options, const Option *option, const char *text,
		     GError **error)
{
	const char *key = option_key(option);

	if (!(is_adjustment(option, text) ? check_adjustment(key, text, error)
					  : netfil_spec_put(options->spec, key, text, error)))
		return FALSE;
	g_ptr_array_add(texts_of(options, key), g_strdup(text));
	return TRUE;
}

static gboolean take_list(NetfilSpecOptions *options, const Option *option, const char *text,
			  GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);

	for (guint i = 0; parts[i]; i++)
		if (!take(options, option, parts[i], error))
			return FALSE;
	return TRUE;
}

static gboolean on_option(const char *name, const char *value, gpointer data, GError **error)
{
	NetfilSpecOptions *options = data;
	const Option *option = find_option(name, options->use);
	GPtrArray *texts = texts_of(options, option_key(option));
	g_autofree char *text = NULL;

	if (option->once)
		g_ptr_array_set_size(texts, 0);
	if (options->use == NETFIL_FOR_SET && value && !*value && option->adjusts != ADJUSTS)
		return TRUE; /* an empty list clears */
	if (g_str_equal(option->name, EACH)) {
		options->each = !*value;
		if (options->each)
			return TRUE; /* once all selectors are there */
	}
	text = resolve(option, value, error);
	if (!text)
		return FALSE;
	return option->list && *text ? take_list(options, option, text, error)
				     : take(options, option, text, error);
}

static GArray *entries_for(NetfilSpecUse use)
{
	GArray *entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		const Option *option = &table[i];
		GOptionEntry entry = {
		    .long_name = option->name,
		    /* Values are taken as they are, whatever the locale. */
		    .flags = (option->fixed ? G_OPTION_FLAG_NO_ARG : G_OPTION_FLAG_FILENAME) |
			     (option->hidden ? G_OPTION_FLAG_HIDDEN : 0),
		    .arg = G_OPTION_ARG_CALLBACK,
		    .arg_data = on_option,
		    .description = option->help,
		    .arg_description = option->argument,
		};

		if (option->uses & use)
			g_array_append_val(entries, entry);
	}
	return entries;
}

NetfilSpecOptions *netfil_spec_options_new(NetfilSpecUse use)
{
	NetfilSpecOptions *options = g_new0(NetfilSpecOptions, 1);

	options->use = use;
	options->entries = entries_for(use);
	options->spec = netfil_spec_new("");
	options->texts =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
	return options;
}

void netfil_spec_options_free(NetfilSpecOptions *options)
{
	g_array_unref(options->entries);
	netfil_spec_free(options->spec);
	g_hash_table_unref(options->texts);
	g_free(options);
}

GOptionGroup *netfil_spec_options_group(NetfilSpecOptions *options)
{
	GOptionGroup *group = g_option_group_new(NULL, NULL, NULL, options, NULL);

	g_option_group_add_entries(group, (const GOptionEntry *)(void *)options->entries->data);
	return group;
}

void netfil_spec_options_words(int argc, char **argv)
{
	static char each[] = "--" EACH "=";

	for (int i = 1; i < argc && !g_str_equal(argv[i], "--"); i++)
		if (g_str_equal(argv[i], "--" EACH))
			argv[i] = each;
}

NetfilSpec *netfil_spec_options_spec(const NetfilSpecOptions *options, const char *name,
				     GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_copy(options->spec);

	if (options->each && !netfil_spec_each_of_selectors(spec, &spec->each, error))
		return NULL;
	g_free(spec->name);
	spec->name = g_strdup(name);
	return g_steal_pointer(&spec);
}

GVariant *netfil_spec_options_changes(const NetfilSpecOptions *options)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sas}"));
	GHashTableIter iter;
	const char *key;
	GPtrArray *texts;

	if (g_hash_table_size(options->texts) == 0)
		return NULL;
	g_hash_table_iter_init(&iter, options->texts);
	while (g_hash_table_iter_next(&iter, (gpointer *)&key, (gpointer *)&texts))
		g_variant_builder_add(
		    &builder, "{s@as}", key,
		    g_variant_new_strv((const char *const *)texts->pdata, (gssize)texts->len));
	return g_variant_builder_end(&builder);
}
