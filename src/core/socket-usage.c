/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "socket-usage.h"

#include <string.h>

static void usage_clear(gpointer data)
{
	g_free(((NetfilSocketUsage *)data)->exe);
}

GArray *netfil_socket_usages_new(void)
{
	GArray *usages = g_array_new(FALSE, FALSE, sizeof(NetfilSocketUsage));

	g_array_set_clear_func(usages, usage_clear);
	return usages;
}

GVariant *netfil_socket_usage_to_variant(const NetfilSocketUsage *u)
{
	const guint8 *address = u->remote.address;

	return g_variant_new(
	    "(tutus@ayqqytt)", u->cookie, u->pid, u->start, u->uid, u->exe,
	    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, address, sizeof(u->remote.address), 1),
	    u->remote_port, u->local_port, u->proto, u->in, u->out);
}

static void read_remote(GVariant *bytes, NetfilPrefix *remote)
{
	gsize length;
	gconstpointer address = g_variant_get_fixed_array(bytes, &length, 1);

	if (length == sizeof(remote->address))
		memcpy(remote->address, address, length);
	remote->length = 128;
}

void netfil_socket_usages_read(GArray *usages, GVariant *variant)
{
	GVariantIter iter;
	NetfilSocketUsage u = {0};
	GVariant *remote;

	g_variant_iter_init(&iter, variant);
	while (g_variant_iter_next(&iter, "(tutus@ayqqytt)", &u.cookie, &u.pid, &u.start, &u.uid,
				   &u.exe, &remote, &u.remote_port, &u.local_port, &u.proto, &u.in,
				   &u.out)) {
		g_autoptr(GVariant) owned = remote;

		read_remote(remote, &u.remote);
		g_array_append_val(usages, u);
	}
}
