// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "bpf/interface.skel.h"
#include "bpf/socket.skel.h"
#include "core/prefix.h"
#include "engine/sets.h"
#include "kernel/feature.h"

#define SLOT_OF_RULE_0 7 /* so that rules and slots cannot be taken for each other */

static gpointer memory(Bed *bed, const char *name)
{
	g_autoptr(GError) error = NULL;
	gpointer at = netfil_maps_memory(bed->maps, name, &error);

	g_assert_no_error(error);
	return at;
}

static void put(Bed *bed, const char *map, gconstpointer key, gconstpointer value)
{
	g_autoptr(GError) error = NULL;

	netfil_maps_put(bed->maps, map, key, value, &error);
	g_assert_no_error(error);
}

/* With no address and down: the test run only wants them to be there. */
static void make_devices(Bed *bed)
{
	struct nl_sock *netlink = nl_socket_alloc();

	g_assert_cmpint(unshare(CLONE_NEWNET), ==, 0);
	g_assert_cmpint(nl_connect(netlink, NETLINK_ROUTE), ==, 0);
	g_assert_cmpint(rtnl_link_veth_add(netlink, "bed0", "bed1", getpid()), ==, 0);
	nl_socket_free(netlink);
	bed->device = if_nametoindex("bed0");
	bed->other_device = if_nametoindex("bed1");
	g_assert_cmpuint(bed->device, >, LOOPBACK);
	g_assert_cmpuint(bed->other_device, >, LOOPBACK);
}

Bed *bed_new(void)
{
	Bed *bed = g_new0(Bed, 1);
	g_autoptr(GError) error = NULL;

	make_devices(bed);
	bed->maps = netfil_maps_new(NULL);
	bed->objects = netfil_objects_load(bed->maps, 0, &error);
	g_assert_no_error(error);
	netfil_objects_need_interface(bed->objects, &error);
	g_assert_no_error(error);
	/* No test runs it, but a kernel that could and does not take it is told of here. */
	if (netfil_feature_present(NETFIL_HAS_NETFILTER_LINK))
		g_assert_true(netfil_objects_need_forward(bed->objects));
	bed->config = memory(bed, "config");
	bed->slots = netfil_slots_new(bed->objects, &error);
	g_assert_no_error(error);
	bed->sets = memory(bed, "sets");
	bed->totals = memory(bed, "totals");
	bed->events = g_array_new(FALSE, FALSE, sizeof(struct netfil_event));
	bed_clear(bed);
	return bed;
}

void bed_free(Bed *bed)
{
	g_array_unref(bed->events);
	netfil_slots_free(bed->slots);
	netfil_objects_free(bed->objects);
	netfil_maps_free(bed->maps);
	g_free(bed);
}

static guint verified(struct bpf_object *object)
{
	struct bpf_program *program;
	guint most = 0;

	bpf_object__for_each_program (program, object) {
		struct bpf_prog_info info = {};
		guint32 length = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length))
			most = MAX(most, info.verified_insns);
	}
	return most;
}

guint bed_verified(const Bed *bed)
{
	return MAX(verified(bed->objects->socket->obj), verified(bed->objects->interface->obj));
}

static void delete_all(Bed *bed, const char *map, gsize key_size)
{
	g_autoptr(GByteArray) keys = netfil_maps_keys(bed->maps, map, key_size);

	for (guint at = 0; at < keys->len; at += key_size)
		netfil_maps_delete(bed->maps, map, keys->data + at);
}

void bed_clear(Bed *bed)
{
	guint32 generation = bed->config->generation;

	memset(bed->config, 0, sizeof(*bed->config));
	for (guint slot = 0; slot < NETFIL_SLOTS_MAX; slot++)
		netfil_slots_clear(bed->slots, slot);
	memset(bed->sets, 0, NETFIL_SETS_MAX * sizeof(*bed->sets));
	memset(bed->totals, 0, sizeof(*bed->totals));
	memset(memory(bed, "ports"), 0, 65536 * 8);
	memset(memory(bed, "protos"), 0, 256 * 8);
	delete_all(bed, "prefixes", sizeof(struct netfil_prefix));
	delete_all(bed, "excepts", sizeof(struct netfil_prefix));
	delete_all(bed, "interfaces", sizeof(guint32));
	bed->config->generation = generation + 1;
	bed->context = (struct __sk_buff){.ifindex = bed->device};
	bed->sets_used = 1; /* 0 is the empty one */
	bed_events(bed);
}

int bed_fd(const Bed *bed, Program program)
{
	switch (program) {
	case SOCKET_IN:
		return bpf_program__fd(bed->objects->socket->progs.socket_in);
	case SOCKET_OUT:
		return bpf_program__fd(bed->objects->socket->progs.socket_out);
	case INTERFACE_IN:
		return bpf_program__fd(bed->objects->interface->progs.interface_in);
	default:
		return bpf_program__fd(bed->objects->interface->progs.interface_out);
	}
}

gboolean bed_is_in(Program program)
{
	return program == SOCKET_IN || program == INTERFACE_IN;
}

gboolean bed_is_socket(Program program)
{
	return program == SOCKET_IN || program == SOCKET_OUT;
}

const char *bed_name(Program program)
{
	static const char *const names[] = {"socket_in", "socket_out", "interface_in",
					    "interface_out"};

	return names[program];
}

int bed_run(Bed *bed, Program program, const Packet *packet)
{
	return bed_repeat(bed, program, packet, 1);
}

int bed_repeat(const Bed *bed, Program program, const Packet *packet, guint repeat)
{
	return bed_repeat_fd(bed, bed_fd(bed, program), packet, repeat);
}

int bed_repeat_fd(const Bed *bed, int fd, const Packet *packet, guint repeat)
{
	struct __sk_buff context = bed->context;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->bytes,
		    .data_size_in = packet->length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = repeat);
	int result;

	do
		result = bpf_prog_test_run_opts(fd, &options);
	while (result == -EINTR);
	g_assert_cmpint(result, ==, 0);
	return (int)options.retval;
}

void bed_rule(Bed *bed, guint rule, guint32 asked)
{
	struct netfil_config *config = bed->config;
	struct netfil_slot *slot = bed_slot(bed, rule);

	slot->id = rule + 1;
	for (guint i = 0; i < NETFIL_DIRECTIONS; i++)
		slot->limit[i] = NETFIL_NO_LIMIT;
	config->slot[rule] = bed_slot_number(rule);
	for (guint kind = 0; kind < NETFIL_KINDS; kind++) {
		if (!(asked & 1 << kind))
			netfil_set_add(&config->any[kind], rule);
	}
	config->asked |= asked;
	config->words = MAX(config->words, rule / 64 + 1);
	netfil_set_add(&config->enabled, rule);
	bed_changed(bed);
}

guint bed_slot_number(guint rule)
{
	return SLOT_OF_RULE_0 + rule;
}

struct netfil_slot *bed_slot(const Bed *bed, guint rule)
{
	return netfil_slots_get(bed->slots, bed_slot_number(rule));
}

guint64 bed_used(const Bed *bed, guint rule, guint direction)
{
	guint64 used[NETFIL_DIRECTIONS];

	netfil_slots_used(bed->slots, bed_slot_number(rule), used);
	used[NETFIL_TOTAL] = used[NETFIL_IN] + used[NETFIL_OUT];
	return used[direction];
}

void bed_changed(Bed *bed)
{
	bed->config->generation++;
}

guint32 bed_set(Bed *bed, guint64 mask)
{
	bed->sets[bed->sets_used].words[0] = mask;
	return bed->sets_used++;
}

static void put_prefix(Bed *bed, const char *map, const char *text, guint64 mask)
{
	g_autoptr(GError) error = NULL;
	guint32 number = bed_set(bed, mask);
	struct netfil_prefix key = {};
	NetfilPrefix prefix;

	netfil_prefix_parse(text, &prefix, &error);
	g_assert_no_error(error);
	key.length = prefix.length;
	memcpy(key.address, prefix.address, sizeof(key.address));
	put(bed, map, &key, &number);
}

void bed_prefix(Bed *bed, const char *text, guint64 mask)
{
	put_prefix(bed, "prefixes", text, mask);
}

void bed_except(Bed *bed, const char *text, guint64 mask)
{
	put_prefix(bed, "excepts", text, mask);
	bed->config->asked |= NETFIL_ASKED_EXCEPT;
	bed_changed(bed);
}

void bed_port(Bed *bed, guint port, guint64 mask)
{
	*((guint64 *)memory(bed, "ports") + port) = bed_set(bed, mask);
}

void bed_proto(Bed *bed, guint proto, guint64 mask)
{
	*((guint64 *)memory(bed, "protos") + proto) = bed_set(bed, mask);
}

void bed_interface(Bed *bed, guint ifindex, guint link_header, guint64 mask, guint first,
		   guint count)
{
	struct netfil_interface interface = {
	    .set = mask ? bed_set(bed, mask) : 0,
	    .link_header = link_header,
	    .count = count,
	};

	for (guint i = 0; i < count; i++) {
		interface.slots[i] = bed_slot_number(first + i);
		interface.except[i] = first + i; /* which leaves nothing out, or see bed_except() */
	}
	put(bed, "interfaces", &ifindex, &interface);
}

static int take_event(void *data, void *record, size_t size)
{
	Bed *bed = data;

	g_assert_cmpuint(size, ==, sizeof(struct netfil_event));
	g_array_append_vals(bed->events, record, 1);
	return 0;
}

const GArray *bed_events(Bed *bed)
{
	int fd = netfil_maps_fd(bed->maps, "events");
	struct ring_buffer *ring = ring_buffer__new(fd, take_event, bed, NULL);

	g_assert_nonnull(ring);
	g_array_set_size(bed->events, 0);
	g_assert_cmpint(ring_buffer__consume(ring), >=, 0);
	ring_buffer__free(ring);
	return bed->events;
}

void expect_used(const Bed *bed, guint rule, guint64 in, guint64 out)
{
	const guint64 expected[] = {in, out, in + out};
	const struct netfil_slot *slot = bed_slot(bed, rule);

	for (guint i = 0; i < NETFIL_DIRECTIONS; i++) {
		if (bed_used(bed, rule, i) != expected[i])
			g_test_message("rule %u, direction %u", rule, i);
		g_assert_cmpuint(bed_used(bed, rule, i), ==, expected[i]);
	}
	g_assert_cmpuint(slot->used[NETFIL_TOTAL], ==,
			 slot->used[NETFIL_IN] + slot->used[NETFIL_OUT]);
	g_assert_cmpuint(NETFIL_MOVES_UNDER_WAY(slot->moves), ==, 0);
}

void expect_refused(const Bed *bed, guint rule, guint64 bytes, guint64 packets, guint exhausted)
{
	struct netfil_slot *slot = bed_slot(bed, rule);

	g_assert_cmpuint(slot->refused_bytes, ==, bytes);
	g_assert_cmpuint(slot->refused_packets, ==, packets);
	g_assert_cmpuint(slot->exhausted, ==, exhausted);
}
