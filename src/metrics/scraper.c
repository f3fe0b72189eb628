/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "scraper.h"

#include <gio/gio.h>

#include "gather.h"

#define REST (G_USEC_PER_SEC / 20) /* for netfild, between two scrapes */

struct NetfilScraper {
	GMainContext *context; /* the thread's */
	NetfilScrapeFunc done;
	gpointer data;
	guint64 begun; /* the number of the last one */
	gboolean running, wanted;
	gint64 next; /* not before this monotonic time */
	guint timer;
	char *problem; /* NULL: netfild answers */
};

/* Connections are let go in a loop of their own, and in no other thread's. It has the scraper,
 * too, for as long as the process lives. */
static gpointer run_thread(gpointer data)
{
	NetfilScraper *scraper = data;
	g_autoptr(GMainLoop) loop = g_main_loop_new(scraper->context, FALSE);

	g_main_context_push_thread_default(scraper->context);
	g_main_loop_run(loop);
	g_main_context_pop_thread_default(scraper->context);
	return NULL;
}

NetfilScraper *netfil_scraper_new(NetfilScrapeFunc done, gpointer data)
{
	NetfilScraper *scraper = g_new0(NetfilScraper, 1);

	scraper->context = g_main_context_new();
	scraper->done = done;
	scraper->data = data;
	g_thread_unref(g_thread_new("scraper", run_thread, scraper));
	return scraper;
}

static gboolean scrape_in_thread(gpointer data)
{
	gint64 start = g_get_monotonic_time();
	GTask *task = data;
	GError *error = NULL;
	NetfilMetrics *metrics = netfil_metrics_gather(&error);

	if (!metrics) {
		g_task_return_error(task, error);
		return G_SOURCE_REMOVE;
	}
	metrics->duration = g_get_monotonic_time() - start;
	g_task_return_pointer(task, metrics, (GDestroyNotify)netfil_metrics_free);
	return G_SOURCE_REMOVE;
}

static void scrape(NetfilScraper *scraper, GTask *task)
{
	g_autoptr(GSource) source = g_idle_source_new();

	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, scrape_in_thread, g_object_ref(task), g_object_unref);
	g_source_attach(source, scraper->context);
}

/* Each change is told once. */
static void tell_problem(NetfilScraper *scraper, const char *problem)
{
	if (g_strcmp0(problem, scraper->problem) == 0)
		return;
	g_printerr("netfil: %s\n", problem ? problem : "netfild answers again");
	g_free(scraper->problem);
	scraper->problem = g_strdup(problem);
}

static void begin(NetfilScraper *scraper);

static void on_scraped(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(NetfilMetrics) metrics = NULL;
	g_autoptr(GError) error = NULL;
	NetfilScraper *scraper = data;

	(void)source;
	metrics = g_task_propagate_pointer(G_TASK(result), &error);
	tell_problem(scraper, error ? error->message : NULL);
	if (!metrics)
		metrics = netfil_metrics_new();
	scraper->running = FALSE;
	scraper->next = g_get_monotonic_time() + REST;
	scraper->done(metrics, scraper->begun, scraper->data);
	if (scraper->wanted)
		begin(scraper);
}

static gboolean on_rested(gpointer data)
{
	NetfilScraper *scraper = data;

	scraper->timer = 0;
	begin(scraper);
	return G_SOURCE_REMOVE;
}

static void begin(NetfilScraper *scraper)
{
	gint64 wait = scraper->next - g_get_monotonic_time();
	g_autoptr(GTask) task = NULL;

	if (scraper->running || scraper->timer)
		return;
	if (wait > 0) {
		scraper->timer = g_timeout_add((guint)(wait / 1000 + 1), on_rested, scraper);
		return;
	}
	scraper->begun++;
	scraper->running = TRUE;
	scraper->wanted = FALSE;
	task = g_task_new(NULL, NULL, on_scraped, scraper);
	scrape(scraper, task);
}

guint64 netfil_scraper_ask(NetfilScraper *scraper)
{
	guint64 next = scraper->begun + 1;

	scraper->wanted = TRUE;
	begin(scraper);
	return next;
}
