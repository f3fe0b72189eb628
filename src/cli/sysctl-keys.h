/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/spec.h"

/* The keys of the macOS netfil, and what each is of a filter. */

/* One of its three filters. What the keys say is kept as this filter, on or off. */
typedef struct {
	const char *filter;   /* "sysctl-ip", as `netfil list` has it */
	const char *name;     /* the key that says what it applies to: "net.netfil.ip.addr" */
	const char *selector; /* the same in a specification: "ip" */
	const char *unset;    /* how that key reads while it is not set */
	/* What the filter selects then, as none can be without: with another selector it is
	 * only for that, with the same it is meant. */
	const char *instead, *instead_value;
	gboolean waits; /* may start before there is anything to match */
} NetfilSysctlKind;

typedef struct {
	const char *name; /* "net.netfil.ip.ibyte" */
	const NetfilSysctlKind *kind;
	const char *key; /* of a specification: "in" */
} NetfilSysctlKey;

/* All of them, in the order in which they are told. */
const NetfilSysctlKey *netfil_sysctl_keys(guint *count);

gboolean netfil_sysctl_is_status(const NetfilSysctlKey *key);
gboolean netfil_sysctl_is_selector(const NetfilSysctlKey *key);

/* The filter with nothing set: off. Caller frees. */
NetfilSpec *netfil_sysctl_defaults(const NetfilSysctlKind *kind);

/* The key's value. Caller frees. */
char *netfil_sysctl_text(const NetfilSysctlKey *key, const NetfilSpec *spec);

/* What the value changes of the filter, as a{sas}; NULL if the key has no such value.
 * Caller unrefs. */
GVariant *netfil_sysctl_changes(const NetfilSysctlKey *key, const char *value, GError **error);

/* Those that set the selector back. Caller unrefs. */
GVariant *netfil_sysctl_unset(const NetfilSysctlKind *kind);

/* Whether the filter may be on: it says what it applies to, and has a cap. */
gboolean netfil_sysctl_check(const NetfilSysctlKind *kind, const NetfilSpec *spec, GError **error);
