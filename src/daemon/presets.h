/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/filter-file.h"
#include "engine/engine.h"
#include "mistakes.h"

/*
 * The filters that administrators keep in files, filters.d/NAME.conf below
 * netfil_config_dir(), in the form of netfil-filters.conf(5). All files count as one: they are
 * applied as a whole, or nothing of them is, and then what is in force stays.
 */
typedef struct {
	GPtrArray *files; /* of NetfilPresetFile */
	GPtrArray *specs; /* of NetfilSpec, which are the files' */
} NetfilPresets;

typedef struct {
	char *path;
	NetfilFilterFile *filters;
} NetfilPresetFile;

/* Never NULL. What is wrong is appended to `mistakes`. */
NetfilPresets *netfil_presets_read(GPtrArray *mistakes);
void netfil_presets_free(NetfilPresets *presets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetfilPresets, netfil_presets_free)

/* Where the filters of the presets were refused (of NetfilChange). */
void netfil_presets_refused(const NetfilPresets *presets, const GPtrArray *changes,
			    GPtrArray *mistakes);

/* Reads and applies, logs what it did or each mistake, and has the engine complain as long as
 * there is one. FALSE: nothing was changed. */
gboolean netfil_presets_apply(NetfilEngine *engine, GError **error);
