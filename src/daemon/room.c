/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "room.h"

#define CALLS_OF_SENDER 16
#define CALLS_OF_USER 64

struct NetfilRoom {
	GMutex lock;
	GHashTable *tenants; /* unique name -> Tenant; under the lock, as all that follows */
	GHashTable *users;   /* uid -> calls */
};

/* One that is not known and has no calls is not kept. */
typedef struct {
	guint calls;
	gboolean known;
	uid_t uid;
} Tenant;

static void add_to_user(NetfilRoom *room, uid_t uid, int change)
{
	gpointer key = GUINT_TO_POINTER(uid);
	int calls = GPOINTER_TO_INT(g_hash_table_lookup(room->users, key)) + change;

	if (calls > 0)
		g_hash_table_insert(room->users, key, GINT_TO_POINTER(calls));
	else
		g_hash_table_remove(room->users, key);
}

static guint calls_of_user(NetfilRoom *room, uid_t uid)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(room->users, GUINT_TO_POINTER(uid)));
}

static Tenant *tenant_of(NetfilRoom *room, const char *bus_name)
{
	Tenant *tenant = g_hash_table_lookup(room->tenants, bus_name);

	if (!tenant) {
		tenant = g_new0(Tenant, 1);
		g_hash_table_insert(room->tenants, g_strdup(bus_name), tenant);
	}
	return tenant;
}

gboolean netfil_room_enter(NetfilRoom *room, const char *bus_name)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&room->lock);
	Tenant *tenant = tenant_of(room, bus_name);

	tenant->calls++;
	if (tenant->known)
		add_to_user(room, tenant->uid, 1);
	return tenant->calls <= CALLS_OF_SENDER &&
	       (!tenant->known || tenant->uid == 0 ||
		calls_of_user(room, tenant->uid) <= CALLS_OF_USER);
}

void netfil_room_leave(NetfilRoom *room, const char *bus_name)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&room->lock);
	Tenant *tenant = g_hash_table_lookup(room->tenants, bus_name);

	if (!tenant || !tenant->calls)
		return; /* forgotten meanwhile */
	tenant->calls--;
	if (tenant->known)
		add_to_user(room, tenant->uid, -1);
	else if (!tenant->calls)
		g_hash_table_remove(room->tenants, bus_name);
}

void netfil_room_know(NetfilRoom *room, const char *bus_name, uid_t uid)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&room->lock);
	Tenant *tenant = tenant_of(room, bus_name);

	if (tenant->known)
		return;
	tenant->known = TRUE;
	tenant->uid = uid;
	add_to_user(room, uid, (int)tenant->calls);
}

void netfil_room_forget(NetfilRoom *room, const char *bus_name)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&room->lock);
	Tenant *tenant = g_hash_table_lookup(room->tenants, bus_name);

	if (!tenant)
		return;
	if (tenant->known)
		add_to_user(room, tenant->uid, -(int)tenant->calls);
	g_hash_table_remove(room->tenants, bus_name);
}

NetfilRoom *netfil_room_new(void)
{
	NetfilRoom *room = g_atomic_rc_box_new0(NetfilRoom);

	g_mutex_init(&room->lock);
	room->tenants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	room->users = g_hash_table_new(NULL, NULL);
	return room;
}

NetfilRoom *netfil_room_ref(NetfilRoom *room)
{
	return g_atomic_rc_box_acquire(room);
}

static void room_clear(gpointer data)
{
	NetfilRoom *room = data;

	g_hash_table_unref(room->tenants);
	g_hash_table_unref(room->users);
	g_mutex_clear(&room->lock);
}

void netfil_room_unref(NetfilRoom *room)
{
	g_atomic_rc_box_release_full(room, room_clear);
}
