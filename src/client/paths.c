/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "paths.h"

#include <string.h>
#include <sys/un.h>

#include "core/error.h"

static char *directory(const char *variable, const char *otherwise)
{
	const char *set = g_getenv(variable);

	return g_canonicalize_filename(set && *set ? set : otherwise, NULL);
}

const char *netfil_runtime_dir(void)
{
	static char *path;

	if (g_once_init_enter(&path))
		g_once_init_leave(&path, directory("NETFIL_RUNTIME_DIR", "/run/netfil"));
	return path;
}

const char *netfil_state_dir(void)
{
	static char *path;

	if (g_once_init_enter(&path))
		g_once_init_leave(&path, directory("NETFIL_STATE_DIR", "/var/lib/netfil"));
	return path;
}

const char *netfil_bpffs_dir(void)
{
	static char *path;

	if (g_once_init_enter(&path))
		g_once_init_leave(&path, directory("NETFIL_BPFFS_DIR", "/sys/fs/bpf/netfil"));
	return path;
}

const char *netfil_config_dir(void)
{
	static char *path;

	if (g_once_init_enter(&path))
		g_once_init_leave(&path, directory("NETFIL_CONFIG_DIR", "/etc/netfil"));
	return path;
}

const char *netfil_bus_socket(GError **error)
{
	static char *path;

	if (g_once_init_enter(&path))
		g_once_init_leave(&path, g_build_filename(netfil_runtime_dir(), "bus", NULL));
	/* The kernel would refuse it, and GIO cuts it short without a word. */
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_INVALID,
			    "%s is too long for a socket: set NETFIL_RUNTIME_DIR to a shorter path",
			    path);
		return NULL;
	}
	return path;
}
