/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* The path of a program that belongs to this netfil: where the build tree has it (`folder`, seen
 * from netfil's own), beside netfil, or where it is installed. Caller frees. */
char *netfil_program_find(const char *folder, const char *name, const char *installed,
			  GError **error);
