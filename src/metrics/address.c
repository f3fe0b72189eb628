/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "address.h"

#include <string.h>

#include "core/quote.h"

static gboolean parse_port(const char *text, guint16 *port)
{
	guint64 number;

	if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &number, NULL))
		return FALSE;
	*port = (guint16)number;
	return TRUE;
}

static void add(GPtrArray *addresses, const char *host, guint16 port)
{
	g_ptr_array_add(addresses, g_inet_socket_address_new_from_string(host, port));
}

/* Without its brackets, which an IPv6 address has to have and another one has not. */
static char *parse_host(const char *text, gsize length)
{
	gboolean bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
	g_autofree char *host =
	    bracketed ? g_strndup(text + 1, length - 2) : g_strndup(text, length);
	gboolean is_ipv6 = strchr(host, ':') != NULL;

	return is_ipv6 == bracketed ? g_steal_pointer(&host) : NULL;
}

GPtrArray *netfil_address_parse(const char *text, GError **error)
{
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_object_unref);
	const char *colon = strrchr(text, ':');
	g_autoptr(GSocketAddress) address = NULL;
	g_autofree char *host = NULL;
	guint16 port = 0;

	if (!parse_port(colon ? colon + 1 : text, &port)) {
		netfil_set_invalid(error, text, -1,
				   "does not end with a port: use PORT or ADDRESS:PORT, the port 1 "
				   "to 65535");
		return NULL;
	}
	if (!colon) {
		add(addresses, "127.0.0.1", port);
		add(addresses, "::1", port);
		return g_steal_pointer(&addresses);
	}
	host = parse_host(text, (gsize)(colon - text));
	address = host ? g_inet_socket_address_new_from_string(host, port) : NULL;
	if (!address) {
		netfil_set_invalid(
		    error, text, -1,
		    "has no IP address: use one as in 192.0.2.1:%u or [2001:db8::1]:%u", port,
		    port);
		return NULL;
	}
	g_ptr_array_add(addresses, g_steal_pointer(&address));
	return g_steal_pointer(&addresses);
}
