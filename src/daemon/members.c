/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls about members of filters. */
#include "members.h"

#include "answer.h"

static GVariant *members_page(NetfilEngine *engine, const char *name, GVariant *asked,
			      GError **error)
{
	g_auto(NetfilMemberQuery) query = {0};
	g_autoptr(GArray) members = NULL;
	g_autofree char *next = NULL;
	guint total;

	if (!netfil_member_query_read(&query, asked, error))
		return NULL;
	members = netfil_engine_members(engine, name, &query, &next, &total, error);
	if (!members)
		return NULL;
	return g_variant_new("(@a" NETFIL_MEMBER_TYPE "su)", netfil_members_to_variant(members),
			     next ? next : "", total);
}

static gboolean on_members(NetfilBusManager *manager, GDBusMethodInvocation *call, const char *name,
			   GVariant *query, NetfilEngine *engine)
{
	g_autoptr(GError) error = NULL;
	GVariant *page = members_page(engine, name, query, &error);

	(void)manager;
	return netfil_answer(call, page, error);
}

static gboolean on_reset_member(NetfilBusManager *manager, GDBusMethodInvocation *call,
				const char *name, const char *key, NetfilEngine *engine)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *what = g_strdup_printf("reset %s --member %s", name, key);

	(void)manager;
	netfil_engine_reset_member(engine, name, key, &error);
	return netfil_answer_change(call, what, NULL, error);
}

void netfil_members_serve(NetfilBusManager *manager, NetfilEngine *engine)
{
	g_signal_connect(manager, "handle-members", G_CALLBACK(on_members), engine);
	g_signal_connect(manager, "handle-reset-member", G_CALLBACK(on_reset_member), engine);
}
