/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "top-model.h"

#include <string.h>

#include "core/quote.h"
#include "core/size.h"

/* Rows of whom nothing is left are kept for their totals, as long as there are so few. */
#define ROWS_KEPT 2000

typedef struct {
	guint64 bytes[2];
	guint update; /* in which it was last seen */
} Seen;

struct NetfilTop {
	GHashTable *groups[NETFIL_TOP_GROUPS]; /* key -> NetfilTopRow */
	GHashTable *sockets;                   /* cookie -> Seen */
	GHashTable *filters;                   /* name -> Seen */
	GHashTable *users;                     /* uid -> name */
	char *(*user_name)(guint32 uid);
	guint update;
	gint64 at;
	double rate[2];
	guint64 total[2];
};

/* Words. */

static const char *const group_names[] = {"process", "exe", "user", "remote", "filter"};
static const char *const sort_names[] = {"rate", "in", "out", "total", "name"};

const char *netfil_top_group_name(NetfilTopGroup group)
{
	return group_names[group];
}

const char *netfil_top_sort_name(NetfilTopSort sort)
{
	return sort_names[sort];
}

static int parse(const char *text, const char *const *names, guint count, const char *what,
		 GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (guint i = 0; i < count; i++) {
		if (g_str_equal(names[i], text))
			return (int)i;
		g_string_append_printf(known, "%s%s", i ? ", " : "", names[i]);
	}
	netfil_set_invalid(error, text, -1, "is not %s: use one of %s", what, known->str);
	return -1;
}

int netfil_top_group_parse(const char *text, GError **error)
{
	return parse(text, group_names, G_N_ELEMENTS(group_names), "what there are lines of",
		     error);
}

int netfil_top_sort_parse(const char *text, GError **error)
{
	return parse(text, sort_names, G_N_ELEMENTS(sort_names), "what lines are sorted by", error);
}

const char *netfil_top_selector(NetfilTopGroup group)
{
	static const char *const selectors[] = {"pid", "exe", "user", "ip", NULL};

	return selectors[group];
}

/* Life. */

static void row_free(gpointer data)
{
	NetfilTopRow *row = data;

	g_free(row->name);
	g_free(row->detail);
	g_free(row->value);
	g_free(row);
}

NetfilTop *netfil_top_new(void)
{
	NetfilTop *top = g_new0(NetfilTop, 1);

	for (guint i = 0; i < NETFIL_TOP_GROUPS; i++)
		top->groups[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, row_free);
	top->sockets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	top->filters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	top->users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return top;
}

void netfil_top_free(NetfilTop *top)
{
	for (guint i = 0; i < NETFIL_TOP_GROUPS; i++)
		g_hash_table_unref(top->groups[i]);
	g_hash_table_unref(top->sockets);
	g_hash_table_unref(top->filters);
	g_hash_table_unref(top->users);
	g_free(top);
}

/* Counting. */

/* What it moved since it was last seen; a new one: all that it has. */
static void step(NetfilTop *top, Seen *seen, guint64 in, guint64 out, guint64 moved[2])
{
	/* A counter that went back is another one's. */
	moved[0] = in >= seen->bytes[0] ? in - seen->bytes[0] : in;
	moved[1] = out >= seen->bytes[1] ? out - seen->bytes[1] : out;
	seen->bytes[0] = in;
	seen->bytes[1] = out;
	seen->update = top->update;
}

static Seen *seen_socket(NetfilTop *top, guint64 cookie)
{
	Seen *seen = g_hash_table_lookup(top->sockets, &cookie);

	if (!seen) {
		seen = g_new0(Seen, 1);
		g_hash_table_insert(top->sockets, g_memdup2(&cookie, sizeof(cookie)), seen);
	}
	return seen;
}

static gboolean is_gone(gpointer key, gpointer value, gpointer top)
{
	(void)key;
	return ((Seen *)value)->update != ((NetfilTop *)top)->update;
}

static NetfilTopRow *row_of(NetfilTop *top, NetfilTopGroup group, const char *key)
{
	NetfilTopRow *row = g_hash_table_lookup(top->groups[group], key);

	if (!row) {
		row = g_new0(NetfilTopRow, 1);
		g_hash_table_insert(top->groups[group], g_strdup(key), row);
	}
	return row;
}

static void count(NetfilTopRow *row, const guint64 moved[2], double seconds)
{
	row->sockets++;
	for (guint i = 0; i < 2; i++) {
		row->total[i] += moved[i];
		row->rate[i] += seconds > 0 ? (double)moved[i] / seconds : 0;
	}
}

static const char *user_of(NetfilTop *top, guint32 uid)
{
	char *name = g_hash_table_lookup(top->users, GUINT_TO_POINTER(uid));

	if (!name) {
		name = uid == G_MAXUINT32 ? g_strdup("(nobody known)") : top->user_name(uid);
		g_hash_table_insert(top->users, GUINT_TO_POINTER(uid), name);
	}
	return name;
}

/* The groups of a socket; a row that is new gets its words. */

static NetfilTopRow *process_of(NetfilTop *top, const NetfilSocketUsage *socket)
{
	g_autofree char *key = g_strdup_printf("%u %" G_GUINT64_FORMAT, socket->pid, socket->start);
	NetfilTopRow *row = row_of(top, NETFIL_TOP_PROCESS, key);

	if (row->name)
		return row;
	row->name = socket->pid == 0 ? g_strdup("(nobody known)")
		    : *socket->exe   ? g_path_get_basename(socket->exe)
				     : g_strdup("?");
	row->detail = socket->pid ? g_strdup_printf("%u %s", socket->pid, user_of(top, socket->uid))
				  : g_strdup("");
	row->value = socket->pid ? g_strdup_printf("%u", socket->pid) : NULL;
	return row;
}

static NetfilTopRow *exe_of(NetfilTop *top, const NetfilSocketUsage *socket)
{
	NetfilTopRow *row = row_of(top, NETFIL_TOP_EXE, socket->exe);

	if (row->name)
		return row;
	row->name = g_strdup(*socket->exe ? socket->exe : "(not known)");
	row->detail = g_strdup("");
	row->value = socket->exe[0] == '/' ? g_strdup(socket->exe) : NULL;
	return row;
}

static NetfilTopRow *owner_of(NetfilTop *top, const NetfilSocketUsage *socket)
{
	g_autofree char *key = g_strdup_printf("%u", socket->uid);
	NetfilTopRow *row = row_of(top, NETFIL_TOP_USER, key);

	if (row->name)
		return row;
	row->name = g_strdup(user_of(top, socket->uid));
	row->detail = g_strdup(socket->uid == G_MAXUINT32 ? "" : key);
	row->value = socket->uid == G_MAXUINT32 ? NULL : g_strdup(key);
	return row;
}

static NetfilTopRow *remote_of(NetfilTop *top, const NetfilSocketUsage *socket)
{
	g_autofree char *key = netfil_prefix_format(&socket->remote);
	NetfilTopRow *row = row_of(top, NETFIL_TOP_REMOTE, key);

	if (row->name)
		return row;
	row->name = g_strdup(key);
	row->detail = g_strdup("");
	row->value = g_strdup(key);
	return row;
}

static void add_socket(NetfilTop *top, const NetfilSocketUsage *socket, double seconds)
{
	guint64 moved[2];

	step(top, seen_socket(top, socket->cookie), socket->in, socket->out, moved);
	count(process_of(top, socket), moved, seconds);
	count(exe_of(top, socket), moved, seconds);
	count(owner_of(top, socket), moved, seconds);
	count(remote_of(top, socket), moved, seconds);
	for (guint i = 0; i < 2; i++) {
		top->total[i] += moved[i];
		top->rate[i] += seconds > 0 ? (double)moved[i] / seconds : 0;
	}
}

static char *members_of(const NetfilStatus *status)
{
	g_autofree char *all = netfil_size_exact(status->members);
	g_autofree char *at_cap = netfil_size_exact(status->members_at_cap);

	return status->members_at_cap
		   ? g_strdup_printf("%s of %s at cap", at_cap, all)
		   : g_strdup_printf("%s member%s", all, status->members == 1 ? "" : "s");
}

static char *left_of(const NetfilStatus *status)
{
	int direction = netfil_status_tightest(status);
	g_autofree char *left = NULL;
	guint64 limit, used;

	if (status->spec->each)
		return members_of(status);
	if (direction < 0)
		return g_strdup("no cap");
	limit = netfil_status_limit(status, (guint)direction);
	used = status->used[direction];
	left = netfil_size_format(limit > used ? limit - used : 0);
	return g_strdup_printf("%s left", left);
}

static void add_filter(NetfilTop *top, const NetfilStatus *status, double seconds)
{
	const char *name = status->spec->name;
	NetfilTopRow *row = row_of(top, NETFIL_TOP_FILTER, name);
	Seen *seen = g_hash_table_lookup(top->filters, name);
	guint64 moved[2] = {0};

	if (seen) {
		step(top, seen, status->counted.in, status->counted.out, moved);
	} else { /* what it has moved before is no rate */
		seen = g_new0(Seen, 1);
		g_hash_table_insert(top->filters, g_strdup(name), seen);
		step(top, seen, status->counted.in, status->counted.out, (guint64[2]){0});
	}
	count(row, moved, seconds);
	g_free(row->name);
	g_free(row->detail);
	row->name = g_strdup(name);
	row->detail = left_of(status);
	row->each = status->spec->each != NETFIL_EACH_NONE;
	row->total[0] = status->used[NETFIL_IN];
	row->total[1] = status->used[NETFIL_OUT];
}

/* Updates. */

static void begin_update(NetfilTop *top)
{
	memset(top->rate, 0, sizeof(top->rate));
	for (guint i = 0; i < NETFIL_TOP_GROUPS; i++) {
		GHashTableIter iter;
		NetfilTopRow *row;

		g_hash_table_iter_init(&iter, top->groups[i]);
		while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&row)) {
			memset(row->rate, 0, sizeof(row->rate));
			row->sockets = 0;
		}
	}
}

static gboolean has_no_socket(gpointer key, gpointer row, gpointer data)
{
	(void)key;
	(void)data;
	return !((NetfilTopRow *)row)->sockets;
}

static void end_update(NetfilTop *top)
{
	g_hash_table_foreach_remove(top->sockets, is_gone, top);
	g_hash_table_foreach_remove(top->filters, is_gone, top);
	for (guint i = 0; i < NETFIL_TOP_GROUPS; i++)
		if (i == NETFIL_TOP_FILTER || g_hash_table_size(top->groups[i]) > ROWS_KEPT)
			g_hash_table_foreach_remove(top->groups[i], has_no_socket, NULL);
}

void netfil_top_update(NetfilTop *top, const GArray *sockets, const GPtrArray *statuses,
		       char *(*user_name)(guint32 uid), gint64 now)
{
	double seconds = top->at ? (double)(now - top->at) / G_USEC_PER_SEC : 0;

	top->user_name = user_name;
	top->update++;
	top->at = now;
	begin_update(top);
	for (guint i = 0; i < sockets->len; i++)
		add_socket(top, &g_array_index(sockets, NetfilSocketUsage, i), seconds);
	for (guint i = 0; i < statuses->len; i++)
		add_filter(top, statuses->pdata[i], seconds);
	end_update(top);
}

/* Rows. */

static double amount(const NetfilTopRow *row, NetfilTopSort sort)
{
	switch (sort) {
	case NETFIL_TOP_BY_IN:
		return row->rate[0];
	case NETFIL_TOP_BY_OUT:
		return row->rate[1];
	case NETFIL_TOP_BY_TOTAL:
		return (double)row->total[0] + (double)row->total[1];
	case NETFIL_TOP_BY_NAME:
	case NETFIL_TOP_SORTS:
		return 0;
	case NETFIL_TOP_BY_RATE:
		break;
	}
	return row->rate[0] + row->rate[1];
}

/* Those that move nothing by what they have moved, and then by name, so that lines stand still. */
static gint compare_rows(gconstpointer a, gconstpointer b, gpointer data)
{
	const NetfilTopRow *x = *(NetfilTopRow *const *)a, *y = *(NetfilTopRow *const *)b;
	const NetfilTopSort sorts[] = {GPOINTER_TO_INT(data), NETFIL_TOP_BY_TOTAL};
	gint order;

	for (guint i = 0; GPOINTER_TO_INT(data) != NETFIL_TOP_BY_NAME && i < 2; i++)
		if (amount(x, sorts[i]) != amount(y, sorts[i]))
			return amount(x, sorts[i]) > amount(y, sorts[i]) ? -1 : 1;
	order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->detail, y->detail);
}

static gboolean has(const char *text, const char *folded)
{
	g_autofree char *own = g_utf8_casefold(text, -1);

	return strstr(own, folded) != NULL;
}

GPtrArray *netfil_top_rows(NetfilTop *top, NetfilTopGroup group, NetfilTopSort sort,
			   const char *search)
{
	g_autofree char *folded = search ? g_utf8_casefold(search, -1) : NULL;
	GPtrArray *rows = g_ptr_array_new();
	GHashTableIter iter;
	NetfilTopRow *row;

	g_hash_table_iter_init(&iter, top->groups[group]);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&row))
		if (!folded || has(row->name, folded) || has(row->detail, folded))
			g_ptr_array_add(rows, row);
	g_ptr_array_sort_with_data(rows, compare_rows, GINT_TO_POINTER(sort));
	return rows;
}

void netfil_top_sum(const NetfilTop *top, double rate[2], guint64 total[2])
{
	memcpy(rate, top->rate, sizeof(top->rate));
	memcpy(total, top->total, sizeof(top->total));
}
