/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* One of netfil's commands. */
typedef struct {
	const char *name;
	const char *summary;
	/* argv[0] is the command's name. Returns the exit status; main() prints the
	 * error, and makes EXIT_FAILURE a 2 where the words were wrong. */
	int (*run)(int argc, char **argv, GError **error);
} NetfilCommand;

/* All of them, in the order in which they are told. */
const NetfilCommand *netfil_commands(guint *count);
const NetfilCommand *netfil_find_command(const char *name); /* NULL: there is none */

int netfil_cmd_run(int argc, char **argv, GError **error);
int netfil_cmd_add(int argc, char **argv, GError **error);
int netfil_cmd_set(int argc, char **argv, GError **error);
int netfil_cmd_on(int argc, char **argv, GError **error);
int netfil_cmd_off(int argc, char **argv, GError **error);
int netfil_cmd_reset(int argc, char **argv, GError **error);
int netfil_cmd_rm(int argc, char **argv, GError **error);
int netfil_cmd_list(int argc, char **argv, GError **error);
int netfil_cmd_show(int argc, char **argv, GError **error);
int netfil_cmd_history(int argc, char **argv, GError **error);
int netfil_cmd_top(int argc, char **argv, GError **error);
int netfil_cmd_watch(int argc, char **argv, GError **error);
int netfil_cmd_export(int argc, char **argv, GError **error);
int netfil_cmd_apply(int argc, char **argv, GError **error);
int netfil_cmd_sysctl(int argc, char **argv, GError **error);
int netfil_cmd_metrics(int argc, char **argv, GError **error);
int netfil_cmd_doctor(int argc, char **argv, GError **error);
int netfil_cmd_reload(int argc, char **argv, GError **error);
