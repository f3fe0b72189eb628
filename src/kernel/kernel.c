// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/netfilter.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/forward.skel.h"
#include "bpf/interface.skel.h"
#include "bpf/owner.skel.h"
#include "bpf/socket.skel.h"
#include "cgroup.h"
#include "core/error.h"
#include "feature.h"
#include "iterate.h"
#include "link.h"
#include "object.h"
#include "pin.h"
#include "reset.h"
#include "slot.h"
#include "traffic.h"
#include "use.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* After filter rules (priority 0), so that what they drop is not counted. */
#define FORWARD_PRIORITY 300
#define ATTACH_NETFILTER 45

struct NetfilKernel {
	char *bpffs_dir;
	char *cgroup_root;
	NetfilMaps *maps;
	NetfilLinks *links;
	NetfilObjects *objects;
	GHashTable *interfaces; /* ifindex: attached by clsact */
	gboolean forwarding;
	gboolean follows; /* sockets' use by others than who made them is noticed */
	struct netfil_config *config;
	struct netfil_totals *totals;
	NetfilSlots *slots;
	struct netfil_set *sets;
	guint64 *ports, *protos; /* a 32 bit number in each 8 bytes */
	struct ring_buffer *ring;
	guint ring_source;
	NetfilKernelEventFunc event_func;
	gpointer event_data;
};

static gboolean attach_sockets(NetfilKernel *k, GError **error)
{
	struct socket_bpf *socket = k->objects->socket;

	/* Tags first, then what reads them. */
	return netfil_links_cgroup(k->links, "socket_create", socket->progs.socket_create,
				   k->cgroup_root, error) &&
	       netfil_links_cgroup(k->links, "socket_connect4", socket->progs.socket_connect4,
				   k->cgroup_root, error) &&
	       netfil_links_cgroup(k->links, "socket_connect6", socket->progs.socket_connect6,
				   k->cgroup_root, error) &&
	       netfil_links_cgroup(k->links, "socket_in", socket->progs.socket_in, k->cgroup_root,
				   error) &&
	       netfil_links_cgroup(k->links, "socket_out", socket->progs.socket_out, k->cgroup_root,
				   error);
}

static gboolean attach_owners(NetfilKernel *k, GError **error)
{
	struct owner_bpf *owner = k->objects->owner;

	return netfil_links_trace(k->links, "process_fork", owner->progs.process_fork, error) &&
	       netfil_links_trace(k->links, "process_exit", owner->progs.process_exit, error) &&
	       netfil_links_trace(k->links, "cgroup_made", owner->progs.cgroup_made, error) &&
	       netfil_links_trace(k->links, "cgroup_removed", owner->progs.cgroup_removed, error) &&
	       (!k->follows || netfil_use_attach(k->links, k->objects, k->config, error));
}

static gboolean attach_forward(NetfilKernel *k, GError **error)
{
	static const struct {
		const char *name;
		guint32 family;
	} links[] = {{"forward4", NFPROTO_IPV4}, {"forward6", NFPROTO_IPV6}};
	struct forward_bpf *forward;
	guint32 zero = 0, program;

	if (!netfil_objects_need_forward(k->objects))
		return TRUE;
	forward = k->objects->forward;
	program = bpf_program__fd(forward->progs.forward_decide);
	if (!netfil_maps_put(k->maps, "forward_program", &zero, &program, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
		struct {
			guint32 family, hook;
			gint32 priority;
			guint32 flags;
		} where = {links[i].family, NF_INET_FORWARD, FORWARD_PRIORITY, 0};

		/* The stub stays; the program it jumps to was swapped above. */
		if (netfil_links_has(k->links, links[i].name))
			continue;
		if (!netfil_links_create(k->links, links[i].name, forward->progs.forward_stub, 0,
					 ATTACH_NETFILTER, 0, &where, sizeof(where), error))
			return FALSE;
	}
	return TRUE;
}

/* Swaps the programs of the interfaces that are attached; those that are gone lose
 * their links. */
static void swap_interfaces(NetfilKernel *k)
{
	g_autoptr(GPtrArray) names = netfil_links_names(k->links);
	GHashTableIter iter;
	gpointer ifindex;

	for (guint i = 0; i < names->len; i++) {
		guint index;
		char direction;

		if (sscanf(names->pdata[i], "interface-%u-%c", &index, &direction) == 2 &&
		    direction == 'i' && !netfil_traffic_attach(k->links, k->objects, index, NULL))
			netfil_traffic_detach(k->links, k->objects, index);
	}
	g_hash_table_iter_init(&iter, k->interfaces);
	while (g_hash_table_iter_next(&iter, &ifindex, NULL))
		netfil_traffic_attach(k->links, k->objects, GPOINTER_TO_UINT(ifindex), NULL);
}

static gboolean attach(NetfilKernel *k, GError **error)
{
	if (!attach_owners(k, error) || !attach_sockets(k, error))
		return FALSE;
	if (netfil_links_has(k->links, "forward4"))
		k->forwarding = TRUE;
	if (k->forwarding && !attach_forward(k, error))
		return FALSE;
	swap_interfaces(k);
	return TRUE;
}

static gboolean map_memory(NetfilKernel *k, GError **error)
{
	return (k->config = netfil_maps_memory(k->maps, "config", error)) &&
	       (k->totals = netfil_maps_memory(k->maps, "totals", error)) &&
	       (k->slots = netfil_slots_new(k->objects, error)) &&
	       (k->sets = netfil_maps_memory(k->maps, "sets", error)) &&
	       (k->ports = netfil_maps_memory(k->maps, "ports", error)) &&
	       (k->protos = netfil_maps_memory(k->maps, "protos", error));
}

static char *resolve_cgroup(const char *given, GError **error)
{
	g_autofree char *path = given ? g_strdup(given) : netfil_cgroup_mount(error);

	if (path && !netfil_cgroup_id(path)) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "there is no cgroup %s: give a directory of the version 2 hierarchy",
			    path);
		return NULL;
	}
	return g_steal_pointer(&path);
}

/* To load programs the types of the whole kernel are read: more memory than all else takes. */
static void give_memory_back(void)
{
	malloc_trim(0);
}

NetfilKernel *netfil_kernel_open(const char *bpffs_dir, const char *cgroup_root, GError **error)
{
	g_autoptr(NetfilKernel) k = g_new0(NetfilKernel, 1);

	k->interfaces = g_hash_table_new(NULL, NULL);
	k->follows = TRUE;
	if (!netfil_feature_check(error) || (bpffs_dir && !netfil_pin_prepare(bpffs_dir, error)))
		return NULL;
	k->bpffs_dir = g_strdup(bpffs_dir);
	k->cgroup_root = resolve_cgroup(cgroup_root, error);
	if (!k->cgroup_root)
		return NULL;
	k->maps = netfil_maps_new(bpffs_dir);
	k->links = netfil_links_new(bpffs_dir);
	k->objects = netfil_objects_load(k->maps, netfil_cgroup_id(k->cgroup_root), error);
	if (!k->objects || !map_memory(k, error) || !attach(k, error) ||
	    !netfil_kernel_label(k, error))
		return NULL;
	give_memory_back();
	return g_steal_pointer(&k);
}

/* clsact filters know no owner, and would outlive it. */
static void detach_interfaces(NetfilKernel *k)
{
	GHashTableIter iter;
	gpointer ifindex;

	g_hash_table_iter_init(&iter, k->interfaces);
	while (g_hash_table_iter_next(&iter, &ifindex, NULL))
		netfil_traffic_detach(k->links, k->objects, GPOINTER_TO_UINT(ifindex));
}

gboolean netfil_kernel_release(NetfilKernel *k, GError **error)
{
	g_autoptr(GPtrArray) names = netfil_links_names(k->links);

	detach_interfaces(k);
	for (guint i = 0; i < names->len; i++)
		netfil_links_remove(k->links, names->pdata[i]);
	return !k->bpffs_dir || netfil_pin_remove(k->bpffs_dir, error);
}

void netfil_kernel_close(NetfilKernel *k)
{
	if (!k)
		return;
	if (k->ring_source)
		g_source_remove(k->ring_source);
	ring_buffer__free(k->ring);
	if (!k->bpffs_dir)
		detach_interfaces(k);
	netfil_links_free(k->links);
	netfil_slots_free(k->slots);
	netfil_objects_free(k->objects);
	netfil_maps_free(k->maps);
	g_hash_table_unref(k->interfaces);
	g_free(k->bpffs_dir);
	g_free(k->cgroup_root);
	g_free(k);
}

gboolean netfil_kernel_reload(NetfilKernel *k, GError **error)
{
	NetfilObjects *old = k->objects;
	NetfilObjects *new = netfil_objects_load(k->maps, netfil_cgroup_id(k->cgroup_root), error);
	gboolean attached;

	if (!new)
		return FALSE;
	k->objects = new;
	netfil_slots_follow(k->slots, new);
	attached = attach(k, error);
	netfil_objects_free(old); /* links hold the programs that were not swapped */
	give_memory_back();
	return attached;
}

gboolean netfil_kernel_follow(NetfilKernel *k, gboolean uses, GError **error)
{
	if (uses && !k->follows && !netfil_use_attach(k->links, k->objects, k->config, error))
		return FALSE;
	if (!uses && k->follows)
		netfil_use_detach(k->links, k->config);
	k->follows = uses;
	return TRUE;
}

NetfilMaps *netfil_kernel_maps(NetfilKernel *k)
{
	return k->maps;
}

struct netfil_config *netfil_kernel_config(NetfilKernel *k)
{
	return k->config;
}

void netfil_kernel_bump(NetfilKernel *k)
{
	guint32 next = k->config->generation + 1;

	__atomic_store_n(&k->config->generation, next ? next : 1, __ATOMIC_SEQ_CST);
}

struct netfil_slot *netfil_kernel_slot(NetfilKernel *k, guint slot)
{
	return netfil_slots_get(k->slots, slot);
}

void netfil_kernel_slot_used(NetfilKernel *k, guint slot, guint64 used[2])
{
	netfil_slots_used(k->slots, slot, used);
}

void netfil_kernel_slot_gather(NetfilKernel *k, guint slot)
{
	netfil_slots_gather(k->slots, slot);
}

void netfil_kernel_slot_clear(NetfilKernel *k, guint slot)
{
	netfil_slots_clear(k->slots, slot);
}

struct netfil_set *netfil_kernel_set(NetfilKernel *k, guint number)
{
	g_assert(number < NETFIL_SETS_MAX);
	return &k->sets[number];
}

const struct netfil_totals *netfil_kernel_totals(NetfilKernel *k)
{
	return k->totals;
}

guint32 *netfil_kernel_port_set(NetfilKernel *k, guint port)
{
	return (guint32 *)&k->ports[port & 0xffff];
}

guint32 *netfil_kernel_proto_set(NetfilKernel *k, guint proto)
{
	return (guint32 *)&k->protos[proto & 0xff];
}

guint64 netfil_kernel_netns(NetfilKernel *k G_GNUC_UNUSED)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	guint64 cookie = 0;
	socklen_t length = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length);
	close(fd);
	return cookie;
}

gboolean netfil_kernel_attach_interface(NetfilKernel *k, guint ifindex, GError **error)
{
	if (!netfil_traffic_attach(k->links, k->objects, ifindex, error))
		return FALSE;
	if (!netfil_traffic_is_link(k->links, ifindex))
		g_hash_table_add(k->interfaces, GUINT_TO_POINTER(ifindex));
	return TRUE;
}

void netfil_kernel_detach_interface(NetfilKernel *k, guint ifindex)
{
	netfil_traffic_detach(k->links, k->objects, ifindex);
	g_hash_table_remove(k->interfaces, GUINT_TO_POINTER(ifindex));
}

gboolean netfil_kernel_forward(NetfilKernel *k, GError **error)
{
	if (!netfil_objects_need_forward(k->objects))
		return FALSE;
	if (!k->forwarding && !attach_forward(k, error))
		return FALSE;
	k->forwarding = TRUE;
	return TRUE;
}

/* Runs an iterator of the owner object until it has nothing left to do. */
static gboolean settle(NetfilKernel *k, struct bpf_program *program, GError **error)
{
	struct owner_bpf *owner = k->objects->owner;

	do {
		owner->bss->answered = 0;
		if (!netfil_iterate(program, -1, NULL, error))
			return FALSE;
	} while (owner->bss->answered);
	return TRUE;
}

/* Has the kernel look for who is in the map. What an earlier engine left there goes. */
static gboolean ask_for(NetfilKernel *k, GHashTable *rules, GError **error)
{
	struct netfil_set all = {0};
	GHashTableIter iter;
	gpointer pid, set;

	netfil_maps_empty(k->maps, "adoptions", sizeof(guint32));
	g_hash_table_iter_init(&iter, rules);
	while (g_hash_table_iter_next(&iter, &pid, &set)) {
		guint32 key = GPOINTER_TO_UINT(pid);

		if (!netfil_maps_put(k->maps, "adoptions", &key, set, error))
			return FALSE;
		for (guint i = 0; i < NETFIL_SET_WORDS; i++)
			all.words[i] |= ((struct netfil_set *)set)->words[i];
	}
	memcpy(&k->objects->owner->bss->asked_rules, &all, sizeof(all));
	return TRUE;
}

static gboolean is_adopted(NetfilKernel *k, guint32 pid, const struct netfil_set *rules)
{
	struct netfil_process process;
	guint64 missing = 0;

	if (!netfil_maps_get(k->maps, "processes", &pid, &process))
		return FALSE;
	for (guint i = 0; i < NETFIL_SET_WORDS; i++)
		missing |= rules->words[i] & ~process.rules.words[i];
	return !missing;
}

static gboolean no_process(guint32 pid, GError **error)
{
	g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
		    "there is no process %u: give the number of a running one (see ps)", pid);
	return FALSE;
}

static gboolean check_adopted(NetfilKernel *k, GHashTable *rules, GError **error)
{
	GHashTableIter iter;
	gpointer pid, set;

	g_hash_table_iter_init(&iter, rules);
	while (g_hash_table_iter_next(&iter, &pid, &set)) {
		if (!is_adopted(k, GPOINTER_TO_UINT(pid), set))
			return no_process(GPOINTER_TO_UINT(pid), error);
	}
	return TRUE;
}

gboolean netfil_kernel_adopt(NetfilKernel *k, GHashTable *rules, GError **error)
{
	gboolean done =
	    ask_for(k, rules, error) && settle(k, k->objects->owner->progs.process_adopt, error);

	netfil_maps_empty(k->maps, "adoptions", sizeof(guint32));
	return done && check_adopted(k, rules, error);
}

gboolean netfil_kernel_has_process(NetfilKernel *k G_GNUC_UNUSED, guint32 pid, GError **error)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0); /* a thread has none */

	if (pidfd < 0)
		return no_process(pid, error);
	close(pidfd);
	return TRUE;
}

gboolean netfil_kernel_label(NetfilKernel *k, GError **error)
{
	return settle(k, k->objects->owner->progs.socket_label, error);
}

/* A walk over the sockets that have an element in this map. */
typedef struct {
	const char *map;
	struct bpf_program *by_map; /* alone, where the kernel takes it; else … */
	struct bpf_program *by_file, *by_connection; /* … these: a socket may come twice */
	GByteArray *output;
	GError **error;
	gboolean done;
} Walk;

static void walk_connections(gpointer data)
{
	Walk *walk = data;

	if (walk->done)
		walk->done = netfil_iterate(walk->by_connection, -1, walk->output, walk->error);
}

static gboolean walk_sockets(NetfilKernel *k, Walk *walk)
{
	g_autoptr(GArray) namespaces = NULL;

	if (netfil_feature_present(NETFIL_HAS_MAP_ITERATORS))
		return netfil_iterate(walk->by_map, netfil_maps_fd(k->maps, walk->map),
				      walk->output, walk->error);
	namespaces = netfil_namespaces();
	walk->done = netfil_iterate(walk->by_file, -1, walk->output, walk->error);
	for (guint i = 0; i < namespaces->len; i++)
		netfil_in_namespace(g_array_index(namespaces, int, i), walk_connections, walk);
	return walk->done;
}

gboolean netfil_kernel_scrub(NetfilKernel *k, const struct netfil_set *rules, GError **error)
{
	struct owner_bpf *owner = k->objects->owner;
	Walk walk = {"tag_rules",
		     owner->progs.socket_scrub,
		     owner->progs.file_scrub,
		     owner->progs.connection_scrub,
		     NULL,
		     error,
		     FALSE};

	memcpy(&owner->bss->asked_rules, rules, sizeof(*rules));
	return netfil_run_by_hand(owner->progs.process_scrub, error) && walk_sockets(k, &walk);
}

gboolean netfil_kernel_identify(NetfilKernel *k, const char *path, struct netfil_exe *exe,
				GError **error)
{
	struct owner_bpf *owner = k->objects->owner;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	gboolean done;

	if (fd < 0) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND,
			    "%s cannot be read (%s): give the path of an executable", path,
			    g_strerror(errno));
		return FALSE;
	}
	owner->bss->asked_tgid = getpid();
	owner->bss->asked_fd = fd;
	owner->bss->answered = 0;
	done = netfil_iterate(owner->progs.file_identify, -1, NULL, error);
	close(fd);
	if (done && !owner->bss->answered) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "the kernel does not say which file %s is: run netfil outside of a "
			    "PID namespace",
			    path);
		return FALSE;
	}
	exe->inode = owner->bss->answered_exe.inode;
	exe->device = owner->bss->answered_exe.device;
	exe->generation = owner->bss->answered_exe.generation;
	return done;
}

static GArray *distinct(const guint32 *numbers, gsize count)
{
	GArray *result = g_array_new(FALSE, FALSE, sizeof(guint32));
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (gsize i = 0; i < count; i++)
		if (g_hash_table_add(seen, GUINT_TO_POINTER(numbers[i])))
			g_array_append_val(result, numbers[i]);
	return result;
}

GByteArray *netfil_kernel_socket_usage(NetfilKernel *k)
{
	struct owner_bpf *owner = k->objects->owner;
	GByteArray *records = g_byte_array_new();
	Walk walk = {"socket_bytes",
		     owner->progs.socket_usage,
		     owner->progs.file_usage,
		     owner->progs.connection_usage,
		     records,
		     NULL,
		     FALSE};

	walk_sockets(k, &walk);
	return records;
}

GArray *netfil_kernel_slot_holders(NetfilKernel *k, guint slot)
{
	g_autoptr(GByteArray) output = g_byte_array_new();

	k->objects->owner->bss->asked_slot = slot;
	k->objects->owner->bss->asked_member = 0;
	netfil_iterate(k->objects->owner->progs.slot_holders, -1, output, NULL);
	return distinct((gconstpointer)output->data, output->len / sizeof(guint32));
}

void netfil_kernel_each_process(NetfilKernel *k, NetfilMapFunc func, gpointer data)
{
	netfil_maps_each(k->maps, "processes", sizeof(guint32), sizeof(struct netfil_process), func,
			 data);
}

typedef struct {
	guint rule;
	GArray *pids;
} Members;

static void find_member(gconstpointer pid, gconstpointer value, gpointer data)
{
	const struct netfil_process *process = value;
	Members *members = data;

	if (process->rules.words[members->rule / 64] & (1ULL << (members->rule % 64)))
		g_array_append_vals(members->pids, pid, 1);
}

GArray *netfil_kernel_rule_processes(NetfilKernel *k, guint rule)
{
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(guint32));
	Members members = {rule, found};

	netfil_kernel_each_process(k, find_member, &members);
	return distinct((gconstpointer)found->data, found->len);
}

guint netfil_kernel_reset_connections(NetfilKernel *k, guint slot)
{
	return netfil_reset_connections(k->objects, slot, 0);
}

guint netfil_kernel_reset_member_connections(NetfilKernel *k, guint slot, guint member)
{
	return netfil_reset_connections(k->objects, slot, netfil_members_number(member));
}

NetfilMembers *netfil_kernel_members(NetfilKernel *k, guint slot, guint kind, guint max,
				     GError **error)
{
	return netfil_members_open(k->maps, k->bpffs_dir, slot, kind, max, error);
}

void netfil_kernel_sweep_members_out(NetfilKernel *k, guint slot)
{
	netfil_members_sweep_out(k->maps, k->bpffs_dir, slot);
}

void netfil_kernel_sweep_members(NetfilKernel *k)
{
	netfil_members_sweep(k->maps);
}

guint netfil_kernel_closing_connections(NetfilKernel *k, guint slot)
{
	return netfil_closing_connections(k->objects, slot);
}

static int on_record(void *data, void *record, size_t size)
{
	const struct netfil_event *event = record;
	NetfilKernel *k = data;

	if (size < sizeof(*event))
		return 0;
	if (event->type != NETFIL_EVENT_STRANGERS)
		k->event_func(event, k->event_data);
	else if (k->follows) /* if it fails, packets tell what they can */
		netfil_use_attach(k->links, k->objects, k->config, NULL);
	return 0;
}

static gboolean on_readable(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED,
			    gpointer data)
{
	NetfilKernel *k = data;

	ring_buffer__consume(k->ring);
	return G_SOURCE_CONTINUE;
}

gboolean netfil_kernel_watch(NetfilKernel *k, NetfilKernelEventFunc func, gpointer data,
			     GError **error)
{
	GSource *source;

	k->event_func = func;
	k->event_data = data;
	k->ring = ring_buffer__new(netfil_maps_fd(k->maps, "events"), on_record, k, NULL);
	if (!k->ring) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "the kernel's events cannot be read (%s): see `netfil doctor`",
			    g_strerror(errno));
		return FALSE;
	}
	source = g_unix_fd_source_new(ring_buffer__epoll_fd(k->ring), G_IO_IN);
	g_source_set_callback(source, G_SOURCE_FUNC(on_readable), k, NULL);
	k->ring_source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
	return TRUE;
}
