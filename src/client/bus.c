/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bus.h"

#include "core/error.h"

static const char *const error_names[] = {
    [NETFIL_ERROR_FAILED] = "org.netfil.Error.Failed",
    [NETFIL_ERROR_INVALID] = "org.netfil.Error.Invalid",
    [NETFIL_ERROR_NOT_FOUND] = "org.netfil.Error.NotFound",
    [NETFIL_ERROR_EXISTS] = "org.netfil.Error.Exists",
    [NETFIL_ERROR_DENIED] = "org.netfil.Error.Denied",
    [NETFIL_ERROR_UNSUPPORTED] = "org.netfil.Error.Unsupported",
    [NETFIL_ERROR_BUSY] = "org.netfil.Error.Busy",
    [NETFIL_ERROR_FULL] = "org.netfil.Error.Full",
};

char *netfil_bus_filter_path(guint64 id)
{
	return g_strdup_printf(NETFIL_BUS_PATH "/filter/%" G_GUINT64_FORMAT, id);
}

void netfil_bus_register_errors(void)
{
	static gsize done;

	if (!g_once_init_enter(&done))
		return;
	for (guint code = 0; code < G_N_ELEMENTS(error_names); code++)
		g_dbus_error_register_error(NETFIL_ERROR, (int)code, error_names[code]);
	g_once_init_leave(&done, 1);
}

void netfil_bus_clean_error(GError **error)
{
	g_autoptr(GError) raw = NULL;

	if (!error || !*error)
		return;
	g_dbus_error_strip_remote_error(*error);
	if ((*error)->domain == NETFIL_ERROR)
		return;
	raw = g_steal_pointer(error);
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "netfild did not answer (%s): see its log", raw->message);
}
