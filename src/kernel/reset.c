// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "reset.h"

#include "netfil/abi.h"

#include <bpf/libbpf.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <string.h>

#include "bpf/owner.skel.h"
#include "bpf/reset.skel.h"
#include "iterate.h"

typedef struct {
	NetfilObjects *objects;
	GByteArray *records; /* of struct netfil_connection */
	guint ended;
} Listing;

/* bpf_sock_destroy ends them as it walks. */
static void destroy_here(gpointer data)
{
	Listing *reset = data;

	netfil_iterate(reset->objects->reset->progs.slot_reset, -1, NULL, NULL);
}

/* FALSE: it is gone meanwhile, as wanted. */
static gboolean request_destroy(struct nl_sock *diag, const struct netfil_connection *connection)
{
	struct inet_diag_req_v2 request = {
	    .sdiag_family = connection->family,
	    .sdiag_protocol = IPPROTO_TCP,
	    .idiag_states = ~0U,
	    .id.idiag_sport = connection->local_port,
	    .id.idiag_dport = connection->remote_port,
	    .id.idiag_cookie = {connection->cookie, connection->cookie >> 32},
	};

	memcpy(request.id.idiag_src, connection->local, sizeof(connection->local));
	memcpy(request.id.idiag_dst, connection->remote, sizeof(connection->remote));
	return nl_send_simple(diag, SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, &request,
			      sizeof(request)) >= 0 &&
	       nl_wait_for_ack(diag) >= 0;
}

static void list_here(gpointer data)
{
	Listing *listing = data;

	netfil_iterate(listing->objects->owner->progs.slot_connections, -1, listing->records, NULL);
}

static const struct netfil_connection *connections(const GByteArray *records, guint *count)
{
	*count = records->len / sizeof(struct netfil_connection);
	return (gconstpointer)records->data; /* NULL of none */
}

/* Before Linux 6.5: list them, then ask for each over netlink. */
static void request_here(gpointer data)
{
	g_autoptr(GByteArray) records = g_byte_array_new();
	Listing *reset = data, listing = {reset->objects, records, 0};
	struct nl_sock *diag = nl_socket_alloc();
	const struct netfil_connection *found;
	guint count;

	list_here(&listing);
	found = connections(listing.records, &count);
	if (diag && !nl_connect(diag, NETLINK_SOCK_DIAG))
		for (guint i = 0; i < count; i++)
			reset->ended += request_destroy(diag, &found[i]);
	nl_socket_free(diag);
}

static void ask(NetfilObjects *objects, guint slot, guint member)
{
	objects->owner->bss->asked_slot = slot;
	objects->owner->bss->asked_member = member;
	if (!objects->reset)
		return;
	objects->reset->bss->asked_slot = slot;
	objects->reset->bss->asked_member = member;
	objects->reset->bss->answered = 0;
}

guint netfil_reset_connections(NetfilObjects *objects, guint slot, guint member)
{
	g_autoptr(GArray) namespaces = netfil_namespaces();
	Listing reset = {objects, NULL, 0};

	ask(objects, slot, member);
	for (guint i = 0; i < namespaces->len; i++)
		netfil_in_namespace(g_array_index(namespaces, int, i),
				    objects->reset ? destroy_here : request_here, &reset);
	return objects->reset ? objects->reset->bss->answered : reset.ended;
}

guint netfil_closing_connections(NetfilObjects *objects, guint slot)
{
	g_autoptr(GArray) namespaces = netfil_namespaces();
	g_autoptr(GByteArray) records = g_byte_array_new();
	Listing listing = {objects, records, 0};
	const struct netfil_connection *found;
	guint count, closing = 0;

	ask(objects, slot, 0);
	for (guint i = 0; i < namespaces->len; i++)
		netfil_in_namespace(g_array_index(namespaces, int, i), list_here, &listing);
	found = connections(records, &count);
	for (guint i = 0; i < count; i++)
		closing += found[i].state == BPF_TCP_FIN_WAIT1 ||
			   found[i].state == BPF_TCP_CLOSING || found[i].state == BPF_TCP_LAST_ACK;
	return closing;
}
