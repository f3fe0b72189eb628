/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "netfil/abi.h"
#include "cycle.h"
#include "prefix.h"

/* A filter as its user states it: selectors, caps, policy. */

typedef enum {
	NETFIL_ON_LIMIT_REJECT, /* the default */
	NETFIL_ON_LIMIT_DROP,
	NETFIL_ON_LIMIT_KILL,
	NETFIL_ON_LIMIT_PAUSE,    /* processes stand still until there is room again */
	NETFIL_ON_LIMIT_THROTTLE, /* admitted at NetfilSpec.rate */
	NETFIL_ON_LIMIT_NOTIFY,   /* told, never stopped */
	NETFIL_ON_LIMIT_DOWN,     /* the interfaces are taken down */
} NetfilOnLimit;

/* A cap and what it is changed by in this cycle: 0 (none) stays none, and a cap never
 * becomes one: at least 1. */
guint64 netfil_cap_with(guint64 cap, gint64 extra);

/* What survives a power cut. */
typedef enum {
	NETFIL_DURABILITY_DEFAULT,    /* as netfild says */
	NETFIL_DURABILITY_CHECKPOINT, /* all but the last second */
	NETFIL_DURABILITY_STRICT, /* bytes are granted to the kernel once the grant is on disk */
} NetfilDurability;

/* What has a cap of its own: see "Members" in netfil-filters(7). */
typedef enum {
	NETFIL_EACH_NONE, /* the filter as a whole */
	NETFIL_EACH_IP,   /* each remote address */
	NETFIL_EACH_USER,
	NETFIL_EACH_EXE,
	NETFIL_EACH_CGROUP,
	NETFIL_EACH_INTERFACE,
} NetfilEach;

#define NETFIL_MEMBERS_DEFAULT 10000
#define NETFIL_MEMBERS_MAX 1000000

/* A value of exe, user and cgroup: whichever it is, if it is known. */
#define NETFIL_ANY "*"

typedef struct {
	guint16 first, last; /* both included */
} NetfilPortRange;

typedef struct {
	char *name;
	/* Selectors. Kinds that are empty do not narrow. */
	GArray *pids;                   /* gint64 */
	GPtrArray *exes;                /* char *, absolute paths, or NETFIL_ANY */
	GPtrArray *users;               /* char *, names or numbers as given, or NETFIL_ANY */
	GPtrArray *cgroups;             /* char *, paths from the root ("/a/b"), or NETFIL_ANY */
	GPtrArray *units;               /* char *, "nginx.service" */
	GArray *prefixes;               /* NetfilPrefix */
	GPtrArray *ip_files;            /* char *, absolute paths */
	GArray *ports;                  /* NetfilPortRange */
	GArray *protos;                 /* guint8, IANA protocol numbers */
	GPtrArray *interfaces;          /* char *, names or fnmatch(3) globs */
	GArray *excepts;                /* NetfilPrefix, remote addresses that do not count */
	NetfilEach each;                /* caps are of each of these */
	guint max_members;              /* 0: not given, see netfil_spec_max_members() */
	guint64 cap[NETFIL_DIRECTIONS]; /* bytes; 0: unlimited */
	NetfilOnLimit on_limit;
	guint64 rate; /* bytes a second, with NETFIL_ON_LIMIT_THROTTLE */
	GArray *warn; /* guint8, percents of the nearest cap, ascending */
	NetfilCycle every;
	gboolean rollover; /* what is left goes into the next cycle */
	NetfilHours free;
	NetfilDurability durability;
	gboolean loopback;   /* asked for; see netfil_spec_counts_loopback() */
	gboolean until_exit; /* it goes when the last of its processes has ended */
	gboolean on;
	int shares; /* how many hold it */
} NetfilSpec;

/* What a filter counts: see netfil-filters(7), "what a byte is". */
typedef enum {
	NETFIL_SPEC_SOCKET,    /* IP packets of sockets (and addresses) */
	NETFIL_SPEC_IP,        /* IP packets by address, port, protocol */
	NETFIL_SPEC_INTERFACE, /* frames: interface selectors and no other */
} NetfilSpecType;

NetfilSpec *netfil_spec_new(const char *name);
NetfilSpec *netfil_spec_copy(const NetfilSpec *spec);

/* The same once more, for as long as nobody changes it: whoever wants to takes a copy. */
NetfilSpec *netfil_spec_share(NetfilSpec *spec);
void netfil_spec_free(NetfilSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilSpec, netfil_spec_free)

/* 1 to 64 of [A-Za-z0-9._@:-], the first a letter or digit. */
gboolean netfil_spec_name_check(const char *name, GError **error);

/* Adds one value of one key, as the command line and filter files give it. Keys:
 * pid exe user cgroup unit ip ip-file port proto interface (repeatable),
 * except, warn (repeatable, no selectors), each (ip user exe cgroup interface),
 * max-members (a number), in out total (sizes), on-limit (with
 * "throttle=RATE", bytes a second), every, rollover ("true"/"false"), free, durability
 * (checkpoint, strict), loopback, until-exit, on ("true"/"false").
 * The value is checked as far as can be without I/O; a relative exe or ip-file
 * path is refused (programs make them absolute first). */
gboolean netfil_spec_put(NetfilSpec *spec, const char *key, const char *value, GError **error);

/* All keys of the spec that are set, as a{sas}: the form on the bus and in the
 * ledger. Caps are decimal bytes. Floating reference. */
GVariant *netfil_spec_to_variant(const NetfilSpec *spec);

/* Of such an a{sas}. */
NetfilSpec *netfil_spec_from_variant(const char *name, GVariant *settings, GError **error);

/* Changes the spec by an a{sas}: each key present replaces that key's values
 * (an empty list clears a selector). On error the spec is unchanged. */
gboolean netfil_spec_update(NetfilSpec *spec, GVariant *changes, GError **error);

/* The keys, in their order, whose values are not the same in both. Caller frees. */
char **netfil_spec_compare(const NetfilSpec *a, const NetfilSpec *b);

/* Whole-filter rules: at least one selector; kill needs a process selector;
 * not more than fits one filter. Call before the spec is taken into use. */
gboolean netfil_spec_check(const NetfilSpec *spec, GError **error);

NetfilSpecType netfil_spec_type(const NetfilSpec *spec);
gboolean netfil_spec_has_owner(const NetfilSpec *spec);       /* pid, exe, user, cgroup or unit */
gboolean netfil_spec_counts_loopback(const NetfilSpec *spec); /* asked for, or a prefix names it */

/* The kind whose name `each` is short for: that of the only selector that it could be about. */
gboolean netfil_spec_each_of_selectors(const NetfilSpec *spec, NetfilEach *each, GError **error);
guint netfil_spec_max_members(const NetfilSpec *spec); /* that there may be, with `each` */
const char *netfil_each_name(NetfilEach each);

/* Whether one of the values is NETFIL_ANY. */
gboolean netfil_texts_have_any(const GPtrArray *texts);

/* "pid 4711, ip 192.0.2.0/24": the one place a selector is put into words. */
char *netfil_spec_selector_text(const NetfilSpec *spec);

const char *netfil_on_limit_name(NetfilOnLimit policy);

/* The protocols that have a name, one after the other; NULL after the last. */
const char *netfil_proto_name(guint index);

/* "throttle=125k" or the policy's name: what on-limit takes. Caller frees. */
char *netfil_spec_on_limit_text(const NetfilSpec *spec);
const char *netfil_durability_name(NetfilDurability durability); /* "default" … */
