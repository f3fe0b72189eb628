/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/paths.h"
#include "core/error.h"
#include "engine/engine.h"
#include "instance.h"
#include "log.h"
#include "server.h"
#include "service.h"

#define SPARE_MEMORY (2 * 1024 * 1024)
#define SPARE_CHECK_SECONDS 2

typedef struct {
	char *cgroup;
	char *durability;
	NetfilDurability default_durability;
	gboolean no_apps;
	int ready_fd;
	gboolean version;
} Options;

static void options_clear(Options *options)
{
	g_free(options->cgroup);
	g_free(options->durability);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* In the words of a filter's own setting. */
static gboolean parse_durability(const char *text, NetfilDurability *durability, GError **error)
{
	g_autoptr(NetfilSpec) spec = netfil_spec_new("");

	if (text && !netfil_spec_put(spec, "durability", text, error))
		return FALSE;
	*durability = spec->durability;
	return TRUE;
}

static gboolean parse_options(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"cgroup", 0, 0, G_OPTION_ARG_FILENAME, &options->cgroup,
	     "see only what runs below this control group (default: $NETFIL_CGROUP, or all)",
	     "PATH"},
	    {"durability", 0, 0, G_OPTION_ARG_FILENAME, &options->durability,
	     "of filters that do not say: checkpoint or strict",
	     "MODE"},
	    {"no-apps", 0, 0, G_OPTION_ARG_NONE, &options->no_apps,
	     "do not count what each application moves", NULL},
	    {"ready-fd", 0, 0, G_OPTION_ARG_INT, &options->ready_fd,
	     "write \"ready\", or else the error, to this descriptor, and close it", "N"},
	    {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "print the version", NULL},
	    {NULL},
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- keep netfil's byte caps");

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_description(
	    context,
	    "Caps are kept by the kernel: they hold on when netfild ends, and it carries on\n"
	    "where they stand when it starts again. SIGHUP loads the kernel programs anew.\n");
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	if (*argc > 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "Unexpected argument %s",
			    (*argv)[1]);
		return FALSE;
	}
	if (options->ready_fd >= 0 && fcntl(options->ready_fd, F_SETFD, FD_CLOEXEC) < 0) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "Descriptor %d is not open", options->ready_fd);
		options->ready_fd = -1;
		return FALSE;
	}
	return parse_durability(options->durability, &options->default_durability, error);
}

static void tell_starter(Options *options, const char *message)
{
	if (options->ready_fd < 0)
		return;
	/* A starter that is gone does not miss the word. */
	dprintf(options->ready_fd, "%s\n", message);
	close(options->ready_fd);
	options->ready_fd = -1;
}

static int fail(Options *options, const GError *error, int status)
{
	fprintf(stderr, "netfild: %s\n", error->message);
	tell_starter(options, error->message);
	return status;
}

static int fail_usage(Options *options, const GError *error)
{
	g_autoptr(GError) said = NULL;

	if (error->domain == NETFIL_ERROR)
		return fail(options, error, 2);
	said = g_error_new(NETFIL_ERROR, NETFIL_ERROR_INVALID, "%c%s: see \"netfild --help\"",
			   g_ascii_tolower(error->message[0]), error->message + 1);

	return fail(options, said, 2);
}

/* Connections are limited by count, not by how many descriptors the shell left. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit); /* fewer will do as well */
	}
}

static NetfilEngine *start_engine(const Options *options, GError **error)
{
	const char *cgroup = options->cgroup ? options->cgroup : g_getenv("NETFIL_CGROUP");
	g_autofree char *absolute =
	    cgroup && *cgroup ? g_canonicalize_filename(cgroup, NULL) : NULL;
	const NetfilEngineOptions engine_options = {
	    .bpffs_dir = netfil_bpffs_dir(),
	    .state_dir = netfil_state_dir(),
	    .cgroup_root = absolute,
	    .durability = options->default_durability,
	    .apps = !options->no_apps,
	};

	return netfil_engine_new(&engine_options, error);
}

static gboolean on_stop_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_reload_signal(gpointer engine)
{
	g_autoptr(GError) error = NULL;

	if (netfil_engine_reload(engine, &error))
		g_message("SIGHUP: reload");
	else
		g_warning("SIGHUP: reload: %s", error->message);
	return G_SOURCE_CONTINUE;
}

static void opened(GDBusConnection *connection, gpointer service)
{
	netfil_service_attach(service, connection);
}

static void closed(GDBusConnection *connection, gpointer service)
{
	netfil_service_detach(service, connection);
}

/* Long messages leave holes behind that malloc() keeps. */
static gboolean give_memory_back(gpointer data)
{
	(void)data;
	if (mallinfo2().fordblks > SPARE_MEMORY)
		malloc_trim(0);
	return G_SOURCE_CONTINUE;
}

static gboolean serve(Options *options, GError **error)
{
	const char *socket_path = netfil_bus_socket(error);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(NetfilInstance) instance = NULL;
	g_autoptr(NetfilEngine) engine = NULL;
	g_autoptr(NetfilService) service = NULL;
	g_autoptr(NetfilServer) server = NULL;

	if (!socket_path || !(instance = netfil_instance_take(netfil_runtime_dir(), error)) ||
	    !(engine = start_engine(options, error)))
		return FALSE;
	if (chdir("/") < 0) /* every path is absolute by now: hold no file system busy */
		g_warning("cannot leave the working directory: %s", g_strerror(errno));
	service = netfil_service_new(engine);
	server = netfil_server_start(socket_path, &(NetfilServerHandler){opened, closed, service},
				     error);
	if (!server)
		return FALSE;
	g_unix_signal_add(SIGTERM, on_stop_signal, loop);
	g_unix_signal_add(SIGINT, on_stop_signal, loop);
	g_unix_signal_add(SIGHUP, on_reload_signal, engine);
	g_timeout_add_seconds(SPARE_CHECK_SECONDS, give_memory_back, NULL);
	g_message("%s: ready at %s", NETFIL_VERSION, socket_path);
	tell_starter(options, "ready");
	g_main_loop_run(loop);
	g_message("stopping: caps stay in force");
	return TRUE;
}

int main(int argc, char **argv)
{
	g_auto(Options) options = {.ready_fd = -1};
	g_autoptr(GError) error = NULL;

	netfil_log_start();
	if (!parse_options(&options, &argc, &argv, &error))
		return fail_usage(&options, error);
	if (options.version) {
		printf("netfild %s\n", NETFIL_VERSION);
		return EXIT_SUCCESS;
	}
	if (geteuid() != 0) {
		g_set_error_literal(&error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
				    "needs root: run it with sudo");
		return fail(&options, error, EXIT_FAILURE);
	}
	umask(022);
	raise_descriptor_limit();
	if (!serve(&options, &error))
		return fail(&options, error, EXIT_FAILURE);
	return EXIT_SUCCESS;
}
