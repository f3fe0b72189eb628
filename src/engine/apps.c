// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "apps.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Accounts are taken back where fewer than a quarter are free, from who was idle so long. */
#define FEW_FREE (NETFIL_ACCOUNTS_MAX / 4)
#define IDLE_SECONDS 600

#define NAMES_MAX (4 * NETFIL_ACCOUNTS_MAX)

typedef struct {
	guint64 in, out; /* recorded */
	gint64 moved;    /* when it was last seen to have; g_get_monotonic_time() */
} Account;

struct NetfilApps {
	NetfilKernel *kernel;
	struct netfil_account *accounts;
	const struct netfil_account_bytes *bytes; /* of each CPU */
	const struct netfil_account_path *paths;
	struct netfil_account_bytes sums[NETFIL_ACCOUNTS_MAX]; /* of all, as add_up() left them */
	Account own[NETFIL_ACCOUNTS_MAX];
	GHashTable *names; /* GBytes of a netfil_exe -> GRefString *: paths seen before */
};

/* ---- the kernel's accounts ---- */

/* All numbers may be given. What an earlier one left when it was interrupted here goes. */
static gboolean begin(NetfilApps *apps, GError **error)
{
	NetfilMaps *maps = netfil_kernel_maps(apps->kernel);
	guint32 number;

	while (netfil_maps_pop(maps, "account_free", &number))
		;
	for (number = NETFIL_ACCOUNT_FIRST; number < NETFIL_ACCOUNTS_MAX; number++) {
		apps->accounts[number].generation = 1;
		if (!netfil_maps_put(maps, "account_free", NULL, &number, error))
			return FALSE;
	}
	return TRUE;
}

NetfilApps *netfil_apps_new(NetfilKernel *kernel, GError **error)
{
	g_autoptr(NetfilApps) apps = g_new0(NetfilApps, 1);
	NetfilMaps *maps = netfil_kernel_maps(kernel);
	gint64 now = g_get_monotonic_time();

	apps->kernel = kernel;
	apps->names =
	    g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
				  (GDestroyNotify)g_ref_string_release);
	apps->accounts = netfil_maps_memory(maps, "accounts", error);
	if (!apps->accounts)
		return NULL;
	apps->bytes = netfil_maps_memory(maps, "account_bytes", error);
	if (!apps->bytes)
		return NULL;
	apps->paths = netfil_maps_memory(maps, "account_paths", error);
	if (!apps->paths)
		return NULL;
	for (guint i = 0; i < NETFIL_ACCOUNTS_MAX; i++)
		apps->own[i].moved = now;
	if (!netfil_kernel_config(kernel)->instance && !begin(apps, error))
		return NULL;
	return g_steal_pointer(&apps);
}

void netfil_apps_free(NetfilApps *apps)
{
	if (!apps)
		return;
	g_hash_table_unref(apps->names);
	g_free(apps);
}

gboolean netfil_apps_start(NetfilApps *apps, GError **error)
{
	__atomic_store_n(&netfil_kernel_config(apps->kernel)->accounting, 1, __ATOMIC_SEQ_CST);
	return netfil_kernel_label(apps->kernel, error);
}

void netfil_apps_resume(NetfilApps *apps, guint32 account, guint64 in, guint64 out)
{
	if (account >= NETFIL_ACCOUNTS_MAX)
		return;
	apps->own[account].in = in;
	apps->own[account].out = out;
}

/* ---- executables ---- */

/* "curl" "bin" "usr" is /usr/bin/curl. */
static char *join(const struct netfil_account_path *path)
{
	gsize length = MIN(path->length, NETFIL_PATH_MAX);
	g_autoptr(GString) text = g_string_new(NULL);

	for (gsize at = 0; at < length;) {
		gsize part = strnlen(path->parts + at, length - at);

		g_string_prepend_len(text, path->parts + at, part);
		g_string_prepend_c(text, '/');
		at += part + 1;
	}
	if (path->cut)
		g_string_prepend(text, "...");
	return g_utf8_make_valid(text->str, text->len);
}

static gboolean is_exe(const char *link, const struct netfil_exe *exe)
{
	struct stat status;

	return !stat(link, &status) && status.st_ino == exe->inode &&
	       (major(status.st_dev) << 20 | minor(status.st_dev)) == exe->device;
}

/* By a process that runs it, where the kernel could not say. */
static char *find_running(const struct netfil_exe *exe)
{
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	const char *name;

	while (proc && (name = g_dir_read_name(proc))) {
		g_autofree char *link = g_build_filename("/proc", name, "exe", NULL);
		g_autofree char *target = NULL;

		if (!g_ascii_isdigit(*name) || !is_exe(link, exe))
			continue;
		target = g_file_read_link(link, NULL);
		if (target)
			return g_utf8_make_valid(target, -1);
	}
	return g_strdup_printf("[inode %" G_GUINT64_FORMAT " of %u:%u]", (guint64)exe->inode,
			       exe->device >> 20, exe->device & 0xfffff);
}

/* Once more what is told of it; there is one text for all who are told the same. */
static GRefString *exe_name(NetfilApps *apps, guint32 account, const struct netfil_exe *exe)
{
	const struct netfil_account_path *path = &apps->paths[account];
	g_autoptr(GBytes) key = g_bytes_new(exe, sizeof(*exe));
	GRefString *name = g_hash_table_lookup(apps->names, key);
	g_autofree char *text = NULL;

	if (!path->length && name)
		return g_ref_string_acquire(name);
	text = path->length ? join(path) : find_running(exe);
	if (g_hash_table_size(apps->names) >= NAMES_MAX)
		g_hash_table_remove_all(apps->names);
	name = g_ref_string_new_intern(text);
	g_hash_table_insert(apps->names, g_steal_pointer(&key), g_ref_string_acquire(name));
	return name;
}

char *netfil_apps_path(NetfilApps *apps, guint32 account, const struct netfil_exe *exe)
{
	gboolean given = account >= NETFIL_ACCOUNT_FIRST && account < NETFIL_ACCOUNTS_MAX &&
			 !memcmp(&apps->accounts[account].key.exe, exe, sizeof(*exe));

	return g_strdup(exe_name(apps, given ? account : NETFIL_ACCOUNT_OTHERS, exe));
}

char *netfil_apps_find_path(NetfilApps *apps_or_null, const struct netfil_exe *exe)
{
	for (guint i = NETFIL_ACCOUNT_FIRST; apps_or_null && i < NETFIL_ACCOUNTS_MAX; i++)
		if (apps_or_null->paths[i].length &&
		    !memcmp(&apps_or_null->accounts[i].key.exe, exe, sizeof(*exe)))
			return netfil_apps_path(apps_or_null, i, exe);
	return find_running(exe);
}

/* ---- what they moved ---- */

static guint64 load(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_up(NetfilApps *apps)
{
	memset(apps->sums, 0, sizeof(apps->sums));
	for (guint cpu = 0; cpu < netfil_kernel_cpus(); cpu++) {
		const struct netfil_account_bytes *bytes = &apps->bytes[cpu * NETFIL_ACCOUNTS_MAX];

		for (guint number = 0; number < NETFIL_ACCOUNTS_MAX; number++) {
			apps->sums[number].bytes[NETFIL_IN] +=
			    load(&bytes[number].bytes[NETFIL_IN]);
			apps->sums[number].bytes[NETFIL_OUT] +=
			    load(&bytes[number].bytes[NETFIL_OUT]);
		}
	}
}

/* A packet that is taken back after it was counted may have been in what was recorded: then
 * nothing has moved until the counter is beyond that again. */
static guint64 risen(guint64 now, guint64 recorded)
{
	return (gint64)(now - recorded) > 0 ? now - recorded : 0;
}

static void describe(NetfilApps *apps, NetfilAppUsage *usage)
{
	const struct netfil_account *account = &apps->accounts[usage->account];

	usage->uid = G_MAXUINT32;
	if (usage->account == NETFIL_ACCOUNT_NOBODY) {
		usage->exe = g_ref_string_new_intern("");
	} else if (usage->account == NETFIL_ACCOUNT_OTHERS) {
		usage->exe = g_ref_string_new_intern("*");
	} else {
		usage->exe = exe_name(apps, usage->account, &account->key.exe);
		usage->uid = account->key.uid;
	}
}

/* As of add_up(). */
static NetfilAppUsage usage_of(const NetfilApps *apps, guint32 number)
{
	const struct netfil_account_bytes *sum = &apps->sums[number];
	const Account *own = &apps->own[number];
	NetfilAppUsage usage = {.account = number};

	usage.in = risen(sum->bytes[NETFIL_IN], own->in);
	usage.out = risen(sum->bytes[NETFIL_OUT], own->out);
	usage.raw_in = own->in + usage.in;
	usage.raw_out = own->out + usage.out;
	return usage;
}

static void usage_clear(gpointer usage)
{
	g_ref_string_release(((NetfilAppUsage *)usage)->exe);
}

GArray *netfil_apps_moved(NetfilApps *apps)
{
	GArray *moved = g_array_new(FALSE, FALSE, sizeof(NetfilAppUsage));
	gint64 now = g_get_monotonic_time();

	add_up(apps);
	g_array_set_clear_func(moved, usage_clear);
	for (guint32 number = 0; number < NETFIL_ACCOUNTS_MAX; number++) {
		NetfilAppUsage usage = usage_of(apps, number);

		if (!usage.in && !usage.out)
			continue;
		apps->own[number].moved = now;
		describe(apps, &usage);
		g_array_append_val(moved, usage);
	}
	return moved;
}

static gboolean is_given(const NetfilApps *apps, guint32 number)
{
	return number >= NETFIL_ACCOUNT_FIRST && apps->accounts[number].key.exe.inode;
}

static gboolean is_idle(const NetfilApps *apps, guint32 number)
{
	NetfilAppUsage usage = usage_of(apps, number);

	return !usage.in && !usage.out &&
	       g_get_monotonic_time() - apps->own[number].moved >
		   IDLE_SECONDS * (gint64)G_USEC_PER_SEC;
}

/* The sockets that have the number find another account by their next packet. */
static void change(NetfilApps *apps, guint32 number)
{
	__atomic_add_fetch(&apps->accounts[number].generation, 1, __ATOMIC_SEQ_CST);
	netfil_kernel_bump(apps->kernel);
}

static void take_back(NetfilApps *apps, guint32 number)
{
	NetfilMaps *maps = netfil_kernel_maps(apps->kernel);
	struct netfil_account *account = &apps->accounts[number];

	netfil_maps_delete(maps, "account_numbers", &account->key);
	change(apps, number);
	account->key.exe.inode = 0;
	netfil_maps_put(maps, "account_free", NULL, &number, NULL); /* it has room for all */
}

void netfil_apps_recorded(NetfilApps *apps, const GArray *moved)
{
	guint free = NETFIL_ACCOUNTS_MAX - NETFIL_ACCOUNT_FIRST;
	gboolean taken = FALSE;

	for (guint i = 0; i < moved->len; i++) {
		const NetfilAppUsage *usage = &g_array_index(moved, NetfilAppUsage, i);

		netfil_apps_resume(apps, usage->account, usage->raw_in, usage->raw_out);
	}
	for (guint32 number = 0; number < NETFIL_ACCOUNTS_MAX; number++)
		free -= is_given(apps, number);
	if (free >= FEW_FREE)
		return;
	add_up(apps);
	for (guint32 number = 0; number < NETFIL_ACCOUNTS_MAX; number++) {
		if (!is_given(apps, number) || !is_idle(apps, number))
			continue;
		take_back(apps, number);
		taken = TRUE;
	}
	if (taken) /* for who got none: it may get one now */
		change(apps, NETFIL_ACCOUNT_OTHERS);
}
