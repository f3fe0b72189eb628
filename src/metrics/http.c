/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One thread, GLib's main loop, for all visitors. Each has one connection for one request,
 * and a bounded time to ask, to wait for netfild, and to read the answer. Where there is no
 * room for another one, whoever dawdles most has to leave; where nobody dawdles, newcomers
 * wait in the kernel's queue.
 */
#include "http.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept.h"
#include "core/error.h"
#include "pages.h"
#include "scraper.h"

#define VISITORS_MAX 64
#define LEAVING_MAX 64 /* whose end libmicrohttpd has not seen yet */
#define ASK_SECONDS 5
#define WAIT_SECONDS 5 /* then netfild counts as down */
#define READ_SECONDS 20
#define READ_SAFE (2 * (gint64)G_USEC_PER_SEC) /* a slower reader makes room for others */
#define RETRY_MS 100
#define MEMORY (16 * 1024) /* for a request's headers */

typedef enum {
	ASKING,
	WAITING,
	READING,
	LEAVING,
} State;

typedef struct {
	NetfilHttp *http;
	struct MHD_Connection *connection;
	int fd;
	State state;
	gint64 since; /* in this state, monotonic */
	guint timer;
	NetfilExposition exposition;
	guint64 scrape; /* that is waited for */
	GBytes *text;   /* after the wait; many may read the same */
} Visitor;

struct NetfilHttp {
	struct MHD_Daemon *daemon;
	NetfilScraper *scraper;
	GArray *sockets;           /* int */
	GArray *incoming;          /* guint, their sources; none while there is no room */
	guint retry, epoll, timer; /* sources */
	GQueue visitors;           /* of Visitor, the oldest first */
	guint staying;             /* of these not LEAVING */
};

static void turn(NetfilHttp *http);

/* Visitors. */

static gboolean on_late(gpointer data);

static void enter(Visitor *visitor, State state, guint seconds)
{
	visitor->state = state;
	visitor->since = g_get_monotonic_time();
	g_clear_handle_id(&visitor->timer, g_source_remove);
	if (seconds)
		visitor->timer = g_timeout_add_seconds(seconds, on_late, visitor);
}

/* libmicrohttpd sees the end of the connection, and closes it. */
static void dismiss(Visitor *visitor)
{
	if (visitor->state == LEAVING)
		return;
	enter(visitor, LEAVING, 0);
	visitor->http->staying--;
	shutdown(visitor->fd, SHUT_RDWR);
}

/* The answer is there: libmicrohttpd calls on_request() again. */
static void wake(Visitor *visitor, GBytes *text)
{
	visitor->text = g_bytes_ref(text);
	enter(visitor, READING, READ_SECONDS);
	MHD_resume_connection(visitor->connection);
}

static void tell_down(Visitor *visitor)
{
	g_autoptr(NetfilMetrics) down = netfil_metrics_new();
	g_autoptr(GBytes) text =
	    g_string_free_to_bytes(netfil_metrics_text(down, visitor->exposition));

	wake(visitor, text);
}

static gboolean on_late(gpointer data)
{
	Visitor *visitor = data;
	NetfilHttp *http = visitor->http;

	visitor->timer = 0;
	if (visitor->state == WAITING)
		tell_down(visitor);
	else
		dismiss(visitor);
	turn(http);
	return G_SOURCE_REMOVE;
}

static void visitor_free(Visitor *visitor)
{
	g_clear_handle_id(&visitor->timer, g_source_remove);
	g_clear_pointer(&visitor->text, g_bytes_unref);
	if (visitor->state != LEAVING)
		visitor->http->staying--;
	g_queue_remove(&visitor->http->visitors, visitor);
	g_free(visitor);
}

/* Of those who are slow to ask the oldest, or else of those who are slow to read. */
static Visitor *find_slowest(NetfilHttp *http)
{
	gint64 safe = g_get_monotonic_time() - READ_SAFE;
	Visitor *reader = NULL;

	for (GList *link = http->visitors.head; link; link = link->next) {
		Visitor *visitor = link->data;

		if (visitor->state == ASKING)
			return visitor;
		if (visitor->state == READING && visitor->since < safe && !reader)
			reader = visitor;
	}
	return reader;
}

static gboolean make_room(NetfilHttp *http)
{
	Visitor *slowest;

	if (http->staying >= VISITORS_MAX && (slowest = find_slowest(http)))
		dismiss(slowest);
	return http->staying < VISITORS_MAX && http->visitors.length < VISITORS_MAX + LEAVING_MAX;
}

/* Connections come and go. */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	NetfilHttp *http = data;
	Visitor *visitor;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		visitor_free(*context);
		return;
	}
	visitor = g_new0(Visitor, 1);
	visitor->http = http;
	visitor->connection = connection;
	visitor->fd =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	enter(visitor, ASKING, ASK_SECONDS);
	g_queue_push_tail(&http->visitors, visitor);
	http->staying++;
	*context = visitor;
}

static void listen_again(NetfilHttp *http);

static gboolean on_retry(gpointer data)
{
	NetfilHttp *http = data;

	http->retry = 0;
	listen_again(http);
	return G_SOURCE_REMOVE;
}

static void stop_listening(NetfilHttp *http)
{
	for (guint i = 0; i < http->incoming->len; i++)
		g_source_remove(g_array_index(http->incoming, guint, i));
	g_array_set_size(http->incoming, 0);
}

/* Who comes meanwhile waits in the kernel's queue. */
static void pause_listening(NetfilHttp *http)
{
	stop_listening(http);
	if (!http->retry)
		http->retry = g_timeout_add(RETRY_MS, on_retry, http);
}

static gboolean on_incoming(int socket, GIOCondition condition, gpointer data)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	NetfilHttp *http = data;
	int fd;

	(void)condition;
	if (!make_room(http)) {
		pause_listening(http);
		return G_SOURCE_CONTINUE; /* it is gone already */
	}
	fd = accept4(socket, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		/* If it cannot, it has closed it. */
		MHD_add_connection(http->daemon, fd, (struct sockaddr *)&address, size);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		pause_listening(http);
	turn(http);
	return G_SOURCE_CONTINUE;
}

static void listen_again(NetfilHttp *http)
{
	for (guint i = 0; i < http->sockets->len; i++) {
		guint source =
		    g_unix_fd_add(g_array_index(http->sockets, int, i), G_IO_IN, on_incoming, http);

		g_array_append_val(http->incoming, source);
	}
}

/* Requests. */

static enum MHD_Result answer(struct MHD_Connection *connection, guint status,
			      struct MHD_Response *response)
{
	enum MHD_Result result = MHD_queue_response(connection, status, response);

	MHD_destroy_response(response);
	return result;
}

static void wait_for_netfild(Visitor *visitor)
{
	visitor->exposition = netfil_exposition_accepted(MHD_lookup_connection_value(
	    visitor->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
	enter(visitor, WAITING, WAIT_SECONDS);
	MHD_suspend_connection(visitor->connection);
	visitor->scrape = netfil_scraper_ask(visitor->http->scraper);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *body,
				  size_t *body_size, void **context)
{
	Visitor *visitor =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void)data;
	(void)version;
	(void)body;
	(void)body_size;
	(void)context;
	if (visitor->state == LEAVING)
		return MHD_NO; /* what it has said before */
	if (visitor->text)
		return answer(connection, MHD_HTTP_OK,
			      netfil_page_metrics(visitor->text, visitor->exposition));
	if (g_str_equal(method, MHD_HTTP_METHOD_GET) || g_str_equal(method, MHD_HTTP_METHOD_HEAD)) {
		if (g_str_equal(url, "/metrics")) {
			wait_for_netfild(visitor);
			return MHD_YES;
		}
		enter(visitor, READING, READ_SECONDS);
		return g_str_equal(url, "/")
			   ? answer(connection, MHD_HTTP_OK, netfil_page_landing())
			   : answer(connection, MHD_HTTP_NOT_FOUND, netfil_page_not_found());
	}
	enter(visitor, READING, READ_SECONDS);
	return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, netfil_page_not_allowed());
}

/* All who asked before it was begun get the same page. */
static void on_scraped(const NetfilMetrics *metrics, guint64 scrape, gpointer data)
{
	GBytes *texts[2] = {NULL};
	NetfilHttp *http = data;

	for (GList *link = http->visitors.head; link; link = link->next) {
		Visitor *visitor = link->data;
		GBytes **text = &texts[visitor->exposition];

		if (visitor->state != WAITING || visitor->scrape > scrape)
			continue;
		if (!*text)
			*text = g_string_free_to_bytes(
			    netfil_metrics_text(metrics, visitor->exposition));
		wake(visitor, *text);
	}
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		g_clear_pointer(&texts[i], g_bytes_unref);
	turn(http);
}

/* libmicrohttpd in our loop. */

static gboolean on_timer(gpointer data)
{
	NetfilHttp *http = data;

	http->timer = 0;
	turn(http);
	return G_SOURCE_REMOVE;
}

static gboolean on_ready(int fd, GIOCondition condition, gpointer data)
{
	(void)fd;
	(void)condition;
	turn(data);
	return G_SOURCE_CONTINUE;
}

/* It does all that can be done, and says when to be called if nothing happens. */
static void turn(NetfilHttp *http)
{
	MHD_UNSIGNED_LONG_LONG wait;

	g_clear_handle_id(&http->timer, g_source_remove);
	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &wait) == MHD_YES)
		http->timer = g_timeout_add((guint)MIN(wait, 1000), on_timer, http);
}

static struct MHD_Daemon *start_daemon(NetfilHttp *http)
{
	return MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
	    on_request, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)(VISITORS_MAX + LEAVING_MAX),
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

NetfilHttp *netfil_http_new(const GArray *sockets, GError **error)
{
	NetfilHttp *http = g_new0(NetfilHttp, 1);

	signal(SIGPIPE, SIG_IGN);
	http->sockets = g_array_copy((GArray *)sockets);
	http->incoming = g_array_new(FALSE, FALSE, sizeof(guint));
	http->scraper = netfil_scraper_new(on_scraped, http);
	http->daemon = start_daemon(http);
	if (!http->daemon) {
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
				    "cannot serve HTTP: end some processes, or raise ulimit -n");
		netfil_http_free(http);
		return NULL;
	}
	http->epoll =
	    g_unix_fd_add(MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
			  G_IO_IN, on_ready, http);
	listen_again(http);
	return http;
}

/* Whoever waits is not answered any more. */
static void stop_daemon(NetfilHttp *http)
{
	for (GList *link = http->visitors.head; link; link = link->next)
		if (((Visitor *)link->data)->state == WAITING)
			tell_down(link->data); /* it has to be awake to be ended */
	MHD_stop_daemon(http->daemon);
}

void netfil_http_free(NetfilHttp *http)
{
	stop_listening(http);
	g_clear_handle_id(&http->retry, g_source_remove);
	g_clear_handle_id(&http->timer, g_source_remove);
	g_clear_handle_id(&http->epoll, g_source_remove);
	if (http->daemon)
		stop_daemon(http);
	for (guint i = 0; i < http->sockets->len; i++)
		close(g_array_index(http->sockets, int, i));
	g_array_unref(http->sockets);
	g_array_unref(http->incoming);
	g_free(http);
}
