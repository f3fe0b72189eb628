// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "object.h"

#include "netfil/abi.h"

#include <bpf/libbpf.h>
#include <string.h>

#include "bpf/forward.skel.h"
#include "bpf/interface.skel.h"
#include "bpf/owner.skel.h"
#include "bpf/reset.skel.h"
#include "bpf/socket.skel.h"
#include "bpf/trampoline.skel.h"
#include "core/error.h"
#include "feature.h"

/* Newer than libbpf 1.1 and Debian 12's headers. */
#define PROG_TYPE_NETFILTER 32
#define ATTACH_NETFILTER 45

/* What each CPU has to itself. */
static int make_room(struct bpf_object *object)
{
	static const char *const names[] = {"purses", "account_bytes"};
	int result = 0;

	for (guint i = 0; i < G_N_ELEMENTS(names) && !result; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		if (map)
			result = bpf_map__set_max_entries(map, bpf_map__max_entries(map) *
								   netfil_kernel_cpus());
	}
	return result;
}

/* By the skeleton: it also maps .bss, through which iterators are asked. */
static gboolean load(NetfilMaps *maps, struct bpf_object_skeleton *skeleton, GError **error)
{
	struct bpf_object *object = *skeleton->obj;
	int result = make_room(object);

	if (!result && !netfil_maps_lend(maps, object, error))
		return FALSE;
	if (!result)
		result = bpf_object__load_skeleton(skeleton);
	if (result) {
		g_set_error(error, NETFIL_ERROR,
			    result == -EPERM ? NETFIL_ERROR_DENIED : NETFIL_ERROR_FAILED,
			    "the kernel refused the %s programs (%s): see `netfil doctor`, and "
			    "NETFIL_DEBUG=1 for its reasons",
			    bpf_object__name(object), g_strerror(-result));
		return FALSE;
	}
	netfil_maps_collect(maps, object);
	return TRUE;
}

static int print(enum libbpf_print_level level G_GNUC_UNUSED, const char *format, va_list args)
{
	return g_getenv("NETFIL_DEBUG") ? vfprintf(stderr, format, args) : 0;
}

#define CGROUP_ROOT 1 /* the id of the hierarchy's own root */

static gboolean missing(const char *what, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
		    "the %s programs cannot be opened (%s): see `netfil doctor`", what,
		    g_strerror(errno));
	return FALSE;
}

static gboolean load_socket(NetfilObjects *o, NetfilMaps *maps, GError **error)
{
	o->socket = socket_bpf__open();
	if (!o->socket)
		return missing("socket", error);
	o->socket->rodata->cpus = netfil_kernel_cpus();
	o->socket->rodata->has_mptcp = netfil_feature_present(NETFIL_HAS_MPTCP);
	o->socket->rodata->has_casts = netfil_feature_present(NETFIL_HAS_CASTS);
	o->socket->rodata->sees_senders = netfil_feature_senders();
	return load(maps, o->socket->skeleton, error);
}

static gboolean load_owner(NetfilObjects *o, NetfilMaps *maps, GError **error)
{
	gboolean lengths = netfil_feature_present(NETFIL_HAS_SOCK_LENGTH);
	gboolean iterators = netfil_feature_present(NETFIL_HAS_MAP_ITERATORS);

	o->owner = owner_bpf__open();
	if (!o->owner)
		return missing("owner", error);
	o->owner->rodata->cpus = netfil_kernel_cpus();
	o->owner->rodata->below = o->below;
	bpf_program__set_autoload(o->owner->progs.socket_sent, lengths);
	bpf_program__set_autoload(o->owner->progs.socket_received, lengths);
	bpf_program__set_autoload(o->owner->progs.socket_scrub, iterators);
	bpf_program__set_autoload(o->owner->progs.socket_usage, iterators);
	return load(maps, o->owner->skeleton, error);
}

/* netfil works without these three: a kernel that has the feature by its looks but does
 * not take the programs is one that lacks it. */

gboolean netfil_objects_need_forward(NetfilObjects *o)
{
	struct bpf_program *program;

	if (o->forward || !netfil_feature_present(NETFIL_HAS_NETFILTER_LINK))
		return o->forward != NULL;
	o->forward = forward_bpf__open();
	if (o->forward) {
		o->forward->rodata->cpus = netfil_kernel_cpus();
		bpf_object__for_each_program (program, o->forward->obj) {
			bpf_program__set_type(program, PROG_TYPE_NETFILTER);
			bpf_program__set_expected_attach_type(program, ATTACH_NETFILTER);
		}
		if (load(o->maps, o->forward->skeleton, NULL))
			return TRUE;
	}
	g_clear_pointer(&o->forward, forward_bpf__destroy);
	netfil_feature_withdraw(NETFIL_HAS_NETFILTER_LINK);
	return FALSE;
}

static void load_reset(NetfilObjects *o)
{
	if (!netfil_feature_present(NETFIL_HAS_SOCK_DESTROY))
		return;
	o->reset = reset_bpf__open();
	if (o->reset && load(o->maps, o->reset->skeleton, NULL))
		return;
	g_clear_pointer(&o->reset, reset_bpf__destroy);
	netfil_feature_withdraw(NETFIL_HAS_SOCK_DESTROY);
}

void netfil_objects_withdraw_trampoline(NetfilObjects *o)
{
	g_clear_pointer(&o->trampoline, trampoline_bpf__destroy);
	netfil_feature_withdraw(NETFIL_HAS_TRAMPOLINES);
}

static void load_trampoline(NetfilObjects *o)
{
	if (!netfil_feature_wanted(NETFIL_HAS_TRAMPOLINES))
		return;
	o->trampoline = trampoline_bpf__open();
	if (o->trampoline) {
		o->trampoline->rodata->cpus = netfil_kernel_cpus();
		o->trampoline->rodata->below = o->below;
		bpf_program__set_autoload(o->trampoline->progs.sent_page,
					  netfil_feature_function("inet_sendpage"));
		if (load(o->maps, o->trampoline->skeleton, NULL))
			return;
	}
	netfil_objects_withdraw_trampoline(o);
}

gboolean netfil_objects_need_interface(NetfilObjects *o, GError **error)
{
	if (o->interface)
		return TRUE;
	o->interface = interface_bpf__open();
	if (!o->interface)
		return missing("interface", error);
	o->interface->rodata->cpus = netfil_kernel_cpus();
	if (load(o->maps, o->interface->skeleton, error))
		return TRUE;
	g_clear_pointer(&o->interface, interface_bpf__destroy);
	return FALSE;
}

NetfilObjects *netfil_objects_load(NetfilMaps *maps, guint64 cgroup, GError **error)
{
	g_autoptr(NetfilObjects) o = g_new0(NetfilObjects, 1);

	libbpf_set_print(print);
	o->maps = maps;
	o->below = cgroup == CGROUP_ROOT ? 0 : cgroup;
	if (!load_socket(o, maps, error) || !load_owner(o, maps, error))
		return NULL;
	load_reset(o);
	load_trampoline(o);
	return g_steal_pointer(&o);
}

void netfil_objects_free(NetfilObjects *o)
{
	if (!o)
		return;
	socket_bpf__destroy(o->socket);
	owner_bpf__destroy(o->owner);
	interface_bpf__destroy(o->interface);
	forward_bpf__destroy(o->forward);
	reset_bpf__destroy(o->reset);
	trampoline_bpf__destroy(o->trampoline);
	g_free(o);
}
