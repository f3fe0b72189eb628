// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kill.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/process.h"

#define GRACE_SECONDS 2

/* A pidfd keeps meaning the same process, whatever happens to its number. */
static void condemned_free(gpointer pidfd)
{
	close(GPOINTER_TO_INT(pidfd));
}

static void send_signal(int pidfd, int number)
{
	syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0); /* gone: as wanted */
}

static gint compare_pids(gconstpointer a, gconstpointer b)
{
	guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;

	return (x > y) - (x < y);
}

/* As kill(2) has it for a user. */
gboolean netfil_filter_may_signal(const NetfilFilter *filter, guint32 pid)
{
	NetfilUids uids;

	return filter->owner == 0 || (netfil_process_uids(pid, &uids) &&
				      (uids.real == filter->owner || uids.saved == filter->owner));
}

static void take_out(const NetfilFilter *filter, GArray *pids)
{
	guint kept = 0;

	for (guint i = 0; i < pids->len; i++) {
		guint32 pid = g_array_index(pids, guint32, i);

		if (pid <= 1 || pid == (guint32)getpid() ||
		    (kept && pid == g_array_index(pids, guint32, kept - 1)) ||
		    !netfil_filter_may_signal(filter, pid))
			continue;
		g_array_index(pids, guint32, kept++) = pid;
	}
	g_array_set_size(pids, kept);
}

GArray *netfil_filter_processes(NetfilKernel *kernel, const NetfilFilter *filter)
{
	GArray *pids = netfil_kernel_slot_holders(kernel, filter->slot);

	if (filter->rule && filter->rule->selectors->asked & 1 << NETFIL_KIND_PROCESS) {
		g_autoptr(GArray) tree = netfil_kernel_rule_processes(kernel, filter->rule->number);

		g_array_append_vals(pids, tree->data, tree->len);
	}
	g_array_sort(pids, compare_pids);
	take_out(filter, pids);
	return pids;
}

static void hear(NetfilKernel *kernel, guint slot)
{
	__atomic_and_fetch(&netfil_kernel_slot(kernel, slot)->exhausted, ~NETFIL_EXHAUSTED_KNOCKED,
			   __ATOMIC_SEQ_CST);
}

void netfil_filter_hear(NetfilKernel *kernel, const NetfilFilter *filter)
{
	hear(kernel, filter->slot);
	if (filter->sockets_slot != NETFIL_NO_SLOT)
		hear(kernel, filter->sockets_slot);
}

/* A parent hears of it before its children are gone, wherever numbers rise. */
static void condemn_all(NetfilKernel *kernel, NetfilFilter *filter, int number)
{
	g_autoptr(GArray) pids = netfil_filter_processes(kernel, filter);

	for (guint i = 0; i < pids->len; i++) {
		guint32 pid = g_array_index(pids, guint32, i);
		int pidfd = syscall(SYS_pidfd_open, pid, 0);

		if (pidfd < 0)
			continue;
		if (!netfil_filter_may_signal(filter, pid)) { /* of whom the pidfd means */
			close(pidfd);
			continue;
		}
		send_signal(pidfd, number);
		g_ptr_array_add(filter->condemned, GINT_TO_POINTER(pidfd));
	}
}

typedef struct {
	NetfilKernel *kernel;
	NetfilFilter *filter;
} Due;

static gboolean finish(gpointer data)
{
	Due *due = data;
	NetfilFilter *filter = due->filter;

	/* Whoever comes after this is heard of, and gets a SIGTERM first. */
	netfil_filter_hear(due->kernel, filter);
	/* They may have become somebody else's since, whom the user may not kill. */
	for (guint i = 0; !filter->owner && i < filter->condemned->len; i++)
		send_signal(GPOINTER_TO_INT(filter->condemned->pdata[i]), SIGKILL);
	/* What they started since. */
	if (filter->owner || netfil_filter_exhausted(due->kernel, filter))
		condemn_all(due->kernel, filter, SIGKILL);
	filter->kill_source = 0;
	netfil_kill_forget(filter);
	return G_SOURCE_REMOVE;
}

gboolean netfil_kill(NetfilKernel *kernel, NetfilFilter *filter)
{
	GSource *source;
	Due *due;

	if (filter->kill_source)
		return TRUE;
	filter->condemned = g_ptr_array_new_with_free_func(condemned_free);
	condemn_all(kernel, filter, SIGTERM);
	if (!filter->condemned->len) {
		netfil_kill_forget(filter);
		return FALSE;
	}
	due = g_new(Due, 1);
	due->kernel = kernel;
	due->filter = filter;
	source = g_timeout_source_new_seconds(GRACE_SECONDS);
	g_source_set_callback(source, finish, due, g_free);
	filter->kill_source = g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
	return TRUE;
}

void netfil_kill_forget(NetfilFilter *filter)
{
	if (filter->kill_source)
		g_source_remove(filter->kill_source);
	filter->kill_source = 0;
	g_clear_pointer(&filter->condemned, g_ptr_array_unref);
}
