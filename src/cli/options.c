/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "options.h"

#include "core/error.h"
#include "core/spec.h"

static NetfilOptionsObserver observer;
static gpointer observer_data;

void netfil_options_observe(NetfilOptionsObserver function, gpointer data)
{
	observer = function;
	observer_data = data;
}

gboolean netfil_usage_error(const NetfilUsage *usage, GError **error, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID, "%s: see \"netfil %s --help\"", what,
		    usage->command);
	return FALSE;
}

/* GLib's "Unknown option --x" is one of ours in all but the start and the end. */
static gboolean restate(const NetfilUsage *usage, GError *raw, GError **error)
{
	if (raw->domain == NETFIL_ERROR) {
		g_propagate_error(error, raw);
		return FALSE;
	}
	netfil_usage_error(usage, error, "%c%s", g_ascii_tolower(raw->message[0]),
			   raw->message + 1);
	g_error_free(raw);
	return FALSE;
}

/* GOption leaves a "--" in place in some cases. */
static void drop_separator(int *argc, char **argv)
{
	if (*argc < 2 || !g_str_equal(argv[1], "--"))
		return;
	for (int i = 1; i < *argc; i++)
		argv[i] = argv[i + 1];
	(*argc)--;
}

gboolean netfil_options_parse(const NetfilUsage *usage, const GOptionEntry *entries,
			      GOptionGroup *group, int *argc, char ***argv, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(usage->arguments);
	GError *raw = NULL;

	g_option_context_set_summary(context, usage->summary);
	g_option_context_set_description(context, usage->description);
	g_option_context_set_strict_posix(context, usage->stop_at_argument);
	if (group)
		g_option_context_set_main_group(context, group);
	if (entries)
		g_option_context_add_main_entries(context, entries, NULL);
	if (observer) {
		g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);

		observer(usage, help, observer_data);
		return netfil_usage_error(usage, error, "only its options were asked for");
	}
	if (!g_option_context_parse(context, argc, argv, &raw))
		return restate(usage, raw, error);
	drop_separator(argc, *argv);
	return TRUE;
}

gboolean netfil_options_no_more(const NetfilUsage *usage, int argc, char **argv, GError **error)
{
	if (argc > 1)
		return netfil_usage_error(usage, error, "unexpected argument %s", argv[1]);
	return TRUE;
}

const char *const *netfil_options_names(const NetfilUsage *usage, int argc, char **argv, int least,
					int most, GError **error)
{
	if (argc - 1 < least) {
		netfil_usage_error(usage, error, "no filter is named");
		return NULL;
	}
	if (most && argc - 1 > most) {
		netfil_usage_error(usage, error, "unexpected argument %s", argv[most + 1]);
		return NULL;
	}
	for (int i = 1; i < argc; i++)
		if (!netfil_spec_name_check(argv[i], error))
			return NULL;
	return (const char *const *)argv + 1;
}
