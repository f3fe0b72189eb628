/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <limits.h>
#include <string.h>

#include "number.h"
#include "quote.h"
#include "spec-value.h"
#include "spec.h"

#define PID_LIMIT 4194304           /* the kernel's PID_MAX_LIMIT */
#define UID_LIMIT (G_MAXUINT32 - 1) /* (uid_t)-1 means "no user" */
#define USER_LENGTH 256
#define UNIT_LENGTH 255
#define INTERFACE_LENGTH 15 /* IFNAMSIZ - 1 */
#define GLOB_LENGTH 64

static char *refuse(const char *value, const char *why, GError **error)
{
	netfil_set_invalid(error, value, -1, "%s", why);
	return NULL;
}

char *netfil_value_path(const char *value, GError **error)
{
	if (value[0] != '/')
		return refuse(value, "is not an absolute path: begin it with /", error);
	if (strlen(value) >= PATH_MAX)
		return refuse(value, "is too long for a path: use a shorter one", error);
	if (g_str_has_suffix(value, "/"))
		return refuse(value, "names a folder: name a file", error);
	return g_strdup(value);
}

char *netfil_value_exe(const char *value, GError **error)
{
	return g_str_equal(value, NETFIL_ANY) ? g_strdup(value) : netfil_value_path(value, error);
}

char *netfil_value_user(const char *value, GError **error)
{
	gsize length = strlen(value);
	guint64 uid;

	if (strspn(value, "0123456789") == length &&
	    !netfil_number_parse(value, length, UID_LIMIT, &uid))
		return refuse(value, "is not a user: use a name or a number up to 4294967294",
			      error);
	if (length > USER_LENGTH || strpbrk(value, ":/") || strchr("+- ", value[0]) ||
	    value[length - 1] == ' ')
		return refuse(value, "is not a user: use a name, like alice, or a number", error);
	return g_strdup(value);
}

/* No part is empty, "." or "..", as no cgroup has such a name. */
static gboolean is_clean_path(const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (guint i = 1; parts[i]; i++)
		if (parts[i][0] == '\0' || g_str_equal(parts[i], ".") ||
		    g_str_equal(parts[i], ".."))
			return FALSE;
	return TRUE;
}

char *netfil_value_cgroup(const char *value, GError **error)
{
	if (g_str_equal(value, NETFIL_ANY))
		return g_strdup(value);
	if (strlen(value) >= NETFIL_NAME_MAX)
		return refuse(value, "is too long for a cgroup: use at most 255 bytes", error);
	if (g_str_has_prefix(value, "/sys/fs/cgroup"))
		return refuse(value, "is a path of the file system: leave out /sys/fs/cgroup",
			      error);
	if (value[0] != '/' || (value[1] != '\0' && !is_clean_path(value)))
		return refuse(value,
			      "is not a cgroup: use its path from the root of the hierarchy, "
			      "like /user.slice",
			      error);
	return g_strdup(value);
}

static gboolean has_suffix_of(const char *value, const char *const *suffixes)
{
	for (; *suffixes; suffixes++)
		if (g_str_has_suffix(value, *suffixes))
			return TRUE;
	return FALSE;
}

char *netfil_value_unit(const char *value, GError **error)
{
	static const char *const with[] = {".service", ".scope", ".slice", ".socket",
					   ".mount",   ".swap",  NULL};
	static const char *const without[] = {".timer",  ".path",      ".target",
					      ".device", ".automount", NULL};
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
	g_autofree char *unit = NULL;

	if (value[strspn(value, characters)] != '\0' || value[0] == '.')
		return refuse(value, "is not a unit: use a name like nginx.service", error);
	if (has_suffix_of(value, without))
		return refuse(value, "is a unit without processes: name the service that it starts",
			      error);
	unit = g_strconcat(value, has_suffix_of(value, with) ? NULL : ".service", NULL);
	if (strlen(unit) > UNIT_LENGTH)
		return refuse(value, "is too long for a unit: use at most 255 bytes", error);
	return g_steal_pointer(&unit);
}

char *netfil_value_interface(const char *value, GError **error)
{
	gsize max = strpbrk(value, "*?[") ? GLOB_LENGTH : INTERFACE_LENGTH;

	/* What the kernel's dev_valid_name() refuses. */
	if (strlen(value) > max || strpbrk(value, "/: \t\n\v\f\r") || g_str_equal(value, ".") ||
	    g_str_equal(value, ".."))
		return refuse(value,
			      "is not an interface: use a name of up to 15 bytes, like eth0, or a "
			      "pattern, like wl*",
			      error);
	return g_strdup(value);
}

gboolean netfil_value_pid(const char *value, gpointer pid, GError **error)
{
	guint64 number;

	if (!netfil_number_parse(value, strlen(value), PID_LIMIT, &number) || number == 0)
		return netfil_set_invalid(
		    error, value, -1, "is not a process: use its number, from 1 to %d", PID_LIMIT);
	*(gint64 *)pid = (gint64)number;
	return TRUE;
}

char *netfil_value_pid_text(gconstpointer pid)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, *(const gint64 *)pid);
}

gboolean netfil_value_prefix(const char *value, gpointer prefix, GError **error)
{
	return netfil_prefix_parse(value, prefix, error);
}

char *netfil_value_prefix_text(gconstpointer prefix)
{
	return netfil_prefix_format(prefix);
}

gboolean netfil_value_port(const char *value, gpointer range, GError **error)
{
	const char *hyphen = strchrnul(value, '-');
	const char *second = *hyphen ? hyphen + 1 : value;
	guint64 first, last;

	if (!netfil_number_parse(value, (gsize)(hyphen - value), G_MAXUINT16, &first) ||
	    !netfil_number_parse(second, strlen(second), G_MAXUINT16, &last) || first == 0)
		return netfil_set_invalid(error, value, -1,
					  "is not a port: use a number from 1 to 65535, or a range "
					  "like 8000-8080");
	if (first > last)
		return netfil_set_invalid(error, value, -1,
					  "runs backwards: put the lower port first");
	*(NetfilPortRange *)range = (NetfilPortRange){(guint16)first, (guint16)last};
	return TRUE;
}

char *netfil_value_port_text(gconstpointer range)
{
	const NetfilPortRange *ports = range;

	if (ports->first == ports->last)
		return g_strdup_printf("%u", ports->first);
	return g_strdup_printf("%u-%u", ports->first, ports->last);
}

/* Not getprotobyname(3): what a filter means must not hang on a file of the host's.
 * Of two names the first is the one shown. */
static const struct {
	const char *name;
	guint8 number;
	gboolean has_ports;
} protos[] = {
    {"icmp", 1, FALSE},  {"igmp", 2, FALSE},     {"ipip", 4, FALSE},    {"tcp", 6, TRUE},
    {"udp", 17, TRUE},   {"dccp", 33, TRUE},     {"ipv6", 41, FALSE},   {"gre", 47, FALSE},
    {"esp", 50, FALSE},  {"ah", 51, FALSE},      {"icmpv6", 58, FALSE}, {"ipv6-icmp", 58, FALSE},
    {"ospf", 89, FALSE}, {"pim", 103, FALSE},    {"vrrp", 112, FALSE},  {"l2tp", 115, FALSE},
    {"sctp", 132, TRUE}, {"udplite", 136, TRUE},
};

const char *netfil_proto_name(guint index)
{
	return index < G_N_ELEMENTS(protos) ? protos[index].name : NULL;
}

gboolean netfil_value_proto(const char *value, gpointer proto, GError **error)
{
	guint64 number;

	for (guint i = 0; i < G_N_ELEMENTS(protos); i++)
		if (g_ascii_strcasecmp(protos[i].name, value) == 0) {
			*(guint8 *)proto = protos[i].number;
			return TRUE;
		}
	if (!netfil_number_parse(value, strlen(value), G_MAXUINT8, &number))
		return netfil_set_invalid(error, value, -1,
					  "is not a protocol: use a name, like tcp, udp or icmp, "
					  "or a number from 0 to 255");
	*(guint8 *)proto = (guint8)number;
	return TRUE;
}

char *netfil_value_proto_text(gconstpointer proto)
{
	guint8 number = *(const guint8 *)proto;

	for (guint i = 0; i < G_N_ELEMENTS(protos); i++)
		if (protos[i].number == number)
			return g_strdup(protos[i].name);
	return g_strdup_printf("%u", number);
}

gboolean netfil_proto_has_ports(guint8 proto)
{
	for (guint i = 0; i < G_N_ELEMENTS(protos); i++)
		if (protos[i].number == proto)
			return protos[i].has_ports;
	return FALSE;
}
