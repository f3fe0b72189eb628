/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "crowd.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAW_SIZE (sizeof(struct netfil_member) * NETFIL_PIECE_MEMBERS)

Bed *bed;
NetfilMembers *members;
Packet packet;

void crowd_arm(guint64 in, guint64 out, guint64 total, gboolean turn)
{
	const NetfilMemberTerms terms = {.cap = {in, out, total}, .flags = NETFIL_SLOT_DROP};

	netfil_members_arm(members, &terms, turn);
	bed_changed(bed);
}

void crowd_set_up(guint max)
{
	g_autoptr(GError) error = NULL;

	if (members)
		netfil_members_remove(members);
	bed_clear(bed);
	bed_rule(bed, RULE, 0);
	bed->config->asked |= NETFIL_ASKED_EACH;
	bed_slot(bed, RULE)->flags = NETFIL_SLOT_EACH;
	members = netfil_members_open(bed->maps, NULL, bed_slot_number(RULE), NETFIL_KIND_PREFIX,
				      max, &error);
	g_assert_no_error(error);
	crowd_arm(0, 0, 0, FALSE);
	packet_udp4(&packet, SIZE);
}

void crowd_free(void)
{
	if (members)
		netfil_members_remove(members);
	bed_free(bed);
}

struct in6_addr crowd_address(guint n)
{
	struct in6_addr address = {.s6_addr32 = {0, 0, htonl(0xffff), htonl(0x0a000000 + n)}};

	return address;
}

int crowd_transmit(Program program, guint n, guint repeat)
{
	struct in6_addr address = crowd_address(n);

	/* Behind Ethernet's 14 bytes: source at 12, destination at 16. */
	memcpy(&packet.bytes[14 + (bed_is_in(program) ? 12 : 16)], &address.s6_addr32[3], 4);
	return bed_repeat(bed, program, &packet, repeat);
}

gboolean crowd_find(guint n, guint *index)
{
	struct in6_addr address = crowd_address(n);

	return netfil_members_find(members, (gpointer)&address, index);
}

NetfilMemberReading crowd_read(guint index)
{
	NetfilMemberReading reading;

	g_assert_true(netfil_members_read(members, index, &reading));
	return reading;
}

void crowd_expect(guint n, guint64 in, guint64 out)
{
	guint index = 0;

	g_assert_true(crowd_find(n, &index));
	g_assert_cmpuint(crowd_read(index).used.in, ==, in);
	g_assert_cmpuint(crowd_read(index).used.out, ==, out);
}

NetfilMemberReading crowd_others(void)
{
	return crowd_read(NETFIL_MEMBERS_OTHERS);
}

struct netfil_keyed *crowd_keyed(void)
{
	struct netfil_keyed *keyeds = netfil_maps_memory(bed->maps, "keyeds", NULL);

	g_assert_nonnull(keyeds);
	return &keyeds[bed_slot_number(RULE)];
}

struct netfil_member *crowd_map(void)
{
	guint32 id = 0;
	gpointer memory;
	int fd;

	g_assert_true(netfil_maps_get(bed->maps, "members", &crowd_keyed()->first, &id));
	fd = bpf_map_get_fd_by_id(id);
	g_assert_cmpint(fd, >=, 0);
	memory = mmap(NULL, RAW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	g_assert_true(memory != MAP_FAILED);
	return memory;
}

void crowd_unmap(struct netfil_member *memory)
{
	munmap(memory, RAW_SIZE);
}
