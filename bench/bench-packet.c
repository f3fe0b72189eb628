// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a packet costs: socket_out on a connected socket, over an empty program at the
 * same hook. See README.md beside this file.
 */
#include <errno.h>
#include <pthread.h>
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
	struct {
		GArray *rounds; /* of double: nanoseconds a packet */
		GArray *over;   /* … over the empty program in the same round */
	} on[2];                /* one CPU; all at once */
} Setting;

enum { ALONE, TOGETHER };

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
static GArray *all_cpus; /* of int: those that it may run on */
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

static void stay_on(int number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "bench-packet: not kept on a CPU: %s\n", strerror(errno));
}

/* All packets go through one socket, so the verdict is cached from the second on. */
static double measure(Bed *bed, int fd, const Packet *packet)
{
	guint64 begin = cpu_time();

	g_assert_cmpint(bed_repeat_fd(bed, fd, packet, repeat), ==, ADMIT);
	return (double)(cpu_time() - begin) / repeat;
}

/* ---- on all CPUs at once ---- */

typedef struct {
	Bed *bed;
	const Packet *packet;
	pthread_barrier_t *begin;
	int fd, cpu;
	double result;
} Runner;

static gpointer run_on_cpu(gpointer data)
{
	Runner *runner = data;

	stay_on(runner->cpu);
	pthread_barrier_wait(runner->begin);
	runner->result = measure(runner->bed, runner->fd, runner->packet);
	return NULL;
}

/* The mean over all; each with a socket of its own. */
static double measure_together(Bed *bed, int fd, const Packet *packet)
{
	guint count = all_cpus->len;
	g_autofree Runner *runners = g_new(Runner, count);
	g_autofree GThread **threads = g_new(GThread *, count);
	pthread_barrier_t begin;
	double sum = 0;

	pthread_barrier_init(&begin, NULL, count);
	for (guint i = 0; i < count; i++) {
		runners[i] = (Runner){bed, packet, &begin, fd, g_array_index(all_cpus, int, i)};
		threads[i] = g_thread_new("packets", run_on_cpu, &runners[i]);
	}
	for (guint i = 0; i < count; i++) {
		g_thread_join(threads[i]);
		sum += runners[i].result;
	}
	pthread_barrier_destroy(&begin);
	return sum / count;
}

/* ---- all ---- */

static void add_result(guint setting, guint on, double result)
{
	double empty, over;

	g_array_append_val(settings[setting].on[on].rounds, result);
	empty = g_array_index(settings[0].on[on].rounds, double,
			      settings[setting].on[on].rounds->len - 1);
	over = result - empty;
	g_array_append_val(settings[setting].on[on].over, over);
}

static void measure_all(Bed *bed, int empty_fd)
{
	Packet packet;

	packet_tcp4(&packet, TCP_ACK, SIZE);
	for (int round = 0; round < rounds; round++) {
		for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
			int fd = settings[i].name ? bed_fd(bed, SOCKET_OUT) : empty_fd;

			configure(bed, &settings[i]);
			add_result(i, ALONE, measure(bed, fd, &packet));
			if (all_cpus->len > 1)
				add_result(i, TOGETHER, measure_together(bed, fd, &packet));
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

/* The least of all rounds over the least of the empty program's: what others do on the machine
 * only ever adds. */
static double least_over(const Setting *s, guint on)
{
	return quantile(s->on[on].rounds, 0) - quantile(settings[0].on[on].rounds, 0);
}

static void print_over(const Setting *s, guint on)
{
	printf(" %12.1f %8.1f %7.1f %7.1f", quantile(s->on[on].over, 0.5),
	       quantile(s->on[on].over, 0.25), quantile(s->on[on].over, 0.75), least_over(s, on));
}

static void print_table(void)
{
	printf("%-18s %10s %12s %16s %7s", "filters", "ns/packet", "over empty", "quartiles",
	       "least");
	if (all_cpus->len > 1)
		printf(" on %u at once %16s %7s", all_cpus->len, "quartiles", "least");
	printf("\n");
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		const Setting *s = &settings[i];

		printf("%-18s %10.1f", s->name ? s->name : "(empty program)",
		       quantile(s->on[ALONE].rounds, 0.5));
		print_over(s, ALONE);
		if (all_cpus->len > 1)
			print_over(s, TOGETHER);
		printf("\n");
	}
}

static void write_figures(FILE *file, const Setting *s, guint on)
{
	fprintf(file,
		"\"ns\": %.2f, \"over_empty\": %.2f, \"quartiles\": [%.2f, %.2f], \"least\": %.2f",
		quantile(s->on[on].rounds, 0.5), quantile(s->on[on].over, 0.5),
		quantile(s->on[on].over, 0.25), quantile(s->on[on].over, 0.75), least_over(s, on));
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
			"\"apps\": %s, \"members\": %u, ",
			s->name ? "socket_out" : "empty", s->filters, s->matching,
			s->accounting ? "true" : "false", s->members);
		write_figures(file, s, ALONE);
		if (all_cpus->len > 1) {
			fprintf(file, ", \"together\": {\"cpus\": %u, ", all_cpus->len);
			write_figures(file, s, TOGETHER);
			fprintf(file, "}");
		}
		fprintf(file, "}%s\n", i + 1 < G_N_ELEMENTS(settings) ? "," : "");
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

static GArray *cpus_allowed(void)
{
	GArray *cpus = g_array_new(FALSE, FALSE, sizeof(int));
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return cpus;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			g_array_append_val(cpus, i);
	return cpus;
}

int main(int argc, char **argv)
{
	struct empty_bpf *empty;
	Bed *bed;

	if (!parse(&argc, &argv))
		return 2;
	all_cpus = cpus_allowed();
	stay_on(cpu < 0 ? sched_getcpu() : cpu);
	bed = bed_new();
	empty = empty_bpf__open_and_load();
	g_assert_nonnull(empty);
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		for (guint on = ALONE; on <= TOGETHER; on++) {
			settings[i].on[on].rounds = g_array_new(FALSE, FALSE, sizeof(double));
			settings[i].on[on].over = g_array_new(FALSE, FALSE, sizeof(double));
		}
	}
	measure_all(bed, bpf_program__fd(empty->progs.empty));
	for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
		for (guint on = ALONE; on <= TOGETHER; on++) {
			g_array_sort(settings[i].on[on].rounds, compare);
			g_array_sort(settings[i].on[on].over, compare);
		}
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
