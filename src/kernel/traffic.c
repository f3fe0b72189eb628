// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "traffic.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "netfil/abi.h"

#include "bpf/interface.skel.h"
#include "core/error.h"
#include "feature.h"

/* Newer than Debian 12's linux/bpf.h. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47
#define FLAG_BEFORE (1U << 3) /* with no relative: the head, for others may end the chain */

/* Ours among the clsact filters: low, to run early. */
#define CLSACT_PRIORITY 1
#define CLSACT_HANDLE 0x4e46

static char *link_name(guint ifindex, gboolean in)
{
	return g_strdup_printf("interface-%u-%s", ifindex, in ? "in" : "out");
}

static gboolean attach_tcx(NetfilLinks *links, NetfilObjects *objects, guint ifindex, gboolean in,
			   GError **error)
{
	struct interface_bpf *interface = objects->interface;
	g_autofree char *name = link_name(ifindex, in);

	return netfil_links_create(
	    links, name, in ? interface->progs.interface_in : interface->progs.interface_out,
	    ifindex, in ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS, FLAG_BEFORE, NULL, 0, error);
}

static gboolean attach_clsact(NetfilObjects *objects, guint ifindex, gboolean in, GError **error)
{
	struct interface_bpf *interface = objects->interface;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = in ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY,
		    .flags = BPF_TC_F_REPLACE,
		    .prog_fd = bpf_program__fd(in ? interface->progs.interface_in
						  : interface->progs.interface_out));
	int result = bpf_tc_hook_create(&hook);

	if (!result || result == -EEXIST)
		result = bpf_tc_attach(&hook, &opts);
	if (result)
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "interface %u takes no filter (%s): see `netfil doctor`", ifindex,
			    g_strerror(-result));
	return !result;
}

gboolean netfil_traffic_attach(NetfilLinks *links, NetfilObjects *objects, guint ifindex,
			       GError **error)
{
	if (!netfil_objects_need_interface(objects, error))
		return FALSE;
	if (netfil_feature_present(NETFIL_HAS_TCX))
		return attach_tcx(links, objects, ifindex, TRUE, error) &&
		       attach_tcx(links, objects, ifindex, FALSE, error);
	return attach_clsact(objects, ifindex, TRUE, error) &&
	       attach_clsact(objects, ifindex, FALSE, error);
}

void netfil_traffic_detach(NetfilLinks *links, NetfilObjects *objects G_GNUC_UNUSED, guint ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	g_autofree char *in = link_name(ifindex, TRUE);
	g_autofree char *out = link_name(ifindex, FALSE);

	if (netfil_links_has(links, in)) {
		netfil_links_remove(links, in);
		netfil_links_remove(links, out);
		return;
	}
	hook.attach_point = BPF_TC_INGRESS;
	bpf_tc_detach(&hook, &opts);
	hook.attach_point = BPF_TC_EGRESS;
	bpf_tc_detach(&hook, &opts);
	/* The qdisc stays: others may have hung filters into it since. */
}

gboolean netfil_traffic_is_link(NetfilLinks *links, guint ifindex)
{
	g_autofree char *name = link_name(ifindex, TRUE);

	return netfil_links_has(links, name);
}
