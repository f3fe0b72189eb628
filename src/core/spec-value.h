/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* The values of a filter's keys, one by one. Private to core. */

/* These return the value in its one form (caller frees), or NULL and say why. */
char *netfil_value_path(const char *value, GError **error);
char *netfil_value_exe(const char *value, GError **error); /* or NETFIL_ANY */
char *netfil_value_user(const char *value, GError **error);
char *netfil_value_cgroup(const char *value, GError **error);
char *netfil_value_unit(const char *value, GError **error); /* "nginx" is nginx.service */
char *netfil_value_interface(const char *value, GError **error);

/* These write one element of the key's array, and format it again. */
gboolean netfil_value_pid(const char *value, gpointer pid, GError **error);
gboolean netfil_value_prefix(const char *value, gpointer prefix, GError **error);
gboolean netfil_value_port(const char *value, gpointer range, GError **error);
gboolean netfil_value_proto(const char *value, gpointer proto, GError **error);
char *netfil_value_pid_text(gconstpointer pid);
char *netfil_value_prefix_text(gconstpointer prefix);
char *netfil_value_port_text(gconstpointer range);
char *netfil_value_proto_text(gconstpointer proto);

gboolean netfil_proto_has_ports(guint8 proto);
