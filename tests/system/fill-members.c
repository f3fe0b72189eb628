// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Members in a ledger, as if they had used something: addresses from 10.0.0.0 on, of which
 * number N used N bytes in and 2 N out. netfild does not run meanwhile.
 *
 *	fill-members STATE-DIRECTORY FILTER COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

static void must(gboolean done, const GError *error)
{
	if (done)
		return;
	fprintf(stderr, "fill-members: %s\n", error ? error->message : "no such filter");
	exit(1);
}

static NetfilLedgerFilter *find(const GPtrArray *filters, const char *name)
{
	for (guint i = 0; i < filters->len; i++) {
		NetfilLedgerFilter *filter = filters->pdata[i];

		if (g_str_equal(filter->name, name))
			return filter;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	g_autofree char *warning = NULL;
	g_autoptr(NetfilLedger) ledger = NULL;
	g_autoptr(GPtrArray) filters = NULL;
	NetfilLedgerFilter *filter;
	GError *error = NULL;
	guint count;

	if (argc != 4)
		return 2;
	count = (guint)atoi(argv[3]);
	ledger = netfil_ledger_open(argv[1], &warning, &error);
	must(ledger != NULL, error);
	filters = netfil_ledger_load(ledger, &error);
	must(filters && (filter = find(filters, argv[2])), error);
	must(netfil_ledger_begin(ledger, &error), error);
	for (guint i = 0; i < count; i++) {
		const NetfilCounters used = {.in = i, .out = 2ULL * i};
		char name[20];

		g_snprintf(name, sizeof(name), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		must(netfil_ledger_put_member(ledger, filter->id, name, "", &used, &error), error);
		filter->used.in += used.in;
		filter->used.out += used.out;
	}
	must(netfil_ledger_save(ledger, filter, &error), error);
	must(netfil_ledger_commit(ledger, &error), error);
	return 0;
}
