/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* What netfil asks of a kernel. Probed, never guessed from a version. */
typedef enum {
	NETFIL_HAS_CGROUP2,
	NETFIL_HAS_BTF,
	NETFIL_HAS_CGROUP_SKB,
	NETFIL_HAS_SK_STORAGE,
	NETFIL_HAS_RINGBUF,
	NETFIL_HAS_TP_BTF,
	NETFIL_HAS_TCX,
	NETFIL_HAS_NETFILTER_LINK,
	NETFIL_HAS_SOCK_DESTROY,
	NETFIL_HAS_SOCK_LENGTH,
	NETFIL_HAS_TRAMPOLINES,
	NETFIL_HAS_MPTCP,
	NETFIL_HAS_INITIAL_PIDS,
	NETFIL_HAS_NAMESPACES,
	NETFIL_HAS_MAP_ITERATORS,
	NETFIL_HAS_CASTS,
	NETFIL_FEATURES,
} NetfilFeatureId;

typedef struct {
	const char *name; /* as NETFIL_WITHOUT and `netfil doctor` spell it */
	gboolean required;
	const char *purpose;
	const char *lost; /* without it */
} NetfilFeatureText;

const NetfilFeatureText *netfil_feature_text(NetfilFeatureId id);

/* Whether the kernel has it and the environment variable NETFIL_WITHOUT (names,
 * separated by commas) does not take it away. Probed once a process. */
gboolean netfil_feature_present(NetfilFeatureId id);

/* Present, and nothing that is better stands in for it. */
gboolean netfil_feature_wanted(NetfilFeatureId id);

/* Packets that leave may tell who uses their socket: see NETFIL_EVENT_STRANGERS. */
gboolean netfil_feature_senders(void);

/* Whether the kernel itself, and no module, has a function of this name. */
gboolean netfil_feature_function(const char *name);

/* It is there, but the kernel did not take what it is for: no longer present. */
void netfil_feature_withdraw(NetfilFeatureId id);
gboolean netfil_feature_withdrawn(NetfilFeatureId id);

/* NETFIL_ERROR_UNSUPPORTED or _DENIED, naming the first that is required and lacking. */
gboolean netfil_feature_check(GError **error);
