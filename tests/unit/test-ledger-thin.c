// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Old history becomes coarser, and nothing of it is lost. */
#include <sys/stat.h>

#include "ledger-disk.h"
#include "ledger-fixture.h"

#define FILTERS 4
#define YEARS 5

typedef struct {
	char *directory;
	NetfilLedger *ledger;
	GTimeZone *zone;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
	(void)data;
	f->directory = directory_new();
	disk_attach(f->directory);
	f->ledger = ledger_open(f->directory);
	f->zone = g_time_zone_new_identifier("Europe/Berlin");
	g_assert_nonnull(f->zone);
}

static void tear_down(Fixture *f, gconstpointer data)
{
	(void)data;
	netfil_ledger_close(f->ledger);
	g_time_zone_unref(f->zone);
	disk_detach();
	directory_remove(f->directory);
}

static void add_filters(Fixture *f, guint count)
{
	for (guint i = 0; i < count; i++) {
		g_autofree char *name = g_strdup_printf("filter-%u", i);
		g_autoptr(NetfilLedgerFilter) filter = filter_new(name, i);

		g_assert_true(netfil_ledger_save(f->ledger, filter, NULL));
	}
}

static guint thin(Fixture *f, gint64 now)
{
	g_autoptr(GError) error = NULL;
	gboolean more = TRUE;
	guint pieces = 0;

	for (; more; pieces++) {
		netfil_ledger_thin(f->ledger, f->zone, now, &more, &error);
		g_assert_no_error(error);
	}
	return pieces - 1;
}

static gint64 at(Fixture *f, const char *text)
{
	g_autofree char *full = g_strconcat(text, &"0000-00-00T00:00:00"[strlen(text)], NULL);
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(full, f->zone);

	g_assert_nonnull(time);
	return g_date_time_to_unix(time);
}

static void count(Fixture *f, gint64 filter, const char *hour, guint64 in)
{
	const NetfilCounters more = {in, in * 2, in * 3, in * 4, in * 5, in * 6};

	g_assert_true(netfil_ledger_count(f->ledger, filter, at(f, hour), &more, NULL));
}

static void assert_history(Fixture *f, const char *expected)
{
	g_autoptr(GArray) entries =
	    netfil_ledger_history(f->ledger, 0, G_MININT64, G_MAXINT64, NULL);
	g_autoptr(GString) found = g_string_new(NULL);

	for (guint i = 0; i < entries->len; i++) {
		const NetfilLedgerEntry *e = &g_array_index(entries, NetfilLedgerEntry, i);
		g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(e->start);
		g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, f->zone);
		g_autofree char *start = g_date_time_format(local, "%Y-%m-%dT%H");

		g_string_append_printf(found, "%d %s %s %d\n", (int)e->filter,
				       netfil_by_name(e->by), start, (int)e->sum.in);
		g_assert_cmpuint(e->sum.reset_packets, ==, e->sum.in * 6);
	}
	g_assert_cmpstr(found->str, ==, expected);
}

/* Summer time ends on 2026-10-25. */
static void test_days(Fixture *f, gconstpointer data)
{
	(void)data;
	add_filters(f, 2);
	count(f, 1, "2026-10-24T23", 1);
	count(f, 1, "2026-10-25T00", 2);
	count(f, 1, "2026-10-25T01", 4);
	count(f, 2, "2026-10-25T23", 8);
	count(f, 1, "2026-10-25T23", 16);
	count(f, 1, "2026-10-26T00", 32);
	g_assert_cmpuint(thin(f, at(f, "2026-11-08T23:59:59")), ==, 1);
	assert_history(f, "1 day 2026-10-24T00 1\n"
			  "1 hour 2026-10-25T00 2\n"
			  "1 hour 2026-10-25T01 4\n"
			  "1 hour 2026-10-25T23 16\n"
			  "2 hour 2026-10-25T23 8\n"
			  "1 hour 2026-10-26T00 32\n");
	g_assert_cmpuint(thin(f, at(f, "2026-11-09T00")), ==, 3);
	assert_history(f, "1 day 2026-10-24T00 1\n"
			  "1 day 2026-10-25T00 22\n"
			  "2 day 2026-10-25T00 8\n"
			  "1 hour 2026-10-26T00 32\n");
	g_assert_cmpuint(thin(f, at(f, "2026-11-09T00")), ==, 0);
}

static void test_months(Fixture *f, gconstpointer data)
{
	(void)data;
	add_filters(f, 1);
	count(f, 1, "2025-02-28T23", 1);
	count(f, 1, "2025-03-01T00", 2);
	count(f, 1, "2025-03-31T23", 4);
	count(f, 1, "2025-04-01T00", 8);
	thin(f, at(f, "2026-04-05T23")); /* 370 days after 2025-03-31 */
	assert_history(f, "1 month 2025-02-01T00 1\n"
			  "1 day 2025-03-01T00 2\n"
			  "1 day 2025-03-31T00 4\n"
			  "1 day 2025-04-01T00 8\n");
	thin(f, at(f, "2026-04-06T00"));
	assert_history(f, "1 month 2025-02-01T00 1\n"
			  "1 month 2025-03-01T00 6\n"
			  "1 day 2025-04-01T00 8\n");
	count(f, 1, "2025-03-10T05", 16); /* a clock that was wrong */
	thin(f, at(f, "2026-04-06T00"));
	assert_history(f, "1 month 2025-02-01T00 1\n"
			  "1 month 2025-03-01T00 22\n"
			  "1 day 2025-04-01T00 8\n");
}

/* ---- applications ---- */

static void count_app(Fixture *f, const char *exe, guint32 uid, const char *hour, guint64 in)
{
	g_assert_true(netfil_ledger_count_app(f->ledger, exe, uid, at(f, hour), in, in * 2, NULL));
}

static guint64 app(GArray *entries, const char *exe, guint32 uid)
{
	guint64 in = 0;
	guint found = 0;

	for (guint i = 0; i < entries->len; i++) {
		const NetfilLedgerEntry *e = &g_array_index(entries, NetfilLedgerEntry, i);

		if (!g_str_equal(e->exe, exe) || e->uid != uid)
			continue;
		g_assert_cmpuint(e->sum.out, ==, e->sum.in * 2);
		g_assert_cmpint(e->by, ==, NETFIL_BY_DAY);
		in = e->sum.in;
		found++;
	}
	g_assert_cmpuint(found, <=, 1);
	return in;
}

/* 150 in each of two hours, 50 of them in both: 250, of which 200 stay. */
static void test_apps(Fixture *f, gconstpointer data)
{
	g_autoptr(GArray) entries = NULL;
	guint64 small = 0;

	(void)data;
	g_assert_true(netfil_ledger_begin(f->ledger, NULL));
	for (guint i = 0; i < 150; i++) {
		g_autofree char *exe = g_strdup_printf("/bin/%u", i);
		g_autofree char *other = g_strdup_printf("/bin/%u", i + 100);

		count_app(f, exe, 0, "2026-10-01T10", 1000 + i);
		count_app(f, other, 0, "2026-10-01T11", 1000 + i + 100);
	}
	count_app(f, "*", G_MAXUINT32, "2026-10-01T10", 3);
	count_app(f, "*", 7, "2026-10-01T10", 4);
	count_app(f, "", G_MAXUINT32, "2026-10-01T11", 5);
	count_app(f, "/bin/0", 0, "2026-10-02T00", 9);
	g_assert_true(netfil_ledger_commit(f->ledger, NULL));
	g_assert_cmpuint(thin(f, at(f, "2026-10-16T00")), ==, 2);
	entries = netfil_ledger_apps(f->ledger, 0, at(f, "2026-10-02T00"), NULL);
	g_assert_cmpuint(entries->len, ==, NETFIL_LEDGER_APPS + 3);
	for (guint i = 0; i < 50; i++)
		small += 1000 + i;
	g_assert_cmpuint(app(entries, "*", G_MAXUINT32), ==, 3 + small);
	g_assert_cmpuint(app(entries, "*", 7), ==, 4);
	g_assert_cmpuint(app(entries, "", G_MAXUINT32), ==, 5);
	g_assert_cmpuint(app(entries, "/bin/49", 0), ==, 0);
	g_assert_cmpuint(app(entries, "/bin/50", 0), ==, 1050);
	g_assert_cmpuint(app(entries, "/bin/120", 0), ==, 2 * 1120);
	g_assert_cmpuint(app(entries, "/bin/249", 0), ==, 1249);
}

/* ---- years ---- */

static void add_up(NetfilCounters *sum, const NetfilCounters *more)
{
	sum->in += more->in;
	sum->out += more->out;
	sum->refused_bytes += more->refused_bytes;
	sum->refused_packets += more->refused_packets;
	sum->reset_bytes += more->reset_bytes;
	sum->reset_packets += more->reset_packets;
}

static void count_day(Fixture *f, gint64 day, NetfilCounters *sums)
{
	g_assert_true(netfil_ledger_begin(f->ledger, NULL));
	for (int hour = 0; hour < 24; hour++)
		for (int i = 0; i < FILTERS; i++) {
			const NetfilCounters more = {
			    .in = g_test_rand_int_range(0, G_MAXINT),
			    .out = g_test_rand_int_range(0, 1 << 24),
			    .refused_bytes = g_test_rand_int_range(0, 1 << 16),
			    .refused_packets = i,
			};

			add_up(&sums[i], &more);
			g_assert_true(
			    netfil_ledger_count(f->ledger, i + 1, day + hour * HOUR, &more, NULL));
		}
	g_assert_true(netfil_ledger_commit(f->ledger, NULL));
}

static void assert_sums(Fixture *f, const NetfilCounters *sums, gint64 now)
{
	for (int i = 0; i < FILTERS; i++) {
		g_autoptr(GArray) entries =
		    netfil_ledger_history(f->ledger, i + 1, G_MININT64, G_MAXINT64, NULL);
		NetfilCounters sum = {0};

		for (guint j = 0; j < entries->len; j++) {
			const NetfilLedgerEntry *e = &g_array_index(entries, NetfilLedgerEntry, j);

			add_up(&sum, &e->sum);
			g_assert_cmpint(e->start, ==,
					netfil_period_start(e->by, f->zone, e->start));
			if (e->by == NETFIL_BY_HOUR)
				g_assert_cmpint(e->start, >, now - 16 * DAY);
			if (e->by == NETFIL_BY_DAY)
				g_assert_cmpint(e->start, >, now - (370 + 32) * DAY);
		}
		assert_counters(&sum, &sums[i]);
		g_assert_cmpuint(entries->len, <, 15 * 24 + 401 + YEARS * 12);
	}
}

/* 1,000 filters for five years have 50 MB; some pages are there without any. */
static void test_years(Fixture *f, gconstpointer data)
{
	g_autofree char *path = file_in(f->directory, "ledger.db");
	NetfilCounters sums[FILTERS] = {0};
	struct stat status;
	gint64 now = NOW;

	(void)data;
	add_filters(f, FILTERS);
	for (int day = 0; day < YEARS * 365; day++, now += DAY) {
		count_day(f, now, sums);
		thin(f, now + DAY);
	}
	assert_sums(f, sums, now);
	netfil_ledger_close(f->ledger);
	g_assert_cmpint(stat(path, &status), ==, 0);
	g_test_message("%d filters: %d bytes", FILTERS, (int)status.st_size);
	g_assert_cmpint(status.st_size, <, FILTERS * 50000 + 100000);
	f->ledger = ledger_open(f->directory);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/ledger/thin/days", Fixture, NULL, set_up, test_days, tear_down);
	g_test_add("/ledger/thin/months", Fixture, NULL, set_up, test_months, tear_down);
	g_test_add("/ledger/thin/apps", Fixture, NULL, set_up, test_apps, tear_down);
	g_test_add("/ledger/thin/years", Fixture, NULL, set_up, test_years, tear_down);
	return g_test_run();
}
