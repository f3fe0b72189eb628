// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/share.h"

#define ALICE 1000
#define BOB 1001
#define MS 1000

static void test_little(void)
{
	g_autoptr(NetfilShares) shares = netfil_shares_new();

	g_assert_cmpuint(netfil_shares_pause(shares, ALICE), ==, 0);
	for (guint i = 0; i < 19; i++)
		netfil_shares_charge(shares, ALICE, 10 * MS);
	g_assert_cmpuint(netfil_shares_pause(shares, ALICE), ==, 0);
}

/* Four times as long as what it took, but for the 200 ms that are free. */
static void test_much(void)
{
	g_autoptr(NetfilShares) shares = netfil_shares_new();
	guint pause;

	netfil_shares_charge(shares, ALICE, 1200 * MS);
	pause = netfil_shares_pause(shares, ALICE);
	g_assert_cmpuint(pause, <=, 4001);
	g_assert_cmpuint(pause, >, 3000); /* the test itself takes time */
	g_assert_cmpuint(netfil_shares_pause(shares, BOB), ==, 0);
	netfil_shares_charge(shares, BOB, 1 * MS);
	g_assert_cmpuint(netfil_shares_pause(shares, BOB), ==, 0);
	g_assert_cmpuint(netfil_shares_pause(shares, ALICE), >, 3000);
}

static void test_paid_off(void)
{
	g_autoptr(NetfilShares) shares = netfil_shares_new();
	guint pause;

	netfil_shares_charge(shares, ALICE, 225 * MS);
	pause = netfil_shares_pause(shares, ALICE);
	g_usleep(pause * MS);
	g_assert_cmpuint(netfil_shares_pause(shares, ALICE), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/share/little", test_little);
	g_test_add_func("/share/much", test_much);
	g_test_add_func("/share/paid-off", test_paid_off);
	return g_test_run();
}
