// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What members are called. An address is its own name. The others have names by which people
 * know them, and which outlive them: the next one of the name, be it the replaced executable,
 * a control group that was made again or the interface of the next connection, goes on with
 * what the one before has used.
 */
#include <pwd.h>
#include <string.h>

#include "core/quote.h"
#include "engine-private.h"
#include "kernel/cgroup.h"

static guint key_hash(gconstpointer key)
{
	guint64 parts[2];

	memcpy(parts, key, sizeof(parts));
	parts[0] ^= parts[1] * 0x9fb21c651e98df25;
	return (guint)(parts[0] ^ parts[0] >> 32);
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
	return !memcmp(a, b, sizeof(struct netfil_member_key));
}

void netfil_keyed_names_init(NetfilKeyed *k)
{
	k->names = g_hash_table_new_full(key_hash, key_equal, g_free, g_free);
	k->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	k->waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void netfil_keyed_names_clear(NetfilKeyed *k)
{
	g_hash_table_unref(k->names);
	g_hash_table_unref(k->by_name);
	g_hash_table_unref(k->waiting);
}

static NetfilEach each_of(const NetfilKeyed *k)
{
	return k->filter->spec->each;
}

/* ---- keys ---- */

static void key_of_number(struct netfil_member_key *key, guint64 number)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->bytes, &number, sizeof(number)); /* little or big: as the kernel has it */
}

static guint64 number_of_key(const struct netfil_member_key *key, NetfilEach each)
{
	guint64 number;
	guint32 half;

	memcpy(&number, key->bytes, sizeof(number));
	memcpy(&half, key->bytes, sizeof(half));
	return each == NETFIL_EACH_CGROUP || each == NETFIL_EACH_EXE ? number : half;
}

static void key_of_half(struct netfil_member_key *key, guint32 number)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->bytes, &number, sizeof(number));
}

static gboolean key_of_address(const char *name, struct netfil_member_key *key)
{
	NetfilPrefix prefix;

	if (!netfil_prefix_parse(name, &prefix, NULL) || prefix.length != 128)
		return FALSE;
	memcpy(key->bytes, prefix.address, sizeof(key->bytes));
	return TRUE;
}

static gboolean key_of_user(const char *name, struct netfil_member_key *key)
{
	const struct passwd *entry = getpwnam(name);
	guint64 uid;

	if (entry)
		uid = entry->pw_uid;
	else if (!g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &uid, NULL))
		return FALSE;
	key_of_half(key, (guint32)uid);
	return TRUE;
}

static gboolean key_of_exe(const NetfilKeyed *k, const char *name, struct netfil_member_key *key)
{
	struct netfil_exe exe;

	_Static_assert(sizeof(exe) == sizeof(*key), "an executable is a key");
	if (name[0] != '/' || !netfil_kernel_identify(k->engine->kernel, name, &exe, NULL))
		return FALSE;
	memcpy(key, &exe, sizeof(exe));
	return TRUE;
}

static gboolean key_of_cgroup(const char *name, struct netfil_member_key *key)
{
	g_autofree char *mount = netfil_cgroup_mount(NULL);
	g_autofree char *directory = g_strconcat(mount ? mount : "", name, NULL);
	guint64 id = mount && name[0] == '/' ? netfil_cgroup_id(directory) : 0;

	key_of_number(key, id);
	return id != 0;
}

static gboolean key_of_interface(const NetfilKeyed *k, const char *name,
				 struct netfil_member_key *key)
{
	const GPtrArray *devices = netfil_devices_list(k->engine->devices);

	for (guint i = 0; i < devices->len; i++) {
		const NetfilDevice *device = devices->pdata[i];

		if (!g_str_equal(device->name, name))
			continue;
		key_of_half(key, device->ifindex);
		return TRUE;
	}
	return FALSE;
}

gboolean netfil_keyed_key(NetfilKeyed *k, const char *name, struct netfil_member_key *key)
{
	switch (each_of(k)) {
	case NETFIL_EACH_USER:
		return key_of_user(name, key);
	case NETFIL_EACH_EXE:
		return key_of_exe(k, name, key);
	case NETFIL_EACH_CGROUP:
		return key_of_cgroup(name, key);
	case NETFIL_EACH_INTERFACE:
		return key_of_interface(k, name, key);
	case NETFIL_EACH_IP:
	case NETFIL_EACH_NONE:
		break;
	}
	return key_of_address(name, key);
}

/* ---- names ---- */

static char *address_name(const struct netfil_member_key *key)
{
	NetfilPrefix prefix = {.length = 128};

	memcpy(prefix.address, key->bytes, sizeof(prefix.address));
	return netfil_prefix_format(&prefix);
}

static char *user_name(const struct netfil_member_key *key)
{
	guint32 uid = (guint32)number_of_key(key, NETFIL_EACH_USER);
	const struct passwd *entry = getpwuid(uid);

	return entry ? g_strdup(entry->pw_name) : g_strdup_printf("%u", uid);
}

static char *exe_name(const NetfilKeyed *k, const struct netfil_member_key *key)
{
	g_autofree char *path = NULL;
	struct netfil_exe exe;

	memcpy(&exe, key, sizeof(exe));
	path = netfil_apps_find_path(k->engine->apps, &exe);
	return path[0] == '/' ? g_steal_pointer(&path) : NULL;
}

typedef struct {
	guint64 id;
	char *path;
} Wanted;

static void compare_cgroup(const char *path, guint64 id, gpointer data)
{
	Wanted *wanted = data;

	if (id == wanted->id && !wanted->path)
		wanted->path = g_strdup(path);
}

static char *cgroup_name(const struct netfil_member_key *key)
{
	g_autofree char *mount = netfil_cgroup_mount(NULL);
	Wanted wanted = {number_of_key(key, NETFIL_EACH_CGROUP), NULL};

	if (mount)
		netfil_cgroup_walk(mount, compare_cgroup, &wanted);
	return wanted.path;
}

static char *interface_name(const NetfilKeyed *k, const struct netfil_member_key *key)
{
	const GPtrArray *devices = netfil_devices_list(k->engine->devices);
	guint ifindex = (guint)number_of_key(key, NETFIL_EACH_INTERFACE);

	for (guint i = 0; i < devices->len; i++) {
		const NetfilDevice *device = devices->pdata[i];

		if (device->ifindex == ifindex)
			return g_strdup(device->name);
	}
	return NULL;
}

/* "NAME#NUMBER", of one that is not, or not any more, whom the name leads to. */
static char *numbered(const NetfilKeyed *k, const char *name, const struct netfil_member_key *key)
{
	return g_strdup_printf("%s#%" G_GUINT64_FORMAT, name, number_of_key(key, each_of(k)));
}

/* As the machine knows it now. */
static char *look_up(NetfilKeyed *k, const struct netfil_member_key *key)
{
	g_autofree char *name = NULL;
	struct netfil_member_key now;

	switch (each_of(k)) {
	case NETFIL_EACH_USER:
		return user_name(key);
	case NETFIL_EACH_EXE:
		name = exe_name(k, key);
		break;
	case NETFIL_EACH_CGROUP:
		name = cgroup_name(key);
		break;
	default:
		name = interface_name(k, key);
	}
	if (name && netfil_text_is_plain(name) && netfil_keyed_key(k, name, &now) &&
	    key_equal(&now, key))
		return g_steal_pointer(&name);
	return numbered(k, name && netfil_text_is_plain(name) ? name : "", key);
}

char *netfil_keyed_name(NetfilKeyed *k, guint index, const struct netfil_member_key *key)
{
	const char *known;

	if (index == NETFIL_MEMBERS_OTHERS)
		return g_strdup(NETFIL_MEMBER_OTHERS);
	if (each_of(k) == NETFIL_EACH_IP)
		return address_name(key);
	known = g_hash_table_lookup(k->names, key);
	return known ? g_strdup(known) : numbered(k, "", key);
}

gboolean netfil_keyed_find(NetfilKeyed *k, const char *name, guint *index)
{
	struct netfil_member_key key;

	*index = NETFIL_MEMBERS_OTHERS;
	if (g_str_equal(name, NETFIL_MEMBER_OTHERS))
		return TRUE;
	if (each_of(k) == NETFIL_EACH_IP)
		return key_of_address(name, &key) && netfil_members_find(k->members, &key, index);
	*index = GPOINTER_TO_UINT(g_hash_table_lookup(k->by_name, name)) - 1;
	return *index != G_MAXUINT;
}

void netfil_keyed_take_name(NetfilKeyed *k, guint index, const struct netfil_member_key *key,
			    const char *name)
{
	NetfilSeen *seen = netfil_keyed_seen(k, index);

	if (index != NETFIL_MEMBERS_OTHERS && !(seen->flags & NETFIL_SEEN_KNOWN))
		k->count++;
	seen->flags |= NETFIL_SEEN_KNOWN;
	if (each_of(k) == NETFIL_EACH_IP || index == NETFIL_MEMBERS_OTHERS)
		return;
	g_hash_table_insert(k->names, g_memdup2(key, sizeof(*key)), g_strdup(name));
	g_hash_table_insert(k->by_name, g_strdup(name), GUINT_TO_POINTER(index + 1));
}

/* ---- who takes over ---- */

/* On disk before it is done: of a netfild that is killed between, the next one finds that the
 * member has less than is written, and makes up for it. */
static void inherit(NetfilKeyed *k, guint index, const NetfilMemberReading *own,
		    const NetfilCounters *used)
{
	netfil_keyed_promise(k, index, own, used);
	if (netfil_members_restore(k->members, &own->key, used, NULL))
		netfil_keyed_hand_on(k, index, used);
}

/* The one before is called by its number from now on, and seen again if it moves. */
static void step_aside(NetfilKeyed *k, guint index, const struct netfil_member_key *key,
		       const char *name)
{
	NetfilSeen *seen = netfil_keyed_seen(k, index);
	g_autofree char *other = numbered(k, name, key);

	k->at_cap -= !!(seen->flags & NETFIL_SEEN_TOLD);
	seen->flags = (guint8)((seen->flags & ~NETFIL_SEEN_TOLD) | NETFIL_SEEN_HIDDEN);
	netfil_members_reset(k->members, index);
	netfil_rules_bump(k->engine->rules);
	netfil_keyed_take_name(k, index, key, other);
	k->count--;
}

static void take_over(NetfilKeyed *k, guint index, const NetfilMemberReading *own, guint before,
		      const char *name)
{
	NetfilMemberReading old;
	NetfilCounters used;

	if (!netfil_keyed_read(k, before, &old))
		return;
	used = (NetfilCounters){.in = old.used.in, .out = old.used.out};
	inherit(k, index, own, &used);
	step_aside(k, before, &old.key, name);
}

void netfil_keyed_christen(NetfilKeyed *k, guint index, const struct netfil_member_key *key,
			   const char *name)
{
	guint before = GPOINTER_TO_UINT(g_hash_table_lookup(k->by_name, name));
	NetfilMemberReading own;
	const NetfilCounters *left;

	netfil_keyed_take_name(k, index, key, name);
	if (!netfil_keyed_read(k, index, &own))
		return;
	if (before)
		take_over(k, index, &own, before - 1, name);
	left = g_hash_table_lookup(k->waiting, name);
	if (!left)
		return;
	inherit(k, index, &own, left);
	g_hash_table_remove(k->waiting, name);
}

void netfil_keyed_call(NetfilKeyed *k, guint index, const struct netfil_member_key *key)
{
	g_autofree char *name = NULL;

	if (each_of(k) == NETFIL_EACH_IP || index == NETFIL_MEMBERS_OTHERS ||
	    g_hash_table_contains(k->names, key)) {
		name = netfil_keyed_name(k, index, key);
		netfil_keyed_take_name(k, index, key, name);
		return;
	}
	name = look_up(k, key);
	netfil_keyed_christen(k, index, key, name);
}
