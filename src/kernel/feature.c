// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "feature.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "core/error.h"
#include "iterate.h"

#define FUNC_SKC_TO_MPTCP_SOCK 196
#define PROC_PID_INIT_INO 0xEFFFFFFCU /* include/linux/proc_ns.h */

static const NetfilFeatureText texts[NETFIL_FEATURES] = {
    [NETFIL_HAS_CGROUP2] = {"cgroup2", TRUE, "the programs attach to the version 2 hierarchy",
			    "everything: mount it with `mount -t cgroup2 none /sys/fs/cgroup`"},
    [NETFIL_HAS_BTF] = {"btf", TRUE, "finds the kernel's types (/sys/kernel/btf/vmlinux)",
			"everything: the kernel needs CONFIG_DEBUG_INFO_BTF"},
    [NETFIL_HAS_CGROUP_SKB] = {"cgroup_skb", TRUE, "decides on the packets of sockets",
			       "everything: the kernel needs CONFIG_CGROUP_BPF"},
    [NETFIL_HAS_SK_STORAGE] = {"sk_storage", TRUE, "tags each socket with its owner",
			       "everything: the kernel needs CONFIG_BPF_SYSCALL and CONFIG_NET"},
    [NETFIL_HAS_RINGBUF] = {"ringbuf", TRUE, "tells when a cap is reached",
			    "everything: Linux 5.8 has it"},
    [NETFIL_HAS_TP_BTF] = {"tp_btf", TRUE, "follows processes and cgroups as they are made",
			   "everything: Linux 5.5 has it"},
    [NETFIL_HAS_TCX] = {"tcx", FALSE, "interface filters by links that outlive netfild",
			"nothing: clsact serves (filters of others may run first)"},
    [NETFIL_HAS_NETFILTER_LINK] = {"netfilter_link", FALSE, "ip filters on forwarded packets",
				   "ip filters do not see forwarded packets; interface filters do"},
    [NETFIL_HAS_SOCK_DESTROY] = {"sock_destroy", FALSE, "ends connections at their cap",
				 "nothing: SOCK_DESTROY over netlink serves"},
    [NETFIL_HAS_SOCK_LENGTH] = {"sock_length", FALSE,
				"notices a socket's use by another process (tracepoints)",
				"nothing where there are trampolines: they serve"},
    [NETFIL_HAS_TRAMPOLINES] = {"trampolines", FALSE,
				"notice a socket's use by another process, without sock_length",
				"nothing where there is sock_length; else accepted and passed "
				"sockets stay with who made them"},
    [NETFIL_HAS_MPTCP] = {"mptcp", FALSE, "finds the owner of MPTCP subflows",
			  "MPTCP traffic is unattributed to socket filters"},
    [NETFIL_HAS_INITIAL_PIDS] = {"initial_pids", FALSE, "--pid means the host's process numbers",
				 "netfil runs in a PID namespace: its --pid finds other processes"},
    [NETFIL_HAS_NAMESPACES] =
	{"namespaces", FALSE, "ends connections in other network namespaces",
	 "those stall at their cap: netfild was started without CAP_SYS_ADMIN"},
    [NETFIL_HAS_MAP_ITERATORS] = {"map_iterators", FALSE, "walk all sockets at once",
				  "nothing: open files and connections are walked; a socket that "
				  "is in neither, as one on its way to another process, is missed"},
    [NETFIL_HAS_CASTS] = {"casts", FALSE,
			  "find a packet's socket without a call, and see who sends",
			  "nothing: each packet and each send cost a call more"},
};

static const struct btf *kernel_btf(void)
{
	static struct btf *btf;

	if (!btf)
		btf = btf__load_vmlinux_btf();
	return btf;
}

static gboolean btf_has(const char *name, guint kind)
{
	return kernel_btf() && btf__find_by_name_kind(kernel_btf(), name, kind) > 0;
}

gboolean netfil_feature_function(const char *name)
{
	return btf_has(name, BTF_KIND_FUNC);
}

/* A kernel may take such a program and refuse to attach it: so it is tried to the end. */
static gboolean probe_trampolines(void)
{
	const struct bpf_insn nothing[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY, );
	int function, program, link = -1;

	function = btf__find_by_name_kind(kernel_btf(), "inet_sendmsg", BTF_KIND_FUNC);
	if (function <= 0)
		return FALSE;
	options.attach_btf_id = function;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "Dual BSD/GPL", nothing,
				G_N_ELEMENTS(nothing), &options);
	if (program >= 0) {
		link = bpf_raw_tracepoint_open(NULL, program);
		close(program);
	}
	if (link >= 0)
		close(link);
	return link >= 0;
}

/* Some kernels take the other iterators and refuse these. */
static gboolean probe_map_iterators(void)
{
	const struct bpf_insn nothing[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER, );
	int function, program;

	function =
	    btf__find_by_name_kind(kernel_btf(), "bpf_iter_bpf_sk_storage_map", BTF_KIND_FUNC);
	if (function <= 0)
		return FALSE;
	options.attach_btf_id = function;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "Dual BSD/GPL", nothing,
				G_N_ELEMENTS(nothing), &options);
	if (program >= 0)
		close(program);
	return program >= 0;
}

static gboolean initial_pids(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == PROC_PID_INIT_INO;
}

static gboolean probe(NetfilFeatureId id)
{
	g_autofree char *mount = NULL;

	switch (id) {
	case NETFIL_HAS_CGROUP2:
		mount = netfil_cgroup_mount(NULL);
		return mount != NULL;
	case NETFIL_HAS_BTF:
		return kernel_btf() != NULL;
	case NETFIL_HAS_CGROUP_SKB:
		return libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_SKB, NULL) == 1;
	case NETFIL_HAS_SK_STORAGE:
		return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_SK_STORAGE, NULL) == 1;
	case NETFIL_HAS_RINGBUF:
		return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1;
	case NETFIL_HAS_TP_BTF:
		return btf_has("btf_trace_sched_process_fork", BTF_KIND_TYPEDEF) &&
		       btf_has("btf_trace_cgroup_mkdir", BTF_KIND_TYPEDEF);
	case NETFIL_HAS_TCX:
		return btf_has("tcx_link", BTF_KIND_STRUCT);
	case NETFIL_HAS_NETFILTER_LINK:
		return btf_has("bpf_nf_link", BTF_KIND_STRUCT);
	case NETFIL_HAS_SOCK_DESTROY:
		return btf_has("bpf_sock_destroy", BTF_KIND_FUNC);
	case NETFIL_HAS_SOCK_LENGTH:
		return btf_has("btf_trace_sock_send_length", BTF_KIND_TYPEDEF);
	case NETFIL_HAS_TRAMPOLINES:
		return probe_trampolines();
	case NETFIL_HAS_MPTCP:
		return libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SKB, FUNC_SKC_TO_MPTCP_SOCK,
					       NULL) == 1;
	case NETFIL_HAS_INITIAL_PIDS:
		return initial_pids();
	case NETFIL_HAS_NAMESPACES:
		return netfil_namespaces_open();
	case NETFIL_HAS_MAP_ITERATORS:
		return probe_map_iterators();
	case NETFIL_HAS_CASTS:
		return netfil_feature_function("bpf_cast_to_kern_ctx");
	case NETFIL_FEATURES:
		break;
	}
	return FALSE;
}

static gboolean taken_away(const char *name)
{
	const char *without = g_getenv("NETFIL_WITHOUT");
	g_auto(GStrv) names = g_strsplit(without ? without : "", ",", -1);

	return g_strv_contains((const char *const *)names, name);
}

const NetfilFeatureText *netfil_feature_text(NetfilFeatureId id)
{
	return &texts[id];
}

static int silent(enum libbpf_print_level level G_GNUC_UNUSED, const char *format G_GNUC_UNUSED,
		  va_list args G_GNUC_UNUSED)
{
	return 0;
}

static enum { UNKNOWN, ABSENT, WITHDRAWN, PRESENT } known[NETFIL_FEATURES];

void netfil_feature_withdraw(NetfilFeatureId id)
{
	known[id] = WITHDRAWN;
}

gboolean netfil_feature_withdrawn(NetfilFeatureId id)
{
	return known[id] == WITHDRAWN;
}

gboolean netfil_feature_present(NetfilFeatureId id)
{
	if (known[id] == UNKNOWN) {
		libbpf_print_fn_t before = libbpf_set_print(silent);

		known[id] = !taken_away(texts[id].name) && probe(id) ? PRESENT : ABSENT;
		libbpf_set_print(before);
	}
	return known[id] == PRESENT;
}

gboolean netfil_feature_wanted(NetfilFeatureId id)
{
	if (id == NETFIL_HAS_TRAMPOLINES && netfil_feature_present(NETFIL_HAS_SOCK_LENGTH))
		return FALSE;
	return netfil_feature_present(id);
}

gboolean netfil_feature_senders(void)
{
	return netfil_feature_present(NETFIL_HAS_SOCK_LENGTH) &&
	       netfil_feature_present(NETFIL_HAS_CASTS);
}

gboolean netfil_feature_check(GError **error)
{
	if (geteuid() != 0) {
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
			    "the kernel lets only root load its programs: run it with sudo");
		return FALSE;
	}
	for (NetfilFeatureId id = 0; id < NETFIL_FEATURES; id++) {
		if (!texts[id].required || netfil_feature_present(id))
			continue;
		g_set_error(error, NETFIL_ERROR, NETFIL_ERROR_UNSUPPORTED,
			    "the kernel lacks %s, which netfil needs: see `netfil doctor`",
			    texts[id].name);
		return FALSE;
	}
	return TRUE;
}
