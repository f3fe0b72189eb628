// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the ledger costs with 1,000 filters: CPU per checkpoint, per flush of the history
 * and per piece of thinning, the size of the database after years, and the time that it
 * takes to open it.
 *
 *	bench-ledger DIRECTORY [YEARS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "core/cycle.h"
#include "ledger/ledger.h"

#define FILTERS 1000
#define APPS 100
#define ROUNDS 300
#define HOUR 3600
#define BEGIN 1795392000 /* 2026-11-23 */

static gint64 ids[FILTERS];

static double clock_ms(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double cpu(void)
{
	return clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}

static void must(gboolean done, GError *error)
{
	if (done)
		return;
	fprintf(stderr, "bench-ledger: %s\n", error ? error->message : "failed");
	exit(1);
}

static void add_filters(NetfilLedger *ledger)
{
	GError *error = NULL;

	must(netfil_ledger_begin(ledger, &error), error);
	for (int i = 0; i < FILTERS; i++) {
		g_autofree char *name = g_strdup_printf("filter-%d", i);
		NetfilLedgerFilter filter = {.name = name, .slot = i, .rule = i};

		filter.spec = g_variant_parse(G_VARIANT_TYPE("a{sas}"),
					      "{'name': ['web'], 'unit': ['nginx.service'],"
					      " 'total': ['50000000000']}",
					      NULL, NULL, NULL);
		must(netfil_ledger_save(ledger, &filter, &error), error);
		ids[i] = filter.id;
		g_variant_unref(filter.spec);
	}
	must(netfil_ledger_commit(ledger, &error), error);
}

static void checkpoint(NetfilLedger *ledger, guint64 round)
{
	GError *error = NULL;

	must(netfil_ledger_begin(ledger, &error), error);
	for (int i = 0; i < FILTERS; i++) {
		NetfilCounters base = {1234567890 + i, 987654321},
			       used = {
				   .in = round * 12345678 + i,
				   .out = round * 2345678 + i,
				   .refused_bytes = round * 1500,
				   .refused_packets = round,
			       };

		must(netfil_ledger_checkpoint(ledger, ids[i], &used, &base, &error), error);
	}
	must(netfil_ledger_commit(ledger, &error), error);
}

static void count(NetfilLedger *ledger, gint64 hour)
{
	GError *error = NULL;

	must(netfil_ledger_begin(ledger, &error), error);
	for (int i = 0; i < FILTERS; i++) {
		const NetfilCounters more = {
		    .in = g_random_int() / 8,
		    .out = g_random_int() / 64,
		    .refused_bytes = i % 4 ? 0 : g_random_int() / 4096,
		    .refused_packets = i % 4 ? 0 : g_random_int() % 1000,
		};

		must(netfil_ledger_count(ledger, ids[i], hour, &more, &error), error);
		must(netfil_ledger_set_recorded(ledger, ids[i], &more, &error), error);
	}
	for (int i = 0; i < APPS; i++) {
		g_autofree char *exe = g_strdup_printf("/usr/lib/application-%d/program", i);
		const NetfilLedgerAccount account = {i, g_random_int(), g_random_int()};

		must(netfil_ledger_count_app(ledger, exe, i % 5, hour, g_random_int(),
					     g_random_int(), &error),
		     error);
		must(netfil_ledger_record_account(ledger, &account, &error), error);
	}
	must(netfil_ledger_commit(ledger, &error), error);
}

static void measure_seconds(NetfilLedger *ledger)
{
	double start = cpu(), ms;

	for (int i = 0; i < ROUNDS; i++)
		checkpoint(ledger, i);
	ms = (cpu() - start) / ROUNDS;
	printf("checkpoint of %d filters: %.2f ms CPU, %.2f %% of a core each second\n", FILTERS,
	       ms, ms / 10);

	start = cpu();
	for (int i = 0; i < ROUNDS; i++)
		count(ledger, BEGIN);
	ms = (cpu() - start) / ROUNDS;
	printf("history of %d filters and %d applications: %.2f ms CPU\n", FILTERS, APPS, ms);
}

static double thin(NetfilLedger *ledger, GTimeZone *zone, gint64 now)
{
	GError *error = NULL;
	gboolean more = TRUE;
	double longest = 0;

	while (more) {
		double start = cpu();

		must(netfil_ledger_thin(ledger, zone, now, &more, &error), error);
		longest = MAX(longest, cpu() - start);
	}
	return longest;
}

static void measure_years(NetfilLedger *ledger, int years)
{
	g_autoptr(GTimeZone) zone = g_time_zone_new_identifier("Europe/Berlin");
	gint64 end = BEGIN + (gint64)years * 365 * 24 * HOUR;
	double longest = 0, start = cpu();
	int pieces = 0;

	for (gint64 now = BEGIN; now < end; now += HOUR, pieces++) {
		double piece;

		count(ledger, netfil_period_start(NETFIL_BY_HOUR, zone, now));
		piece = thin(ledger, zone, now);
		longest = MAX(longest, piece);
	}
	printf("%d years of hours: %.1f ms CPU each, the longest piece of thinning %.0f ms CPU\n",
	       years, (cpu() - start) / pieces, longest);
}

static void measure_file(const char *directory)
{
	g_autofree char *path = g_build_filename(directory, "ledger.db", NULL);
	g_autofree char *warning = NULL;
	GError *error = NULL;
	NetfilLedger *ledger;
	double start = clock_ms(CLOCK_MONOTONIC), used = cpu();
	g_autoptr(GArray) entries = NULL;
	struct stat status;

	ledger = netfil_ledger_open(directory, &warning, &error);
	must(ledger != NULL, error);
	must(!stat(path, &status), NULL);
	printf("%.1f MB, opened in %.0f ms, %.0f ms CPU\n", status.st_size / 1e6,
	       clock_ms(CLOCK_MONOTONIC) - start, cpu() - used);
	start = clock_ms(CLOCK_MONOTONIC);
	entries = netfil_ledger_history(ledger, ids[FILTERS / 2], 0, G_MAXINT64, &error);
	must(entries != NULL, error);
	printf("history of one filter: %u entries in %.1f ms\n", entries->len,
	       clock_ms(CLOCK_MONOTONIC) - start);
	start = clock_ms(CLOCK_MONOTONIC);
	must(netfil_ledger_delete(ledger, ids[FILTERS / 2], &error), error);
	printf("a filter deleted in %.1f ms\n", clock_ms(CLOCK_MONOTONIC) - start);
	used = cpu();
	netfil_ledger_backup(ledger);
	netfil_ledger_close(ledger);
	printf("backup: %.0f ms CPU\n", cpu() - used);
}

int main(int argc, char **argv)
{
	g_autofree char *warning = NULL;
	GError *error = NULL;
	NetfilLedger *ledger;

	if (argc < 2) {
		fprintf(stderr, "usage: bench-ledger DIRECTORY [YEARS]\n");
		return 2;
	}
	ledger = netfil_ledger_open(argv[1], &warning, &error);
	must(ledger != NULL, error);
	add_filters(ledger);
	measure_seconds(ledger);
	if (argc > 2)
		measure_years(ledger, atoi(argv[2]));
	netfil_ledger_close(ledger);
	measure_file(argv[1]);
	return 0;
}
