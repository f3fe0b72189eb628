/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "complete.h"
#include "core/error.h"

static const NetfilCommand commands[] = {
    {"run", "run a command under a cap", netfil_cmd_run},
    {"add", "add a filter; start netfild if none runs", netfil_cmd_add},
    {"set", "change a filter; its usage goes on", netfil_cmd_set},
    {"on", "switch filters on", netfil_cmd_on},
    {"off", "switch filters off; they neither count nor refuse", netfil_cmd_off},
    {"reset", "start filters' usage again from 0", netfil_cmd_reset},
    {"rm", "remove filters", netfil_cmd_rm},
    {"list", "a line a filter, with what is used of its cap", netfil_cmd_list},
    {"show", "all about one filter", netfil_cmd_show},
    {"history", "what filters, or applications, moved by hour, day, month or cycle",
     netfil_cmd_history},
    {"watch", "follow filters live", netfil_cmd_watch},
    {"top", "who uses the network now: full screen", netfil_cmd_top},
    {"export", "write all filters as a text file", netfil_cmd_export},
    {"apply", "make the filters what such a file says", netfil_cmd_apply},
    {"sysctl", "the sysctl keys of the macOS netfil", netfil_cmd_sysctl},
    {"metrics", "all numbers, for Prometheus", netfil_cmd_metrics},
    {"doctor", "what this kernel can do for netfil", netfil_cmd_doctor},
    {"reload", "load the kernel programs anew, without a gap", netfil_cmd_reload},
};

const NetfilCommand *netfil_commands(guint *count)
{
	*count = G_N_ELEMENTS(commands);
	return commands;
}

const NetfilCommand *netfil_find_command(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
		if (g_str_equal(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int print_help(void)
{
	g_print("Usage: netfil COMMAND [OPTION...]\n\n"
		"netfil puts a byte cap on a process, an address or a network interface, and the\n"
		"Linux kernel keeps it.\n\nCommands:\n");
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
		g_print("  %-8s %s\n", commands[i].name, commands[i].summary);
	g_print("\n\"netfil COMMAND --help\" tells more about each.\n\n"
		"Examples:\n"
		"  sudo netfil run --total 25M -- wget https://example.org/big.iso\n"
		"  sudo netfil add hotspot --interface wlan0 --total 50G\n"
		"  netfil list\n");
	return EXIT_SUCCESS;
}

static int print_version(void)
{
	g_print("netfil %s\n", NETFIL_VERSION);
	return EXIT_SUCCESS;
}

static int fail(const GError *error, int status)
{
	g_printerr("netfil: %s\n", error->message);
	if (status != EXIT_FAILURE)
		return status;
	return g_error_matches(error, NETFIL_ERROR, NETFIL_ERROR_INVALID) ? 2 : EXIT_FAILURE;
}

static int fail_usage(const char *what, const char *word)
{
	g_printerr("netfil: %s%s: see \"netfil --help\"\n", what, word);
	return 2;
}

static int run_command(const NetfilCommand *command, int argc, char **argv)
{
	g_autofree char *program = g_strdup_printf("netfil %s", command->name);
	g_autoptr(GError) error = NULL;
	int status;

	g_set_prgname(program);
	status = command->run(argc, argv, &error);
	if (error)
		return fail(error, status);
	if (status == EXIT_SUCCESS && (fflush(stdout) != 0 || ferror(stdout)))
		return EXIT_FAILURE; /* the reader left, or the disk is full */
	return status;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const NetfilCommand *command;

	/* The terminal's character set, but messages as scripts know them. */
	setlocale(LC_CTYPE, "");
	if (!word)
		return fail_usage("no command is given", "");
	if (g_str_equal(word, "--help") || g_str_equal(word, "-h"))
		return print_help();
	if (g_str_equal(word, "--version"))
		return print_version();
	if (g_str_equal(word, "__complete"))
		return netfil_complete(argc - 2, argv + 2);
	command = netfil_find_command(word);
	if (command)
		return run_command(command, argc - 1, argv + 1);
	return fail_usage(word[0] == '-' ? "unknown option " : "unknown command ", word);
}
