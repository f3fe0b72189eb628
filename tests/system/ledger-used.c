/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ledger-used FOLDER...: what netfild would find in each state directory. A line each:
 * the folder, then each filter's name and bytes used, in and out. Uses up the folders.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/ledger.h"

static gboolean tell(const char *folder, GError **error)
{
	g_autofree char *warning = NULL;
	g_autoptr(NetfilLedger) ledger = netfil_ledger_open(folder, &warning, error);
	g_autoptr(GPtrArray) filters = ledger ? netfil_ledger_load(ledger, error) : NULL;

	if (!filters)
		return FALSE;
	printf("%s", folder);
	for (guint i = 0; i < filters->len; i++) {
		const NetfilLedgerFilter *filter = filters->pdata[i];

		printf(" %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, filter->name,
		       filter->used.in, filter->used.out);
	}
	printf("%s%s\n", warning ? " # " : "", warning ? warning : "");
	return TRUE;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		g_autoptr(GError) error = NULL;

		if (!tell(argv[i], &error)) {
			fprintf(stderr, "%s: %s\n", argv[i], error->message);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
