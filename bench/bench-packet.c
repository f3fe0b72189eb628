// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a packet costs: socket_out on a connected socket, over an empty program at the
 * same hook. See README.md beside this file.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bed.h"
#include "bench/empty.skel.h"
#include "engine/sets.h"
#include "kernel/members.h"

#define SIZE 1500 /* bytes of the packet */

typedef struct {
	const char *name; /* NULL: the empty program */
	guint filters;
	guint matching;
	gboolean accounting; /* of applications */
	guint members;       /* of the filter that matches; 0: it is not keyed */
	GArray *rounds;      /* of double: nanoseconds a packet */
	GArray *over;        /* … over the empty program in the same round */
} Setting;

static Setting settings[] = {
    {NULL, 0, 0, FALSE},
    {"none", 0, 0, FALSE},
    {"1", 1, 1, FALSE},
    {"100", 100, 1, FALSE},
    {"1000", 1000, 1, FALSE},
    {"1000, none matches", 1000, 0, FALSE},
    {"1000, 3 match", 1000, 3, FALSE},
    {"none, apps", 0, 0, TRUE},
    {"1, apps", 1, 1, TRUE},
    {"100000 members", 1, 1, FALSE, 100000},
};

static int rounds = 15;
static int repeat = 2000000;
static int cpu = -1;
static char *json_file;

static const GOptionEntry options[] = {
    {"rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "how often each is measured (15)", "N"},
    {"repeat", 0, 0, G_OPTION_ARG_INT, &repeat, "packets each time (2000000)", "N"},
    {"cpu", 0, 0, G_OPTION_ARG_INT, &cpu, "run on this CPU (where it starts)", "N"},
    {"json", 0, 0, G_OPTION_ARG_FILENAME, &json_file, "write the figures there too", "FILE"},
    {NULL},
};

/* The first filter becomes keyed by address, with so many members. That of the packet is
 * another one. */
static void make_members(Bed *bed, guint count)
{
	static NetfilMembers *members;
	const NetfilMemberTerms terms = {.cap = {0, 0, NETFIL_NO_LIMIT / 2}};
	const NetfilCounters none = {0};

	if (members)
		netfil_members_remove(members);
	bed->config->asked |= NETFIL_ASKED_EACH;
	bed_slot(bed, 0)->flags = NETFIL_SLOT_EACH;
	members = netfil_members_open(bed->maps, NULL, bed_slot_number(0), NETFIL_KIND_PREFIX,
				      count + 1, NULL);
	g_assert_nonnull(members);
	netfil_members_arm(members, &terms, FALSE);
	for (guint i = 0; i < count; i++) {
		struct netfil_member_key key = {
		    .bytes = {[10] = 0xff, [11] = 0xff, 192, i >> 16, i >> 8, i}};

		g_assert_true(netfil_members_restore(members, &key, &none, NULL));
	}
}

/* Address filters; the last ones match the packet. */
static void configure(Bed *bed, const Setting *setting)
{
	bed_clear(bed);
	bed->config->accounting = setting->accounting;
	for (guint rule = 0; rule < setting->filters; rule++) {
		gboolean matches = rule >= setting->filters - setting->matching;
		g_autofree char *prefix = g_strdup_printf("192.168.%u.%u", rule / 256, rule % 256);

		bed_rule(bed, rule, matches ? 0 : 1 << NETFIL_KIND_PREFIX);
		bed->config->asked |= 1 << NETFIL_KIND_PREFIX;
		bed_prefix(bed, prefix, 0);
		netfil_set_add(&bed->sets[bed->sets_used - 1], rule);
		bed_slot(bed, rule)->limit[NETFIL_TOTAL] = NETFIL_NO_LIMIT / 2;
	}
	if (setting->members)
		make_members(bed, setting->members);
}

static guint64 cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * G_GUINT64_CONSTANT(1000000000) + now.tv_nsec;
}

/* All packets go through one socket, so the verdict is cached from the second on. */
static double measure(Bed *bed, int fd, const Packet *packet)
{
	guint64 begin = cpu_time();

	g_assert_cmpint(bed_repeat_fd(bed, fd, packet, repeat), ==, ADMIT);
	return (double)(cpu_time() - begin) / repeat;
}

static void measure_all(Bed *bed, int empty_fd)
{
	Packet packet;

	packet_tcp4(&packet, TCP_ACK, SIZE);
	for (int round = 0; round < rounds; round++) {
		for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
			Setting *setting = &settings[i];
			int fd = setting->name ? bed_fd(bed, SOCKET_OUT) : empty_fd;
			double result, over;

			configure(bed, setting);
			result = measure(bed, fd, &packet);
			g_array_append_val(setting->rounds, result);
			over = result - g_array_index(settings[0].rounds, double, round);
			g_array_append_val(setting->over, over);
		}
	}
}

static int compare(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(const GArray *sorted, double q)
{
	return g_array_index(sorted, double, (guint)(q * (sorted->len - 1)));
}

static void print_table(void)
{
	printf("%-18s %10s %12s %16s\n", "filters", "ns/packet", "over empty", "quartiles");
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		const Setting *s = &settings[i];

		printf("%-18s %10.1f %12.1f %8.1f %7.1f\n", s->name ? s->name : "(empty program)",
		       quantile(s->rounds, 0.5), quantile(s->over, 0.5), quantile(s->over, 0.25),
		       quantile(s->over, 0.75));
	}
}

static gboolean write_json(void)
{
	FILE *file = fopen(json_file, "w");

	if (!file)
		return FALSE;
	fprintf(file, "[\n");
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		const Setting *s = &settings[i];

		fprintf(file,
			"  {\"program\": \"%s\", \"filters\": %u, \"matching\": %u, "
			"\"apps\": %s, \"members\": %u, \"ns\": %.2f, \"over_empty\": %.2f, "
			"\"quartiles\": [%.2f, %.2f]}%s\n",
			s->name ? "socket_out" : "empty", s->filters, s->matching,
			s->accounting ? "true" : "false", s->members, quantile(s->rounds, 0.5),
			quantile(s->over, 0.5), quantile(s->over, 0.25), quantile(s->over, 0.75),
			i + 1 < G_N_ELEMENTS(settings) ? "," : "");
	}
	fprintf(file, "]\n");
	return !fclose(file);
}

static gboolean parse(int *argc, char ***argv)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, options, NULL);
	if (g_option_context_parse(context, argc, argv, &error) && rounds > 0 && repeat > 0)
		return TRUE;
	fprintf(stderr, "bench-packet: %s: see --help\n",
		error ? error->message : "rounds and repeat are 1 or more");
	return FALSE;
}

static void stay_on_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? sched_getcpu() : cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "bench-packet: not kept on a CPU: %s\n", strerror(errno));
}

int main(int argc, char **argv)
{
	struct empty_bpf *empty;
	Bed *bed;

	if (!parse(&argc, &argv))
		return 2;
	stay_on_cpu();
	bed = bed_new();
	empty = empty_bpf__open_and_load();
	g_assert_nonnull(empty);
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		settings[i].rounds = g_array_new(FALSE, FALSE, sizeof(double));
		settings[i].over = g_array_new(FALSE, FALSE, sizeof(double));
	}
	measure_all(bed, bpf_program__fd(empty->progs.empty));
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		g_array_sort(settings[i].rounds, compare);
		g_array_sort(settings[i].over, compare);
	}
	print_table();
	empty_bpf__destroy(empty);
	bed_free(bed);
	if (json_file && !write_json()) {
		fprintf(stderr, "bench-packet: %s: %s\n", json_file, strerror(errno));
		return 1;
	}
	return 0;
}
