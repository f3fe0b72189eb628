/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "client-private.h"

GArray *netfil_client_members(NetfilClient *client, const char *name,
			      const NetfilMemberQuery *query, char **next, guint *total,
			      GError **error)
{
	g_autoptr(GArray) members = netfil_members_new();
	g_autoptr(GVariant) page = NULL;
	g_autofree char *cursor = NULL;

	if (!netfil_client_answered(
		netfil_bus_manager_call_members_sync(client->manager, name,
						     netfil_member_query_to_variant(query), &page,
						     &cursor, total, NULL, error),
		error))
		return NULL;
	netfil_members_take(members, page);
	*next = *cursor ? g_steal_pointer(&cursor) : NULL;
	return g_steal_pointer(&members);
}

gboolean netfil_client_reset_member(NetfilClient *client, const char *name, const char *key,
				    GError **error)
{
	return netfil_client_answered(
	    netfil_bus_manager_call_reset_member_sync(client->manager, name, key, NULL, error),
	    error);
}
