/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "json.h"
#include "options.h"
#include "print.h"
#include "show-members.h"

static const NetfilUsage usage = {
    .command = "show",
    .arguments = "NAME",
    .summary = "All about one filter, to the byte; with --members, what each of them used.",
    .description = "Examples:\n"
		   "  netfil show hotspot\n"
		   "  netfil show hotspot --json | jq .used.total\n"
		   "  netfil show customers --members --sort refused --limit 10\n"
		   "  netfil show customers --members --match 192.0.2. --json\n",
};

typedef struct {
	gboolean json, members, reverse;
	char *sort, *match, *after;
	int limit; /* -1: not given */
} Show;

static void show_clear(Show *show)
{
	g_free(show->sort);
	g_free(show->match);
	g_free(show->after);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Show, show_clear)

static gboolean check_words(const Show *show, NetfilMemberQuery *query, GError **error)
{
	const char *name;
	guint64 value;

	if (!show->members &&
	    (show->reverse || show->sort || show->match || show->after || show->limit != -1))
		return netfil_usage_error(&usage, error,
					  "--sort, --reverse, --match, --limit and --after are of "
					  "--members");
	if (show->limit != -1 && (show->limit < 1 || show->limit > NETFIL_MEMBERS_PAGE_MAX))
		return netfil_usage_error(&usage, error, "--limit is from 1 to %d",
					  NETFIL_MEMBERS_PAGE_MAX);
	if (show->sort && !netfil_member_sort_parse(show->sort, &query->sort, error))
		return FALSE;
	if (show->after && !netfil_member_cursor_parse(show->after, &value, &name, error))
		return FALSE;
	query->reverse = show->reverse;
	query->match = g_strdup(show->match);
	query->after = g_strdup(show->after);
	query->limit = show->limit == -1 ? 0 : (guint32)show->limit;
	return TRUE;
}

static void print_text(const NetfilStatus *status)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	g_autofree char *text = netfil_print_details(status, &terminal);

	g_print("%s", text);
}

static void print_json(const NetfilStatus *status)
{
	g_autoptr(JsonNode) node = netfil_json_status(status);

	netfil_json_print(node);
}

static gboolean show_members(NetfilClient *client, const NetfilStatus *status,
			     const NetfilMemberQuery *query, gboolean json, GError **error)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	g_auto(NetfilMembersPage) page = {0};

	page.members = netfil_client_members(client, status->spec->name, query, &page.next,
					     &page.total, error);
	if (!page.members)
		return FALSE;
	if (json)
		netfil_print_members_json(status, &page);
	else
		netfil_print_members(status, &page, &terminal);
	return TRUE;
}

int netfil_cmd_show(int argc, char **argv, GError **error)
{
	g_auto(Show) show = {.limit = -1};
	const GOptionEntry entries[] = {
	    {"json", 0, 0, G_OPTION_ARG_NONE, &show.json, "a JSON object", NULL},
	    {"members", 0, 0, G_OPTION_ARG_NONE, &show.members,
	     "a line for each member of a filter with --each", NULL},
	    {"sort", 0, 0, G_OPTION_ARG_STRING, &show.sort,
	     "by total (default), key, in, out or refused", "WHAT"},
	    {"reverse", 0, 0, G_OPTION_ARG_NONE, &show.reverse, "the other way round", NULL},
	    {"match", 0, 0, G_OPTION_ARG_STRING, &show.match, "those whose key has this in it",
	     "TEXT"},
	    {"limit", 0, 0, G_OPTION_ARG_INT, &show.limit, "at most so many (50)", "N"},
	    {"after", 0, 0, G_OPTION_ARG_STRING, &show.after,
	     "those behind this one, as the page before told", "CURSOR"},
	    {NULL},
	};
	g_auto(NetfilMemberQuery) query = {0};
	g_autoptr(NetfilClient) client = NULL;
	g_autoptr(NetfilStatus) status = NULL;
	const char *const *names;

	if (!netfil_options_parse(&usage, entries, NULL, &argc, &argv, error) ||
	    !(names = netfil_options_names(&usage, argc, argv, 1, 1, error)) ||
	    !check_words(&show, &query, error) || !(client = netfil_client_connect(error)) ||
	    !(status = netfil_client_get(client, names[0], error)))
		return EXIT_FAILURE;
	if (show.members)
		return show_members(client, status, &query, show.json, error) ? EXIT_SUCCESS
									      : EXIT_FAILURE;
	if (show.json)
		print_json(status);
	else
		print_text(status);
	return EXIT_SUCCESS;
}
