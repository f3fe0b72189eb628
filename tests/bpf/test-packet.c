// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a packet is: its bytes, to the byte, and what is read of its headers, by all
 * four programs.
 */
#include <string.h>

#include "bed.h"
#include "frames.h"

#define SEED 20240817
#define ROUNDS 20000
#define TRUNCATED_MAX 60
#define BY_FRAGS 0xffff /* GSO_BY_FRAGS */

/* Rules of the socket programs, and one more that names the interface. */
enum {
	ANY,
	PROTO,
	PORT_FROM,
	PORT_TO,
	ADDRESS_FROM,
	ADDRESS_TO,
	INTERFACE,
};

static Bed *bed;

static void set_up(guint proto)
{
	bed_clear(bed);
	bed_rule(bed, ANY, 0);
	bed_rule(bed, PROTO, 1 << NETFIL_KIND_PROTO);
	bed_rule(bed, PORT_FROM, 1 << NETFIL_KIND_PORT);
	bed_rule(bed, PORT_TO, 1 << NETFIL_KIND_PORT);
	bed_rule(bed, ADDRESS_FROM, 1 << NETFIL_KIND_PREFIX);
	bed_rule(bed, ADDRESS_TO, 1 << NETFIL_KIND_PREFIX);
	bed_proto(bed, proto, 1 << PROTO);
	bed_port(bed, SOURCE_PORT, 1 << PORT_FROM);
	bed_port(bed, DESTINATION_PORT, 1 << PORT_TO);
	bed_prefix(bed, SOURCE4, 1 << ADDRESS_FROM);
	bed_prefix(bed, SOURCE6, 1 << ADDRESS_FROM);
	bed_prefix(bed, DESTINATION4, 1 << ADDRESS_TO);
	bed_prefix(bed, DESTINATION6, 1 << ADDRESS_TO);
	bed_interface(bed, bed->device, ETH_HLEN, 0, INTERFACE, 1);
	bed_rule(bed, INTERFACE, 0);
	bed->config->enabled.words[0] &= ~(1 << INTERFACE); /* no rule: a slot alone */
	bed_changed(bed);
}

static void expect_charged(Program program, guint rule, guint64 bytes)
{
	expect_used(bed, rule, bed_is_in(program) ? bytes : 0, bed_is_in(program) ? 0 : bytes);
	expect_refused(bed, rule, 0, 0, 0);
}

/* Runs the packet through one program that charges it to `rule`: these bytes. */
static void expect_bytes(Program program, const Packet *packet, guint64 bytes)
{
	int verdict = bed_run(bed, program, packet);

	if (bed_is_socket(program)) {
		g_assert_cmpint(verdict, ==, ADMIT);
		expect_charged(program, ANY, bytes);
		expect_charged(program, INTERFACE, 0);
	} else {
		g_assert_cmpint(verdict, ==, NEXT);
		expect_charged(program, INTERFACE, bytes);
		expect_charged(program, ANY, 0);
	}
}

static guint64 ip_bytes(const Packet *packet)
{
	return packet->length - ETH_HLEN;
}

/* Plain length is what all programs charge. */
static void expect_length(const Packet *packet)
{
	for (Program program = 0; program < PROGRAMS; program++) {
		set_up(0);
		expect_bytes(program, packet,
			     bed_is_socket(program) ? ip_bytes(packet) : packet->length);
	}
}

static void test_bytes(gconstpointer data)
{
	const Frame *frame = data;
	Packet packet;

	frame->build(&packet);
	expect_length(&packet);
}

static void test_headers(gconstpointer data)
{
	const Frame *frame = data;
	Packet packet;

	frame->build(&packet);
	if (frame->link != ETH_HLEN) /* no socket sees a VLAN tag */
		return;
	for (Program program = SOCKET_IN; program <= SOCKET_OUT; program++) {
		guint64 bytes = ip_bytes(&packet);
		gboolean in = bed_is_in(program);

		set_up(frame->proto);
		expect_bytes(program, &packet, bytes);
		expect_charged(program, PROTO, bytes);
		expect_charged(program, PORT_FROM, frame->ports ? bytes : 0);
		expect_charged(program, PORT_TO, frame->ports ? bytes : 0);
		expect_charged(program, ADDRESS_FROM, frame->address && in ? bytes : 0);
		expect_charged(program, ADDRESS_TO, frame->address && !in ? bytes : 0);
	}
}

/* As three segments, each with headers of its own. */
static void test_segments(gconstpointer data)
{
	const Frame *frame = data;
	Packet packet;

	frame->build(&packet);
	for (Program program = 0; program < PROGRAMS; program++) {
		guint64 bytes = packet.length + 2 * (frame->link + frame->headers);

		if (bed_is_socket(program))
			bytes =
			    ip_bytes(&packet) + (frame->link == ETH_HLEN ? 2 * frame->headers : 0);
		set_up(frame->proto);
		bed->context.gso_segs = 3;
		bed->context.gso_size = 100;
		expect_bytes(program, &packet, bytes);
	}
}

static void expect_segmented(const Packet *packet, guint segments, guint size, guint times,
			     guint headers)
{
	for (Program program = 0; program < PROGRAMS; program++) {
		guint64 bytes = ip_bytes(packet) + (times - 1) * headers;

		if (!bed_is_socket(program))
			bytes += times * ETH_HLEN;
		set_up(0);
		bed->context.gso_segs = segments;
		bed->context.gso_size = size;
		expect_bytes(program, packet, bytes);
	}
}

static void test_gso_fields(void)
{
	Packet packet;

	packet_tcp4(&packet, TCP_ACK, 40 + 3000);
	expect_segmented(&packet, 5, 0, 1, 40); /* no size: not aggregated */
	expect_segmented(&packet, 1, 3000, 1, 40);
	expect_segmented(&packet, 3, 1000, 3, 40);
	/* Not counted yet: as many as the payload fills. */
	expect_segmented(&packet, 0, 4000, 1, 40);
	expect_segmented(&packet, 0, 3000, 1, 40);
	expect_segmented(&packet, 0, 2999, 2, 40);
	expect_segmented(&packet, 0, 1000, 3, 40);
	expect_segmented(&packet, 0, 999, 4, 40);
	expect_segmented(&packet, 0, 1, 3000, 40);
	expect_segmented(&packet, 2048, 1, 2048, 40);

	packet_udp4(&packet, 28 + 2500);
	expect_segmented(&packet, 3, 1000, 3, 28);
	expect_segmented(&packet, 0, 1000, 3, 28);
	expect_segmented(&packet, 0, 500, 5, 28);
	expect_segmented(&packet, 0, BY_FRAGS, 1, 28);

	packet_tcp4(&packet, TCP_ACK, 40); /* no payload */
	expect_segmented(&packet, 0, 1000, 1, 40);
}

/* SCTP, whose segments are chunks: only their number tells. Its header has 12 bytes. */
static void test_by_frags(void)
{
	Packet packet;

	packet_ethernet(&packet, ETH_P_IP);
	packet_ipv4(&packet, IPPROTO_SCTP, 0, 0);
	packet_udp(&packet); /* the ports, and more */
	packet_filler(&packet, 4 + 2000);
	expect_segmented(&packet, 4, BY_FRAGS, 4, 20 + 12);
	expect_segmented(&packet, 0, BY_FRAGS, 1, 20 + 12);
}

/* On the way out the kernel's own reckoning goes first. */
static void test_wire_length(void)
{
	Packet packet;

	packet_tcp4(&packet, TCP_ACK, 3040);
	set_up(0);
	bed->context.gso_segs = 3;
	bed->context.gso_size = 1000;
	bed->context.wire_len = packet.length + 2 * 104; /* a tunnel's headers */
	expect_bytes(INTERFACE_OUT, &packet, packet.length + 2 * 104);
	set_up(0);
	bed->context.gso_segs = 3;
	bed->context.gso_size = 1000;
	bed->context.wire_len = packet.length + 2 * 104;
	expect_bytes(INTERFACE_IN, &packet, packet.length + 2 * 54);
}

/* A device without a link header: the frame is the IP packet. */
static void test_no_link_header(void)
{
	Packet packet, bare;

	packet_tcp4(&packet, TCP_ACK, 1040);
	bare.length = packet.length - ETH_HLEN;
	memcpy(bare.bytes, packet.bytes + ETH_HLEN, bare.length);
	for (Program program = INTERFACE_IN; program <= INTERFACE_OUT; program++) {
		set_up(0);
		bed_interface(bed, bed->device, 0, 0, INTERFACE, 1);
		expect_bytes(program, &bare, 1040);
		set_up(0);
		bed_interface(bed, bed->device, 0, 0, INTERFACE, 1);
		bed->context.gso_size = 100;
		expect_bytes(program, &bare, 1040 + 9 * 40);
	}
}

/* The test run wants whole IP headers of what its Ethernet type says is IP. Netfil's
 * programs ask the IP version, so they are shown another type. */
static void hide_type(Packet *packet)
{
	guint16 type = packet->bytes[12] << 8 | packet->bytes[13];

	if (type == ETH_P_IP || type == ETH_P_IPV6)
		packet->bytes[12] = 0x88, packet->bytes[13] = 0xb5; /* for experiments */
}

/* Ports are read only where the header that holds them is whole. */
static void test_truncated(gconstpointer data)
{
	const Frame *frame = data;
	Packet whole, packet;
	gboolean ports;

	frame->build(&whole);
	hide_type(&whole);
	for (guint length = 0; length <= TRUNCATED_MAX; length++) {
		packet = whole;
		packet.length = MIN(whole.length, ETH_HLEN + length);
		expect_length(&packet);
		if (frame->link != ETH_HLEN)
			continue;
		ports = frame->ports && ip_bytes(&packet) >= frame->ports;
		set_up(0);
		expect_bytes(SOCKET_OUT, &packet, ip_bytes(&packet));
		expect_charged(SOCKET_OUT, PORT_TO, ports ? ip_bytes(&packet) : 0);
	}
}

static void test_nonsense(void)
{
	Packet good, packet;

	packet_tcp4(&good, TCP_ACK, 60);
	for (guint nibble = 0; nibble < 16; nibble++) {
		packet = good;
		packet.bytes[14] = nibble << 4 | 5; /* version */
		expect_length(&packet);
		packet = good;
		packet.bytes[14] = 4 << 4 | nibble; /* ihl: below 5, and beyond the packet */
		expect_length(&packet);
		packet = good;
		packet.bytes[34 + 12] = nibble << 4; /* doff: as ihl */
		expect_length(&packet);
		packet = good;
		packet.bytes[14] = 6 << 4; /* IPv4 fields under an IPv6 version */
		packet.bytes[14 + 6] = nibble << 2;
		expect_length(&packet);
	}
}

/* Where the walk ends, bytes are counted all the same. */
static void test_too_many_headers(void)
{
	Packet packet;

	packet_ethernet(&packet, ETH_P_IPV6);
	packet_ipv6(&packet, IPPROTO_DSTOPTS);
	for (guint i = 0; i < 20; i++)
		packet_extension(&packet, IPPROTO_DSTOPTS, 8);
	expect_length(&packet);

	packet_ethernet(&packet, ETH_P_8021AD);
	packet_vlan(&packet, ETH_P_8021AD);
	packet_vlan(&packet, ETH_P_8021Q);
	packet_vlan(&packet, ETH_P_IP);
	packet_ipv4(&packet, IPPROTO_UDP, 0, 0);
	packet_udp(&packet);
	expect_length(&packet);

	packet_ethernet(&packet, ETH_P_IPV6);
	packet_ipv6(&packet, IPPROTO_HOPOPTS);
	packet_filler(&packet, 8); /* says it is 1,328 bytes long */
	expect_length(&packet);
}

static void random_packet(GRand *random, Packet *packet)
{
	guint count = 0;

	while (frames[count].name)
		count++;
	frames[g_rand_int_range(random, 0, count)].build(packet);
	if (g_rand_boolean(random)) {
		for (guint i = g_rand_int_range(random, 1, 20); i; i--)
			packet->bytes[g_rand_int_range(random, 12, 90)] = g_rand_int(random);
	} else {
		packet->length = g_rand_int_range(random, ETH_HLEN, 600);
		for (guint i = 0; i < packet->length; i++)
			packet->bytes[i] = g_rand_int(random);
	}
	if (!g_rand_int_range(random, 0, 4))
		packet->length = g_rand_int_range(random, ETH_HLEN, packet->length + 1);
	hide_type(packet);
}

static guint64 charged(Program program)
{
	guint rule = bed_is_socket(program) ? ANY : INTERFACE;

	return bed_used(bed, rule, NETFIL_TOTAL);
}

/* No more segments than bytes or than the 50 below, nor headers longer than 4 KB. */
static guint64 most(guint64 length)
{
	return length + MAX(length, 50) * 4096;
}

static void test_random(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(SEED);
	Packet packet;

	set_up(IPPROTO_TCP);
	for (guint i = 0; i < ROUNDS; i++) {
		Program program = i % PROGRAMS;
		guint64 length, before = charged(program), bytes;
		gboolean aggregated = g_rand_boolean(random);

		random_packet(random, &packet);
		length = bed_is_socket(program) ? ip_bytes(&packet) : packet.length;
		bed->context.gso_segs = aggregated ? g_rand_int_range(random, 0, 50) : 0;
		bed->context.gso_size = aggregated ? g_rand_int_range(random, 1, 65536) : 0;
		g_assert_cmpint(bed_run(bed, program, &packet), ==,
				bed_is_socket(program) ? ADMIT : NEXT);
		bytes = charged(program) - before;
		if (bytes < length || bytes > (aggregated ? most(length) : length))
			g_error("round %u: %s charged %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
				i, bed_name(program), bytes, length);
	}
	for (guint rule = ANY; rule <= INTERFACE; rule++)
		expect_refused(bed, rule, 0, 0, 0);
}

static void add(const char *what, const Frame *frame, GTestDataFunc test)
{
	g_autofree char *path = g_strdup_printf("/packet/%s/%s", what, frame->name);

	g_test_add_data_func(path, frame, test);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	for (const Frame *frame = frames; frame->name; frame++) {
		add("bytes", frame, test_bytes);
		add("headers", frame, test_headers);
		add("segments", frame, test_segments);
		add("truncated", frame, test_truncated);
	}
	g_test_add_func("/packet/gso-fields", test_gso_fields);
	g_test_add_func("/packet/gso-by-frags", test_by_frags);
	g_test_add_func("/packet/wire-length", test_wire_length);
	g_test_add_func("/packet/no-link-header", test_no_link_header);
	g_test_add_func("/packet/nonsense", test_nonsense);
	g_test_add_func("/packet/too-many-headers", test_too_many_headers);
	g_test_add_func("/packet/random", test_random);
	bed = bed_new();
	g_test_set_nonfatal_assertions();
	status = g_test_run();
	bed_free(bed);
	return status;
}
