/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the values of options may be, and the names of filters and keys. */
#include <net/if.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "complete.h"
#include "core/quote.h"
#include "kernel/cgroup.h"
#include "sysctl-keys.h"

#define DESCRIPTION_MAX 60

typedef struct {
	const char *value, *description;
} Example;

static void offer_examples(const NetfilComplete *word, const Example *examples)
{
	for (; examples->value; examples++)
		netfil_complete_offer(word, examples->value, examples->description);
}

/* ---- what the machine has ---- */

/* Its command line; NULL if it is gone, or the kernel's own. Caller frees. */
static char *command_line(const char *pid)
{
	g_autofree char *path = g_build_filename("/proc", pid, "cmdline", NULL);
	g_autofree char *text = NULL;
	gsize length;

	if (!g_file_get_contents(path, &text, &length, NULL) || length == 0)
		return NULL;
	for (gsize i = 0; i + 1 < length; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return netfil_escape(text, -1, DESCRIPTION_MAX);
}

static void offer_processes(const NetfilComplete *word)
{
	g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
	const char *name;

	while (processes && (name = g_dir_read_name(processes))) {
		g_autofree char *line = g_ascii_isdigit(name[0]) ? command_line(name) : NULL;

		if (line)
			netfil_complete_offer(word, name, line);
	}
}

static void offer_users(const NetfilComplete *word)
{
	const struct passwd *user;

	setpwent();
	while ((user = getpwent())) {
		g_autofree char *name = netfil_escape(user->pw_gecos, -1, DESCRIPTION_MAX);

		netfil_complete_offer(word, user->pw_name, g_strdelimit(name, ",", ' '));
	}
	endpwent();
}

static void offer_interfaces(const NetfilComplete *word)
{
	struct if_nameindex *interfaces = if_nameindex();

	for (const struct if_nameindex *i = interfaces; i && i->if_index; i++)
		netfil_complete_offer(word, i->if_name, NULL);
	if (interfaces)
		if_freenameindex(interfaces);
}

/* Those beside or below the one that is typed, a level at a time. */
static void offer_cgroups(const NetfilComplete *word)
{
	g_autofree char *mount = netfil_cgroup_mount(NULL);
	const char *slash = strrchr(word->value, '/');
	g_autofree char *above = g_strndup(word->value, slash ? (gsize)(slash - word->value) : 0);
	g_autofree char *folder = g_build_filename(mount ? mount : "/none", above, NULL);
	g_autoptr(GDir) groups = NULL;
	const char *name;

	if (mount && g_str_has_prefix(word->value, mount)) {
		netfil_complete_leave(word, "files");
		return;
	}
	groups = g_dir_open(folder, 0, NULL);
	while (groups && (name = g_dir_read_name(groups))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *group = g_strconcat(above, "/", name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			netfil_complete_offer(word, group, NULL);
	}
	g_print(":nospace\n");
}

typedef struct {
	const NetfilComplete *word;
	GHashTable *seen;
} Units;

static void offer_unit(const char *path, G_GNUC_UNUSED guint64 id, gpointer data)
{
	const char *name = strrchr(path, '/') + 1;
	Units *units = data;

	if (!g_str_has_suffix(name, ".service") && !g_str_has_suffix(name, ".scope") &&
	    !g_str_has_suffix(name, ".slice"))
		return;
	if (g_hash_table_add(units->seen, g_strdup(name)))
		netfil_complete_offer(units->word, name, path);
}

static void offer_units(const NetfilComplete *word)
{
	g_autofree char *mount = netfil_cgroup_mount(NULL);
	Units units = {word, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};

	if (mount)
		netfil_cgroup_walk(mount, offer_unit, &units);
	g_hash_table_unref(units.seen);
}

/* ---- words ---- */

static void offer_policies(const NetfilComplete *word)
{
	static const char *const descriptions[] = {
	    [NETFIL_ON_LIMIT_REJECT] = "connections end, new ones fail",
	    [NETFIL_ON_LIMIT_DROP] = "packets vanish",
	    [NETFIL_ON_LIMIT_KILL] = "the processes are ended",
	    [NETFIL_ON_LIMIT_PAUSE] = "the processes stand still",
	    [NETFIL_ON_LIMIT_THROTTLE] = "so many bytes a second go on",
	    [NETFIL_ON_LIMIT_NOTIFY] = "it is told, and nothing is stopped",
	    [NETFIL_ON_LIMIT_DOWN] = "the interfaces are taken down",
	};

	for (guint i = 0; i < G_N_ELEMENTS(descriptions); i++) {
		const char *rate = i == NETFIL_ON_LIMIT_THROTTLE ? "=125k" : "";
		g_autofree char *policy =
		    g_strconcat(netfil_on_limit_name((NetfilOnLimit)i), rate, NULL);

		if (i != NETFIL_ON_LIMIT_DOWN || !g_str_equal(word->command, "run"))
			netfil_complete_offer(word, policy, descriptions[i]);
	}
}

static void offer_durabilities(const NetfilComplete *word)
{
	for (guint i = NETFIL_DURABILITY_DEFAULT; i <= NETFIL_DURABILITY_STRICT; i++)
		netfil_complete_offer(word, netfil_durability_name((NetfilDurability)i), NULL);
}

static void offer_eachs(const NetfilComplete *word)
{
	for (guint i = NETFIL_EACH_IP; i <= NETFIL_EACH_INTERFACE; i++)
		netfil_complete_offer(word, netfil_each_name((NetfilEach)i), NULL);
}

static void offer_sorts(const NetfilComplete *word)
{
	for (guint i = NETFIL_MEMBER_BY_TOTAL;
	     i <= NETFIL_MEMBER_BY_REFUSED && g_str_equal(word->command, "show"); i++)
		netfil_complete_offer(word, netfil_member_sort_name((NetfilMemberSort)i), NULL);
}

static void offer_periods(const NetfilComplete *word)
{
	for (guint i = NETFIL_BY_HOUR; i <= NETFIL_BY_CYCLE; i++)
		netfil_complete_offer(word, netfil_by_name((NetfilBy)i), NULL);
}

static void offer_protos(const NetfilComplete *word)
{
	const char *name;

	for (guint i = 0; (name = netfil_proto_name(i)); i++)
		netfil_complete_offer(word, name, NULL);
}

static void offer_cycles(const NetfilComplete *word)
{
	static const Example cycles[] = {
	    {"hour", "at each full hour"},
	    {"day", "at midnight"},
	    {"week", "on Monday"},
	    {"week@sun", "on Sunday, or another day"},
	    {"month", "on the 1st"},
	    {"month@14", "on the 14th, or another day"},
	    {"30d", "so many days later"},
	    {"never", "the default"},
	    {NULL, NULL},
	};

	offer_examples(word, cycles);
}

static void offer_hours(const NetfilComplete *word)
{
	static const Example hours[] = {
	    {"01:00-07:00", "each night"},
	    {"none", "all hours count"},
	    {NULL, NULL},
	};

	offer_examples(word, hours);
}

static void offer_percents(const NetfilComplete *word)
{
	static const Example percents[] = {
	    {"80,95", NULL},
	    {"50,80,95", NULL},
	    {NULL, NULL},
	};

	offer_examples(word, percents);
}

static void offer_times_to_come(const NetfilComplete *word)
{
	static const Example times[] = {
	    {"now", "at once"}, {"+1h", "in an hour, or another time"},
	    {"18:00", "today"}, {"tomorrow", "at midnight"},
	    {NULL, NULL},
	};

	offer_examples(word, times);
}

static void offer_times_past(const NetfilComplete *word)
{
	static const Example times[] = {
	    {"today", "at midnight"},
	    {"yesterday", "at midnight"},
	    {"-7d", "so long ago"},
	    {"now", NULL},
	    {NULL, NULL},
	};

	offer_examples(word, times);
}

static void leave_files(const NetfilComplete *word)
{
	netfil_complete_leave(word, "files");
}

static void leave_programs(const NetfilComplete *word)
{
	netfil_complete_leave(word, "programs");
}

void netfil_complete_option(const NetfilComplete *word, const char *option, const char *argument)
{
	static const struct {
		const char *option;
		void (*offer)(const NetfilComplete *word);
	} known[] = {
	    {"pid", offer_processes},
	    {"exe", leave_programs},
	    {"user", offer_users},
	    {"cgroup", offer_cgroups},
	    {"unit", offer_units},
	    {"proto", offer_protos},
	    {"interface", offer_interfaces},
	    {"each", offer_eachs},
	    {"sort", offer_sorts},
	    {"on-limit", offer_policies},
	    {"warn", offer_percents},
	    {"every", offer_cycles},
	    {"free", offer_hours},
	    {"durability", offer_durabilities},
	    {"unlimited-until", offer_times_to_come},
	    {"by", offer_periods},
	};

	for (guint i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_str_equal(known[i].option, option)) {
			known[i].offer(word);
			return;
		}
	if (g_strcmp0(argument, "FILE") == 0 || g_strcmp0(argument, "PATH") == 0)
		leave_files(word);
	else if (g_strcmp0(argument, "TIME") == 0)
		offer_times_past(word);
}

/* ---- netfild's filters ---- */

void netfil_complete_filters(const NetfilComplete *word, const char *const *given)
{
	g_autoptr(NetfilClient) client = netfil_client_connect(NULL);
	g_autoptr(GPtrArray) statuses = client ? netfil_client_list(client, NULL) : NULL;

	for (guint i = 0; statuses && i < statuses->len; i++) {
		const NetfilStatus *status = statuses->pdata[i];
		g_autofree char *selector = netfil_spec_selector_text(status->spec);
		g_autofree char *text =
		    g_strconcat(netfil_state_name(status->state), ", ", selector, NULL);
		g_autofree char *description = netfil_escape(text, -1, DESCRIPTION_MAX);

		if (!g_strv_contains(given, status->spec->name))
			netfil_complete_offer(word, status->spec->name, description);
	}
}

/* ---- keys ---- */

static void offer_key_values(const NetfilComplete *word, const char *key)
{
	g_autofree char *before = g_strconcat(word->before, key, "=", NULL);
	const NetfilComplete value = {word->command, before, word->value + strlen(key) + 1};
	static const Example statuses[] = {{"1", "start"}, {"0", "stop"}, {NULL, NULL}};

	if (g_str_has_suffix(key, ".status"))
		offer_examples(&value, statuses);
	else if (g_str_has_suffix(key, ".list"))
		offer_interfaces(&value);
	else if (g_str_has_suffix(key, ".pid"))
		offer_processes(&value);
}

void netfil_complete_sysctl(const NetfilComplete *word)
{
	const char *equals = strchr(word->value, '=');
	guint count;
	const NetfilSysctlKey *keys = netfil_sysctl_keys(&count);

	if (equals) {
		g_autofree char *key = g_strndup(word->value, (gsize)(equals - word->value));

		offer_key_values(word, key);
		return;
	}
	for (guint i = 0; i < count; i++)
		netfil_complete_offer(word, keys[i].name, NULL);
	g_print(":nospace\n");
}
