// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "use.h"

#include "netfil/abi.h"

#include "bpf/owner.skel.h"
#include "bpf/trampoline.skel.h"
#include "feature.h"

#define TRAMPOLINE "trampoline-"

static void detach_tracepoints(NetfilLinks *links)
{
	netfil_links_remove(links, "socket_sent");
	netfil_links_remove(links, "socket_received");
}

/* Who sends is seen at one place at least, at any time. */
static gboolean attach_tracepoints(NetfilLinks *links, struct owner_bpf *owner,
				   struct netfil_config *config, GError **error)
{
	gboolean senders = netfil_feature_senders() && !config->strangers;

	if (senders)
		__atomic_store_n(&config->senders, 1, __ATOMIC_SEQ_CST);
	if (!netfil_links_trace(links, "socket_received", owner->progs.socket_received, error))
		return FALSE;
	if (senders) {
		netfil_links_remove(links, "socket_sent");
		return TRUE;
	}
	if (!netfil_links_trace(links, "socket_sent", owner->progs.socket_sent, error))
		return FALSE;
	__atomic_store_n(&config->senders, 0, __ATOMIC_SEQ_CST);
	return TRUE;
}

static void detach_trampolines(NetfilLinks *links)
{
	g_autoptr(GPtrArray) names = netfil_links_names(links);

	for (guint i = 0; i < names->len; i++)
		if (g_str_has_prefix(names->pdata[i], TRAMPOLINE))
			netfil_links_remove(links, names->pdata[i]);
}

static gboolean attach_trampolines(NetfilLinks *links, struct trampoline_bpf *trampoline)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, trampoline->obj) {
		g_autofree char *name = g_strconcat(TRAMPOLINE, bpf_program__name(program), NULL);

		if (bpf_program__autoload(program) &&
		    !netfil_links_trace(links, name, program, NULL))
			return FALSE;
	}
	return TRUE;
}

gboolean netfil_use_attach(NetfilLinks *links, NetfilObjects *objects, struct netfil_config *config,
			   GError **error)
{
	if (netfil_feature_present(NETFIL_HAS_SOCK_LENGTH)) {
		if (!attach_tracepoints(links, objects->owner, config, error))
			return FALSE;
		detach_trampolines(links);
		return TRUE;
	}
	if (objects->trampoline && !attach_trampolines(links, objects->trampoline))
		netfil_objects_withdraw_trampoline(objects);
	if (!objects->trampoline)
		detach_trampolines(links);
	detach_tracepoints(links);
	__atomic_store_n(&config->senders, 0, __ATOMIC_SEQ_CST);
	return TRUE;
}

void netfil_use_detach(NetfilLinks *links, struct netfil_config *config)
{
	__atomic_store_n(&config->senders, 0, __ATOMIC_SEQ_CST);
	detach_tracepoints(links);
	detach_trampolines(links);
}
