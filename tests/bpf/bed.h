/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>
#include <linux/bpf.h>

#include "kernel/map.h"
#include "kernel/object.h"
#include "kernel/slot.h"
#include "netfil/abi.h"
#include "packet.h"

/*
 * The programs, loaded and attached to nothing, in a network namespace of their own
 * that has a pair of devices; and their maps, written by hand. Packets go through by
 * BPF_PROG_TEST_RUN. The kernel makes a socket anew for each run: it has no owner,
 * and its verdict is cached only within the repeats of one run.
 */
typedef enum {
	SOCKET_IN,
	SOCKET_OUT,
	INTERFACE_IN,
	INTERFACE_OUT,
	PROGRAMS,
} Program;

#define ADMIT 1 /* of the socket programs */
#define REFUSE 0
#define REFUSE_SILENTLY 2
#define NEXT (-1) /* of the interface programs */
#define SHOT 2

#define LOOPBACK 1 /* ifindex of lo */

typedef struct {
	NetfilMaps *maps;
	NetfilObjects *objects;
	struct netfil_config *config;
	NetfilSlots *slots;
	struct netfil_set *sets;
	struct netfil_totals *totals;
	guint device, other_device; /* ifindex */
	struct __sk_buff context;   /* what packets have beside their bytes; ifindex: device */
	GArray *events;             /* of struct netfil_event, as bed_events() left them */
	guint sets_used;
} Bed;

Bed *bed_new(void);
void bed_free(Bed *bed);

/* The most instructions that the verifier walked for a program of sockets or interfaces: what
 * netfild's start takes. 0: the kernel does not say. */
guint bed_verified(const Bed *bed);

/* As after loading: no rule, no slot, nothing counted. */
void bed_clear(Bed *bed);

int bed_fd(const Bed *bed, Program program);
gboolean bed_is_in(Program program);
gboolean bed_is_socket(Program program);
const char *bed_name(Program program);

/* What the program returned for the packet, the last time of `repeat`. */
int bed_run(Bed *bed, Program program, const Packet *packet);
int bed_repeat(const Bed *bed, Program program, const Packet *packet, guint repeat);
int bed_repeat_fd(const Bed *bed, int fd, const Packet *packet, guint repeat);

/* Adds a rule that is on and asks about these kinds (bits 1 << enum netfil_kind),
 * with an unlimited slot of its own. */
void bed_rule(Bed *bed, guint rule, guint32 asked);
struct netfil_slot *bed_slot(const Bed *bed, guint rule);
guint64 bed_used(const Bed *bed, guint rule, guint direction); /* admitted, bytes */
guint bed_slot_number(guint rule);

/* Makes verdicts of before void, as an engine does after each change. */
void bed_changed(Bed *bed);

/* A new set of these rules (bit n of `mask`: rule n), and values it is listed for. */
guint32 bed_set(Bed *bed, guint64 mask);
void bed_prefix(Bed *bed, const char *prefix, guint64 mask);
void bed_except(Bed *bed, const char *prefix, guint64 mask); /* rules that leave it out */
void bed_port(Bed *bed, guint port, guint64 mask);
void bed_proto(Bed *bed, guint proto, guint64 mask);

/* The map entry of an interface: rules that name it beside other kinds, and the
 * slots of `count` rules from `first` on, of pure interface filters. */
void bed_interface(Bed *bed, guint ifindex, guint link_header, guint64 mask, guint first,
		   guint count);

/* The events since the last call. */
const GArray *bed_events(Bed *bed);

/* Fails, naming the rule, unless its slot has these bytes in, out and in total. */
void expect_used(const Bed *bed, guint rule, guint64 in, guint64 out);
void expect_refused(const Bed *bed, guint rule, guint64 bytes, guint64 packets, guint exhausted);
