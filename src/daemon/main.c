/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "client/paths.h"
#include "conf.h"
#include "core/error.h"
#include "engine/engine.h"
#include "events.h"
#include "instance.h"
#include "log.h"
#include "notify.h"
#include "presets.h"
#include "reload.h"
#include "server.h"
#include "service.h"
#include "systembus.h"

#define SPARE_MEMORY (2 * 1024 * 1024)
#define SPARE_CHECK_SECONDS 2

typedef struct {
	NetfilConfig *conf; /* what netfil.conf says */
	NetfilConfig *used; /* with the command line's words in place of it */
	GPtrArray *words;   /* the command line's: KEY, VALUE, KEY, VALUE ... */
	int ready_fd;
	gboolean check;
	gboolean no_events, run_events;
	gboolean release;
	gboolean version;
} Options;

static void options_clear(Options *options)
{
	netfil_config_free(options->conf);
	netfil_config_free(options->used);
	g_ptr_array_unref(options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* "--KEY=VALUE", for a key of netfil.conf. */
static gboolean say(const char *option, const char *value, gpointer data, GError **error)
{
	g_autoptr(NetfilConfig) scratch = netfil_config_new();
	const char *key = option + strlen("--");
	Options *options = data;
	/* As people type it, a path goes from where they are. */
	g_autofree char *path =
	    g_str_equal(key, "cgroup") && *value ? g_canonicalize_filename(value, NULL) : NULL;

	if (!netfil_config_put(scratch, key, path ? path : value, error))
		return FALSE;
	g_ptr_array_add(options->words, g_strdup(key));
	g_ptr_array_add(options->words, g_strdup(path ? path : value));
	return TRUE;
}

/* "--apps", "--no-apps" */
static gboolean say_apps(const char *option, const char *value, gpointer data, GError **error)
{
	(void)value;
	return say("--apps", g_str_equal(option, "--apps") ? "yes" : "no", data, error);
}

static gboolean parse_options(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"cgroup", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, say,
	     "see only what runs below this control group (default: $NETFIL_CGROUP, or all)",
	     "PATH"},
	    {"durability", 0, 0, G_OPTION_ARG_CALLBACK, say,
	     "of filters that do not say: checkpoint or strict", "MODE"},
	    {"apps", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, say_apps,
	     "count what each application moves (the default)", NULL},
	    {"no-apps", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, say_apps, "do not", NULL},
	    {"log", 0, 0, G_OPTION_ARG_CALLBACK, say,
	     "to the journal, to stderr, or auto: to the journal if stderr leads there", "WHERE"},
	    {"check", 0, 0, G_OPTION_ARG_NONE, &options->check,
	     "only look whether netfil.conf, filters.d and events.d are right", NULL},
	    {"no-events", 0, 0, G_OPTION_ARG_NONE, &options->no_events,
	     "leave events.d to another process, \"netfild --run-events\"", NULL},
	    {"run-events", 0, 0, G_OPTION_ARG_NONE, &options->run_events,
	     "only run what is in events.d, for a netfild that was told --no-events", NULL},
	    {"ready-fd", 0, 0, G_OPTION_ARG_INT, &options->ready_fd,
	     "write \"ready\", or else the error, to this descriptor, and close it", "N"},
	    {"release", 0, 0, G_OPTION_ARG_NONE, &options->release,
	     "lift all caps: take everything off the kernel, keep the ledger, and end", NULL},
	    {"system-bus", 0, 0, G_OPTION_ARG_CALLBACK, say,
	     "serve on the system bus too: yes, no, or auto, if NETFIL_RUNTIME_DIR is not set",
	     "WHETHER"},
	    {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "print the version", NULL},
	    {NULL},
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- keep netfil's byte caps");
	GOptionGroup *group = g_option_group_new("", "", "", options, NULL);

	g_option_group_add_entries(group, entries);
	g_option_context_set_main_group(context, group);
	g_option_context_set_description(
	    context,
	    "Caps are kept by the kernel: they hold on when netfild ends, and it carries on\n"
	    "where they stand when it starts again. /etc/netfil/netfil.conf says the same as\n"
	    "these options, which come first. SIGHUP loads the kernel programs anew and\n"
	    "applies /etc/netfil/filters.d/*.conf.\n\n"
	    "Example:\n  netfild --check && netfil reload\n");
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
	return TRUE;
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

/* netfil.conf, then the environment, then the command line: the last one wins. */
static void configure(Options *options, GPtrArray *mistakes)
{
	const char *cgroup = g_getenv("NETFIL_CGROUP");
	g_autofree char *absolute =
	    cgroup && *cgroup ? g_canonicalize_filename(cgroup, NULL) : NULL;

	netfil_conf_read(options->conf, mistakes);
	if (!mistakes->len)
		netfil_conf_read(options->used, mistakes);
	if (absolute)
		netfil_config_put(options->used, "cgroup", absolute, NULL);
	for (guint i = 0; i < options->words->len; i += 2)
		netfil_config_put(options->used, options->words->pdata[i],
				  options->words->pdata[i + 1], NULL);
	netfil_log_to(options->used->log);
}

/* All of them are told; a starter has room for one line. */
static int fail_conf(Options *options, const GPtrArray *mistakes)
{
	g_autofree char *summary = netfil_mistakes_summary(mistakes);

	for (guint i = 0; i < mistakes->len; i++)
		netfil_log_event(NETFIL_LOG_MISTAKE, NULL, "%s", (char *)mistakes->pdata[i]);
	tell_starter(options, summary);
	return 2;
}

static NetfilEngineOptions engine_options(const NetfilConfig *config)
{
	return (NetfilEngineOptions){
	    .bpffs_dir = netfil_bpffs_dir(),
	    .state_dir = netfil_state_dir(),
	    .cgroup_root = config->cgroup,
	    .durability = config->durability,
	    .apps = config->apps,
	};
}

static NetfilEngine *start_engine(const NetfilConfig *config, GError **error)
{
	const NetfilEngineOptions engine = engine_options(config);

	return netfil_engine_new(&engine, error);
}

static gboolean release(const Options *options, GError **error)
{
	const NetfilEngineOptions engine = engine_options(options->used);
	g_autoptr(NetfilInstance) instance = netfil_instance_take(netfil_runtime_dir(), error);

	if (!instance || !netfil_engine_release(&engine, error))
		return FALSE;
	g_message("caps are lifted; filters and usage are kept in %s", engine.state_dir);
	return TRUE;
}

/* An instance that was moved has no claim to the one name on the one bus. */
static gboolean wants_system_bus(const NetfilConfig *config)
{
	const char *moved = g_getenv("NETFIL_RUNTIME_DIR");

	return config->system_bus == NETFIL_YES ||
	       (config->system_bus == NETFIL_AUTO && (!moved || !*moved));
}

static gboolean on_stop_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_reload_signal(gpointer reload)
{
	g_autoptr(GError) error = NULL;

	netfil_notify_reloading();
	if (netfil_reload(reload, &error))
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
	g_autoptr(NetfilEvents) events = NULL;
	g_autoptr(NetfilService) service = NULL;
	g_autoptr(NetfilServer) server = NULL;
	g_autoptr(NetfilSystemBus) system_bus = NULL;
	NetfilServerHandler handler = {opened, closed, NULL};
	NetfilReload reload = {.conf = options->conf};

	if (!socket_path || !(instance = netfil_instance_take(netfil_runtime_dir(), error)) ||
	    !(engine = start_engine(options->used, error)))
		return FALSE;
	if (chdir("/") < 0) /* every path is absolute by now: hold no file system busy */
		g_warning("cannot leave the working directory: %s", g_strerror(errno));
	if (!options->no_events)
		events = netfil_events_of_engine(engine, options->used);
	netfil_presets_apply(engine, NULL); /* what is wrong is told, and keeps no cap away */
	service = netfil_service_new(engine);
	reload.engine = engine;
	netfil_service_set_reload(service, netfil_reload, &reload);
	handler.data = service;
	server = netfil_server_start(socket_path, &handler, error);
	if (!server)
		return FALSE;
	if (wants_system_bus(options->used))
		system_bus = netfil_system_bus_start(&handler);
	g_unix_signal_add(SIGTERM, on_stop_signal, loop);
	g_unix_signal_add(SIGINT, on_stop_signal, loop);
	g_unix_signal_add(SIGHUP, on_reload_signal, &reload);
	g_timeout_add_seconds(SPARE_CHECK_SECONDS, give_memory_back, NULL);
	g_message("%s: ready at %s", NETFIL_VERSION, socket_path);
	tell_starter(options, "ready");
	netfil_notify_ready();
	netfil_notify_watch();
	g_main_loop_run(loop);
	netfil_notify_stopping();
	g_message("stopping: caps stay in force");
	return TRUE;
}

static int start(Options *options)
{
	g_autoptr(GPtrArray) mistakes = netfil_mistakes_new();
	g_autoptr(GError) error = NULL;

	configure(options, mistakes);
	if (mistakes->len)
		return fail_conf(options, mistakes);
	umask(022);
	if (options->run_events)
		return netfil_events_serve(options->used);
	raise_descriptor_limit();
	if (!(options->release ? release(options, &error) : serve(options, &error)))
		return fail(options, error, EXIT_FAILURE);
	return EXIT_SUCCESS;
}

static int run(Options *options, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	if (!parse_options(options, &argc, &argv, &error))
		return fail_usage(options, error);
	if (options->version) {
		printf("netfild %s\n", NETFIL_VERSION);
		return EXIT_SUCCESS;
	}
	if (options->check)
		return netfil_check();
	if (geteuid() != 0) {
		g_set_error_literal(&error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
				    "needs root: run it with sudo");
		return fail(options, error, EXIT_FAILURE);
	}
	return start(options);
}

int main(int argc, char **argv)
{
	g_auto(Options) options = {
	    .conf = netfil_config_new(),
	    .used = netfil_config_new(),
	    .words = g_ptr_array_new_with_free_func(g_free),
	    .ready_fd = -1,
	};

	netfil_log_start();
	netfil_notify_start();
	return run(&options, argc, argv);
}
