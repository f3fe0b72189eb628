/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A filter's settings: caps, the policy at the limit, warnings, the cycle. */
#include <string.h>

#include "error.h"
#include "number.h"
#include "quote.h"
#include "size.h"
#include "spec-key.h"

#define FIELD NETFIL_KEY_FIELD
#define RATE_MIN 1000 /* bytes a second: less is less than a packet */
#define WARN_MAX 16

static guint always_one(G_GNUC_UNUSED const NetfilKey *key, G_GNUC_UNUSED const NetfilSpec *spec)
{
	return 1;
}

/* Caps: 0 is none. */

static gboolean cap_put(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error)
{
	return netfil_size_parse(value, &FIELD(guint64, key, spec), error);
}

static void cap_clear(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(guint64, key, spec) = 0;
}

static guint cap_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(guint64, key, spec) != 0;
}

static char *cap_text(const NetfilKey *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, FIELD(guint64, key, spec));
}

const NetfilKeySort netfil_key_cap = {FALSE, FALSE, cap_put, cap_clear, cap_count, cap_text};

/* The policy at the limit; always told. */

#define THROTTLE "throttle="

static const char *const policies[] = {
    [NETFIL_ON_LIMIT_REJECT] = "reject",     [NETFIL_ON_LIMIT_DROP] = "drop",
    [NETFIL_ON_LIMIT_KILL] = "kill",         [NETFIL_ON_LIMIT_PAUSE] = "pause",
    [NETFIL_ON_LIMIT_THROTTLE] = "throttle", [NETFIL_ON_LIMIT_NOTIFY] = "notify",
    [NETFIL_ON_LIMIT_DOWN] = "down",
};

const char *netfil_on_limit_name(NetfilOnLimit policy)
{
	g_return_val_if_fail((guint)policy < G_N_ELEMENTS(policies), NULL);
	return policies[policy];
}

char *netfil_spec_on_limit_text(const NetfilSpec *spec)
{
	g_autofree char *rate = NULL;

	if (spec->on_limit != NETFIL_ON_LIMIT_THROTTLE)
		return g_strdup(netfil_on_limit_name(spec->on_limit));
	rate = netfil_size_canonical(spec->rate);
	return g_strconcat(THROTTLE, rate, NULL);
}

/* "125k" or "125k/s" */
static gboolean parse_rate(const char *text, guint64 *rate, GError **error)
{
	gsize length = strlen(text) - (g_str_has_suffix(text, "/s") ? strlen("/s") : 0);
	g_autofree char *size = g_strndup(text, length);

	if (!netfil_size_parse(size, rate, error))
		return FALSE;
	if (*rate < RATE_MIN)
		return netfil_set_invalid(error, text, -1,
					  "is too slow: use at least %d bytes a second, like "
					  "throttle=125k",
					  RATE_MIN);
	return TRUE;
}

static gboolean policy_put(G_GNUC_UNUSED const NetfilKey *key, NetfilSpec *spec, const char *value,
			   GError **error)
{
	gboolean throttles = g_str_has_prefix(value, THROTTLE);
	guint64 rate = 0;
	guint i = 0;

	if (throttles && !parse_rate(value + strlen(THROTTLE), &rate, error))
		return FALSE;
	if (g_str_equal(value, policies[NETFIL_ON_LIMIT_THROTTLE]))
		return netfil_set_invalid(error, value, -1,
					  "has no rate: give one in bytes a second, like "
					  "throttle=125k");
	if (throttles)
		i = NETFIL_ON_LIMIT_THROTTLE;
	while (!throttles && i < G_N_ELEMENTS(policies) && !g_str_equal(policies[i], value))
		i++;
	if (i == G_N_ELEMENTS(policies))
		return netfil_set_invalid(error, value, -1,
					  "is not a policy for the limit: use reject, drop, kill, "
					  "pause, throttle=RATE, notify or down");
	spec->on_limit = (NetfilOnLimit)i;
	spec->rate = rate;
	return TRUE;
}

static void policy_clear(G_GNUC_UNUSED const NetfilKey *key, NetfilSpec *spec)
{
	spec->on_limit = NETFIL_ON_LIMIT_REJECT;
	spec->rate = 0;
}

static char *policy_text(G_GNUC_UNUSED const NetfilKey *key, const NetfilSpec *spec,
			 G_GNUC_UNUSED guint index)
{
	if (spec->on_limit == NETFIL_ON_LIMIT_THROTTLE)
		return g_strdup_printf(THROTTLE "%" G_GUINT64_FORMAT, spec->rate);
	return g_strdup(netfil_on_limit_name(spec->on_limit));
}

const NetfilKeySort netfil_key_policy = {FALSE,        FALSE,      policy_put,
					 policy_clear, always_one, policy_text};

/* Warnings: percents, ascending, each once. */

static gboolean warn_add(GArray *warn, const char *word, GError **error)
{
	guint64 number;
	guint8 percent;
	guint at = 0;

	if (!netfil_number_parse(word, strlen(word), 100, &number) || number == 0)
		return netfil_set_invalid(error, word, -1,
					  "is not a percentage to warn at: use whole numbers from "
					  "1 to 100, like 80,95");
	percent = (guint8)number;
	while (at < warn->len && g_array_index(warn, guint8, at) < percent)
		at++;
	if (at < warn->len && g_array_index(warn, guint8, at) == percent)
		return TRUE;
	if (warn->len == WARN_MAX) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FULL,
			    "warn has more than %d values: give fewer", WARN_MAX);
		return FALSE;
	}
	g_array_insert_val(warn, at, percent);
	return TRUE;
}

static gboolean warn_put(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error)
{
	GArray **warn = &FIELD(GArray *, key, spec);
	g_autoptr(GArray) changed = g_array_copy(*warn);
	g_auto(GStrv) words = g_strsplit(value, ",", -1);

	for (guint i = 0; words[i]; i++)
		if (!warn_add(changed, words[i], error))
			return FALSE;
	g_array_unref(*warn);
	*warn = g_steal_pointer(&changed);
	return TRUE;
}

static void warn_clear(const NetfilKey *key, NetfilSpec *spec)
{
	g_array_set_size(FIELD(GArray *, key, spec), 0);
}

static guint warn_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(GArray *, key, spec)->len;
}

static char *warn_text(const NetfilKey *key, const NetfilSpec *spec, guint index)
{
	return g_strdup_printf("%u", g_array_index(FIELD(GArray *, key, spec), guint8, index));
}

const NetfilKeySort netfil_key_warn = {TRUE, FALSE, warn_put, warn_clear, warn_count, warn_text};

/* The cycle; told unless it never turns. */

static gboolean every_put(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error)
{
	return netfil_cycle_parse(value, &FIELD(NetfilCycle, key, spec), error);
}

static void every_clear(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(NetfilCycle, key, spec) = (NetfilCycle){NETFIL_CYCLE_NEVER, 0};
}

static guint every_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(NetfilCycle, key, spec).unit != NETFIL_CYCLE_NEVER;
}

static char *every_text(const NetfilKey *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return netfil_cycle_format(&FIELD(NetfilCycle, key, spec));
}

const NetfilKeySort netfil_key_every = {FALSE,       FALSE,       every_put,
					every_clear, every_count, every_text};

/* Free hours; told if there are any. */

static gboolean free_put(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error)
{
	return netfil_hours_parse(value, &FIELD(NetfilHours, key, spec), error);
}

static void free_clear(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(NetfilHours, key, spec) = (NetfilHours){0, 0};
}

static guint free_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(NetfilHours, key, spec).from != FIELD(NetfilHours, key, spec).to;
}

static char *free_text(const NetfilKey *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return netfil_hours_format(&FIELD(NetfilHours, key, spec));
}

const NetfilKeySort netfil_key_free = {FALSE, FALSE, free_put, free_clear, free_count, free_text};

/* Durability; told unless it is netfild's. */

static const char *const durabilities[] = {
    [NETFIL_DURABILITY_DEFAULT] = "default",
    [NETFIL_DURABILITY_CHECKPOINT] = "checkpoint",
    [NETFIL_DURABILITY_STRICT] = "strict",
};

const char *netfil_durability_name(NetfilDurability durability)
{
	g_return_val_if_fail((guint)durability < G_N_ELEMENTS(durabilities), NULL);
	return durabilities[durability];
}

static gboolean durability_put(const NetfilKey *key, NetfilSpec *spec, const char *value,
			       GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(durabilities); i++)
		if (g_str_equal(durabilities[i], value)) {
			FIELD(NetfilDurability, key, spec) = (NetfilDurability)i;
			return TRUE;
		}
	return netfil_set_invalid(error, value, -1,
				  "is not a durability: use checkpoint, strict or default");
}

static void durability_clear(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(NetfilDurability, key, spec) = NETFIL_DURABILITY_DEFAULT;
}

static guint durability_count(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(NetfilDurability, key, spec) != NETFIL_DURABILITY_DEFAULT;
}

static char *durability_text(const NetfilKey *key, const NetfilSpec *spec,
			     G_GNUC_UNUSED guint index)
{
	return g_strdup(netfil_durability_name(FIELD(NetfilDurability, key, spec)));
}

const NetfilKeySort netfil_key_durability = {
    FALSE, FALSE, durability_put, durability_clear, durability_count, durability_text};

/* Switches. */

static gboolean switch_put(const NetfilKey *key, NetfilSpec *spec, const char *value,
			   GError **error)
{
	if (!g_str_equal(value, "true") && !g_str_equal(value, "false"))
		return netfil_set_invalid(error, value, -1,
					  "is not a value of %s: use true or false", key->name);
	FIELD(gboolean, key, spec) = g_str_equal(value, "true");
	return TRUE;
}

static void set_true(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(gboolean, key, spec) = TRUE;
}

static void set_false(const NetfilKey *key, NetfilSpec *spec)
{
	FIELD(gboolean, key, spec) = FALSE;
}

static guint count_if_true(const NetfilKey *key, const NetfilSpec *spec)
{
	return FIELD(gboolean, key, spec) ? 1 : 0;
}

static char *switch_text(const NetfilKey *key, const NetfilSpec *spec, G_GNUC_UNUSED guint index)
{
	return g_strdup(FIELD(gboolean, key, spec) ? "true" : "false");
}

const NetfilKeySort netfil_key_on = {FALSE, FALSE, switch_put, set_true, always_one, switch_text};
const NetfilKeySort netfil_key_off = {FALSE,     FALSE,         switch_put,
				      set_false, count_if_true, switch_text};
