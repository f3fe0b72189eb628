// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/room.h"

#define ALICE 1000
#define BOB 1001

static guint enter(NetfilRoom *room, const char *sender, guint calls)
{
	guint entered = 0;

	for (guint i = 0; i < calls; i++)
		entered += netfil_room_enter(room, sender);
	return entered;
}

static void leave(NetfilRoom *room, const char *sender, guint calls)
{
	while (calls-- > 0)
		netfil_room_leave(room, sender);
}

static void test_sender(void)
{
	g_autoptr(NetfilRoom) room = netfil_room_new();

	g_assert_cmpuint(enter(room, ":1.1", 20), ==, 16);
	g_assert_cmpuint(enter(room, ":1.2", 1), ==, 1);
	leave(room, ":1.1", 4);
	g_assert_false(netfil_room_enter(room, ":1.1"));
	leave(room, ":1.1", 17);
	leave(room, ":1.1", 1); /* one too many does no harm */
	g_assert_cmpuint(enter(room, ":1.1", 16), ==, 16);
}

/* Calls from before a sender was known count for its user too. */
static void test_user(void)
{
	static const char *const senders[] = {":1.1", ":1.2", ":1.3", ":1.4"};
	g_autoptr(NetfilRoom) room = netfil_room_new();

	for (guint i = 0; i < G_N_ELEMENTS(senders); i++) {
		g_assert_cmpuint(enter(room, senders[i], 16), ==, 16);
		netfil_room_know(room, senders[i], ALICE);
	}
	netfil_room_know(room, ":1.5", ALICE);
	netfil_room_know(room, ":1.6", BOB);
	g_assert_false(netfil_room_enter(room, ":1.5"));
	g_assert_true(netfil_room_enter(room, ":1.6"));
	leave(room, ":1.5", 1);
	leave(room, ":1.1", 1);
	g_assert_cmpuint(enter(room, ":1.5", 2), ==, 1);
	netfil_room_forget(room, ":1.2");
	leave(room, ":1.2", 16);
	g_assert_cmpuint(enter(room, ":1.5", 14), ==, 14);
}

static void test_root(void)
{
	g_autoptr(NetfilRoom) room = netfil_room_new();

	for (guint i = 0; i < 8; i++) {
		g_autofree char *sender = g_strdup_printf(":1.%u", i);

		netfil_room_know(room, sender, 0);
		g_assert_cmpuint(enter(room, sender, 17), ==, 16);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/room/sender", test_sender);
	g_test_add_func("/room/user", test_user);
	g_test_add_func("/room/root", test_root);
	return g_test_run();
}
