/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <unistd.h>

#include "client/client.h"
#include "client/paths.h"
#include "command.h"
#include "core/error.h"
#include "engine/engine.h"
#include "json.h"
#include "options.h"
#include "print.h"

static const NetfilUsage usage = {
    .command = "doctor",
    .arguments = "",
    .summary = "What this kernel can do for netfil, and what is lost where it cannot. Asks\n"
	       "netfild if it runs, else looks for itself (as root). Fails if a feature is\n"
	       "missing that netfil cannot do without.",
    .description = "Examples:\n"
		   "  sudo netfil doctor\n"
		   "  netfil doctor --json | jq '.features[] | select(.present | not)'\n",
};

typedef struct {
	NetfilClient *client; /* NULL: no daemon runs */
	GVariant *answer;     /* the strings of `features` that came from a daemon */
	GArray *features;     /* NetfilFeature */
	char *trouble;        /* the ledger's, "": none; NULL: no daemon runs */
	gint64 since;
} Findings;

static void findings_clear(Findings *findings)
{
	g_clear_object(&findings->client);
	g_clear_pointer(&findings->features, g_array_unref);
	g_clear_pointer(&findings->answer, g_variant_unref);
	g_clear_pointer(&findings->trouble, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Findings, findings_clear)

static GArray *read_answer(GVariant *answer)
{
	GArray *features = g_array_new(FALSE, TRUE, sizeof(NetfilFeature));
	NetfilFeature feature;
	GVariantIter iter;

	g_variant_iter_init(&iter, answer);
	while (g_variant_iter_next(&iter, "(&sbbb&s&s)", &feature.name, &feature.present,
				   &feature.used, &feature.required, &feature.purpose,
				   &feature.lost))
		g_array_append_val(features, feature);
	return features;
}

static gboolean ask(Findings *findings, GError **error)
{
	findings->answer = netfil_client_doctor(findings->client, error);
	if (!findings->answer)
		return FALSE;
	findings->features = read_answer(findings->answer);
	findings->trouble = netfil_client_trouble(findings->client, &findings->since, error);
	return findings->trouble != NULL;
}

static gboolean find_out(Findings *findings, GError **error)
{
	g_autoptr(GError) absent = NULL;

	findings->client = netfil_client_connect(&absent);
	if (findings->client)
		return ask(findings, error);
	if (!g_error_matches(absent, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&absent));
		return FALSE;
	}
	if (geteuid() != 0) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
				    "netfild is not running, and looking at the kernel needs root: "
				    "run it with sudo");
		return FALSE;
	}
	findings->features = netfil_engine_features(NULL);
	return TRUE;
}

static gboolean has_trouble(const Findings *findings)
{
	return findings->trouble && *findings->trouble;
}

static gboolean is_healthy(const GArray *features)
{
	for (guint i = 0; i < features->len; i++) {
		const NetfilFeature *feature = &g_array_index(features, NetfilFeature, i);

		if (feature->required && !feature->present)
			return FALSE;
	}
	return TRUE;
}

static void add_string(JsonBuilder *builder, const char *key, const char *value)
{
	json_builder_set_member_name(builder, key);
	if (value)
		json_builder_add_string_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

static void add_boolean(JsonBuilder *builder, const char *key, gboolean value)
{
	json_builder_set_member_name(builder, key);
	json_builder_add_boolean_value(builder, value);
}

static void add_feature(JsonBuilder *builder, const NetfilFeature *feature)
{
	json_builder_begin_object(builder);
	add_string(builder, "name", feature->name);
	add_boolean(builder, "present", feature->present);
	add_boolean(builder, "used", feature->used);
	add_boolean(builder, "required", feature->required);
	add_string(builder, "purpose", feature->purpose);
	add_string(builder, "lost", feature->lost);
	json_builder_end_object(builder);
}

static void print_json(const Findings *findings)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(builder);
	add_boolean(builder, "running", findings->client != NULL);
	add_string(builder, "version",
		   findings->client ? netfil_client_version(findings->client) : NULL);
	add_boolean(builder, "healthy", is_healthy(findings->features));
	add_string(builder, "trouble", has_trouble(findings) ? findings->trouble : NULL);
	json_builder_set_member_name(builder, "features");
	json_builder_begin_array(builder);
	for (guint i = 0; i < findings->features->len; i++)
		add_feature(builder, &g_array_index(findings->features, NetfilFeature, i));
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	netfil_json_print(root);
}

static void print_feature(const NetfilFeature *feature, const NetfilTerminal *terminal, int width)
{
	NetfilColour colour = feature->present    ? NETFIL_COLOUR_GOOD
			      : feature->required ? NETFIL_COLOUR_BAD
						  : NETFIL_COLOUR_WARN;
	const char *mark = feature->used       ? "used    "
			   : feature->present  ? "there   "
			   : feature->required ? "MISSING "
					       : "missing ";
	g_autoptr(GString) line = g_string_new(NULL);

	netfil_terminal_append(line, terminal, colour, mark);
	g_string_append_printf(line, " %-*s  %s", width, feature->name, feature->purpose);
	if (!feature->present)
		g_string_append_printf(line, "\n%*s without it: %s", width + 10, "", feature->lost);
	g_print("%s\n", line->str);
}

static void print_text(const Findings *findings)
{
	NetfilTerminal terminal = netfil_terminal(STDOUT_FILENO);
	int width = 0;

	if (findings->client)
		g_print("netfild %s runs at %s\n\n", netfil_client_version(findings->client),
			netfil_runtime_dir());
	else
		g_print("netfild does not run at %s\n\n", netfil_runtime_dir());
	for (guint i = 0; i < findings->features->len; i++)
		width = MAX(width, (int)netfil_text_width(
				       g_array_index(findings->features, NetfilFeature, i).name));
	for (guint i = 0; i < findings->features->len; i++)
		print_feature(&g_array_index(findings->features, NetfilFeature, i), &terminal,
			      width);
	g_print("\n%s\n", is_healthy(findings->features)
			      ? "netfil can keep its promises on this kernel."
			      : "netfil cannot work on this kernel.");
	if (has_trouble(findings)) {
		g_autofree char *line = netfil_print_trouble(findings->trouble, findings->since);

		g_print("%s\n", line);
	}
}

int netfil_cmd_doctor(int argc, char **argv, GError **error)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
	    {"json", 0, 0, G_OPTION_ARG_NONE, &json, "a JSON object", NULL},
	    {NULL},
	};
	g_auto(Findings) findings = {0};

	if (!netfil_options_parse(&usage, entries, NULL, &argc, &argv, error) ||
	    !netfil_options_no_more(&usage, argc, argv, error) || !find_out(&findings, error))
		return EXIT_FAILURE;
	if (json)
		print_json(&findings);
	else
		print_text(&findings);
	return is_healthy(findings.features) ? EXIT_SUCCESS : EXIT_FAILURE;
}
