// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The power fails at any moment: what was committed is there, what was not yet is there as
 * a whole or not at all.
 */
#include <stdlib.h>

#include "ledger-disk.h"
#include "ledger-fixture.h"

#define CUTS 200
#define ROUNDS 40 /* enough that the -wal is written back in between */
#define SEED 20261123

static guint32 seed = SEED;

/* What is done in a directory, with marks in the disk's notes. */
typedef struct {
	char *directory;
	guint begin;       /* notes before it */
	GPtrArray *states; /* dumps: at mark n, it is state n, or n + 1 */
} Story;

static void add_state(Story *story, NetfilLedger *ledger)
{
	g_ptr_array_add(story->states, ledger_dump(ledger));
	disk_mark(story->states->len - 1);
}

/* What it says is some earlier state, whole; or the next one, if the cut is between its
 * commit and its mark. */
static void use_backup(Story *story, const char *image, guint state)
{
	g_autoptr(GPtrArray) names = files_like(image, "ledger.db.backup");
	g_autofree char *found = NULL, *path = file_in(image, "ledger.db");
	NetfilLedger *ledger;
	gboolean known = FALSE;

	if (!names->len || !g_str_equal(g_ptr_array_index(names, 0), "ledger.db.backup"))
		return;
	file_write(path, "", 0);
	ledger = ledger_open_restored(image);
	found = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	for (guint i = 0; i < MIN(state + 2, story->states->len); i++)
		known |= !g_strcmp0(found, g_ptr_array_index(story->states, i));
	g_assert_true(known);
}

/* Cuts are spread over all of it. */
static void cut_power(Story *story, GRand *random, gboolean may_warn)
{
	guint cut = g_rand_int_range(random, story->begin, disk_noted() + 1);
	guint state = disk_marked(cut, 0);
	g_autoptr(GError) error = NULL;
	g_autofree char *found = NULL, *warning = NULL;
	char *image = directory_new();
	NetfilLedger *ledger;

	disk_image(cut, random, image);
	ledger = netfil_ledger_open(image, &warning, &error);
	g_assert_no_error(error);
	if (!may_warn)
		g_assert_cmpstr(warning, ==, NULL);
	found = ledger_dump(ledger);
	netfil_ledger_close(ledger);
	if (state + 1 == story->states->len ||
	    g_strcmp0(found, g_ptr_array_index(story->states, state + 1)))
		g_assert_cmpstr(found, ==, g_ptr_array_index(story->states, state));
	use_backup(story, image, state);
	directory_remove(image);
}

static void cut_often(Story *story, gboolean may_warn)
{
	GRand *random = g_rand_new_with_seed(seed);

	g_test_message("seed %u, %u calls", seed, disk_noted());
	for (int i = 0; i < CUTS; i++)
		cut_power(story, random, may_warn);
	g_rand_free(random);
}

static void story_begin(Story *story, char *directory)
{
	story->directory = directory;
	story->states = g_ptr_array_new_with_free_func(g_free);
	disk_attach(directory);
	story->begin = disk_noted();
}

static void story_end(Story *story)
{
	disk_detach();
	g_ptr_array_unref(story->states);
	directory_remove(story->directory);
}

/* As netfild goes: with a restart, and backups. */
static void test_workload(void)
{
	NetfilLedger *ledger;
	Story story;

	story_begin(&story, directory_new());
	ledger = ledger_open(story.directory);
	add_state(&story, ledger);
	for (guint i = 0; i < workload_length(ROUNDS); i++) {
		g_assert_true(workload_step(ledger, i, NULL));
		add_state(&story, ledger);
		if (i % 90 == 5)
			netfil_ledger_backup(ledger);
		if (i % 250 != 249)
			continue;
		netfil_ledger_close(ledger);
		ledger = ledger_open(story.directory);
	}
	netfil_ledger_close(ledger);
	cut_often(&story, FALSE);
	story_end(&story);
}

static void test_migration(void)
{
	NetfilLedger *ledger;
	Story story;
	char *directory = directory_new();

	schema_1_write(directory, SCHEMA_1_FILTER(3, "a"));
	story_begin(&story, directory);
	ledger = ledger_open(directory);
	add_state(&story, ledger);
	netfil_ledger_close(ledger);
	cut_often(&story, FALSE);
	story_end(&story);
}

static void test_restore(void)
{
	NetfilLedger *ledger;
	Story story;
	char *directory = directory_new();

	ledger = ledger_open(directory);
	ledger_fill(ledger, 20);
	ledger_back_up_and_close(ledger);
	ledger_break(directory);
	story_begin(&story, directory);
	ledger = ledger_open_restored(directory);
	add_state(&story, ledger);
	netfil_ledger_close(ledger);
	cut_often(&story, TRUE);
	story_end(&story);
}

int main(int argc, char **argv)
{
	const char *given = g_getenv("NETFIL_TEST_SEED");

	g_test_init(&argc, &argv, NULL);
	if (given)
		seed = (guint32)strtoul(given, NULL, 10);
	g_test_add_func("/ledger/power/workload", test_workload);
	g_test_add_func("/ledger/power/migration", test_migration);
	g_test_add_func("/ledger/power/restore", test_restore);
	return g_test_run();
}
