/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "share.h"

/* What a user may take at once; and beyond, one part in so many. */
#define BURST (G_USEC_PER_SEC / 5)
#define PART 4

struct NetfilShares {
	GHashTable *users; /* uid -> User */
};

/* What is not paid off yet, as of that instant of the monotonic clock. */
typedef struct {
	gint64 debt, at;
} User;

NetfilShares *netfil_shares_new(void)
{
	NetfilShares *shares = g_new0(NetfilShares, 1);

	shares->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return shares;
}

void netfil_shares_free(NetfilShares *shares)
{
	g_hash_table_unref(shares->users);
	g_free(shares);
}

static gint64 pay_off(User *user)
{
	gint64 now = g_get_monotonic_time();

	user->debt = MAX(user->debt - (now - user->at) / PART, 0);
	user->at = now;
	return user->debt;
}

static gboolean owes_nothing(gpointer uid, gpointer user, gpointer data)
{
	(void)uid;
	(void)data;
	return pay_off(user) == 0;
}

static User *user_of(NetfilShares *shares, uid_t uid)
{
	User *user = g_hash_table_lookup(shares->users, GUINT_TO_POINTER(uid));

	if (user)
		return user;
	g_hash_table_foreach_remove(shares->users, owes_nothing, NULL);
	user = g_new0(User, 1);
	user->at = g_get_monotonic_time();
	g_hash_table_insert(shares->users, GUINT_TO_POINTER(uid), user);
	return user;
}

void netfil_shares_charge(NetfilShares *shares, uid_t uid, gint64 microseconds)
{
	User *user = user_of(shares, uid);

	pay_off(user);
	user->debt += microseconds;
}

guint netfil_shares_pause(NetfilShares *shares, uid_t uid)
{
	User *user = g_hash_table_lookup(shares->users, GUINT_TO_POINTER(uid));
	gint64 beyond = user ? pay_off(user) - BURST : 0;

	return beyond > 0 ? (guint)(beyond * PART / 1000) + 1 : 0;
}
