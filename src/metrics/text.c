/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "text.h"

#include <string.h>

/* One exposition in the making. */
typedef struct {
	GString *text;
	gboolean openmetrics;
	const NetfilMetrics *metrics;
	GPtrArray *statuses; /* by name */
} Page;

typedef enum {
	GAUGE,
	COUNTER,
	INFO,
} Type;

/* A family of samples, in the order in which families are told. */
typedef struct {
	const char *name; /* without the _total or _info that its samples have */
	const char *unit; /* the end of the name, if it is a base unit */
	Type type;
	const char *help;
	/* Either: once, or for each filter. */
	void (*tell)(Page *page, const char *sample);
	void (*tell_filter)(Page *page, const char *sample, const NetfilStatus *status);
} Family;

NetfilMetrics *netfil_metrics_new(void)
{
	NetfilMetrics *metrics = g_new0(NetfilMetrics, 1);

	metrics->version = g_strdup("");
	metrics->statuses = g_ptr_array_new_with_free_func((GDestroyNotify)netfil_status_free);
	metrics->duration = -1;
	return metrics;
}

void netfil_metrics_free(NetfilMetrics *metrics)
{
	if (!metrics)
		return;
	g_free(metrics->version);
	g_ptr_array_unref(metrics->statuses);
	g_free(metrics);
}

/* Samples. */

/* A label's value: what the format cannot hold as it is, it escapes. */
static void append_escaped(GString *text, const char *value)
{
	g_autofree char *valid = NULL;

	if (strspn(value, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._@:-") == strlen(value)) {
		g_string_append(text, value); /* a filter's name, as they all are */
		return;
	}
	valid = g_utf8_make_valid(value, -1);
	for (const char *at = valid; *at; at++)
		if (*at == '\n')
			g_string_append(text, "\\n");
		else if (*at == '"' || *at == '\\')
			g_string_append_printf(text, "\\%c", *at);
		else
			g_string_append_c(text, *at);
}

static void append_number(GString *text, guint64 value)
{
	char digits[20]; /* of 2^64 - 1; and this is most of what a page takes */
	char *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	g_string_append_len(text, at, digits + sizeof(digits) - at);
}

/* "sample{label="value",..."; labels: pairs, NULL at the end. */
static void begin_sample(Page *page, const char *sample, const char *const *labels)
{
	GString *text = page->text;

	g_string_append(text, sample);
	for (guint i = 0; labels[i]; i += 2) {
		g_string_append_c(text, i ? ',' : '{');
		g_string_append(text, labels[i]);
		g_string_append(text, "=\"");
		append_escaped(text, labels[i + 1]);
		g_string_append_c(text, '"');
	}
	if (labels[0])
		g_string_append_c(text, '}');
	g_string_append_c(text, ' ');
}

static void put(Page *page, const char *sample, guint64 value, const char *const *labels)
{
	begin_sample(page, sample, labels);
	append_number(page->text, value);
	g_string_append_c(page->text, '\n');
}

#define PUT(page, sample, value, ...) put(page, sample, value, (const char *[]){__VA_ARGS__ NULL})

static void put_filter(Page *page, const char *sample, const NetfilStatus *status, guint64 value)
{
	PUT(page, sample, value, "filter", status->spec->name, );
}

static void put_direction(Page *page, const char *sample, const NetfilStatus *status,
			  guint direction, guint64 value)
{
	PUT(page, sample, value, "filter", status->spec->name, "direction",
	    netfil_direction_name(direction), );
}

/* An instant that there may not be. */
static void put_instant(Page *page, const char *sample, const NetfilStatus *status, gint64 at)
{
	if (at > 0)
		put_filter(page, sample, status, (guint64)at);
}

/* netfil itself. */

static void tell_up(Page *page, const char *sample)
{
	PUT(page, sample, page->metrics->up != 0, );
}

static void tell_build(Page *page, const char *sample)
{
	PUT(page, sample, 1, "version", NETFIL_VERSION, );
}

static void tell_daemon(Page *page, const char *sample)
{
	if (page->metrics->up)
		PUT(page, sample, 1, "version", page->metrics->version, );
}

static void tell_duration(Page *page, const char *sample)
{
	gint64 duration = page->metrics->duration;

	if (duration < 0)
		return;
	begin_sample(page, sample, (const char *[]){NULL});
	g_string_append_printf(page->text, "%" G_GINT64_FORMAT ".%06d\n", duration / G_USEC_PER_SEC,
			       (int)(duration % G_USEC_PER_SEC));
}

static void tell_trouble(Page *page, const char *sample)
{
	if (page->metrics->up)
		PUT(page, sample, page->metrics->trouble_since != 0, );
}

static void tell_trouble_since(Page *page, const char *sample)
{
	if (page->metrics->up && page->metrics->trouble_since > 0)
		PUT(page, sample, (guint64)page->metrics->trouble_since, );
}

static void tell_both(Page *page, const char *sample, const guint64 values[2])
{
	if (!page->metrics->up)
		return;
	for (guint i = 0; i < 2; i++)
		PUT(page, sample, values[i], "direction", netfil_direction_name(i), );
}

static void tell_unattributed_bytes(Page *page, const char *sample)
{
	tell_both(page, sample, page->metrics->bytes);
}

static void tell_unattributed_packets(Page *page, const char *sample)
{
	tell_both(page, sample, page->metrics->packets);
}

static void tell_loss(Page *page, const char *sample, NetfilLoss loss)
{
	if (page->metrics->up)
		PUT(page, sample, page->metrics->losses[loss], );
}

static void tell_overmatched(Page *page, const char *sample)
{
	tell_loss(page, sample, NETFIL_LOSS_OVERMATCHED);
}

static void tell_untagged(Page *page, const char *sample)
{
	tell_loss(page, sample, NETFIL_LOSS_UNTAGGED);
}

static void tell_untracked(Page *page, const char *sample)
{
	tell_loss(page, sample, NETFIL_LOSS_UNTRACKED);
}

/* Filters. */

static void tell_info(Page *page, const char *sample, const NetfilStatus *status)
{
	const NetfilSpec *spec = status->spec;

	PUT(page, sample, 1, "filter", spec->name, "type",
	    netfil_spec_type_name(netfil_spec_type(spec)), "on_limit",
	    netfil_on_limit_name(spec->on_limit), );
}

static void tell_state(Page *page, const char *sample, const NetfilStatus *status)
{
	static const NetfilState states[] = {NETFIL_STATE_EXHAUSTED, NETFIL_STATE_OFF,
					     NETFIL_STATE_ON, NETFIL_STATE_WAITING};

	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		PUT(page, sample, status->state == states[i], "filter", status->spec->name, "state",
		    netfil_state_name(states[i]), );
}

static void tell_used(Page *page, const char *sample, const NetfilStatus *status)
{
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		put_direction(page, sample, status, i, status->used[i]);
}

static void tell_cap(Page *page, const char *sample, const NetfilStatus *status)
{
	/* What each member has is not to be compared with what all of them use. */
	for (guint i = 0; i < NETFIL_DIRECTIONS && !status->spec->each; i++) {
		guint64 cap = netfil_status_limit(status, i);

		if (cap)
			put_direction(page, sample, status, i, cap);
	}
}

static void tell_members(Page *page, const char *sample, const NetfilStatus *status)
{
	if (status->spec->each)
		put_filter(page, sample, status, status->members);
}

static void tell_members_at_cap(Page *page, const char *sample, const NetfilStatus *status)
{
	if (status->spec->each)
		put_filter(page, sample, status, status->members_at_cap);
}

static void tell_forfeited(Page *page, const char *sample, const NetfilStatus *status)
{
	put_filter(page, sample, status, status->forfeited);
}

static void tell_bytes(Page *page, const char *sample, const NetfilStatus *status)
{
	put_direction(page, sample, status, NETFIL_IN, status->counted.in);
	put_direction(page, sample, status, NETFIL_OUT, status->counted.out);
}

static void tell_refused_bytes(Page *page, const char *sample, const NetfilStatus *status)
{
	put_filter(page, sample, status, status->counted.refused_bytes);
}

static void tell_refused_packets(Page *page, const char *sample, const NetfilStatus *status)
{
	put_filter(page, sample, status, status->counted.refused_packets);
}

static void tell_reset_bytes(Page *page, const char *sample, const NetfilStatus *status)
{
	put_filter(page, sample, status, status->counted.reset_bytes);
}

static void tell_reset_packets(Page *page, const char *sample, const NetfilStatus *status)
{
	put_filter(page, sample, status, status->counted.reset_packets);
}

static void tell_started(Page *page, const char *sample, const NetfilStatus *status)
{
	put_instant(page, sample, status, status->cycle_started);
}

static void tell_ends(Page *page, const char *sample, const NetfilStatus *status)
{
	put_instant(page, sample, status, status->cycle_ends);
}

static void tell_forecast(Page *page, const char *sample, const NetfilStatus *status)
{
	put_instant(page, sample, status, status->forecast);
}

static void tell_unlimited_until(Page *page, const char *sample, const NetfilStatus *status)
{
	put_instant(page, sample, status, status->unlimited_until);
}

static void tell_free_until(Page *page, const char *sample, const NetfilStatus *status)
{
	put_instant(page, sample, status, status->free_until);
}

static gboolean was_warned(const NetfilStatus *status, guint8 percent)
{
	return status->warned->len && memchr(status->warned->data, percent, status->warned->len);
}

static void tell_warnings(Page *page, const char *sample, const NetfilStatus *status)
{
	const GArray *warn = status->spec->warn;

	for (guint i = 0; i < warn->len; i++) {
		guint8 percent = g_array_index(warn, guint8, i);
		char text[4];

		g_snprintf(text, sizeof(text), "%u", percent);
		PUT(page, sample, was_warned(status, percent), "filter", status->spec->name,
		    "percent", text, );
	}
}

static const Family families[] = {
    {"netfil_up", NULL, GAUGE, "Whether netfild answered.", tell_up, NULL},
    {"netfil_build", NULL, INFO, "This netfil.", tell_build, NULL},
    {"netfil_daemon", NULL, INFO, "The netfild that answered.", tell_daemon, NULL},
    {"netfil_scrape_duration_seconds", "seconds", GAUGE, "How long netfild took to answer.",
     tell_duration, NULL},
    {"netfil_ledger_trouble", NULL, GAUGE,
     "Whether something is wrong with the ledger: netfil list says what.", tell_trouble, NULL},
    {"netfil_ledger_trouble_since_timestamp_seconds", "seconds", GAUGE,
     "Since when the ledger is in trouble.", tell_trouble_since, NULL},
    {"netfil_unattributed_bytes", "bytes", COUNTER, "Traffic without a known owner.",
     tell_unattributed_bytes, NULL},
    {"netfil_unattributed_packets", NULL, COUNTER, "Packets without a known owner.",
     tell_unattributed_packets, NULL},
    {"netfil_overmatched_packets", NULL, COUNTER,
     "Packets refused because more filters matched than one packet can have.", tell_overmatched,
     NULL},
    {"netfil_untagged_sockets", NULL, COUNTER, "Sockets without an owner for want of memory.",
     tell_untagged, NULL},
    {"netfil_untracked_processes", NULL, COUNTER,
     "Processes and control groups not followed for want of memory.", tell_untracked, NULL},
    {"netfil_filter", NULL, INFO, "The filter's type and what happens at its cap.", NULL,
     tell_info},
    {"netfil_filter_state", NULL, GAUGE, "1 for the state that the filter is in.", NULL,
     tell_state},
    {"netfil_filter_used_bytes", "bytes", GAUGE,
     "Bytes used in this cycle; total is compared with the cap in total, not to be added.", NULL,
     tell_used},
    {"netfil_filter_cap_bytes", "bytes", GAUGE, "This cycle's caps, where there are some.", NULL,
     tell_cap},
    {"netfil_filter_members", NULL, GAUGE,
     "Members of a filter with a cap for each, those beyond its max-members left out.", NULL,
     tell_members},
    {"netfil_filter_members_at_cap", NULL, GAUGE, "Members that are at their cap.", NULL,
     tell_members_at_cap},
    {"netfil_filter_forfeited_bytes", "bytes", GAUGE,
     "Bytes of those used that only count as spent, since a power cut.", NULL, tell_forfeited},
    {"netfil_filter_bytes", "bytes", COUNTER,
     "Bytes admitted since the filter was added, over all cycles and resets.", NULL, tell_bytes},
    {"netfil_filter_refused_bytes", "bytes", COUNTER, "Bytes refused since the filter was added.",
     NULL, tell_refused_bytes},
    {"netfil_filter_refused_packets", NULL, COUNTER, "Packets refused since the filter was added.",
     NULL, tell_refused_packets},
    {"netfil_filter_reset_bytes", "bytes", COUNTER,
     "Bytes of TCP resets that ended connections at the spent cap; not in those admitted.", NULL,
     tell_reset_bytes},
    {"netfil_filter_reset_packets", NULL, COUNTER,
     "TCP resets that ended connections at the spent cap.", NULL, tell_reset_packets},
    {"netfil_filter_cycle_start_timestamp_seconds", "seconds", GAUGE, "When this cycle began.",
     NULL, tell_started},
    {"netfil_filter_cycle_end_timestamp_seconds", "seconds", GAUGE,
     "When this cycle ends, if ever.", NULL, tell_ends},
    {"netfil_filter_forecast_timestamp_seconds", "seconds", GAUGE,
     "When the nearest cap will be reached at this cycle's rate, if within the cycle.", NULL,
     tell_forecast},
    {"netfil_filter_unlimited_until_timestamp_seconds", "seconds", GAUGE,
     "Until when everything may pass, if so.", NULL, tell_unlimited_until},
    {"netfil_filter_free_until_timestamp_seconds", "seconds", GAUGE,
     "Until when the present free hours last, if so.", NULL, tell_free_until},
    {"netfil_filter_warning_given", NULL, GAUGE,
     "Whether this percentage was warned of in this cycle.", NULL, tell_warnings},
};

/* Families. */

static void append_line(Page *page, const char *keyword, const char *name, const char *rest)
{
	g_string_append_printf(page->text, "# %s %s %s\n", keyword, name, rest);
}

/* OpenMetrics names the family, and Prometheus' text format the samples. */
static void append_head(Page *page, const Family *family, const char *sample)
{
	static const char *const types[] = {"gauge", "counter", "info"};
	const char *name = page->openmetrics ? family->name : sample;

	append_line(page, "HELP", name, family->help);
	append_line(page, "TYPE", name,
		    !page->openmetrics && family->type == INFO ? "gauge" : types[family->type]);
	if (page->openmetrics && family->unit)
		append_line(page, "UNIT", name, family->unit);
}

static void append_samples(Page *page, const Family *family, const char *sample)
{
	if (family->tell)
		family->tell(page, sample);
	else
		for (guint i = 0; i < page->statuses->len; i++)
			family->tell_filter(page, sample, page->statuses->pdata[i]);
}

/* A family without samples is left out as a whole. */
static void append_family(Page *page, const Family *family)
{
	static const char *const suffixes[] = {"", "_total", "_info"};
	g_autofree char *sample = g_strconcat(family->name, suffixes[family->type], NULL);
	gsize start = page->text->len, head;

	append_head(page, family, sample);
	head = page->text->len;
	append_samples(page, family, sample);
	if (page->text->len == head)
		g_string_truncate(page->text, start);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const NetfilStatus *const *)a)->spec->name,
		      (*(const NetfilStatus *const *)b)->spec->name);
}

GString *netfil_metrics_text(const NetfilMetrics *metrics, NetfilExposition exposition)
{
	g_autoptr(GPtrArray) statuses = g_ptr_array_copy(metrics->statuses, NULL, NULL);
	Page page = {
	    .text = g_string_new(NULL),
	    .openmetrics = exposition == NETFIL_EXPOSITION_OPENMETRICS,
	    .metrics = metrics,
	    .statuses = statuses,
	};

	/* The copy is of pointers, and frees none. */
	g_ptr_array_set_free_func(statuses, NULL);
	g_ptr_array_sort(statuses, by_name);
	for (guint i = 0; i < G_N_ELEMENTS(families); i++)
		append_family(&page, &families[i]);
	if (page.openmetrics)
		g_string_append(page.text, "# EOF\n");
	return page.text;
}
