/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/socket-usage.h"
#include "core/status.h"

/* Who moves how much now: out of what sockets and filters have counted, update by update. Pure. */
typedef struct NetfilTop NetfilTop;

typedef enum {
	NETFIL_TOP_PROCESS,
	NETFIL_TOP_EXE,
	NETFIL_TOP_USER,
	NETFIL_TOP_REMOTE,
	NETFIL_TOP_FILTER,
	NETFIL_TOP_GROUPS,
} NetfilTopGroup;

typedef enum {
	NETFIL_TOP_BY_RATE, /* in and out together */
	NETFIL_TOP_BY_IN,
	NETFIL_TOP_BY_OUT,
	NETFIL_TOP_BY_TOTAL,
	NETFIL_TOP_BY_NAME,
	NETFIL_TOP_SORTS,
} NetfilTopSort;

/* "process", "exe", "user", "remote", "filter"; "rate", "in", "out", "total", "name". */
const char *netfil_top_group_name(NetfilTopGroup group);
const char *netfil_top_sort_name(NetfilTopSort sort);
/* -1 and NETFIL_ERROR_INVALID. */
int netfil_top_group_parse(const char *text, GError **error);
int netfil_top_sort_parse(const char *text, GError **error);

typedef struct {
	char *name;    /* "curl", "/usr/bin/curl", "alice", "192.0.2.1", "hotspot" */
	char *detail;  /* "4711 alice", "100.0 MB left": what tells it apart; may be "" */
	char *value;   /* of the selector that caps it, in a new filter; NULL: nothing does */
	gboolean each; /* a filter whose caps are of each member */
	guint sockets;
	double rate[2]; /* bytes a second in and out, since the update before */
	guint64
	    total[2]; /* bytes in and out: since watching began; a filter's since its cycle did */
} NetfilTopRow;

/* Of a row's group: "pid", "exe", "user", "ip"; NULL: its rows are filters. */
const char *netfil_top_selector(NetfilTopGroup group);

NetfilTop *netfil_top_new(void);
void netfil_top_free(NetfilTop *top);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilTop, netfil_top_free)

/* `user_name`: of a user id; what it returns is freed. `now`: monotonic, microseconds. */
void netfil_top_update(NetfilTop *top, const GArray *sockets, const GPtrArray *statuses,
		       char *(*user_name)(guint32 uid), gint64 now);

/* Of const NetfilTopRow, which are the model's until the next update; those in which `search`
 * (NULL: all) stands, whatever its case. Caller unrefs. */
GPtrArray *netfil_top_rows(NetfilTop *top, NetfilTopGroup group, NetfilTopSort sort,
			   const char *search);

/* Of all sockets. */
void netfil_top_sum(const NetfilTop *top, double rate[2], guint64 total[2]);
