/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "spec.h"

/* A filter's keys, each in a table row. Private to core. */

typedef struct NetfilKey NetfilKey;

/* How a sort of key keeps its values in a spec. */
typedef struct {
	gboolean repeatable; /* selectors are, most settings are not */
	gboolean worded;     /* part of what netfil_spec_selector_text() tells */
	gboolean (*put)(const NetfilKey *key, NetfilSpec *spec, const char *value, GError **error);
	void (*clear)(const NetfilKey *key, NetfilSpec *spec); /* to the default */
	guint (*count)(const NetfilKey *key, const NetfilSpec *spec);
	char *(*text)(const NetfilKey *key, const NetfilSpec *spec, guint index);
} NetfilKeySort;

struct NetfilKey {
	const char *name;
	const NetfilKeySort *sort;
	gsize offset;                                      /* of the values in NetfilSpec */
	char *(*check)(const char *value, GError **error); /* texts */
	gboolean (*parse)(const char *value, gpointer element, GError **error); /* elements */
	char *(*format)(gconstpointer element);
};

#define NETFIL_KEY_FIELD(type, key, spec) G_STRUCT_MEMBER(type, spec, (key)->offset)

/* Whether `each` goes with the rest of the filter. */
gboolean netfil_spec_check_each(const NetfilSpec *spec, GError **error);

/* The settings: all but the selectors. */
extern const NetfilKeySort netfil_key_each;
extern const NetfilKeySort netfil_key_members;
extern const NetfilKeySort netfil_key_cap;
extern const NetfilKeySort netfil_key_policy;
extern const NetfilKeySort netfil_key_warn;
extern const NetfilKeySort netfil_key_every;
extern const NetfilKeySort netfil_key_free;
extern const NetfilKeySort netfil_key_durability;
extern const NetfilKeySort netfil_key_on;  /* true by default, and always told */
extern const NetfilKeySort netfil_key_off; /* told only if true */
