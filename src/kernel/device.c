// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "device.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

struct NetfilDevices {
	struct nl_sock *monitor; /* says that something changed */
	struct nl_sock *query;
	GPtrArray *list;
	guint source;
	NetfilDevicesFunc changed;
	gpointer data;
};

static void device_free(gpointer data)
{
	NetfilDevice *device = data;

	g_free(device->name);
	g_free(device);
}

static gboolean has_ethernet_header(guint arptype)
{
	return arptype == ARPHRD_ETHER || arptype == ARPHRD_LOOPBACK;
}

static void add(struct nl_object *object, void *data)
{
	struct rtnl_link *link = (struct rtnl_link *)object;
	NetfilDevice *device;

	if (!rtnl_link_get_name(link))
		return;
	device = g_new0(NetfilDevice, 1);
	device->ifindex = rtnl_link_get_ifindex(link);
	device->name = g_strdup(rtnl_link_get_name(link));
	device->link_header = has_ethernet_header(rtnl_link_get_arptype(link)) ? ETH_HLEN : 0;
	device->loopback = rtnl_link_get_flags(link) & IFF_LOOPBACK;
	g_ptr_array_add(data, device);
}

static int refresh(NetfilDevices *devices)
{
	struct nl_cache *cache;
	int result = rtnl_link_alloc_cache(devices->query, AF_UNSPEC, &cache);

	if (result < 0)
		return result; /* what is known stays */
	g_ptr_array_set_size(devices->list, 0);
	nl_cache_foreach(cache, add, devices->list);
	nl_cache_free(cache);
	return 0;
}

static gboolean on_change(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED,
			  gpointer data)
{
	NetfilDevices *devices = data;

	/* An overrun loses messages, not changes: everything is read anew anyway. */
	nl_recvmsgs_default(devices->monitor);
	refresh(devices);
	devices->changed(devices->data);
	return G_SOURCE_CONTINUE;
}

static int failed(int result, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "interfaces cannot be followed (%s): see `netfil doctor`", nl_geterror(result));
	return FALSE;
}

static gboolean monitor(NetfilDevices *devices, GError **error)
{
	GSource *source;
	int result;

	nl_socket_disable_seq_check(devices->monitor);
	result = nl_connect(devices->monitor, NETLINK_ROUTE);
	if (!result)
		result = nl_socket_add_membership(devices->monitor, RTNLGRP_LINK);
	if (!result)
		result = nl_socket_set_nonblocking(devices->monitor);
	if (!result)
		result = nl_connect(devices->query, NETLINK_ROUTE);
	if (!result)
		result = refresh(devices);
	if (result)
		return failed(result, error);
	source = g_unix_fd_source_new(nl_socket_get_fd(devices->monitor), G_IO_IN);
	g_source_set_callback(source, G_SOURCE_FUNC(on_change), devices, NULL);
	devices->source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
	return TRUE;
}

NetfilDevices *netfil_devices_new(NetfilDevicesFunc changed, gpointer data, GError **error)
{
	NetfilDevices *devices = g_new0(NetfilDevices, 1);

	devices->monitor = nl_socket_alloc();
	devices->query = nl_socket_alloc();
	devices->list = g_ptr_array_new_with_free_func(device_free);
	devices->changed = changed;
	devices->data = data;
	if (monitor(devices, error))
		return devices;
	netfil_devices_free(devices);
	return NULL;
}

void netfil_devices_free(NetfilDevices *devices)
{
	if (!devices)
		return;
	if (devices->source)
		g_source_remove(devices->source);
	nl_socket_free(devices->monitor);
	nl_socket_free(devices->query);
	g_ptr_array_unref(devices->list);
	g_free(devices);
}

GPtrArray *netfil_devices_list(NetfilDevices *devices)
{
	return devices->list;
}

gboolean netfil_devices_is_up(NetfilDevices *devices, const char *name)
{
	struct rtnl_link *link;
	gboolean up;

	if (rtnl_link_get_kernel(devices->query, 0, name, &link) < 0)
		return FALSE;
	up = rtnl_link_get_flags(link) & IFF_UP;
	rtnl_link_put(link);
	return up;
}

gboolean netfil_devices_set_up(NetfilDevices *devices, const char *name, gboolean up,
			       GError **error)
{
	struct rtnl_link *link, *change;
	int result = rtnl_link_get_kernel(devices->query, 0, name, &link);

	if (result < 0) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "there is no interface %s (%s): see `ip link`", name,
			    nl_geterror(result));
		return FALSE;
	}
	change = rtnl_link_alloc();
	if (up)
		rtnl_link_set_flags(change, IFF_UP);
	else
		rtnl_link_unset_flags(change, IFF_UP);
	result = rtnl_link_change(devices->query, link, change, 0);
	rtnl_link_put(change);
	rtnl_link_put(link);
	if (result < 0)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "interface %s cannot be %s (%s): do it by hand", name,
			    up ? "brought up" : "taken down", nl_geterror(result));
	return result >= 0;
}

int netfil_device_keep_addresses(const char *name, int keep)
{
	g_autofree char *file =
	    g_strdup_printf("/proc/sys/net/ipv6/conf/%s/keep_addr_on_down", name);
	int fd = open(file, O_RDWR | O_CLOEXEC), before = -1;
	char text[16] = "";

	if (fd < 0)
		return -1;
	if (pread(fd, text, sizeof(text) - 1, 0) > 0) {
		before = atoi(text);
		snprintf(text, sizeof(text), "%d", keep);
		if (before < 0 || pwrite(fd, text, strlen(text), 0) < 0)
			before = -1;
	}
	close(fd);
	return before;
}
