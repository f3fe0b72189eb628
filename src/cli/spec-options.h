/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/spec.h"

/* The options that make or change a filter, collected by add, set and run. */

typedef enum {
	NETFIL_FOR_ADD = 1 << 0,
	NETFIL_FOR_SET = 1 << 1,
	NETFIL_FOR_RUN = 1 << 2,
} NetfilSpecUse;

/* For the --help of each. */
#define NETFIL_POLICIES_HELP                                                                       \
	"At the cap reject refuses, and ends connections; drop does so in silence; kill\n"         \
	"ends the processes; pause stops them until there is room again; throttle=125k\n"          \
	"lets 125,000 bytes a second pass; notify only tells; down takes the interfaces\n"         \
	"down (not with run).\n"                                                                   \
	"\n"                                                                                       \
	"--every takes hour, day, week, week@sun, month, month@14, 30d, or never.\n"               \
	"\n"

typedef struct NetfilSpecOptions NetfilSpecOptions;

NetfilSpecOptions *netfil_spec_options_new(NetfilSpecUse use);
void netfil_spec_options_free(NetfilSpecOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilSpecOptions, netfil_spec_options_free)

/* The options of this use, for netfil_options_parse(), which takes the group
 * over; `options` must live until then. */
GOptionGroup *netfil_spec_options_group(NetfilSpecOptions *options);

/* Before they are parsed: a value that may be left out is not the next word. */
void netfil_spec_options_words(int argc, char **argv);

/* The filter that the options describe, under that name. Caller frees. NETFIL_ERROR_INVALID:
 * --each, and it cannot be told of what. */
NetfilSpec *netfil_spec_options_spec(const NetfilSpecOptions *options, const char *name,
				     GError **error);

/* What the options change, as a{sas}: an empty list where a value was empty.
 * Floating reference; NULL if there is nothing. */
GVariant *netfil_spec_options_changes(const NetfilSpecOptions *options);
