/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* The network interfaces of this process's namespace, followed over rtnetlink. */
typedef struct NetfilDevices NetfilDevices;

typedef struct {
	guint ifindex;
	char *name;
	guint link_header; /* bytes: 14 for Ethernet and its like, else 0 */
	gboolean loopback;
} NetfilDevice;

/* `changed` is called from the thread-default main context after interfaces came,
 * went or were renamed; netfil_devices_list() is up to date then. */
typedef void (*NetfilDevicesFunc)(gpointer data);
NetfilDevices *netfil_devices_new(NetfilDevicesFunc changed, gpointer data, GError **error);
void netfil_devices_free(NetfilDevices *devices);

/* Of NetfilDevice, owned by `devices`, valid until the main loop runs again. */
GPtrArray *netfil_devices_list(NetfilDevices *devices);

/* Whether the interface is there and up, as the kernel says now. */
gboolean netfil_devices_is_up(NetfilDevices *devices, const char *name);

/* NETFIL_ERROR_NOT_FOUND where there is no such interface. */
gboolean netfil_devices_set_up(NetfilDevices *devices, const char *name, gboolean up,
			       GError **error);

/* Whether IPv6 addresses outlive the interface's being down (keep_addr_on_down): sets it,
 * and returns what it was; -1 where that cannot be said. */
int netfil_device_keep_addresses(const char *name, int keep);
