/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/paths.h"
#include "core/error.h"
#include "core/quote.h"
#include "engine/engine.h"
#include "instance.h"
#include "log.h"
#include "notify.h"
#include "server.h"
#include "service.h"
#include "systembus.h"

typedef struct {
	char *cgroup;
	char *durability;
	char *system_bus;
	NetfilDurability default_durability;
	gboolean no_apps;
	gboolean on_system_bus;
	int ready_fd;
	gboolean release;
	gboolean version;
} Options;

static void options_clear(Options *options)
{
	g_free(options->cgroup);
	g_free(options->durability);
	g_free(options->system_bus);
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

/* An instance that was moved has no claim to the one name on the one bus. */
static gboolean parse_system_bus(const char *text, gboolean *on, GError **error)
{
	const char *moved = g_getenv("NETFIL_RUNTIME_DIR");

	if (!text || g_str_equal(text, "auto"))
		*on = !moved || !*moved;
	else if (g_str_equal(text, "yes") || g_str_equal(text, "no"))
		*on = text[0] == 'y';
	else
		return netfil_set_invalid(
		    error, text, -1, "is not whether to use the system bus: use yes, no or auto");
	return TRUE;
}

static gboolean parse_options(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"cgroup", 0, 0, G_OPTION_ARG_FILENAME, &options->cgroup,
	     "see only what runs below this control group (default: $NETFIL_CGROUP, or all)",
	     "PATH"},
	    {"durability", 0, 0, G_OPTION_ARG_FILENAME, &options->durability,
	     "of filters that do not say: checkpoint or strict", "MODE"},
	    {"no-apps", 0, 0, G_OPTION_ARG_NONE, &options->no_apps,
	     "do not count what each application moves", NULL},
	    {"ready-fd", 0, 0, G_OPTION_ARG_INT, &options->ready_fd,
	     "write \"ready\", or else the error, to this descriptor, and close it", "N"},
	    {"release", 0, 0, G_OPTION_ARG_NONE, &options->release,
	     "lift all caps: take everything off the kernel, keep the ledger, and end", NULL},
	    {"system-bus", 0, 0, G_OPTION_ARG_FILENAME, &options->system_bus,
	     "serve on the system bus too: yes, no, or auto, if NETFIL_RUNTIME_DIR is not set",
	     "WHETHER"},
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
	return parse_durability(options->durability, &options->default_durability, error) &&
	       parse_system_bus(options->system_bus, &options->on_system_bus, error);
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

/* `cgroup` holds its path, for the caller to free. */
static NetfilEngineOptions engine_options(const Options *options, char **cgroup)
{
	const char *given = options->cgroup ? options->cgroup : g_getenv("NETFIL_CGROUP");

	*cgroup = given && *given ? g_canonicalize_filename(given, NULL) : NULL;
	return (NetfilEngineOptions){
	    .bpffs_dir = netfil_bpffs_dir(),
	    .state_dir = netfil_state_dir(),
	    .cgroup_root = *cgroup,
	    .durability = options->default_durability,
	    .apps = !options->no_apps,
	};
}

static NetfilEngine *start_engine(const Options *options, GError **error)
{
	g_autofree char *cgroup = NULL;
	const NetfilEngineOptions engine = engine_options(options, &cgroup);

	return netfil_engine_new(&engine, error);
}

static gboolean release(const Options *options, GError **error)
{
	g_autofree char *cgroup = NULL;
	const NetfilEngineOptions engine = engine_options(options, &cgroup);
	g_autoptr(NetfilInstance) instance = netfil_instance_take(netfil_runtime_dir(), error);

	if (!instance || !netfil_engine_release(&engine, error))
		return FALSE;
	g_message("caps are lifted; filters and usage are kept in %s", engine.state_dir);
	return TRUE;
}

static gboolean on_stop_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_reload_signal(gpointer engine)
{
	g_autoptr(GError) error = NULL;

	netfil_notify_reloading();
	if (netfil_engine_reload(engine, &error))
		g_message("SIGHUP: reload");
	else
		g_warning("SIGHUP: reload: %s", error->message);
	netfil_notify_ready();
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

static gboolean serve(Options *options, GError **error)
{
	const char *socket_path = netfil_bus_socket(error);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(NetfilInstance) instance = NULL;
	g_autoptr(NetfilEngine) engine = NULL;
	g_autoptr(NetfilService) service = NULL;
	g_autoptr(NetfilServer) server = NULL;
	g_autoptr(NetfilSystemBus) system_bus = NULL;
	NetfilServerHandler handler = {opened, closed, NULL};

	if (!socket_path || !(instance = netfil_instance_take(netfil_runtime_dir(), error)) ||
	    !(engine = start_engine(options, error)))
		return FALSE;
	if (chdir("/") < 0) /* every path is absolute by now: hold no file system busy */
		g_warning("cannot leave the working directory: %s", g_strerror(errno));
	service = netfil_service_new(engine);
	handler.data = service;
	server = netfil_server_start(socket_path, &handler, error);
	if (!server)
		return FALSE;
	if (options->on_system_bus)
		system_bus = netfil_system_bus_start(&handler);
	g_unix_signal_add(SIGTERM, on_stop_signal, loop);
	g_unix_signal_add(SIGINT, on_stop_signal, loop);
	g_unix_signal_add(SIGHUP, on_reload_signal, engine);
	g_message("%s: ready at %s", NETFIL_VERSION, socket_path);
	tell_starter(options, "ready");
	netfil_notify_ready();
	netfil_notify_watch();
	g_main_loop_run(loop);
	netfil_notify_stopping();
	g_message("stopping: caps stay in force");
	return TRUE;
}

int main(int argc, char **argv)
{
	g_auto(Options) options = {.ready_fd = -1};
	g_autoptr(GError) error = NULL;

	netfil_log_start();
	netfil_notify_start();
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
	if (!(options.release ? release(&options, &error) : serve(&options, &error)))
		return fail(&options, error, EXIT_FAILURE);
	return EXIT_SUCCESS;
}
