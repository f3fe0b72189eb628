/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "key-file.h"
#include "spec.h"

/* What netfild is told by netfil.conf(5), and in the same words by its command line. */

typedef enum {
	NETFIL_NO,
	NETFIL_YES,
	NETFIL_AUTO, /* if it is there */
} NetfilSwitch;

typedef enum {
	NETFIL_LOG_TO_AUTO, /* the journal, if standard error leads there */
	NETFIL_LOG_TO_JOURNAL,
	NETFIL_LOG_TO_STDERR,
} NetfilLogTo;

typedef struct {
	char *cgroup; /* a directory; NULL: the whole hierarchy */
	NetfilDurability durability;
	gboolean apps;
	NetfilSwitch system_bus;
	NetfilLogTo log;
	char *events_user;    /* a name or a number */
	guint events_timeout; /* seconds */
} NetfilConfig;

/* With the defaults. */
NetfilConfig *netfil_config_new(void);
void netfil_config_free(NetfilConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilConfig, netfil_config_free)

/* NETFIL_ERROR_INVALID: no such key, or not a value of it; nothing is changed then. */
gboolean netfil_config_put(NetfilConfig *config, const char *key, const char *value,
			   GError **error);

/* Puts what the text says. Its mistakes are in what is returned, which is never NULL. */
NetfilKeyFile *netfil_config_read(NetfilConfig *config, const char *text, gsize length);

/* The keys in which they differ, as in netfil.conf. Caller frees. */
char **netfil_config_compare(const NetfilConfig *a, const NetfilConfig *b);

/* The one section of the file. */
#define NETFIL_CONFIG_SECTION "netfild"
