// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config.h"

#include <string.h>

#include "error.h"
#include "number.h"
#include "quote.h"

#define TIMEOUT_MAX 3600
#define SECTIONS_MAX 16 /* all but one are mistakes */

typedef struct {
	const char *name;
	gboolean (*put)(NetfilConfig *config, const char *value, GError **error);
	gboolean (*is_same)(const NetfilConfig *a, const NetfilConfig *b);
} Key;

/* The index of the word, which is the value of an enumeration; -1 and an error. */
static int choose(const char *const *words, const char *value, const char *key, GError **error)
{
	g_autofree char *list = NULL;

	for (int i = 0; words[i]; i++)
		if (g_str_equal(words[i], value))
			return i;
	list = g_strjoinv(", ", (char **)words);
	netfil_set_invalid(error, value, -1, "is not a value of %s: use one of %s", key, list);
	return -1;
}

static gboolean put_cgroup(NetfilConfig *config, const char *value, GError **error)
{
	if (!g_path_is_absolute(value))
		return netfil_set_invalid(error, value, -1,
					  "is not a value of cgroup: use an absolute path, as "
					  "/sys/fs/cgroup/user.slice");
	g_free(config->cgroup);
	config->cgroup = g_canonicalize_filename(value, NULL);
	return TRUE;
}

static gboolean is_same_cgroup(const NetfilConfig *a, const NetfilConfig *b)
{
	return g_strcmp0(a->cgroup, b->cgroup) == 0;
}

/* In the words of a filter's own setting. */
static gboolean put_durability(NetfilConfig *config, const char *value, GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("");

	if (!netfil_spec_put(spec, "durability", value, error))
		return FALSE;
	config->durability = spec->durability;
	return TRUE;
}

static gboolean is_same_durability(const NetfilConfig *a, const NetfilConfig *b)
{
	return a->durability == b->durability;
}

static gboolean put_apps(NetfilConfig *config, const char *value, GError **error)
{
	static const char *const words[] = {"no", "yes", NULL};
	int choice = choose(words, value, "apps", error);

	if (choice >= 0)
		config->apps = choice;
	return choice >= 0;
}

static gboolean is_same_apps(const NetfilConfig *a, const NetfilConfig *b)
{
	return a->apps == b->apps;
}

static gboolean put_system_bus(NetfilConfig *config, const char *value, GError **error)
{
	static const char *const words[] = {
	    [NETFIL_NO] = "no", [NETFIL_YES] = "yes", [NETFIL_AUTO] = "auto", NULL};
	int choice = choose(words, value, "system-bus", error);

	if (choice >= 0)
		config->system_bus = choice;
	return choice >= 0;
}

static gboolean is_same_system_bus(const NetfilConfig *a, const NetfilConfig *b)
{
	return a->system_bus == b->system_bus;
}

static gboolean put_log(NetfilConfig *config, const char *value, GError **error)
{
	static const char *const words[] = {[NETFIL_LOG_TO_AUTO] = "auto",
					    [NETFIL_LOG_TO_JOURNAL] = "journal",
					    [NETFIL_LOG_TO_STDERR] = "stderr",
					    NULL};
	int choice = choose(words, value, "log", error);

	if (choice >= 0)
		config->log = choice;
	return choice >= 0;
}

static gboolean is_same_log(const NetfilConfig *a, const NetfilConfig *b)
{
	return a->log == b->log;
}

static gboolean put_events_user(NetfilConfig *config, const char *value, GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("");

	if (!netfil_spec_put(spec, "user", value, error)) /* what names a user there does here */
		return FALSE;
	g_free(config->events_user);
	config->events_user = g_strdup(value);
	return TRUE;
}

static gboolean is_same_events_user(const NetfilConfig *a, const NetfilConfig *b)
{
	return g_str_equal(a->events_user, b->events_user);
}

static gboolean put_events_timeout(NetfilConfig *config, const char *value, GError **error)
{
	guint64 seconds;

	if (!netfil_number_parse(value, strlen(value), TIMEOUT_MAX, &seconds) || !seconds)
		return netfil_set_invalid(error, value, -1,
					  "is not a value of events-timeout: use 1 to %d seconds",
					  TIMEOUT_MAX);
	config->events_timeout = seconds;
	return TRUE;
}

static gboolean is_same_events_timeout(const NetfilConfig *a, const NetfilConfig *b)
{
	return a->events_timeout == b->events_timeout;
}

static const Key keys[] = {
    {"cgroup", put_cgroup, is_same_cgroup},
    {"durability", put_durability, is_same_durability},
    {"apps", put_apps, is_same_apps},
    {"system-bus", put_system_bus, is_same_system_bus},
    {"log", put_log, is_same_log},
    {"events-user", put_events_user, is_same_events_user},
    {"events-timeout", put_events_timeout, is_same_events_timeout},
};

NetfilConfig *netfil_config_new(void)
{
	NetfilConfig *config = g_new0(NetfilConfig, 1);

	config->durability = NETFIL_DURABILITY_DEFAULT;
	config->apps = TRUE;
	config->system_bus = NETFIL_AUTO;
	config->log = NETFIL_LOG_TO_AUTO;
	config->events_user = g_strdup("nobody");
	config->events_timeout = 10;
	return config;
}

void netfil_config_free(NetfilConfig *config)
{
	if (!config)
		return;
	g_free(config->cgroup);
	g_free(config->events_user);
	g_free(config);
}

gboolean netfil_config_put(NetfilConfig *config, const char *key, const char *value, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (g_str_equal(keys[i].name, key))
			return keys[i].put(config, value, error);
		g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", keys[i].name);
	}
	return netfil_set_invalid(
	    error, key, -1, "is not a key of " NETFIL_CONFIG_SECTION ": use one of %s", known->str);
}

static gboolean check_section(const char *name, GError **error)
{
	return g_str_equal(name, NETFIL_CONFIG_SECTION) ||
	       netfil_set_invalid(error, name, -1,
				  "is not a section of netfil.conf: use [" NETFIL_CONFIG_SECTION
				  "]");
}

static gboolean put_pair(NetfilConfig *config, const NetfilPair *pair, GError **error)
{
	if (!pair->values[0])
		return netfil_set_invalid(error, pair->key, -1,
					  "has no value: give one, or leave the line out");
	if (pair->values[1])
		return netfil_set_invalid(error, pair->key, -1, "has several values: give one");
	return netfil_config_put(config, pair->key, pair->values[0], error);
}

NetfilKeyFile *netfil_config_read(NetfilConfig *config, const char *text, gsize length)
{
	static const NetfilKeyForm form = {"section", SECTIONS_MAX, check_section};
	NetfilKeyFile *file = netfil_key_file_read(text, length, &form);

	for (guint i = 0; i < file->groups->len; i++) {
		const NetfilGroup *group = file->groups->pdata[i];

		/* The keys of a section that there is not are not those of netfild. */
		for (guint j = 0; group->name && j < group->pairs->len; j++) {
			const NetfilPair *pair = group->pairs->pdata[j];
			GError *error = NULL;

			if (!put_pair(config, pair, &error))
				netfil_key_file_note(file, pair->line, error);
		}
	}
	netfil_key_file_sort(file);
	return file;
}

char **netfil_config_compare(const NetfilConfig *a, const NetfilConfig *b)
{
	GPtrArray *different = g_ptr_array_new();

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		if (!keys[i].is_same(a, b))
			g_ptr_array_add(different, g_strdup(keys[i].name));
	g_ptr_array_add(different, NULL);
	return (char **)g_ptr_array_free(different, FALSE);
}
