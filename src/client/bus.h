/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gio/gio.h>

/* What daemon and client must agree on beside dbus/org.netfil.Netfil1.xml. */

#define NETFIL_BUS_NAME "org.netfil.Netfil1" /* on the system bus */
#define NETFIL_BUS_PATH "/org/netfil/Netfil1"

/* Caller frees. */
char *netfil_bus_filter_path(guint64 id);

/* Lets NETFIL_ERROR cross the bus as org.netfil.Error.*, both ways. Call before
 * the first message; again does no harm. */
void netfil_bus_register_errors(void);

/* Makes an error of a call a NETFIL_ERROR whose message is what the daemon said,
 * or says that the daemon did not answer. */
void netfil_bus_clean_error(GError **error);
