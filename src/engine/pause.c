// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pause.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/cgroup.h"
#include "kernel/process.h"
#include "kill.h"

struct NetfilPaused {
	GArray *stopped;        /* NetfilProcess, by SIGSTOP, in order */
	GHashTable *frozen;     /* char *: directories of control groups */
	const NetfilRule *rule; /* by which they were found */
};

/* ---- what is remembered ---- */

static void paused_free(struct NetfilPaused *paused)
{
	g_array_unref(paused->stopped);
	g_hash_table_unref(paused->frozen);
	g_free(paused);
}

static struct NetfilPaused *paused_of(NetfilFilter *filter)
{
	struct NetfilPaused *paused = filter->paused;

	if (paused)
		return paused;
	paused = filter->paused = g_new0(struct NetfilPaused, 1);
	paused->stopped = g_array_new(FALSE, FALSE, sizeof(NetfilProcess));
	paused->frozen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	paused->rule = filter->rule;
	return paused;
}

static guint32 *mark_of(NetfilKernel *kernel, const NetfilFilter *filter)
{
	return &netfil_kernel_slot(kernel, filter->slot)->exhausted;
}

static NetfilProcess *find(const struct NetfilPaused *paused, const NetfilProcess *process)
{
	for (guint i = 0; i < paused->stopped->len; i++) {
		NetfilProcess *known = &g_array_index(paused->stopped, NetfilProcess, i);

		if (known->pid == process->pid && known->start == process->start)
			return known;
	}
	return NULL;
}

static void remember(struct NetfilPaused *paused, const NetfilProcess *process)
{
	if (!find(paused, process))
		g_array_append_val(paused->stopped, *process);
}

/* ---- one process, one control group ---- */

/* A pidfd that means the process which netfil_process_look_at() saw, or -1. */
static int open_process(guint32 pid, NetfilProcess *process)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);

	if (pidfd >= 0 && !netfil_process_look_at(pid, process)) {
		close(pidfd);
		return -1;
	}
	return pidfd;
}

/* Whether it ran. `ours`: if it stands still, it is by an earlier netfild's doing. */
static gboolean stop(NetfilFilter *filter, guint32 pid, gboolean ours)
{
	struct NetfilPaused *paused = paused_of(filter);
	NetfilProcess process;
	int pidfd = open_process(pid, &process);
	gboolean ran;

	if (pidfd < 0)
		return FALSE;
	if (!netfil_filter_may_signal(filter, pid)) {
		close(pidfd);
		return FALSE;
	}
	/* One that waits for the disk, or is traced, stops when it comes back. */
	ran = process.state != 'T' && (strchr("RS", process.state) || !find(paused, &process));
	if (process.state != 'T')
		syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, NULL, 0); /* gone: as well */
	if (process.state != 'T' || ours)
		remember(paused, &process);
	close(pidfd);
	return ran;
}

static void wake(const NetfilProcess *stopped)
{
	NetfilProcess process;
	int pidfd = open_process(stopped->pid, &process);

	if (pidfd < 0)
		return;
	if (process.start == stopped->start)
		syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
	close(pidfd);
}

/* Whether it stands still now; *ran says that it did not. */
static gboolean freeze(struct NetfilPaused *paused, const char *directory, gboolean ours,
		       gboolean *ran)
{
	if (netfil_cgroup_is_frozen(directory)) {
		if (ours)
			g_hash_table_add(paused->frozen, g_strdup(directory));
		return TRUE;
	}
	if (!netfil_cgroup_freeze(directory, TRUE))
		return FALSE;
	g_hash_table_add(paused->frozen, g_strdup(directory));
	return *ran = TRUE;
}

/* ---- all of a filter ---- */

static void add_processes(NetfilKernel *kernel, const NetfilFilter *filter, GHashTable *pids)
{
	g_autoptr(GArray) found = netfil_filter_processes(kernel, filter);

	for (guint i = 0; i < found->len; i++)
		g_hash_table_add(pids, GUINT_TO_POINTER(g_array_index(found, guint32, i)));
}

/* Whether all that are in the control group are the filter's; those too that they started
 * since `pids` was made. */
static gboolean is_all_of(NetfilKernel *kernel, const NetfilFilter *filter, const char *directory,
			  GHashTable *pids)
{
	g_autoptr(GArray) members = netfil_cgroup_processes(directory);
	gboolean asked_again = FALSE;
	NetfilProcess process;

	for (guint i = 0; i < members->len; i++) {
		guint32 pid = g_array_index(members, guint32, i);

		if (g_hash_table_contains(pids, GUINT_TO_POINTER(pid)))
			continue;
		if (!asked_again)
			add_processes(kernel, filter, pids);
		asked_again = TRUE;
		if (!g_hash_table_contains(pids, GUINT_TO_POINTER(pid)) &&
		    netfil_process_look_at(pid, &process))
			return FALSE;
	}
	return TRUE;
}

/* Freezes what can be. Returns the directories in which all stand still; TRUE for those,
 * FALSE for those with strangers in them. */
static GHashTable *freeze_all(NetfilKernel *kernel, NetfilFilter *filter, const char *mount,
			      GHashTable *pids, gboolean ours, gboolean *ran)
{
	struct NetfilPaused *paused = paused_of(filter);
	GHashTable *directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GList) list = g_hash_table_get_keys(pids);

	for (GList *at = list; at; at = at->next) {
		char *directory =
		    netfil_cgroup_of(mount, GPOINTER_TO_UINT(at->data), NETFIL_CGROUP_RUN);
		gboolean still;

		if (!directory || g_hash_table_contains(directories, directory)) {
			g_free(directory);
			continue;
		}
		still = is_all_of(kernel, filter, directory, pids) &&
			freeze(paused, directory, ours, ran);
		g_hash_table_insert(directories, directory, GINT_TO_POINTER(still));
	}
	return directories;
}

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
	guint x = GPOINTER_TO_UINT(a), y = GPOINTER_TO_UINT(b);

	return (x > y) - (x < y);
}

/* Parents first, who would else see their children stop, and may act on it. */
static void stop_others(NetfilFilter *filter, const char *mount, GHashTable *pids,
			GHashTable *frozen, gboolean ours, gboolean *ran)
{
	g_autoptr(GList) list = g_list_sort(g_hash_table_get_keys(pids), compare_numbers);

	for (GList *at = list; at; at = at->next) {
		guint32 pid = GPOINTER_TO_UINT(at->data);
		g_autofree char *directory =
		    mount ? netfil_cgroup_of(mount, pid, NETFIL_CGROUP_RUN) : NULL;

		if (directory && g_hash_table_lookup(frozen, directory))
			continue;
		if (stop(filter, pid, ours))
			*ran = TRUE;
	}
}

static gboolean pause_all(NetfilKernel *kernel, NetfilFilter *filter, gboolean ours)
{
	g_autoptr(GHashTable) pids = g_hash_table_new(NULL, NULL);
	g_autoptr(GHashTable) frozen = NULL;
	g_autofree char *mount = netfil_cgroup_mount(NULL);
	gboolean ran = FALSE;

	add_processes(kernel, filter, pids);
	if (mount)
		frozen = freeze_all(kernel, filter, mount, pids, ours, &ran);
	stop_others(filter, mount, pids, frozen, ours, &ran);
	return ran;
}

/* An earlier netfild left its mark, and this one remembers nothing yet. */
static gboolean was_left(NetfilKernel *kernel, const NetfilFilter *filter)
{
	return !filter->paused && *mark_of(kernel, filter) & NETFIL_EXHAUSTED_PAUSED;
}

gboolean netfil_pause(NetfilKernel *kernel, NetfilFilter *filter)
{
	gboolean ours = was_left(kernel, filter);

	if (filter->paused && filter->paused->rule != filter->rule)
		netfil_pause_end(kernel, filter); /* others are meant now */
	/* The mark first: a netfild that is killed in between leaves nobody behind. */
	__atomic_or_fetch(mark_of(kernel, filter), NETFIL_EXHAUSTED_PAUSED, __ATOMIC_SEQ_CST);
	paused_of(filter);
	return pause_all(kernel, filter, ours);
}

void netfil_pause_end(NetfilKernel *kernel, NetfilFilter *filter)
{
	GHashTableIter iter;
	gpointer directory;

	if (filter->slot == NETFIL_NO_SLOT)
		return;
	if (was_left(kernel, filter))
		netfil_pause(kernel, filter); /* finds them again */
	if (!filter->paused)
		return;
	g_hash_table_iter_init(&iter, filter->paused->frozen);
	while (g_hash_table_iter_next(&iter, &directory, NULL))
		netfil_cgroup_freeze(directory, FALSE);
	/* Children first, for the same reason. */
	for (guint i = filter->paused->stopped->len; i-- > 0;)
		wake(&g_array_index(filter->paused->stopped, NetfilProcess, i));
	netfil_pause_forget(filter);
	__atomic_and_fetch(mark_of(kernel, filter), ~NETFIL_EXHAUSTED_PAUSED, __ATOMIC_SEQ_CST);
}

void netfil_pause_forget(NetfilFilter *filter)
{
	g_clear_pointer(&filter->paused, paused_free);
}
