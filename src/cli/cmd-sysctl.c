/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "core/error.h"
#include "core/quote.h"
#include "options.h"
#include "start.h"
#include "sysctl-keys.h"
#include "sysctl-set.h"

static const NetfilUsage usage = {
    .command = "sysctl",
    .arguments = "KEY[=VALUE]... | -p FILE...",
    .summary = "Reads and sets the keys of the macOS netfil, with the options of sysctl(8):\n"
	       "  net.netfil.interface.{list,ibyte,obyte,iobyte,status}\n"
	       "  net.netfil.socket.{pid,ibyte,obyte,iobyte,status}\n"
	       "  net.netfil.ip.{addr,ibyte,obyte,iobyte,status}\n"
	       "First what a filter applies to and its caps, then status=1, which starts it; "
	       "status=0\n"
	       "stops it, and its usage starts again from 0. Starts netfild if none runs.",
    .description = "Examples:\n"
		   "  netfil sysctl -a\n"
		   "  netfil sysctl net.netfil.ip.addr=192.0.2.1,2001:db8::1 \\\n"
		   "    net.netfil.ip.ibyte=25000000 net.netfil.ip.status=1\n"
		   "  netfil sysctl -n net.netfil.ip.status\n",
};

typedef struct {
	gboolean all, load, values, names, write, ignore, quiet;
	char *pattern;
	GPtrArray *files;
	GPtrArray *words;     /* of argv that are ours */
	regex_t regex;        /* if there is a pattern */
	NetfilClient *client; /* once it was needed */
	gboolean absent;      /* there is no netfild, and none can be started */
	int status;
} Session;

/* As one who asks sysctl(8) expects it: what can be done is done, all else is told. */
static void complain(Session *session, GError *error)
{
	g_printerr("netfil: %s\n", error->message);
	g_error_free(error);
	session->status = EXIT_FAILURE;
}

static gboolean connect_once(Session *session)
{
	GError *error = NULL;

	if (session->client)
		return TRUE;
	if (!session->absent)
		session->client = netfil_connect_or_start(&error);
	if (error)
		complain(session, error); /* once */
	session->absent = !session->client;
	if (session->absent)
		session->status = EXIT_FAILURE;
	return session->client != NULL;
}

static gboolean is_asked_for(Session *session, const NetfilSysctlKey *key)
{
	return !session->pattern || regexec(&session->regex, key->name, 0, NULL, 0) == 0;
}

static void print(const Session *session, const NetfilSysctlKey *key, const char *value)
{
	if (session->names)
		g_print("%s\n", key->name);
	else if (session->values)
		g_print("%s\n", value);
	else
		g_print("%s = %s\n", key->name, value);
}

/* ---- keys ---- */

/* "net/netfil/ip" is taken for "net.netfil.ip". Caller frees. */
static char *with_dots(const char *name)
{
	return g_strdelimit(g_strdup(name), "/", '.');
}

static gboolean is_within(const NetfilSysctlKey *key, const char *above)
{
	gsize length = strlen(above);

	return strncmp(key->name, above, length) == 0 &&
	       (key->name[length] == '\0' || key->name[length] == '.');
}

static gboolean is_above_keys(const char *name)
{
	guint count;
	const NetfilSysctlKey *keys = netfil_sysctl_keys(&count);

	for (guint i = 0; i < count; i++)
		if (is_within(&keys[i], name))
			return TRUE;
	return FALSE;
}

static void complain_unknown(Session *session, const char *name)
{
	GError *error = NULL;

	if (session->ignore)
		return;
	netfil_set_invalid(&error, name, -1, "is no key: see \"netfil sysctl -aN\"");
	complain(session, error);
}

/* NULL, and told, if it is not one. */
static const NetfilSysctlKey *find_key(Session *session, const char *name)
{
	g_autofree char *dotted = with_dots(name);
	guint count;
	const NetfilSysctlKey *keys = netfil_sysctl_keys(&count);
	GError *error = NULL;

	for (guint i = 0; i < count; i++)
		if (g_str_equal(keys[i].name, dotted))
			return &keys[i];
	if (!is_above_keys(dotted)) {
		complain_unknown(session, name);
		return NULL;
	}
	netfil_set_invalid(&error, name, -1,
			   "has no value of its own: set one of its keys, see "
			   "\"netfil sysctl -aN\"");
	complain(session, error);
	return NULL;
}

/* ---- reading ---- */

/* NULL, and told, if it cannot be. */
static char *read_value(Session *session, const NetfilSysctlKey *key)
{
	g_autoptr(NetfilStatus) status = NULL;
	g_autoptr(NetfilSpec) defaults = NULL;
	GError *error = NULL;

	if (!connect_once(session))
		return NULL;
	status = netfil_sysctl_status(session->client, key->kind, &error);
	if (error) {
		complain(session, error);
		return NULL;
	}
	defaults = netfil_sysctl_defaults(key->kind);
	return netfil_sysctl_text(key, status ? status->spec : defaults);
}

static void show_key(Session *session, const NetfilSysctlKey *key)
{
	g_autofree char *value = NULL;

	if (!is_asked_for(session, key))
		return;
	if (!session->names)
		value = read_value(session, key);
	if (value || session->names)
		print(session, key, value);
}

/* A key, or all below "net.netfil.ip". */
static void show(Session *session, const char *name)
{
	g_autofree char *dotted = with_dots(name);
	guint count;
	const NetfilSysctlKey *keys = netfil_sysctl_keys(&count);

	if (!is_above_keys(dotted))
		complain_unknown(session, name);
	for (guint i = 0; i < count; i++)
		if (is_within(&keys[i], dotted))
			show_key(session, &keys[i]);
}

/* ---- setting ---- */

static void set_key(Session *session, const NetfilSysctlKey *key, const char *value)
{
	GError *error = NULL;
	g_autoptr(GVariant) changes = netfil_sysctl_changes(key, value, &error);

	if (changes && !connect_once(session))
		return;
	if (changes && netfil_sysctl_set(session->client, key, changes, &error)) {
		if (!session->quiet)
			print(session, key, value);
		return;
	}
	g_prefix_error(&error, "%s: ", key->name);
	complain(session, error);
}

/* "KEY = VALUE", or "-KEY = VALUE", which may fail; FALSE if it is neither. Writes into it. */
static gboolean set(Session *session, char *setting)
{
	char *value = strchr(setting, '=');
	gboolean lenient = setting[0] == '-';
	int before = session->status;
	const NetfilSysctlKey *key;

	if (!value)
		return FALSE;
	*value++ = '\0';
	key = find_key(session, g_strstrip(setting + lenient));
	if (key && is_asked_for(session, key))
		set_key(session, key, g_strstrip(value));
	if (lenient)
		session->status = before;
	return TRUE;
}

static void set_or_show(Session *session, const char *word)
{
	g_autofree char *setting = g_strdup(word);
	GError *error = NULL;

	if (!session->write && !strchr(word, '=')) {
		show(session, word);
	} else if (!set(session, setting)) {
		netfil_set_invalid(&error, word, -1, "sets nothing: write KEY=VALUE");
		complain(session, error);
	}
}

/* ---- files ---- */

/* A line that is none is told and left out, as sysctl(8) does; it is no failure. */
static void load_line(Session *session, const char *file, guint number, char *line)
{
	g_autofree char *name = netfil_escape(file, -1, 200);
	g_autofree char *quoted = NULL;
	g_autofree char *said = NULL;

	g_strstrip(line);
	if (!*line || *line == '#' || *line == ';')
		return;
	said = g_strdup(line);
	if (set(session, line))
		return;
	quoted = netfil_quote(said, -1);
	g_printerr("netfil: %s:%u: %s sets nothing: write KEY = VALUE\n", name, number, quoted);
}

static void load_lines(Session *session, const char *file, FILE *stream)
{
	g_autofree char *name = netfil_escape(file, -1, 200);
	char *line = NULL;
	size_t size = 0;
	GError *error = NULL;

	for (guint number = 1; getline(&line, &size, stream) >= 0; number++)
		load_line(session, file, number, line);
	if (ferror(stream)) {
		g_set_error(&error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "%s cannot be read (%s): give a text file", name, g_strerror(errno));
		complain(session, error);
	}
	free(line);
}

static void load(Session *session, const char *file)
{
	g_autofree char *name = netfil_escape(file, -1, 200);
	GError *error = NULL;
	FILE *stream;

	if (g_str_equal(file, "-")) {
		load_lines(session, "standard input", stdin);
		return;
	}
	stream = fopen(file, "re");
	if (!stream) {
		g_set_error(&error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "%s cannot be opened (%s): give a file with lines KEY = VALUE", name,
			    g_strerror(errno));
		complain(session, error);
		return;
	}
	load_lines(session, file, stream);
	fclose(stream);
}

/* ---- the command ---- */

/* -p takes a file, and so do then all arguments. */
static gboolean on_load(const char *name, const char *value, gpointer data, GError **error)
{
	Session *session = data;

	(void)name, (void)error;
	session->load = TRUE;
	if (value)
		g_ptr_array_add(session->files, g_strdup(value));
	return TRUE;
}

/* GOption does not know "-pFILE", and sysctl(8) does. */
static void part_load(Session *session, int argc, char **argv)
{
	for (int i = 1; i < argc && !g_str_equal(argv[i], "--"); i++)
		if (g_str_has_prefix(argv[i], "-p") && argv[i][2]) {
			argv[i] = g_strconcat("--load=", argv[i] + 2, NULL);
			g_ptr_array_add(session->words, argv[i]);
		}
}

static gboolean parse(Session *session, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"all", 'a', 0, G_OPTION_ARG_NONE, &session->all, "Show all keys", NULL},
	    {"values", 'n', 0, G_OPTION_ARG_NONE, &session->values, "Print values without keys",
	     NULL},
	    {"names", 'N', 0, G_OPTION_ARG_NONE, &session->names, "Print keys without values",
	     NULL},
	    {"write", 'w', 0, G_OPTION_ARG_NONE, &session->write, "All arguments are KEY=VALUE",
	     NULL},
	    {"ignore", 'e', 0, G_OPTION_ARG_NONE, &session->ignore, "Pass over unknown keys", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &session->quiet, "Do not print what is set", NULL},
	    {"load", 'p', G_OPTION_FLAG_OPTIONAL_ARG | G_OPTION_FLAG_FILENAME,
	     G_OPTION_ARG_CALLBACK, on_load, "Set what files say (-: standard input)", "FILE"},
	    {"pattern", 'r', 0, G_OPTION_ARG_STRING, &session->pattern,
	     "Only keys that match the extended regular expression", "REGEX"},
	    {NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	GOptionGroup *group = g_option_group_new(NULL, NULL, NULL, session, NULL);

	g_option_group_add_entries(group, entries);
	part_load(session, *argc, *argv);
	return netfil_options_parse(&usage, NULL, group, argc, argv, error);
}

static gboolean check_words(const Session *session, int argc, GError **error)
{
	gboolean given = argc > 1 || session->files->len > 0;

	if (session->all)
		return TRUE;
	if (!given)
		return netfil_usage_error(&usage, error, "no %s is named",
					  session->load ? "file" : "key");
	if (session->names && session->quiet && !session->load)
		return netfil_usage_error(&usage, error, "-N and -q exclude each other");
	return TRUE;
}

static gboolean take_pattern(Session *session, GError **error)
{
	if (!session->pattern ||
	    regcomp(&session->regex, session->pattern, REG_EXTENDED | REG_NOSUB) == 0)
		return TRUE;
	return netfil_usage_error(&usage, error, "the pattern is no extended regular expression");
}

static void act(Session *session, int argc, char **argv)
{
	if (session->all) {
		show(session, "net");
		return;
	}
	for (guint i = 0; i < session->files->len; i++)
		load(session, session->files->pdata[i]);
	for (int i = 1; i < argc; i++)
		if (session->load)
			load(session, argv[i]);
		else
			set_or_show(session, argv[i]);
}

int netfil_cmd_sysctl(int argc, char **argv, G_GNUC_UNUSED GError **error)
{
	Session session = {
	    .files = g_ptr_array_new_with_free_func(g_free),
	    .words = g_ptr_array_new_with_free_func(g_free),
	};
	gboolean parsed;
	GError *problem = NULL;

	parsed = parse(&session, &argc, &argv, &problem) && check_words(&session, argc, &problem) &&
		 take_pattern(&session, &problem);
	if (parsed)
		act(&session, argc, argv);
	else
		complain(&session, problem); /* 1, where main() would say 2 */
	if (session.pattern && parsed)
		regfree(&session.regex);
	g_free(session.pattern);
	g_ptr_array_unref(session.files);
	g_ptr_array_unref(session.words);
	g_clear_object(&session.client);
	return session.status;
}
