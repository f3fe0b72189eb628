/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netfil-metrics ADDRESS [USER]: what `netfil metrics --listen` becomes. A program of its own, so
 * that netfil, which root calls, is not linked with an HTTP library.
 */
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "address.h"
#include "core/error.h"
#include "drop.h"
#include "http.h"
#include "sockets.h"

static int fail(const GError *error)
{
	g_printerr("netfil: %s\n", error->message);
	return g_error_matches(error, NETFIL_ERROR, NETFIL_ERROR_INVALID) ? 2 : EXIT_FAILURE;
}

static gboolean on_stop_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static void serve(NetfilHttp *http)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

	g_unix_signal_add(SIGTERM, on_stop_signal, loop);
	g_unix_signal_add(SIGINT, on_stop_signal, loop);
	g_main_loop_run(loop);
	netfil_http_free(http);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) addresses = NULL;
	g_autoptr(GArray) sockets = NULL;
	NetfilHttp *http = NULL;

	if (argc < 2 || argc > 3) {
		g_printerr("netfil: this is a part of netfil: use \"netfil metrics --listen\"\n");
		return 2;
	}
	if (!(addresses = netfil_address_parse(argv[1], &error)) ||
	    !(sockets = netfil_sockets_open(addresses, &error)) ||
	    !netfil_drop_privileges(argv[2], &error) || !(http = netfil_http_new(sockets, &error)))
		return fail(error);
	serve(http);
	return EXIT_SUCCESS;
}
