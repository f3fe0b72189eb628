/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "core/error.h"
#include "metrics/address.h"
#include "metrics/gather.h"
#include "options.h"
#include "program.h"
#include "save.h"

static const NetfilUsage usage = {
    .command = "metrics",
    .arguments = "",
    .summary = "All numbers in the text format that Prometheus reads: once, to standard output\n"
	       "or a file, or at http://ADDRESS:PORT/metrics until it is ended.",
    .description = "A PORT alone is at 127.0.0.1 and [::1]. As root, --listen goes on as an\n"
		   "ordinary user without any capability, once it has its port.\n"
		   "\n"
		   "Examples:\n"
		   "  netfil metrics | grep _used_\n"
		   "  netfil metrics --listen 10477\n"
		   "  netfil metrics --textfile /var/lib/prometheus/node-exporter/netfil.prom\n",
};

typedef struct {
	gboolean openmetrics;
	char *listen, *user, *textfile;
} Options;

static void options_clear(Options *options)
{
	g_free(options->listen);
	g_free(options->user);
	g_free(options->textfile);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean check(const Options *options, GError **error)
{
	if (options->listen && options->textfile)
		return netfil_usage_error(&usage, error,
					  "--listen and --textfile exclude each other");
	if (options->listen && options->openmetrics)
		return netfil_usage_error(&usage, error,
					  "--openmetrics is for who asks to say, with --listen");
	if (options->textfile && options->openmetrics)
		return netfil_usage_error(&usage, error,
					  "node_exporter reads no --openmetrics in a --textfile");
	if (options->user && !options->listen)
		return netfil_usage_error(&usage, error, "--user goes with --listen");
	return TRUE;
}

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"openmetrics", 0, 0, G_OPTION_ARG_NONE, &options->openmetrics, "as OpenMetrics 1.0",
	     NULL},
	    {"textfile", 0, 0, G_OPTION_ARG_FILENAME, &options->textfile,
	     "write to FILE, for node_exporter: a new one takes its place as a whole", "FILE"},
	    {"listen", 0, 0, G_OPTION_ARG_STRING, &options->listen, "serve HTTP there",
	     "[ADDRESS:]PORT"},
	    {"user", 0, 0, G_OPTION_ARG_STRING, &options->user,
	     "whom --listen becomes if root calls it (default: nobody)", "NAME"},
	    {NULL},
	};

	return netfil_options_parse(&usage, entries, NULL, argc, argv, error) &&
	       netfil_options_no_more(&usage, *argc, *argv, error) && check(options, error);
}

/* Another program takes over: see src/metrics/main.c. */
static gboolean listen_for_ever(const Options *options, GError **error)
{
	g_autoptr(GPtrArray) addresses = netfil_address_parse(options->listen, error);
	g_autofree char *program = NULL;

	if (!addresses || !(program = netfil_program_find("../metrics", "netfil-metrics",
							  NETFIL_LIBEXECDIR, error)))
		return FALSE;
	execl(program, "netfil-metrics", options->listen, options->user, NULL);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED, "cannot run %s (%s): install it anew",
		    program, g_strerror(errno));
	return FALSE;
}

/* node_exporter, another user, takes files that end in .prom: the temporary one does not. */
static gboolean save(const char *path, const GString *text, GError **error)
{
	umask(022);
	return netfil_save(path, text->str, error);
}

/* Else node_exporter would go on telling what was in the file before. */
static void tell_down(const char *path)
{
	g_autoptr(NetfilMetrics) down = netfil_metrics_new();
	g_autoptr(GString) text = netfil_metrics_text(down, NETFIL_EXPOSITION_TEXT);

	save(path, text, NULL); /* there is an error already, and it says more */
}

static gboolean tell(const Options *options, GError **error)
{
	g_autoptr(NetfilMetrics) metrics = netfil_metrics_gather(error);
	g_autoptr(GString) text = NULL;

	if (!metrics) {
		if (options->textfile)
			tell_down(options->textfile);
		return FALSE;
	}
	text = netfil_metrics_text(metrics, options->openmetrics ? NETFIL_EXPOSITION_OPENMETRICS
								 : NETFIL_EXPOSITION_TEXT);
	if (options->textfile)
		return save(options->textfile, text, error);
	/* UTF-8 whatever the locale: not g_print(), which would convert it. */
	fwrite(text->str, 1, text->len, stdout);
	return TRUE;
}

int netfil_cmd_metrics(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};

	if (!parse(&options, &argc, &argv, error))
		return EXIT_FAILURE;
	if (options.listen)
		return listen_for_ever(&options, error) ? EXIT_SUCCESS : EXIT_FAILURE;
	return tell(&options, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
