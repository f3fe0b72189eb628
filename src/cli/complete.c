/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where on the command line the word is; what it may be is in complete-values.c. Options are
 * those that the command itself has for --help. */
#include "complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "core/quote.h"
#include "options.h"

#define PATIENCE 2 /* seconds */

typedef struct {
	char letter; /* 0: none */
	char *name;
	char *argument; /* NULL: takes none */
	char *description;
} Option;

typedef struct {
	const NetfilCommand *command;
	NetfilUsage usage;
	GArray *options; /* Option */

	GPtrArray *arguments; /* before the word */
	const Option *open;   /* the option whose value is the word */
	gboolean no_options;  /* a "--" is before the word */
	gboolean loads;       /* sysctl: -p was given */
	int foreign;          /* where another command begins; 0: nowhere */
} Line;

static void option_clear(gpointer data)
{
	Option *option = data;

	g_free(option->name);
	g_free(option->argument);
	g_free(option->description);
}

/* "  -p, --load=FILE     Set what files say" */
static void take_option(GArray *options, const char *line)
{
	g_autoptr(GRegex) regex = g_regex_new(
	    "^  (?:-(\\w))?(?:, )?(?:--([\\w-]+))(?:=(\\S+))? *(.*)$", G_REGEX_DEFAULT, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *letter = NULL;
	Option option = {0};

	if (!g_regex_match(regex, line, 0, &match))
		return;
	letter = g_match_info_fetch(match, 1);
	option.letter = letter[0];
	option.name = g_match_info_fetch(match, 2);
	option.argument = g_match_info_fetch(match, 3);
	option.description = g_match_info_fetch(match, 4);
	if (!*option.argument)
		g_clear_pointer(&option.argument, g_free);
	g_array_append_val(options, option);
}

static void on_options(const NetfilUsage *usage, const char *help, gpointer data)
{
	g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
	Line *line = data;

	line->usage = *usage;
	for (guint i = 0; lines[i]; i++)
		if (g_str_has_prefix(lines[i], "  -"))
			take_option(line->options, lines[i]);
}

/* The command tells its options instead of being run. */
static gboolean ask_command(Line *line, const char *name)
{
	char *argv[] = {(char *)name, NULL};
	g_autoptr(GError) ignored = NULL;

	line->command = netfil_find_command(name);
	if (!line->command)
		return FALSE;
	netfil_options_observe(on_options, line);
	line->command->run(1, argv, &ignored);
	return line->usage.command != NULL;
}

static const Option *find_option(const Line *line, const char *word)
{
	gboolean is_long = word[1] == '-';
	gsize length = is_long ? strcspn(word + 2, "=") : 0;

	for (guint i = 0; i < line->options->len; i++) {
		const Option *option = &g_array_index(line->options, Option, i);

		if (is_long ? strlen(option->name) == length &&
				  strncmp(option->name, word + 2, length) == 0
			    : option->letter && option->letter == word[strlen(word) - 1])
			return option;
	}
	return NULL;
}

static void pass_option(Line *line, const char *word)
{
	const Option *option = find_option(line, word);

	if (!option)
		return;
	if (g_str_equal(option->name, "load"))
		line->loads = TRUE;
	/* What --each is about may be left out, and so is never the next word. */
	if (option->argument && !strchr(word, '=') && !g_str_equal(option->name, "each"))
		line->open = option;
}

/* One of the words before the one that is completed. */
static void pass(Line *line, const char *word, int index)
{
	if (line->open) {
		line->open = NULL;
	} else if (!line->no_options && g_str_equal(word, "--")) {
		line->no_options = TRUE;
		if (line->usage.stop_at_argument)
			line->foreign = index + 1;
	} else if (!line->no_options && word[0] == '-' && word[1]) {
		pass_option(line, word);
	} else {
		g_ptr_array_add(line->arguments, (gpointer)word);
		if (line->usage.stop_at_argument)
			line->foreign = index;
	}
}

static void offer_options(const Line *line, const NetfilComplete *word)
{
	for (guint i = 0; i < line->options->len; i++) {
		const Option *option = &g_array_index(line->options, Option, i);
		g_autofree char *dashed = g_strconcat("--", option->name, NULL);

		netfil_complete_offer(word, dashed, option->description);
	}
}

/* What --help has for arguments says what they are: "NAME...", "[NAME]", "FILE". */
static void offer_arguments(const Line *line, const NetfilComplete *word)
{
	const char *arguments = line->usage.arguments;
	guint given = line->arguments->len;

	g_ptr_array_add(line->arguments, NULL);
	if (strstr(arguments, "KEY") && !line->loads)
		netfil_complete_sysctl(word);
	else if (strstr(arguments, "FILE"))
		netfil_complete_leave(word, "files");
	else if (g_str_equal(line->command->name, "add"))
		return; /* a name that is not there */
	else if (strstr(arguments, "NAME...") || (strstr(arguments, "NAME") && !given))
		netfil_complete_filters(word, (const char *const *)line->arguments->pdata);
}

static void complete(Line *line, const char *text, int index)
{
	g_autofree char *before = g_strdup("");
	NetfilComplete word = {.command = line->command->name, .before = before, .value = text};
	const char *equals = strchr(text, '=');
	const Option *option = line->open;

	if (!option && line->usage.stop_at_argument && !line->foreign && text[0] != '-')
		line->foreign = index;
	if (line->foreign) {
		g_print(":command %d\n", line->foreign);
		return;
	}
	if (!option && !line->no_options && g_str_has_prefix(text, "--") && equals) {
		option = find_option(line, text);
		g_free(before);
		word.before = before = g_strndup(text, (gsize)(equals + 1 - text));
		word.value = equals + 1;
		if (!option)
			return;
	}
	if (option)
		netfil_complete_option(&word, option->name, option->argument);
	else if (!line->no_options && text[0] == '-')
		offer_options(line, &word);
	else
		offer_arguments(line, &word);
}

static void complete_command(const char *text)
{
	NetfilComplete word = {.command = "", .before = (char *)"", .value = text};
	guint count;
	const NetfilCommand *commands = netfil_commands(&count);

	if (text[0] == '-') {
		netfil_complete_offer(&word, "--help", "list the commands");
		netfil_complete_offer(&word, "--version", "print the version");
		return;
	}
	for (guint i = 0; i < count; i++)
		netfil_complete_offer(&word, commands[i].name, commands[i].summary);
}

void netfil_complete_offer(const NetfilComplete *word, const char *value, const char *description)
{
	if (*value && *value != ':' && netfil_text_is_plain(value))
		g_print("%s%s\t%s\n", word->before, value, description ? description : "");
}

void netfil_complete_leave(const NetfilComplete *word, const char *what)
{
	g_print(":%s %s\n", what, word->before);
}

static void line_clear(Line *line)
{
	g_array_unref(line->options);
	g_ptr_array_unref(line->arguments);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Line, line_clear)

int netfil_complete(int count, char **words)
{
	g_auto(Line) line = {
	    .options = g_array_new(FALSE, TRUE, sizeof(Option)),
	    .arguments = g_ptr_array_new(),
	};

	g_array_set_clear_func(line.options, option_clear);
	/* Somebody is typing: neither words in between nor waiting for a netfild that hangs. */
	if (!freopen("/dev/null", "w", stderr))
		return EXIT_FAILURE;
	alarm(PATIENCE);
	if (count < 1)
		return EXIT_SUCCESS;
	if (count == 1) {
		complete_command(words[0]);
		return EXIT_SUCCESS;
	}
	if (!ask_command(&line, words[0]))
		return EXIT_SUCCESS;
	for (int i = 1; i < count - 1 && !line.foreign; i++)
		pass(&line, words[i], i);
	complete(&line, words[count - 1], count - 1);
	return EXIT_SUCCESS;
}
