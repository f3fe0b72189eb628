/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Caps a process and all that it starts, waits until the cap is reached or the process is gone,
 * says what moved, and takes the cap away. As root:
 *
 *   gcc -o cap cap.c $(pkg-config --cflags --libs netfil)
 *   ./cap 4711 25M
 */
#include <stdio.h>
#include <stdlib.h>

#include <netfil/netfil.h>

typedef struct {
	NetfilClient *client;
	const char *name;
	GMainLoop *loop;
	gboolean lost;
} Watch;

/* Events are of all filters. */
static void on_cap_reached(NetfilClient *client, const char *name, const char *direction,
			   Watch *watch)
{
	(void)client;
	if (!g_str_equal(name, watch->name))
		return;
	printf("%s: the cap on bytes %s is reached\n", name, direction);
	g_main_loop_quit(watch->loop);
}

/* A filter waits when all its processes have ended; of that there is no signal. */
static gboolean on_second(gpointer data)
{
	Watch *watch = data;
	g_autoptr(NetfilStatus) status = netfil_client_get(watch->client, watch->name, NULL);

	if (status && netfil_status_get_state(status) == NETFIL_STATE_WAITING)
		g_main_loop_quit(watch->loop);
	return G_SOURCE_CONTINUE;
}

static void on_closed(NetfilClient *client, Watch *watch)
{
	(void)client;
	watch->lost = TRUE;
	g_main_loop_quit(watch->loop);
}

static gboolean print_numbers(NetfilClient *client, const char *name, GError **error)
{
	g_autoptr(NetfilStatus) status = netfil_client_get(client, name, error);
	guint64 bytes, packets;

	if (!status)
		return FALSE;
	netfil_status_get_refused(status, &bytes, &packets);
	printf("%s: in %" G_GUINT64_FORMAT ", out %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
	       " bytes; refused %" G_GUINT64_FORMAT "\n",
	       name, netfil_status_get_used(status, NETFIL_DIRECTION_IN),
	       netfil_status_get_used(status, NETFIL_DIRECTION_OUT),
	       netfil_status_get_limit(status, NETFIL_DIRECTION_TOTAL), bytes);
	return TRUE;
}

static gboolean cap(NetfilClient *client, const char *pid, const char *size, GError **error)
{
	g_autofree char *name = g_strdup_printf("cap-%s", pid);
	const char *const names[] = {name, NULL};
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	Watch watch = {.client = client, .name = name, .loop = loop};
	gboolean told;

	g_signal_connect(client, "cap-reached", G_CALLBACK(on_cap_reached), &watch);
	g_signal_connect(client, "closed", G_CALLBACK(on_closed), &watch);
	if (!netfil_client_add(client, name, error, "pid", pid, "total", size, NULL))
		return FALSE;
	printf("%s: capped\n", name);
	fflush(stdout);
	g_timeout_add_seconds(1, on_second, &watch);
	g_main_loop_run(loop);
	if (watch.lost) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "netfild went away: the cap holds on");
		return FALSE;
	}
	told = print_numbers(client, name, error);
	return netfil_client_remove(client, names, told ? error : NULL) && told;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(NetfilClient) client = NULL;

	if (argc != 3) {
		fprintf(stderr, "usage: cap PID SIZE\n");
		return 2;
	}
	client = netfil_client_connect(&error);
	if (!client || !cap(client, argv[1], argv[2], &error)) {
		fprintf(stderr, "cap: %s\n", error->message);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
