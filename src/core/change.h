/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* What applying a set of filters did, or would do, to one of them. */

typedef enum {
	NETFIL_CHANGE_ADDED,
	NETFIL_CHANGE_CHANGED,
	NETFIL_CHANGE_REMOVED,
	NETFIL_CHANGE_REFUSED, /* nothing was changed, of any filter */
} NetfilChangeKind;

typedef struct {
	NetfilChangeKind kind;
	char *name;
	char **keys; /* changed: those that differ; refused: what it is about, may be empty */
	char *why;   /* refused: "what: what to do"; else "" */
} NetfilChange;

/* `keys` and `why` may be NULL. */
NetfilChange *netfil_change_new(NetfilChangeKind kind, const char *name, const char *const *keys,
				const char *why);
void netfil_change_free(NetfilChange *change);

/* An array of NetfilChange. */
GPtrArray *netfil_changes_new(void);

/* a(ssass), as on the bus: kind ("+", "~", "-", "!"), name, keys, why. Floating reference. */
GVariant *netfil_changes_to_variant(const GPtrArray *changes);
GPtrArray *netfil_changes_from_variant(GVariant *variant);

const char *netfil_change_sign(NetfilChangeKind kind);
