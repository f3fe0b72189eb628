/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <bpf/libbpf.h>
#include <glib.h>

/*
 * Links by name, pinned where there is a bpffs directory. Attaching under a name
 * that has a link already puts the new program in its place: atomically where the
 * kernel can, else the new one is on before the old one comes off.
 */
typedef struct NetfilLinks NetfilLinks;

NetfilLinks *netfil_links_new(const char *bpffs_dir_or_null);
void netfil_links_free(NetfilLinks *links); /* unpinned links come off */

/* At a cgroup; sees what is below too. */
gboolean netfil_links_cgroup(NetfilLinks *links, const char *name, struct bpf_program *program,
			     const char *cgroup, GError **error);

/* A tracepoint: old and new may both run for a moment, so they must be idempotent. */
gboolean netfil_links_trace(NetfilLinks *links, const char *name, struct bpf_program *program,
			    GError **error);

/* By BPF_LINK_CREATE with the attach type's own arguments: `extra` stands at the
 * union behind link_create.flags. */
gboolean netfil_links_create(NetfilLinks *links, const char *name, struct bpf_program *program,
			     int target, guint attach_type, guint flags, gconstpointer extra,
			     gsize extra_size, GError **error);

/* A link of this name is there (its program may be swapped). */
gboolean netfil_links_has(NetfilLinks *links, const char *name);
void netfil_links_remove(NetfilLinks *links, const char *name);

/* Names; free with g_ptr_array_unref. */
GPtrArray *netfil_links_names(NetfilLinks *links);
